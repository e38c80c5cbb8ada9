//! A local network with the contracts, and indexers on it.

use std::{
    process::Stdio,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use alloy::primitives::{Address, B256};
use indexer::{
    Fingerprint, RunError, fingerprint,
    settings::{Pace, Settings},
};
use localnet::{Localnet, LocalnetConfig, deployment};
use mongodb::{Client, Database, bson::doc};
use protocol::{
    deployment::Deployment,
    mirror::{CURSOR_ID, CursorDoc, collection},
};
use serde_json::{Value, json};
use tokio::{process::Child, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// The longest time for an indexer on a busy machine to reach the head.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running network with the contracts.
pub(crate) struct World {
    pub(crate) net: Localnet,
    pub(crate) deployment: Deployment,
    pub(crate) settings: Settings,
    client: Client,
    databases: AtomicU32,
}

/// An indexer that follows in this process.
pub(crate) struct Running {
    stop: CancellationToken,
    task: JoinHandle<Result<(), RunError>>,
}

impl World {
    /// Starts a new network. The mirror under test is the database `medlock`.
    pub(crate) async fn start() -> Self {
        // `RUST_LOG=indexer=debug cargo test -p indexer -- --nocapture` shows what the indexer does.
        drop(tracing_subscriber::fmt().with_env_filter(EnvFilter::from_default_env()).with_test_writer().try_init());
        let net =
            Localnet::start(LocalnetConfig::for_tests().expect("the programs are installed")).await.expect("starts");
        let file = net.state_dir().join("deployment.json");
        deployment::deploy(&net, &file).await.expect("the contracts deploy");
        let deployment = indexer::binding::read_deployment(&file).expect("the deployment file is whole");
        let settings = Settings {
            rpc_url: vec![net.rpc_url().parse().unwrap()],
            ws_url: None,
            mongodb_uri: net.mongodb_uri(),
            mongodb_database: "medlock".into(),
            deployment: file,
            listen: "127.0.0.1:0".parse().unwrap(),
            pace: Pace { behind_ms: 500, poll_ms: 20, lease_ms: 400, ..Pace::default() },
        };
        let client = Client::with_uri_str(net.mongodb_uri()).await.unwrap();
        Self { net, deployment, settings, client, databases: AtomicU32::new(0) }
    }

    /// Sends a JSON-RPC request to Anvil.
    pub(crate) async fn rpc(&self, method: &str, params: Value) -> Value {
        self.net.rpc(method, params).await.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    pub(crate) async fn mine(&self, blocks: u64) {
        self.rpc("anvil_mine", json!([format!("{blocks:#x}")])).await;
    }

    /// Returns number and hash of the newest block.
    pub(crate) async fn head(&self) -> (u64, B256) {
        let block = self.rpc("eth_getBlockByNumber", json!(["latest", false])).await;
        let number = block["number"].as_str().unwrap().trim_start_matches("0x");
        (u64::from_str_radix(number, 16).unwrap(), block["hash"].as_str().unwrap().parse().unwrap())
    }

    /// Sends a transaction of an account for which Anvil signs. A call that reverts is mined as well, without events.
    /// Waits until it is mined, unless automatic mining is disabled.
    pub(crate) async fn send(&self, from: Address, to: Address, data: &[u8], gas: u64) {
        let data = alloy::hex::encode_prefixed(data);
        let transaction = json!([{ "from": from, "to": to, "data": data, "gas": format!("{gas:#x}") }]);
        let hash = self.rpc("eth_sendTransaction", transaction).await;
        let is_automatic = self.rpc("anvil_getAutomine", json!([])).await == json!(true);
        while is_automatic && self.rpc("eth_getTransactionReceipt", json!([hash])).await.is_null() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Returns the database of the mirror under test.
    pub(crate) fn db(&self) -> Database {
        self.client.database(&self.settings.mongodb_database)
    }

    /// Starts an indexer in this process.
    pub(crate) fn follow(&self) -> Running {
        self.follow_with(self.settings.clone())
    }

    pub(crate) fn follow_with(&self, settings: Settings) -> Running {
        let stop = CancellationToken::new();
        let task = tokio::spawn({
            let stop = stop.clone();
            async move { indexer::run(&settings, stop).await }
        });
        Running { stop, task }
    }

    /// Starts the indexer as a separate process.
    pub(crate) fn spawn(&self) -> Child {
        self.command().arg("run").spawn().expect("the indexer was built with this test")
    }

    /// Returns the indexer's command line with the settings of the mirror under test.
    pub(crate) fn command(&self) -> tokio::process::Command {
        let program = match option_env!("CARGO_BIN_EXE_medlock-indexer") {
            Some(program) => program.into(),
            None => localnet::programs::own("medlock-indexer", "MEDLOCK_INDEXER_BIN").expect("the indexer was built"),
        };
        let mut command = tokio::process::Command::new(program);
        command
            .env("MEDLOCK_RPC_URL", self.net.rpc_url())
            .env("MEDLOCK_MONGODB_URI", self.net.mongodb_uri())
            .env("MEDLOCK_MONGODB_DATABASE", &self.settings.mongodb_database)
            .env("MEDLOCK_DEPLOYMENT", &self.settings.deployment)
            .env("MEDLOCK_INDEXER_LISTEN", "127.0.0.1:0")
            .env("MEDLOCK_INDEXER_POLL_MS", self.settings.pace.poll_ms.to_string())
            .env("MEDLOCK_INDEXER_WINDOW", self.settings.pace.window.to_string())
            .env("MEDLOCK_INDEXER_BATCH_EVENTS", self.settings.pace.batch_events.to_string())
            .env("MEDLOCK_INDEXER_BEHIND_MS", self.settings.pace.behind_ms.to_string())
            .env("MEDLOCK_INDEXER_LEASE_MS", self.settings.pace.lease_ms.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Waits until the mirror is at the chain's head.
    pub(crate) async fn caught_up(&self) {
        let start = Instant::now();
        let cursor = self.db().collection::<CursorDoc>(collection::CURSOR);
        loop {
            // Asked again each time, because Anvil mines slightly after its answer.
            let (number, hash) = self.head().await;
            let at_head = doc! { "_id": CURSOR_ID, "block_hash": format!("{hash:#x}") };
            if cursor.find_one(at_head).await.unwrap().is_some() {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "the mirror does not reach block {number}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Returns the fingerprint of the mirror under test.
    pub(crate) async fn mirror(&self) -> Fingerprint {
        fingerprint(&self.db()).await.unwrap()
    }

    /// Returns the fingerprint of a mirror that is now built from nothing.
    pub(crate) async fn rebuilt(&self) -> Fingerprint {
        self.rebuilt_with(Pace::default()).await
    }

    pub(crate) async fn rebuilt_with(&self, pace: Pace) -> Fingerprint {
        let name = format!("fresh{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let settings = Settings { mongodb_database: name.clone(), pace, ..self.settings.clone() };
        indexer::reindex(&settings, false, CancellationToken::new()).await.expect("a rebuild ends at the head");
        let rebuilt = fingerprint(&self.client.database(&name)).await.unwrap();
        self.client.database(&name).drop().await.unwrap();
        rebuilt
    }

    /// Fails, for each collection, unless the mirror equals a rebuild; also fails when the mirror is empty.
    pub(crate) async fn assert_mirror_is_true(&self, when: &str) {
        self.caught_up().await;
        let (mirror, rebuilt) = (self.mirror().await, self.rebuilt().await);
        assert!(mirror == rebuilt, "{when}: the mirror differs from a rebuild\nmirror\n{mirror}rebuild\n{rebuilt}");
    }
}

impl Running {
    /// Stops the indexer and returns its result.
    pub(crate) async fn stop(self) -> Result<(), RunError> {
        self.stop.cancel();
        self.task.await.unwrap()
    }

    /// Waits until the indexer ends by itself.
    pub(crate) async fn ended(self) -> Result<(), RunError> {
        tokio::time::timeout(PATIENCE, self.task).await.expect("it ends by itself").unwrap()
    }
}
