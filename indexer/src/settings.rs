//! Settings: flags, or the environment.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use alloy::transports::http::reqwest::Url;
use clap::{Args, Parser, Subcommand};

/// Mirrors the contracts' events into MongoDB.
#[derive(Parser)]
#[command(name = "medlock-indexer", version, about, arg_required_else_help = true)]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The command to run.
#[derive(Subcommand)]
pub enum Command {
    /// Brings the mirror up to the chain's head and follows it.
    Run(Settings),
    /// Builds a new mirror up to the chain's head, then replaces the one in use with it, and ends. Does not change the
    /// API's collections.
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
    /// Replaces the mirror also when it belongs to another chain or other contracts.
    #[arg(long)]
    pub other_chain: bool,
}

// No Debug: URLs may hold keys and passwords.
/// Settings of `run`.
#[derive(Args, Clone)]
pub struct Settings {
    /// JSON-RPC endpoints of the chain, over HTTP. Repeat the flag or separate them with commas; when one fails, the
    /// next one is used.
    #[arg(
        long,
        env = "MEDLOCK_RPC_URL",
        hide_env_values = true,
        value_delimiter = ',',
        default_value = "http://127.0.0.1:8545"
    )]
    pub rpc_url: Vec<Url>,
    /// WebSocket endpoint for a subscription to new heads. Optional; it makes the mirror faster. For Anvil it is found
    /// automatically.
    #[arg(long, env = "MEDLOCK_WS_URL", hide_env_values = true)]
    pub ws_url: Option<Url>,
    /// MongoDB URI of a replica set of one or more nodes.
    #[arg(long, env = "MEDLOCK_MONGODB_URI", hide_env_values = true)]
    pub mongodb_uri: String,
    /// Name of the database.
    #[arg(long, env = "MEDLOCK_MONGODB_DATABASE", default_value = "medlock")]
    pub mongodb_database: String,
    /// Path of the deployment file.
    #[arg(long, env = "MEDLOCK_DEPLOYMENT")]
    pub deployment: PathBuf,
    /// Address for health and metrics. It should not be reachable from outside.
    #[arg(long, env = "MEDLOCK_INDEXER_LISTEN", default_value = "127.0.0.1:8404")]
    pub listen: SocketAddr,
    /// Pace and sizes.
    #[command(flatten)]
    pub pace: Pace,
}

/// Pace and sizes.
#[derive(Args, Clone, Copy, Debug)]
pub struct Pace {
    /// Time between two requests for a new head, in milliseconds.
    #[arg(long = "poll-ms", env = "MEDLOCK_INDEXER_POLL_MS", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    pub poll_ms: u64,
    /// Number of recent blocks kept to undo a reorg. A deeper reorg needs `reindex`.
    #[arg(long, env = "MEDLOCK_INDEXER_WINDOW", default_value_t = 256, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub window: u64,
    /// Target number of events in one transaction.
    #[arg(long, env = "MEDLOCK_INDEXER_BATCH_EVENTS", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub batch_events: u64,
    /// Largest number of blocks in one request.
    #[arg(long, env = "MEDLOCK_INDEXER_BATCH_BLOCKS", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub batch_blocks: u64,
    /// Number of parallel requests while the mirror is far behind.
    #[arg(long, env = "MEDLOCK_INDEXER_REQUESTS", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=64))]
    pub requests: u64,
    /// Compares old blocks with their bloom filters, too. This needs one more request for each block, but then a single
    /// endpoint cannot leave out logs unnoticed. Recent blocks are always compared.
    #[arg(long, env = "MEDLOCK_INDEXER_CHECK_BLOOMS")]
    pub check_blooms: bool,
    /// Longest time for one request, in milliseconds.
    #[arg(long, env = "MEDLOCK_INDEXER_RPC_TIMEOUT_MS", default_value_t = 15_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub rpc_timeout_ms: u64,
    /// Largest number of blocks behind the head at which the indexer is ready.
    #[arg(long, env = "MEDLOCK_INDEXER_READY_LAG", default_value_t = 3)]
    pub ready_lag: u64,
    /// Time for which a chain must stay shorter than the mirror before the indexer accepts that it is shorter, in
    /// milliseconds. Until then, the endpoint may only be behind.
    #[arg(long, env = "MEDLOCK_INDEXER_BEHIND_MS", default_value_t = 5_000)]
    pub behind_ms: u64,
    /// Time without a renewal of the lease after which another indexer takes over, in milliseconds.
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
