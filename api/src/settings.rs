//! Every setting, by flag or environment variable, with its default. Secrets come from files, never from here.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use clap::Args;
use secrecy::SecretString;

use crate::{network::AddressRange, places::Bounds};

/// Which accounts without a relation may use the relay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum NewAccounts {
    /// None, until an accreditor or the operator invites them. They can always send their actions themselves, and take
    /// away what they gave.
    #[default]
    Invited,
    /// All, within small bounds.
    Open,
}

/// Where the parts are and who this server is.
#[derive(Clone, Debug, Args)]
pub struct Settings {
    /// JSON-RPC of the chain, http or ws.
    #[arg(long, env = "MEDLOCK_RPC_URL")]
    pub rpc_url: String,
    /// MongoDB, a replica set. May contain a password, so it is never printed.
    #[arg(long, env = "MEDLOCK_MONGODB_URI", hide_env_values = true)]
    pub mongodb_uri: SecretString,
    /// The database.
    #[arg(long, env = "MEDLOCK_MONGODB_DATABASE", default_value = "medlock")]
    pub mongodb_database: String,
    /// The database of the log's evidence. When absent, the name of the database followed by `_log`.
    #[arg(long, env = "MEDLOCK_MONGODB_LOG_DATABASE")]
    pub mongodb_log_database: Option<String>,
    /// The deployment file.
    #[arg(long, env = "MEDLOCK_DEPLOYMENT")]
    pub deployment: PathBuf,
    /// Where to listen.
    #[arg(long, env = "MEDLOCK_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// The origin under which people reach this server, such as `https://medlock.example`. Login messages are bound to it.
    #[arg(long, env = "MEDLOCK_PUBLIC_URL")]
    pub public_url: String,
    /// The domain (authority) that login messages name, where the web app has another one than the public URL.
    #[arg(long, env = "MEDLOCK_LOGIN_DOMAIN")]
    pub login_domain: Option<String>,
    /// Kubo's RPC, an admin port: loopback or a private network only.
    #[arg(long, env = "MEDLOCK_KUBO_URL")]
    pub kubo_url: String,
    /// File with the private key (hex) of the relayer for what gives, readable by its owner only.
    #[arg(long, env = "MEDLOCK_RELAYER_KEY_FILE")]
    pub relayer_key_file: PathBuf,
    /// File with the private key (hex) of the relayer for what takes away: revocations, suspensions, tombstones.
    #[arg(long, env = "MEDLOCK_URGENT_RELAYER_KEY_FILE")]
    pub urgent_relayer_key_file: PathBuf,
    /// File with the private key (hex) of the relayer for the log's checkpoints.
    #[arg(long, env = "MEDLOCK_CHECKPOINT_RELAYER_KEY_FILE")]
    pub checkpoint_relayer_key_file: PathBuf,
    /// File with the operator's private key (hex): signs receipts and checkpoints.
    #[arg(long, env = "MEDLOCK_OPERATOR_KEY_FILE")]
    pub operator_key_file: PathBuf,
    /// File with the operator's secrets (32 bytes in hex each, one a line, newest last): release shares are sealed to keys
    /// derived from them, and what the database keeps of people is sealed under them.
    #[arg(long, env = "MEDLOCK_OPERATOR_SECRET_FILE")]
    pub operator_secret_file: PathBuf,
    /// The folder of a built web app to serve beside the API; none is served when absent.
    #[arg(long, env = "MEDLOCK_WEB_DIR")]
    pub web_dir: Option<PathBuf>,
    /// A chain node that the web app may ask and recommends to wallets that do not know the chain. May repeat.
    #[arg(long, env = "MEDLOCK_WEB_RPC", value_delimiter = ',')]
    pub web_rpc: Vec<String>,
    /// Limits.
    #[command(flatten)]
    pub limits: Limits,
}

impl Settings {
    /// Returns the name of the database of the log's evidence.
    #[must_use]
    pub fn log_database(&self) -> String {
        self.mongodb_log_database.clone().unwrap_or_else(|| format!("{}_log", self.mongodb_database))
    }

