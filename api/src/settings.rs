//! The settings of the server. Each can be given as a flag or an environment variable. Secrets come from files, never
//! from here.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use clap::Args;
use secrecy::SecretString;

use crate::{network::AddressRange, places::Bounds};

/// The accounts without a relation that may use the relay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum NewAccounts {
    /// None, until an accreditor or the operator invites them. These accounts can still send their actions themselves,
    /// and they can always revoke.
    #[default]
    Invited,
    /// All, within small limits.
    Open,
}

/// The addresses of the services, and the identity of this server.
#[derive(Clone, Debug, Args)]
pub struct Settings {
    /// URL of the chain node's JSON-RPC, http or ws.
    #[arg(long, env = "MEDLOCK_RPC_URL")]
    pub rpc_url: String,
    /// URI of MongoDB, which must be a replica set. It may contain a password, so it is never printed.
    #[arg(long, env = "MEDLOCK_MONGODB_URI", hide_env_values = true)]
    pub mongodb_uri: SecretString,
    /// Name of the database.
    #[arg(long, env = "MEDLOCK_MONGODB_DATABASE", default_value = "medlock")]
    pub mongodb_database: String,
    /// Name of the database for the log's evidence. Default: the name of the database followed by `_log`.
    #[arg(long, env = "MEDLOCK_MONGODB_LOG_DATABASE")]
    pub mongodb_log_database: Option<String>,
    /// Path of the deployment file.
    #[arg(long, env = "MEDLOCK_DEPLOYMENT")]
    pub deployment: PathBuf,
    /// Address and port on which the server listens.
    #[arg(long, env = "MEDLOCK_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Origin at which people reach this server, for example `https://medlock.example`. Login messages are bound to it.
    #[arg(long, env = "MEDLOCK_PUBLIC_URL")]
    pub public_url: String,
    /// Domain (authority) in login messages, if the web app has a different one from the public URL.
    #[arg(long, env = "MEDLOCK_LOGIN_DOMAIN")]
    pub login_domain: Option<String>,
    /// URL of Kubo's RPC. It is an admin port: use only loopback or a private network.
    #[arg(long, env = "MEDLOCK_KUBO_URL")]
    pub kubo_url: String,
    /// File with the private key (hex) of the relayer for ordinary actions. Only its owner may be able to read it.
    #[arg(long, env = "MEDLOCK_RELAYER_KEY_FILE")]
    pub relayer_key_file: PathBuf,
    /// File with the private key (hex) of the relayer for urgent actions: revocations, suspensions and tombstones.
    #[arg(long, env = "MEDLOCK_URGENT_RELAYER_KEY_FILE")]
    pub urgent_relayer_key_file: PathBuf,
    /// File with the private key (hex) of the relayer for the log's checkpoints.
    #[arg(long, env = "MEDLOCK_CHECKPOINT_RELAYER_KEY_FILE")]
    pub checkpoint_relayer_key_file: PathBuf,
    /// File with the operator's private key (hex). It signs receipts and checkpoints.
    #[arg(long, env = "MEDLOCK_OPERATOR_KEY_FILE")]
    pub operator_key_file: PathBuf,
    /// File with the operator's secrets: 32 bytes in hex each, one a line, newest last. Release shares are sealed to
    /// keys derived from them, and the database's personal data is encrypted under them.
    #[arg(long, env = "MEDLOCK_OPERATOR_SECRET_FILE")]
    pub operator_secret_file: PathBuf,
    /// Folder of a built web app to serve beside the API. Without it, no web app is served.
    #[arg(long, env = "MEDLOCK_WEB_DIR")]
    pub web_dir: Option<PathBuf>,
    /// A chain node that the web app may call, and that it recommends to wallets that do not know the chain. May
    /// repeat.
    #[arg(long, env = "MEDLOCK_WEB_RPC", value_delimiter = ',')]
    pub web_rpc: Vec<String>,
    /// Limits.
    #[command(flatten)]
    pub limits: Limits,
}

impl Settings {
    /// Returns the name of the database for the log's evidence.
    #[must_use]
    pub fn log_database(&self) -> String {
        self.mongodb_log_database.clone().unwrap_or_else(|| format!("{}_log", self.mongodb_database))
    }

    /// Fills in the defaults that depend on the chain. A local chain mines only on demand, and nobody else reorganizes
    /// it.
    #[must_use]
    pub fn for_chain(mut self, chain_id: u64) -> Self {
        let is_local = chain_id == LOCAL_CHAIN;
        let limits = &mut self.limits;
        limits.confirmations = limits.confirmations_wanted.unwrap_or(if is_local { 1 } else { 12 });
        limits.head_age_seconds_max = limits.head_age_seconds_max.or((!is_local).then_some(300));
        self
    }
}

