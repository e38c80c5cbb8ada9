//! [`Localnet`]: Anvil, Kubo and MongoDB.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    Person, Ports, Role, Settings, StartError, anvil, kubo, mongo,
    process::{Process, Watchdog, make_folder},
    programs::Programs,
};

/// The longest time in which a server must become healthy. It is long because a loaded machine is slow.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// The longest time in which a server must end by itself.
const STOP_PATIENCE: Duration = Duration::from_secs(15);

/// The configuration of a local network.
#[derive(Clone, Debug)]
pub struct LocalnetConfig {
    /// The folder for state and logs. `None`: a temporary folder that is removed at the end.
    pub state_dir: Option<PathBuf>,
    /// One port for each server.
    pub ports: Ports,
    /// The settings of the chain.
    pub settings: Settings,
    /// The programs to run.
    pub programs: Programs,
    /// Whether every block is on the disk before Kubo answers, as it should be for people's data. Tests do not need it.
    pub is_durable: bool,
    /// The time in which a tombstone can be lifted, in seconds. `None`: the default of the deploy script, one day.
    pub lift_period_seconds: Option<u64>,
}

impl LocalnetConfig {
    /// Returns the configuration for a test: free ports, a temporary folder, and the checkout's `anvil.toml`.
    ///
    /// # Errors
    /// [`StartError`] when `anvil.toml` or a program is missing.
    pub fn for_tests() -> Result<Self, StartError> {
        Ok(Self {
            state_dir: None,
            ports: Ports::free(),
            settings: Settings::find()?,
            programs: Programs::find()?,
            is_durable: false,
            lift_period_seconds: None,
        })
    }

    /// Returns the configuration for people: state kept in `state_dir`, on the given ports. The setting
    /// `MEDLOCK_LIFT_PERIOD` is the time in which a tombstone can be lifted, in seconds. It is used when the contracts
    /// are deployed.
    ///
    /// # Errors
    /// [`StartError`] when `anvil.toml` or a program is missing.
    pub fn kept(state_dir: &Path, ports: Ports) -> Result<Self, StartError> {
        let lift_period_seconds = std::env::var("MEDLOCK_LIFT_PERIOD").ok().and_then(|text| text.parse().ok());
        let state_dir = Some(state_dir.to_owned());
        Ok(Self { state_dir, ports, is_durable: true, lift_period_seconds, ..Self::for_tests()? })
    }
}

/// One of the three servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The chain.
    Anvil,
    /// The block store.
    Kubo,
    /// The database.
    Mongo,
}

impl Part {
    /// Every part, in the order in which they start.
    pub const ALL: [Self; 3] = [Self::Anvil, Self::Kubo, Self::Mongo];

    const fn name(self) -> &'static str {
        match self {
            Self::Anvil => "anvil",
            Self::Kubo => "kubo",
            Self::Mongo => "mongodb",
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::Anvil => 0,
            Self::Kubo => 1,
            Self::Mongo => 2,
        }
    }
}

/// A running network of Anvil, Kubo and MongoDB. Dropping it kills them and removes a temporary state folder.
#[derive(Debug)]
pub struct Localnet {
    // Fields are dropped in this order: first the servers, then their folder, then the watchdog.
    running: [Option<Process>; 3],
    _temporary: Option<TempDir>,
    watchdog: Arc<Watchdog>,
    state_dir: PathBuf,
    config: LocalnetConfig,
    http: reqwest::Client,
}

impl Localnet {
    /// Starts all three at once and waits until each is healthy.
    ///
    /// # Errors
    /// [`StartError`] with the end of the log of the first one that does not start; the others are ended then.
    pub async fn start(config: LocalnetConfig) -> Result<Self, StartError> {
        let temporary =
            match &config.state_dir {
                Some(folder) => {
                    make_folder(folder)?;
                    None
                }
                None => Some(tempfile::Builder::new().prefix("medlock-").tempdir().map_err(|source| {
                    StartError::Io { what: "make a temporary folder in", path: std::env::temp_dir(), source }
                })?),
            };
        let state_dir = match (&temporary, &config.state_dir) {
            (Some(temporary), _) => temporary.path().to_owned(),
            (None, Some(folder)) => std::path::absolute(folder).map_err(|source| StartError::Io {
                what: "find",
                path: folder.clone(),
                source,
            })?,
            (None, None) => unreachable!("without a state folder a temporary one was made"),
        };
        make_folder(&state_dir.join("logs"))?;
        let watchdog = Watchdog::start(temporary.as_ref().map(TempDir::path))?;
        let mut localnet = Self {
            running: [None, None, None],
            _temporary: temporary,
            watchdog,
            state_dir,
            config,
            http: reqwest::Client::new(),
        };
        let (anvil, kubo, mongo) =
            tokio::try_join!(localnet.launch(Part::Anvil), localnet.launch(Part::Kubo), localnet.launch(Part::Mongo))?;
        localnet.running = [Some(anvil), Some(kubo), Some(mongo)];
        Ok(localnet)
    }

