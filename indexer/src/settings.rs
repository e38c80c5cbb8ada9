//! Settings: flags, or the environment.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use alloy::transports::http::reqwest::Url;
use clap::{Args, Parser, Subcommand};

/// Mirrors the contracts' events into MongoDB.
#[derive(Parser)]
#[command(name = "medlock-indexer", version, about, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Brings the mirror up to the chain's head and follows it.
    Run(Settings),
    /// Builds the mirror anew beside the one that serves, up to the chain's head, puts it in its place, and ends. Leaves
    /// the API's collections alone.
    Reindex(Reindex),
    /// Prints the version.
    Version,
}

/// Settings of `reindex`.
#[derive(Args)]
pub struct Reindex {
    /// As for `run`.
    #[command(flatten)]
    pub settings: Settings,
    /// Replace the mirror also when it belongs to another chain or to other contracts.
    #[arg(long)]
    pub other_chain: bool,
}

// No Debug: URLs may hold keys and passwords.
/// Settings of `run`.
#[derive(Args, Clone)]
pub struct Settings {
    /// JSON-RPC endpoint of the chain, over HTTP. Several, given one by one or with commas, stand in for one another.
    #[arg(
        long,
        env = "MEDLOCK_RPC_URL",
        hide_env_values = true,
        value_delimiter = ',',
        default_value = "http://127.0.0.1:8545"
    )]
    pub rpc_url: Vec<Url>,
    /// Where to subscribe to new heads. Not needed: it shortens the way from block to mirror. With Anvil it is found.
    #[arg(long, env = "MEDLOCK_WS_URL", hide_env_values = true)]
    pub ws_url: Option<Url>,
    /// MongoDB: a replica set, of one node or more.
    #[arg(long, env = "MEDLOCK_MONGODB_URI", hide_env_values = true)]
    pub mongodb_uri: String,
    /// Name of the database.
    #[arg(long, env = "MEDLOCK_MONGODB_DATABASE", default_value = "medlock")]
    pub mongodb_database: String,
    /// The deployment file.
    #[arg(long, env = "MEDLOCK_DEPLOYMENT")]
    pub deployment: PathBuf,
    /// Where health and metrics are served. Keep it inside.
    #[arg(long, env = "MEDLOCK_INDEXER_LISTEN", default_value = "127.0.0.1:8404")]
    pub listen: SocketAddr,
    /// Pace and sizes.
    #[command(flatten)]
    pub pace: Pace,
}

/// Pace and sizes.
#[derive(Args, Clone, Copy, Debug)]
pub struct Pace {
    /// How often to ask for a new head, in milliseconds.
    #[arg(long = "poll-ms", env = "MEDLOCK_INDEXER_POLL_MS", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    pub poll_ms: u64,
    /// How many recent blocks are kept to undo a reorg; a deeper one needs `reindex`.
    #[arg(long, env = "MEDLOCK_INDEXER_WINDOW", default_value_t = 256, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub window: u64,
    /// How many events a transaction aims at.
    #[arg(long, env = "MEDLOCK_INDEXER_BATCH_EVENTS", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub batch_events: u64,
    /// How many blocks one request may cover at most.
    #[arg(long, env = "MEDLOCK_INDEXER_BATCH_BLOCKS", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub batch_blocks: u64,
    /// How many requests are in flight while the mirror is far behind.
    #[arg(long, env = "MEDLOCK_INDEXER_REQUESTS", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=64))]
    pub requests: u64,
    /// Compare old blocks, too, with their bloom filters: one more request a block, and then a single endpoint cannot
    /// leave out logs unnoticed. Recent blocks are always compared.
    #[arg(long, env = "MEDLOCK_INDEXER_CHECK_BLOOMS")]
    pub check_blooms: bool,
    /// How long one request may take, in milliseconds.
    #[arg(long, env = "MEDLOCK_INDEXER_RPC_TIMEOUT_MS", default_value_t = 15_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub rpc_timeout_ms: u64,
    /// How many blocks behind the head still counts as ready.
    #[arg(long, env = "MEDLOCK_INDEXER_READY_LAG", default_value_t = 3)]
    pub ready_lag: u64,
    /// How long a chain may stay shorter than the mirror before it is believed, in milliseconds: endpoints lag.
    #[arg(long, env = "MEDLOCK_INDEXER_BEHIND_MS", default_value_t = 5_000)]
    pub behind_ms: u64,
    /// How long the indexer at work may give no sign of life before another one takes over, in milliseconds.
    #[arg(long, env = "MEDLOCK_INDEXER_LEASE_MS", default_value_t = 3_000, value_parser = clap::value_parser!(u64).range(100..=8_000))]
    pub lease_ms: u64,
}

impl Default for Pace {
    fn default() -> Self {
        #[derive(Parser)]
        struct Defaults {
            #[command(flatten)]
            pace: Pace,
        }
        Defaults::parse_from(["medlock-indexer"]).pace
    }
}

impl Pace {
    pub(crate) const fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_ms)
    }

    pub(crate) const fn rpc_timeout(&self) -> Duration {
        Duration::from_millis(self.rpc_timeout_ms)
    }

    pub(crate) const fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_ms)
    }

    pub(crate) const fn behind(&self) -> Duration {
        Duration::from_millis(self.behind_ms)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