/// The chain id of Anvil.
const LOCAL_CHAIN: u64 = 31_337;

/// All limits. Sizes are in bytes and times in seconds, unless the name says otherwise.
#[derive(Clone, Debug, Args)]
pub struct Limits {
    /// Largest JSON body.
    #[arg(long, env = "MEDLOCK_BODY_BYTES_MAX", default_value_t = 2 << 20)]
    pub body_bytes_max: usize,
    /// Largest envelope.
    #[arg(long, env = "MEDLOCK_ENVELOPE_BYTES_MAX", default_value_t = 8 << 30)]
    pub envelope_bytes_max: u64,
    /// Bytes that one account may store.
    #[arg(long, env = "MEDLOCK_QUOTA_BYTES", default_value_t = 64 << 30)]
    pub quota_bytes: u64,
    /// Largest keyring or address book, decoded.
    #[arg(long, env = "MEDLOCK_PRIVATE_BLOB_BYTES_MAX", default_value_t = 256 << 10)]
    pub private_blob_bytes_max: usize,
    /// Time after which an unregistered upload is unpinned.
    #[arg(long, env = "MEDLOCK_UNREGISTERED_SECONDS_MAX", default_value_t = 86_400)]
    pub unregistered_seconds_max: u64,
    /// Pause between two sweeps of unregistered uploads.
    #[arg(long, env = "MEDLOCK_SWEEP_SECONDS", default_value_t = 600)]
    pub sweep_seconds: u64,
    /// Longest session.
    #[arg(long, env = "MEDLOCK_SESSION_SECONDS_MAX", default_value_t = 43_200)]
    pub session_seconds_max: u64,
    /// Sessions of one address at a time. A further session ends the oldest one.
    #[arg(long, env = "MEDLOCK_SESSIONS_MAX", default_value_t = 20)]
    pub sessions_max: usize,
    /// Time for which a login challenge is valid.
    #[arg(long, env = "MEDLOCK_NONCE_SECONDS", default_value_t = 300)]
    pub nonce_seconds: u64,
    /// Largest difference between a client's clock and the server's.
    #[arg(long, env = "MEDLOCK_CLOCK_SKEW_SECONDS_MAX", default_value_t = 60)]
    pub clock_skew_seconds_max: u64,
    /// Requests per second that one caller may make on average.
    #[arg(long, env = "MEDLOCK_RATE_PER_SECOND", default_value_t = 200)]
    pub rate_per_second: u32,
    /// Requests that one caller may make in a burst.
    #[arg(long, env = "MEDLOCK_RATE_BURST", default_value_t = 1_000)]
    pub rate_burst: u32,
    /// Bytes of request bodies, and of JSON answers, per second that one session may have on average. A session
    /// above the limit gets the answer 429. This limits sessions that send few but expensive requests.
    #[arg(long, env = "MEDLOCK_BYTES_PER_SECOND", default_value_t = 2 << 20)]
    pub bytes_per_second: u32,
    /// Bytes of request bodies, and of JSON answers, that one session may have in a burst.
    #[arg(long, env = "MEDLOCK_BYTES_BURST", default_value_t = 8 << 20)]
    pub bytes_burst: u32,
    /// Delay before a caller that exceeds its rate receives the refusal.
    #[arg(long, env = "MEDLOCK_REFUSAL_MILLISECONDS", default_value_t = 1_000)]
    pub refusal_milliseconds: u64,
    /// Sign-in attempts per minute from one network address.
    #[arg(long, env = "MEDLOCK_LOGINS_PER_MINUTE", default_value_t = 600)]
    pub logins_per_minute: u32,
    /// Header with the caller's network address, set by a proxy in front, for example `X-Forwarded-For` or `Forwarded`.
    /// Without it, the socket's address counts.
    #[arg(long, env = "MEDLOCK_FORWARDED_HEADER")]
    pub forwarded_header: Option<String>,
    /// A proxy's address, or a range of addresses. The forwarded header is used only if the request comes from there.
    /// May repeat.
    #[arg(long, env = "MEDLOCK_PROXY", value_delimiter = ',', default_value = "127.0.0.0/8,::1")]
    pub proxy: Vec<AddressRange>,
    /// Connections from one network address at a time. A proxy (`proxy`) has no limit of its own, because the requests
    /// that it forwards are counted.
    #[arg(long, env = "MEDLOCK_CONNECTIONS_PER_NETWORK_MAX", default_value_t = 512)]
    pub connections_per_network_max: usize,
    /// Connections at a time from all addresses of one IPv4 /24 or one IPv6 /48.
    #[arg(long, env = "MEDLOCK_CONNECTIONS_PER_WIDE_NETWORK_MAX", default_value_t = 1_024)]
    pub connections_per_wide_network_max: usize,
    /// Connections at a time, in total.
    #[arg(long, env = "MEDLOCK_CONNECTIONS_MAX", default_value_t = 4_096)]
    pub connections_max: usize,
    /// Requests in progress for one network address, including open downloads and feeds.
    #[arg(long, env = "MEDLOCK_REQUESTS_PER_NETWORK_MAX", default_value_t = 512)]
    pub requests_per_network_max: usize,
    /// Requests in progress for all addresses of one IPv4 /24 or one IPv6 /48.
    #[arg(long, env = "MEDLOCK_REQUESTS_PER_WIDE_NETWORK_MAX", default_value_t = 1_024)]
    pub requests_per_wide_network_max: usize,
    /// Requests in progress, in total.
    #[arg(long, env = "MEDLOCK_REQUESTS_MAX", default_value_t = 4_096)]
    pub requests_max: usize,
    /// Requests that are processed at the same time. Further requests wait, in a separate queue for each network
    /// address. 0: four per processor.
    #[arg(long, env = "MEDLOCK_TURNS", default_value_t = 0)]
    pub turns: usize,
    /// Time after which a running request lets the next one begin. Both then run at the same time, so a request that
    /// waits for the chain or for a body does not block others.
    #[arg(long, env = "MEDLOCK_TURN_MILLISECONDS", default_value_t = 10)]
    pub turn_milliseconds: u64,
    /// Time for which stored answers of `Idempotency-Key` are kept.
    #[arg(long, env = "MEDLOCK_IDEMPOTENCY_SECONDS", default_value_t = 86_400)]
    pub idempotency_seconds: u64,
    /// Time within which the head of a request must arrive. The first byte of a new connection must arrive within the
    /// same time.
    #[arg(long, env = "MEDLOCK_HEADER_SECONDS_MAX", default_value_t = 10)]
    pub header_seconds_max: u64,
    /// Time within which a body must arrive, except for uploads.
    #[arg(long, env = "MEDLOCK_BODY_SECONDS_MAX", default_value_t = 30)]
    pub body_seconds_max: u64,
    /// Time within which an ordinary request is answered.
    #[arg(long, env = "MEDLOCK_REQUEST_SECONDS_MAX", default_value_t = 60)]
    pub request_seconds_max: u64,
    /// Time without progress after which an upload or a download is ended, and time without requests after which a
    /// connection is closed.
    #[arg(long, env = "MEDLOCK_IDLE_SECONDS_MAX", default_value_t = 30)]
    pub idle_seconds_max: u64,
    /// Time after which an unfinished upload is ended.
    #[arg(long, env = "MEDLOCK_UPLOAD_SECONDS_MAX", default_value_t = 21_600)]
    pub upload_seconds_max: u64,
    /// Bytes per second of an answer that a client must read on average, after the first `idle_seconds_max`.
    #[arg(long, env = "MEDLOCK_ANSWER_BYTES_PER_SECOND_MIN", default_value_t = 2_048)]
    pub answer_bytes_per_second_min: u64,
    /// Total time that the server waits for the client to read one answer. After this time the answer is ended. The
    /// client can continue a download with a range request.
    #[arg(long, env = "MEDLOCK_DOWNLOAD_SECONDS_MAX", default_value_t = 21_600)]
    pub download_seconds_max: u64,
    /// Longest time for shutting down.
    #[arg(long, env = "MEDLOCK_SHUTDOWN_SECONDS_MAX", default_value_t = 5)]
    pub shutdown_seconds_max: u64,
    /// Longest time for one call to the chain node.
    #[arg(long, env = "MEDLOCK_RPC_SECONDS_MAX", default_value_t = 10)]
    pub rpc_seconds_max: u64,
    /// Longest time for finding a server of the database, in one call.
    #[arg(long, env = "MEDLOCK_MONGODB_SECONDS_MAX", default_value_t = 5)]
    pub mongodb_seconds_max: u64,
    /// Longest time for one small call to Kubo. Streams may pause for `idle_seconds_max`.
    #[arg(long, env = "MEDLOCK_KUBO_SECONDS_MAX", default_value_t = 15)]
    pub kubo_seconds_max: u64,
    /// Another web origin, besides the public URL, that may call this server (CORS). Off by default. May repeat.
    #[arg(long, env = "MEDLOCK_CORS_ORIGIN", value_delimiter = ',')]
    pub cors_origin: Vec<String>,
    /// Time to wait for a relayed action before the answer is 202.
    #[arg(long, env = "MEDLOCK_RELAY_WAIT_SECONDS", default_value_t = 30)]
    pub relay_wait_seconds: u64,
    /// Time after which a transaction that is not mined is replaced by one with a higher fee.
    #[arg(long, env = "MEDLOCK_RELAY_REPLACE_SECONDS", default_value_t = 30)]
    pub relay_replace_seconds: u64,
    /// Longest pause, in milliseconds, between two requests for a receipt.
    #[arg(long, env = "MEDLOCK_RECEIPT_POLL_MS_MAX", default_value_t = 250)]
    pub receipt_poll_ms_max: u64,
    /// The accounts that may use the relay although they have no relation to anybody on this server.
    #[arg(long, env = "MEDLOCK_NEW_ACCOUNTS", value_enum, default_value_t)]
    pub new_accounts: NewAccounts,
    /// Gas that the relayers spend in a day for one account without a relation to anybody on this server.
    #[arg(long, env = "MEDLOCK_GAS_PER_DAY_NEW", default_value_t = 2_000_000)]
    pub gas_per_day_new: u64,
    /// Gas that the relayers spend in a day for one account that is known on this server.
    #[arg(long, env = "MEDLOCK_GAS_PER_DAY_MAX", default_value_t = 100_000_000)]
    pub gas_per_day_max: u64,
    /// Gas that the relayers spend in a day for one account that an accreditor vouches for, for example a laboratory
    /// that sends reports.
    #[arg(long, env = "MEDLOCK_GAS_PER_DAY_VOUCHED", default_value_t = 2_000_000_000)]
    pub gas_per_day_vouched: u64,
    /// Gas that the relayers spend in a day for all accounts of one network address that no accreditor vouches for.
    /// Urgent actions (revocations) have a separate budget of half this size in addition.
    #[arg(long, env = "MEDLOCK_GAS_PER_DAY_NETWORK", default_value_t = 200_000_000)]
    pub gas_per_day_network: u64,
    /// Gas that the relayers spend in a day for all accounts. Accounts that no accreditor vouches for get at most half
    /// of it. For their urgent actions (revocations) they have a quarter of it in addition.
    #[arg(long, env = "MEDLOCK_GAS_PER_DAY_TOTAL", default_value_t = 10_000_000_000)]
    pub gas_per_day_total: u64,
    /// Gas that the relayers spend in a day for the urgent actions (revocations) of one account, in addition to its
    /// other budget. New accounts have an eighth of it, and vouched accounts twenty times as much.
    #[arg(long, env = "MEDLOCK_GAS_PER_DAY_URGENT", default_value_t = 20_000_000)]
    pub gas_per_day_urgent: u64,
    /// Highest fee of a transaction, in gwei per unit of gas. While the market is above it, transactions wait. A
    /// transaction that only uses up a nonce (a transfer of 21,000 gas) may pay a quarter more.
    #[arg(long, env = "MEDLOCK_FEE_GWEI_MAX", default_value_t = 200)]
    pub fee_gwei_max: u64,
    /// Time in milliseconds after which the log is anchored.
    #[arg(long, env = "MEDLOCK_CHECKPOINT_MS_MAX", default_value_t = 2_000)]
    pub checkpoint_ms_max: u64,
    /// Number of reads after which the log is anchored, if that comes first.
    #[arg(long, env = "MEDLOCK_CHECKPOINT_READS_MAX", default_value_t = 100)]
    pub checkpoint_reads_max: usize,
    /// Time within which a receipt promises that its leaf is on chain. The promise is longer if the queue needs more
    /// time, but never more than 300 seconds.
    #[arg(long, env = "MEDLOCK_ANCHOR_SECONDS_MIN", default_value_t = 60)]
    pub anchor_seconds_min: u64,
    /// Highest age of the head block at which reads are allowed. With an older head they are refused, because a node
    /// that has stopped does not see revocations. Default: 300, or no limit on a local chain (id 31337), which mines
    /// only on demand.
    #[arg(long, env = "MEDLOCK_HEAD_AGE_SECONDS_MAX")]
    pub head_age_seconds_max: Option<u64>,
    /// Number of blocks on top of a block after which it counts as final. Until then the outcome of an action is
    /// checked again, and revoked data is not destroyed. Default: 12, or 1 on a local chain (id 31337).
    #[arg(long = "confirmations", env = "MEDLOCK_CONFIRMATIONS")]
    pub confirmations_wanted: Option<u64>,
    /// Number of confirmations that applies to this chain; see [`Settings::for_chain`].
    #[arg(skip)]
    pub confirmations: u64,
    /// Time after which a lease (sequencer, sweeper, relay) that is not renewed becomes free.
    #[arg(long, env = "MEDLOCK_LEASE_SECONDS", default_value_t = 10)]
    pub lease_seconds: u64,
    /// Number of blocks by which the mirror may be behind before readiness fails.
    #[arg(long, env = "MEDLOCK_MIRROR_LAG_BLOCKS_MAX", default_value_t = 20)]
    pub mirror_lag_blocks_max: u64,
    /// Requests of one practitioner to one patient that may wait for an answer at a time.
    #[arg(long, env = "MEDLOCK_OPEN_REQUESTS_MAX", default_value_t = 20)]
    pub open_requests_max: u64,
    /// Requests from strangers that one person receives in a day, from all strangers together. A stranger is somebody
    /// whom no accreditor vouches for and whom the recipient has no relation with.
    #[arg(long, env = "MEDLOCK_STRANGERS_REQUESTS_PER_DAY_MAX", default_value_t = 10)]
    pub strangers_requests_per_day_max: u64,
    /// Requests that one stranger may make in a day, to all people together.
    #[arg(long, env = "MEDLOCK_STRANGER_REQUESTS_PER_DAY_MAX", default_value_t = 20)]
    pub stranger_requests_per_day_max: u64,
    /// Entries in one person's event feed that strangers may cause in a day.
    #[arg(long, env = "MEDLOCK_STRANGERS_EVENTS_PER_DAY_MAX", default_value_t = 20)]
    pub strangers_events_per_day_max: u64,
    /// Senders that one person may block at a time.
    #[arg(long, env = "MEDLOCK_BLOCKS_MAX", default_value_t = 1_000)]
    pub blocks_max: u64,
    /// Time after its deadline for which an access request is kept, whatever its state.
    #[arg(long, env = "MEDLOCK_REQUESTS_KEPT_SECONDS", default_value_t = 365 * 86_400)]
    pub requests_kept_seconds: u64,
    /// Pause between two heartbeats of the event feed.
    #[arg(long, env = "MEDLOCK_HEARTBEAT_SECONDS", default_value_t = 15)]
    pub heartbeat_seconds: u64,
    /// Connections to the event feed that one session may hold.
    #[arg(long, env = "MEDLOCK_FEEDS_MAX", default_value_t = 8)]
    pub feeds_max: usize,
}