    /// Fills in what depends on the chain: a local one mines only on demand and is never reorganized by others.
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

/// Every limit. Sizes in bytes, times in seconds unless the name says otherwise.
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
    /// An upload that was never registered is unpinned after so long.
    #[arg(long, env = "MEDLOCK_UNREGISTERED_SECONDS_MAX", default_value_t = 86_400)]
    pub unregistered_seconds_max: u64,
    /// Pause between two sweeps of unregistered uploads.
    #[arg(long, env = "MEDLOCK_SWEEP_SECONDS", default_value_t = 600)]
    pub sweep_seconds: u64,
    /// Longest session.
    #[arg(long, env = "MEDLOCK_SESSION_SECONDS_MAX", default_value_t = 43_200)]
    pub session_seconds_max: u64,
    /// Sessions of one address at a time; a further one ends the oldest.
    #[arg(long, env = "MEDLOCK_SESSIONS_MAX", default_value_t = 20)]
    pub sessions_max: usize,
    /// A login challenge counts so long.
    #[arg(long, env = "MEDLOCK_NONCE_SECONDS", default_value_t = 300)]
    pub nonce_seconds: u64,
    /// Largest difference between a client's clock and ours.
    #[arg(long, env = "MEDLOCK_CLOCK_SKEW_SECONDS_MAX", default_value_t = 60)]
    pub clock_skew_seconds_max: u64,
    /// Requests per second that one caller may make on average.
    #[arg(long, env = "MEDLOCK_RATE_PER_SECOND", default_value_t = 200)]
    pub rate_per_second: u32,
    /// Requests that one caller may make at once.
    #[arg(long, env = "MEDLOCK_RATE_BURST", default_value_t = 1_000)]
    pub rate_burst: u32,
    /// Bytes of bodies and of answers from memory per second that one session may have on average. Whoever has had more is
    /// told to wait: much work is not many calls.
    #[arg(long, env = "MEDLOCK_BYTES_PER_SECOND", default_value_t = 2 << 20)]
    pub bytes_per_second: u32,
    /// The same at once.
    #[arg(long, env = "MEDLOCK_BYTES_BURST", default_value_t = 8 << 20)]
    pub bytes_burst: u32,
    /// Whoever asks too often is told so after this time.
    #[arg(long, env = "MEDLOCK_REFUSAL_MILLISECONDS", default_value_t = 1_000)]
    pub refusal_milliseconds: u64,
    /// Sign-in attempts per minute from one network address.
    #[arg(long, env = "MEDLOCK_LOGINS_PER_MINUTE", default_value_t = 600)]
    pub logins_per_minute: u32,
    /// Header with the caller's network address, set by a proxy in front, such as `X-Forwarded-For` or `Forwarded`; without
    /// one the socket's address counts.
    #[arg(long, env = "MEDLOCK_FORWARDED_HEADER")]
    pub forwarded_header: Option<String>,
    /// A proxy's address, or a range of addresses: the forwarded header counts only from there. May repeat.
    #[arg(long, env = "MEDLOCK_PROXY", value_delimiter = ',', default_value = "127.0.0.0/8,::1")]
    pub proxy: Vec<AddressRange>,
    /// Connections from one network address at a time. A proxy (`proxy`) may have as many as there are: the requests that
    /// it forwards are counted.
    #[arg(long, env = "MEDLOCK_CONNECTIONS_PER_NETWORK_MAX", default_value_t = 512)]
    pub connections_per_network_max: usize,
    /// Connections at a time from all addresses of one /24 of IPv4, or one /48 of IPv6.
    #[arg(long, env = "MEDLOCK_CONNECTIONS_PER_WIDE_NETWORK_MAX", default_value_t = 1_024)]
    pub connections_per_wide_network_max: usize,
    /// Connections at a time, in all.
    #[arg(long, env = "MEDLOCK_CONNECTIONS_MAX", default_value_t = 4_096)]
    pub connections_max: usize,
    /// Requests at work for one network address, open downloads and feeds among them.
    #[arg(long, env = "MEDLOCK_REQUESTS_PER_NETWORK_MAX", default_value_t = 512)]
    pub requests_per_network_max: usize,
    /// Requests at work for all addresses of one /24 of IPv4, or one /48 of IPv6.
    #[arg(long, env = "MEDLOCK_REQUESTS_PER_WIDE_NETWORK_MAX", default_value_t = 1_024)]
    pub requests_per_wide_network_max: usize,
    /// Requests at work, in all.
    #[arg(long, env = "MEDLOCK_REQUESTS_MAX", default_value_t = 4_096)]
    pub requests_max: usize,
    /// Requests that are worked on at a time; the others wait, each network address in a queue of its own. 0: four for
    /// each processor.
    #[arg(long, env = "MEDLOCK_TURNS", default_value_t = 0)]
    pub turns: usize,
    /// A request that takes longer goes on beside the others, so that whoever waits for a chain or a body holds up nobody.
    #[arg(long, env = "MEDLOCK_TURN_MILLISECONDS", default_value_t = 10)]
    pub turn_milliseconds: u64,
    /// Stored answers of `Idempotency-Key` live so long.
    #[arg(long, env = "MEDLOCK_IDEMPOTENCY_SECONDS", default_value_t = 86_400)]
    pub idempotency_seconds: u64,
    /// A request's head must be there within so long, and on a new connection its first byte.
    #[arg(long, env = "MEDLOCK_HEADER_SECONDS_MAX", default_value_t = 10)]
    pub header_seconds_max: u64,
    /// A body that is no upload must be there within so long.
    #[arg(long, env = "MEDLOCK_BODY_SECONDS_MAX", default_value_t = 30)]
    pub body_seconds_max: u64,
    /// An ordinary request is answered within so long.
    #[arg(long, env = "MEDLOCK_REQUEST_SECONDS_MAX", default_value_t = 60)]
    pub request_seconds_max: u64,
    /// An upload or download that stands still for so long is ended, and so is a connection on which nothing is asked.
    #[arg(long, env = "MEDLOCK_IDLE_SECONDS_MAX", default_value_t = 30)]
    pub idle_seconds_max: u64,
    /// An upload that has not ended after so long is ended.
    #[arg(long, env = "MEDLOCK_UPLOAD_SECONDS_MAX", default_value_t = 21_600)]
    pub upload_seconds_max: u64,
    /// Bytes per second that a client must take of an answer on average, after its first `idle_seconds_max`.
    #[arg(long, env = "MEDLOCK_ANSWER_BYTES_PER_SECOND_MIN", default_value_t = 2_048)]
    pub answer_bytes_per_second_min: u64,
    /// An answer for whose client was waited so long in all is ended. A download can be gone on with by a range.
    #[arg(long, env = "MEDLOCK_DOWNLOAD_SECONDS_MAX", default_value_t = 21_600)]
    pub download_seconds_max: u64,
    /// Shutting down takes at most so long.
    #[arg(long, env = "MEDLOCK_SHUTDOWN_SECONDS_MAX", default_value_t = 5)]
    pub shutdown_seconds_max: u64,
    /// One call to the chain takes at most so long.
    #[arg(long, env = "MEDLOCK_RPC_SECONDS_MAX", default_value_t = 10)]
    pub rpc_seconds_max: u64,
    /// One call to the database takes at most so long to find a server.
    #[arg(long, env = "MEDLOCK_MONGODB_SECONDS_MAX", default_value_t = 5)]
    pub mongodb_seconds_max: u64,
    /// One small call to Kubo takes at most so long; streams may stand still for `idle_seconds_max`.
    #[arg(long, env = "MEDLOCK_KUBO_SECONDS_MAX", default_value_t = 15)]
    pub kubo_seconds_max: u64,
    /// A web origin other than the public URL that may call this server (CORS); off by default. May repeat.
    #[arg(long, env = "MEDLOCK_CORS_ORIGIN", value_delimiter = ',')]
    pub cors_origin: Vec<String>,
    /// A relayed action is waited for so long before 202 is answered.
    #[arg(long, env = "MEDLOCK_RELAY_WAIT_SECONDS", default_value_t = 30)]
    pub relay_wait_seconds: u64,
    /// A transaction that is not mined within so long is replaced by one that pays more.
    #[arg(long, env = "MEDLOCK_RELAY_REPLACE_SECONDS", default_value_t = 30)]
    pub relay_replace_seconds: u64,
    /// The longest pause, in milliseconds, between two questions for a receipt.
    #[arg(long, env = "MEDLOCK_RECEIPT_POLL_MS_MAX", default_value_t = 250)]
    pub receipt_poll_ms_max: u64,
    /// Which accounts without a relation to anybody here may use the relay.
    #[arg(long, env = "MEDLOCK_NEW_ACCOUNTS", value_enum, default_value_t)]
    pub new_accounts: NewAccounts,
    /// Gas that the relayers spend in a day for one account without a relation to anybody here.
    #[arg(long, env = "MEDLOCK_GAS_PER_DAY_NEW", default_value_t = 2_000_000)]
    pub gas_per_day_new: u64,
    /// Gas that the relayers spend in a day for one account that is known here.
    #[arg(long, env = "MEDLOCK_GAS_PER_DAY_MAX", default_value_t = 100_000_000)]
    pub gas_per_day_max: u64,
    /// Gas that the relayers spend in a day for one account for whom an accreditor vouches: a laboratory's reports.
    #[arg(long, env = "MEDLOCK_GAS_PER_DAY_VOUCHED", default_value_t = 2_000_000_000)]
    pub gas_per_day_vouched: u64,
    /// Gas that the relayers spend in a day for all accounts of one network address for whom nobody vouches. For taking
    /// away there is half as much beside it.
    #[arg(long, env = "MEDLOCK_GAS_PER_DAY_NETWORK", default_value_t = 200_000_000)]
    pub gas_per_day_network: u64,
    /// Gas that the relayers spend in a day for everybody. Accounts for whom nobody vouches get half of it. For taking
    /// away they have a quarter as much beside it.
    #[arg(long, env = "MEDLOCK_GAS_PER_DAY_TOTAL", default_value_t = 10_000_000_000)]
    pub gas_per_day_total: u64,
    /// Gas that the relayers spend in a day for what one account takes away, beside its other budget. New accounts have
    /// an eighth of it, those that are vouched for twenty times as much.
    #[arg(long, env = "MEDLOCK_GAS_PER_DAY_URGENT", default_value_t = 20_000_000)]
    pub gas_per_day_urgent: u64,
    /// The most that a transaction pays, in gwei for each gas. Above it transactions wait. One that gives up a nonce, a
    /// transfer of 21,000 gas, may pay a quarter more.
    #[arg(long, env = "MEDLOCK_FEE_GWEI_MAX", default_value_t = 200)]
    pub fee_gwei_max: u64,
    /// The log is anchored after so many milliseconds.
    #[arg(long, env = "MEDLOCK_CHECKPOINT_MS_MAX", default_value_t = 2_000)]
    pub checkpoint_ms_max: u64,
    /// Or after so many reads, whichever is first.
    #[arg(long, env = "MEDLOCK_CHECKPOINT_READS_MAX", default_value_t = 100)]
    pub checkpoint_reads_max: usize,
    /// A receipt promises that its leaf stands on chain within so long, or as much longer as the queue needs, but never
    /// more than 300 seconds.
    #[arg(long, env = "MEDLOCK_ANCHOR_SECONDS_MIN", default_value_t = 60)]
    pub anchor_seconds_min: u64,
    /// Reads are refused when the head block is older than this: a node that stands still does not see revocations.
    /// When absent: 300, or no limit on a local chain (id 31337), which mines only on demand.
    #[arg(long, env = "MEDLOCK_HEAD_AGE_SECONDS_MAX")]
    pub head_age_seconds_max: Option<u64>,
    /// Blocks on top after which nothing is expected to fall out of the chain: until then the outcome of an action is
    /// looked after, and nothing that was revoked is destroyed. When absent: 12, or 1 on a local chain (id 31337).
    #[arg(long = "confirmations", env = "MEDLOCK_CONFIRMATIONS")]
    pub confirmations_wanted: Option<u64>,
    /// The blocks on top that count on this chain; see [`Settings::for_chain`].
    #[arg(skip)]
    pub confirmations: u64,
    /// A lease (sequencer, sweeper, relay) that is not renewed is free again after so long.
    #[arg(long, env = "MEDLOCK_LEASE_SECONDS", default_value_t = 10)]
    pub lease_seconds: u64,
    /// Readiness fails when the mirror is so many blocks behind.
    #[arg(long, env = "MEDLOCK_MIRROR_LAG_BLOCKS_MAX", default_value_t = 20)]
    pub mirror_lag_blocks_max: u64,
    /// Requests of one practitioner to one patient that may wait for an answer.
    #[arg(long, env = "MEDLOCK_OPEN_REQUESTS_MAX", default_value_t = 20)]
    pub open_requests_max: u64,
    /// Requests of strangers (nobody vouches for them, and the recipient has nothing to do with them) that one person gets in
    /// a day, all strangers together.
    #[arg(long, env = "MEDLOCK_STRANGERS_REQUESTS_PER_DAY_MAX", default_value_t = 10)]
    pub strangers_requests_per_day_max: u64,
    /// Requests that one stranger may make in a day, to all people together.
    #[arg(long, env = "MEDLOCK_STRANGER_REQUESTS_PER_DAY_MAX", default_value_t = 20)]
    pub stranger_requests_per_day_max: u64,
    /// Entries of one person's event feed that strangers cause in a day.
    #[arg(long, env = "MEDLOCK_STRANGERS_EVENTS_PER_DAY_MAX", default_value_t = 20)]
    pub strangers_events_per_day_max: u64,
    /// Senders that one person may block at a time.
    #[arg(long, env = "MEDLOCK_BLOCKS_MAX", default_value_t = 1_000)]
    pub blocks_max: u64,
    /// A request for access is forgotten so long after its deadline, whatever became of it.
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
    /// Returns whether a proxy that the settings name has this address.
    #[must_use]
    pub fn is_proxy(&self, address: IpAddr) -> bool {
        self.forwarded_header.is_some() && self.proxy.iter().any(|range| range.contains(address))
    }

    /// Returns how many requests may be at work.
    #[must_use]
    pub fn requests(&self) -> Bounds {
        Bounds {
            network: self.requests_per_network_max,
            wide_network: self.requests_per_wide_network_max,
            all: self.requests_max,
        }
    }

    /// Returns how many connections there may be, if the system gives as many files.
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

    /// What is needed, and then `extra`.
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
    fn a_real_chain_has_to_be_deep_and_fresh_unless_the_operator_says_otherwise() {
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