    async fn launch(&self, part: Part) -> Result<Process, StartError> {
        let LocalnetConfig { ports, settings, programs, is_durable, .. } = &self.config;
        let folder = self.state_dir();
        let command = match part {
            Part::Anvil => {
                anvil::check_state(settings, folder)?;
                anvil::command(&programs.anvil, settings, folder, ports.anvil)
            }
            Part::Kubo => {
                let (program, folder, ports, is_durable) =
                    (programs.ipfs.clone(), folder.to_owned(), *ports, *is_durable);
                let prepare = move || kubo::prepare(&program, &folder, ports.kubo, ports.gateway, is_durable);
                tokio::task::spawn_blocking(prepare).await.expect("preparing Kubo does not panic")?;
                kubo::command(&programs.ipfs, self.state_dir())
            }
            Part::Mongo => mongo::command(&programs.mongod, folder, ports.mongodb)?,
        };
        let mut process = Process::spawn(command, part.name(), &self.log(part), &self.watchdog)?;
        match part {
            Part::Anvil => {
                let url = self.rpc_url();
                process
                    .wait_until_healthy(START_PATIENCE, || anvil::probe(&self.http, &url, settings.chain_id))
                    .await?;
            }
            Part::Kubo => {
                let url = self.kubo_url();
                process.wait_until_healthy(START_PATIENCE, || kubo::probe(&self.http, &url)).await?;
            }
            Part::Mongo => process.wait_until_healthy(START_PATIENCE, || mongo::probe(ports.mongodb)).await?,
        }
        Ok(process)
    }

    /// Stops all three in order (the chain last, because the others may still write to it) and removes a temporary
    /// folder.
    pub async fn stop(mut self) {
        for part in [Part::Kubo, Part::Mongo, Part::Anvil] {
            self.stop_part(part).await;
        }
    }

    /// Stops one part properly. It can be started again on the same port with the same data.
    pub async fn stop_part(&mut self, part: Part) {
        if let Some(mut process) = self.running[part.index()].take()
            && !process.stop(STOP_PATIENCE).await
        {
            tracing::warn!(part = part.name(), "did not end by itself and was killed");
        }
    }

    /// Kills one part, as `kill -9` does.
    pub fn kill_part(&mut self, part: Part) {
        if let Some(mut process) = self.running[part.index()].take() {
            process.kill();
        }
    }

    /// Starts a part that was stopped or killed, and waits until it is healthy. Does nothing when it runs.
    ///
    /// # Errors
    /// The same [`StartError`] as for [`Self::start`].
    pub async fn start_part(&mut self, part: Part) -> Result<(), StartError> {
        if !self.is_running(part) {
            self.running[part.index()] = Some(self.launch(part).await?);
        }
        Ok(())
    }

    /// Deletes all data of a stopped database, including the mirror, and starts it again.
    ///
    /// # Errors
    /// [`StartError`] when the folder cannot be removed or the database does not start.
    pub async fn recreate_mongo(&mut self) -> Result<(), StartError> {
        self.stop_part(Part::Mongo).await;
        let data = self.state_dir.join("mongodb");
        std::fs::remove_dir_all(&data).map_err(|source| StartError::Io { what: "remove", path: data, source })?;
        self.start_part(Part::Mongo).await
    }

    /// Returns the process of a part, for example to pause it; `None` while it is stopped.
    pub fn process(&mut self, part: Part) -> Option<&mut Process> {
        self.running[part.index()].as_mut()
    }

    /// Returns whether a part runs.
    pub fn is_running(&mut self, part: Part) -> bool {
        self.running[part.index()].as_mut().is_some_and(|process| process.ended().is_none())
    }

    /// Sends one JSON-RPC request to the chain, for example `evm_mine`.
    ///
    /// # Errors
    /// [`StartError::Chain`] with the chain's own message.
    pub async fn rpc(&self, method: &str, params: Value) -> Result<Value, StartError> {
        anvil::request(&self.http, &self.rpc_url(), method, params).await
    }

    /// Returns the hash of block 0, which distinguishes this chain from others with the same id.
    ///
    /// # Errors
    /// [`StartError::Chain`] when the chain does not answer.
    pub async fn genesis_hash(&self) -> Result<String, StartError> {
        let method = "eth_getBlockByNumber";
        let block = self.rpc(method, json!(["0x0", false])).await?;
        let hash = block["hash"].as_str();
        hash.map(Into::into).ok_or(StartError::Chain { method: method.into(), reason: format!("no hash in {block}") })
    }

    /// Returns `http://127.0.0.1:PORT` of the chain.
    #[must_use]
    pub fn rpc_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.config.ports.anvil)
    }

    /// Returns `ws://127.0.0.1:PORT` of the chain.
    #[must_use]
    pub fn ws_url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.config.ports.anvil)
    }

    /// Returns `http://127.0.0.1:PORT` of Kubo's RPC.
    #[must_use]
    pub fn kubo_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.config.ports.kubo)
    }

    /// Returns `http://127.0.0.1:PORT` of Kubo's gateway, which serves raw blocks and CAR files.
    #[must_use]
    pub fn gateway_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.config.ports.gateway)
    }

    /// Returns the MongoDB URI for drivers.
    #[must_use]
    pub fn mongodb_uri(&self) -> String {
        mongo::uri(self.config.ports.mongodb)
    }

    /// Returns the account of a role.
    #[must_use]
    pub fn person(&self, role: Role) -> Person {
        self.config.settings.person(role)
    }

    /// Returns the folder for state and logs.
    #[must_use]
    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// Returns the path of a part's log.
    #[must_use]
    pub fn log(&self, part: Part) -> PathBuf {
        self.log_named(part.name())
    }

    /// Returns the configuration that the network was started with.
    #[must_use]
    pub fn config(&self) -> &LocalnetConfig {
        &self.config
    }

    pub(crate) fn log_named(&self, name: &str) -> PathBuf {
        self.state_dir.join("logs").join(format!("{name}.log"))
    }

    pub(crate) fn watchdog(&self) -> &Arc<Watchdog> {
        &self.watchdog
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }
}