impl Limits {
    /// Returns whether the settings name this address as a proxy.
    #[must_use]
    pub fn is_proxy(&self, address: IpAddr) -> bool {
        self.forwarded_header.is_some() && self.proxy.iter().any(|range| range.contains(address))
    }

    /// Returns the limits for requests in progress.
    #[must_use]
    pub fn requests(&self) -> Bounds {
        Bounds {
            network: self.requests_per_network_max,
            wide_network: self.requests_per_wide_network_max,
            all: self.requests_max,
        }
    }

    /// Returns the limits for connections, if the system allows enough open files.
    #[must_use]
    pub fn connections(&self) -> Bounds {
        Bounds {
            network: self.connections_per_network_max,
            wide_network: self.connections_per_wide_network_max,
            all: self.connections_max,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        settings: Settings,
    }

    /// Returns the required settings, followed by `extra`.
    fn settings(extra: &[&str]) -> Settings {
        let needed = ["--rpc-url", "--mongodb-uri", "--deployment", "--public-url", "--kubo-url"];
        let files = [
            "--relayer-key-file",
            "--urgent-relayer-key-file",
            "--checkpoint-relayer-key-file",
            "--operator-key-file",
            "--operator-secret-file",
        ];
        let needed = needed.into_iter().chain(files).flat_map(|flag| [flag, "x"]);
        Arguments::parse_from(["api"].into_iter().chain(needed).chain(extra.iter().copied())).settings
    }

    #[test]
    fn a_real_chain_needs_confirmations_and_a_fresh_head_by_default() {
        let of = |settings: Settings, chain| {
            let limits = settings.for_chain(chain).limits;
            (limits.confirmations, limits.head_age_seconds_max)
        };
        assert_eq!(of(settings(&[]), LOCAL_CHAIN), (1, None));
        assert_eq!(of(settings(&[]), 1), (12, Some(300)));
        let said = settings(&["--confirmations", "3", "--head-age-seconds-max", "20"]);
        assert_eq!(of(said.clone(), 1), (3, Some(20)));
        assert_eq!(of(said, LOCAL_CHAIN), (3, Some(20)));
    }
}
