//! [`Stack`]: a local network with the contracts, the indexer and the API.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::Duration,
};

use rand::Rng;

use crate::{
    Localnet, LocalnetConfig, Role, StartError, deployment, ports,
    process::{Process, command_without_settings, make_folder, write_secret},
    programs,
};

/// The longest time in which one of our servers must become ready.
const READY_PATIENCE: Duration = Duration::from_secs(60);
/// The longest time in which one of our servers must finish its requests.
const STOP_PATIENCE: Duration = Duration::from_secs(15);
/// The database of the mirror, the API and the log.
const DATABASE: &str = "medlock";

/// The configuration of a stack.
#[derive(Clone, Debug)]
pub struct StackConfig {
    /// Anvil, Kubo and MongoDB.
    pub localnet: LocalnetConfig,
    /// The path of `medlock-indexer`.
    pub indexer: PathBuf,
    /// The path of `medlock-api`.
    pub api: PathBuf,
    /// Settings for the indexer. They replace the ones that the stack sets.
    pub indexer_settings: Vec<(String, String)>,
    /// Settings for the API. They replace the ones that the stack sets, for example `MEDLOCK_KUBO_URL` with a faulty
    /// store.
    pub api_settings: Vec<(String, String)>,
}

impl StackConfig {
    /// Returns the configuration for a test: free ports, a temporary folder, the programs beside the test's.
    ///
    /// # Errors
    /// [`StartError`] when `anvil.toml` or a program is missing.
    pub fn for_tests() -> Result<Self, StartError> {
        Self::on(LocalnetConfig::for_tests()?)
    }

    /// Returns the configuration for a given network.
    ///
    /// # Errors
    /// [`StartError::ProgramMissing`] when our servers were not built.
    pub fn on(localnet: LocalnetConfig) -> Result<Self, StartError> {
        Ok(Self {
            localnet,
            indexer: programs::own("medlock-indexer", "MEDLOCK_INDEXER_BIN")?,
            api: programs::own("medlock-api", "MEDLOCK_API_BIN")?,
            indexer_settings: Vec::new(),
            api_settings: Vec::new(),
        })
    }

    /// Adds a setting for the API.
    #[must_use]
    pub fn with_api_setting(mut self, name: &str, value: impl Into<String>) -> Self {
        self.api_settings.push((name.into(), value.into()));
        self
    }

    /// Adds a setting for the indexer.
    #[must_use]
    pub fn with_indexer_setting(mut self, name: &str, value: impl Into<String>) -> Self {
        self.indexer_settings.push((name.into(), value.into()));
        self
    }
}

/// One API process.
#[derive(Debug)]
struct Replica {
    port: u16,
    process: Option<Process>,
}

/// A running network with contracts, the indexer and one or more APIs. Dropping it kills them all.
#[derive(Debug)]
pub struct Stack {
    // Fields are dropped in this order: the users of a server before the server.
    replicas: Vec<Replica>,
    indexer: Option<Process>,
    localnet: Localnet,
    deployment: PathBuf,
    config: StackConfig,
}

impl Stack {
    /// Starts everything: network, contracts (unless the state folder has a deployment), indexer, one API.
    ///
    /// # Errors
    /// [`StartError`] of the first part that fails, with the end of its log; the others are ended then.
    pub async fn start(config: StackConfig) -> Result<Self, StartError> {
        let mut stack = Self::without_servers(config).await?;
        stack.start_indexer().await?;
        stack.start_api(0).await?;
        Ok(stack)
    }

    /// Starts only the network and the contracts. Continue with [`Self::start_indexer`] and [`Self::start_api`].
    ///
    /// # Errors
    /// The same [`StartError`] as for [`Self::start`].
    pub async fn without_servers(config: StackConfig) -> Result<Self, StartError> {
        let localnet = Localnet::start(config.localnet.clone()).await?;
        let deployment = localnet.state_dir().join("deployment.json");
        if deployment.exists() {
            deployment::check(&localnet, &deployment).await?;
        } else {
            deployment::deploy(&localnet, &deployment).await?;
        }
        let secrets = localnet.state_dir().join("secrets");
        make_folder(&secrets)?;
        for (name, role) in [
            ("relayer.key", Role::Relayer),
            ("urgent-relayer.key", Role::UrgentRelayer),
            ("checkpoint-relayer.key", Role::CheckpointRelayer),
            ("operator.key", Role::Operator),
        ] {
            write_secret(&secrets.join(name), &localnet.person(role).private_key_hex())?;
        }
        let operator_secret = secrets.join("operator.secret");
        if !operator_secret.exists() {
            // Made only once, because the data that the API stores with it can be read only with it.
            let mut secret = [0_u8; 32];
            rand::rng().fill_bytes(&mut secret);
            write_secret(&operator_secret, &hex::encode(secret))?;
        }
        let replicas = vec![Replica { port: config.localnet.ports.api, process: None }];
        Ok(Self { replicas, indexer: None, localnet, deployment, config })
    }

    /// Returns the command that runs the indexer, with its settings.
    fn indexer_command(&self) -> Command {
        let mut command = command_without_settings(&self.config.indexer);
        command
            .current_dir(self.localnet.state_dir())
            .env("MEDLOCK_RPC_URL", self.localnet.rpc_url())
            .env("MEDLOCK_MONGODB_URI", self.localnet.mongodb_uri())
            .env("MEDLOCK_MONGODB_DATABASE", DATABASE)
            .env("MEDLOCK_DEPLOYMENT", &self.deployment)
            .env("MEDLOCK_INDEXER_LISTEN", format!("127.0.0.1:{}", self.config.localnet.ports.indexer))
            .envs(self.config.indexer_settings.iter().cloned());
        command
    }

    fn api_command(&self, port: u16) -> Command {
        let secrets = self.localnet.state_dir().join("secrets");
        let mut command = command_without_settings(&self.config.api);
        command
            .arg("serve")
            .current_dir(self.localnet.state_dir())
            .env("MEDLOCK_RPC_URL", self.localnet.rpc_url())
            .env("MEDLOCK_MONGODB_URI", self.localnet.mongodb_uri())
            .env("MEDLOCK_MONGODB_DATABASE", DATABASE)
            .env("MEDLOCK_DEPLOYMENT", &self.deployment)
            .env("MEDLOCK_LISTEN", format!("127.0.0.1:{port}"))
            .env("MEDLOCK_PUBLIC_URL", format!("http://127.0.0.1:{port}"))
            .env("MEDLOCK_KUBO_URL", self.localnet.kubo_url())
            .env("MEDLOCK_RELAYER_KEY_FILE", secrets.join("relayer.key"))
            .env("MEDLOCK_URGENT_RELAYER_KEY_FILE", secrets.join("urgent-relayer.key"))
            .env("MEDLOCK_CHECKPOINT_RELAYER_KEY_FILE", secrets.join("checkpoint-relayer.key"))
            // On a local network, every account is new.
            .env("MEDLOCK_NEW_ACCOUNTS", "open")
            .env("MEDLOCK_OPERATOR_KEY_FILE", secrets.join("operator.key"))
            .env("MEDLOCK_OPERATOR_SECRET_FILE", secrets.join("operator.secret"))
            .envs(self.config.api_settings.iter().cloned());
        command
    }

    async fn ready(&self, process: &mut Process, port: u16) -> Result<(), StartError> {
        let url = format!("http://127.0.0.1:{port}/readyz");
        let probe = || async {
            let answer = self.localnet.http().get(&url).send().await.map_err(|error| error.to_string())?;
            if answer.status().is_success() { Ok(()) } else { Err(format!("HTTP {}", answer.status())) }
        };
        process.wait_until_healthy(READY_PATIENCE, probe).await
    }

    /// Starts the indexer, if it does not run, and waits until it is ready.
    ///
    /// # Errors
    /// [`StartError`] with the end of its log.
    pub async fn start_indexer(&mut self) -> Result<(), StartError> {
        if self.indexer.as_mut().is_some_and(|process| process.ended().is_none()) {
            return Ok(());
        }
        let mut command = self.indexer_command();
        command.arg("run");
        let mut process = Process::spawn(command, "indexer", &self.indexer_log(), self.localnet.watchdog())?;
        self.ready(&mut process, self.config.localnet.ports.indexer).await?;
        self.indexer = Some(process);
        Ok(())
    }

    /// Stops the indexer properly.
    pub async fn stop_indexer(&mut self) {
        if let Some(mut process) = self.indexer.take() {
            process.stop(STOP_PATIENCE).await;
        }
    }

    /// Kills the indexer, as `kill -9` does.
    pub fn kill_indexer(&mut self) {
        if let Some(mut process) = self.indexer.take() {
            process.kill();
        }
    }

    /// Rebuilds the mirror from the chain (`medlock-indexer reindex`). The indexer must be stopped.
    ///
    /// # Errors
    /// [`StartError::Ended`] with the end of its log when it fails.
    pub async fn reindex(&self) -> Result<(), StartError> {
        let log = self.localnet.log_named("reindex");
        let mut command = self.indexer_command();
        command.arg("reindex");
        self.run_to_end(command, "medlock-indexer reindex", log).await
    }

    /// Runs one of our programs with a command that ends by itself.
    async fn run_to_end(&self, command: Command, name: &str, log: PathBuf) -> Result<(), StartError> {
        let mut process = Process::spawn(command, name, &log, self.localnet.watchdog())?;
        let status: ExitStatus = loop {
            match process.ended() {
                Some(status) => break status,
                None => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        if status.success() {
            return Ok(());
        }
        Err(StartError::Ended { name: process.name().into(), status, tail: crate::process::tail(&log), log })
    }

    /// Adds the operator's next encryption key to the deployment file (`medlock-api add-operator-key`). Running APIs
    /// use it after their next start.
    ///
    /// # Errors
    /// [`StartError::Ended`] with the end of its log when it fails.
    pub async fn add_operator_key(&self) -> Result<(), StartError> {
        let log = self.localnet.log_named("operator-key");
        let secrets = self.secrets();
        let mut command = command_without_settings(&self.config.api);
        command
            .arg("add-operator-key")
            .current_dir(self.localnet.state_dir())
            .env("MEDLOCK_DEPLOYMENT", &self.deployment)
            .env("MEDLOCK_OPERATOR_KEY_FILE", secrets.join("operator.key"))
            .env("MEDLOCK_OPERATOR_SECRET_FILE", secrets.join("operator.secret"));
        self.run_to_end(command, "medlock-api add-operator-key", log).await
    }

    /// Starts an API replica, if it does not run, and waits until it is ready. The first one is number 0.
    ///
    /// # Errors
    /// [`StartError`] with the end of its log.
    ///
    /// # Panics
    /// When there is no replica of that number.
    pub async fn start_api(&mut self, replica: usize) -> Result<(), StartError> {
        if self.api(replica).is_some_and(|process| process.ended().is_none()) {
            return Ok(());
        }
        if !deployment::has_operator_key(&self.deployment)? {
            self.add_operator_key().await?;
        }
        let port = self.replicas[replica].port;
        let name = format!("api-{replica}");
        let mut process =
            Process::spawn(self.api_command(port), &name, &self.api_log(replica), self.localnet.watchdog())?;
        self.ready(&mut process, port).await?;
        self.replicas[replica].process = Some(process);
        Ok(())
    }

    /// Adds an API replica on a free port and returns its number.
    ///
    /// # Errors
    /// [`StartError`] with the end of its log.
    pub async fn add_api(&mut self) -> Result<usize, StartError> {
        self.replicas.push(Replica { port: ports::free(), process: None });
        let replica = self.replicas.len() - 1;
        self.start_api(replica).await?;
        Ok(replica)
    }

    /// Stops an API replica properly.
    ///
    /// # Panics
    /// When there is no replica of that number.
    pub async fn stop_api(&mut self, replica: usize) {
        if let Some(mut process) = self.replicas[replica].process.take() {
            process.stop(STOP_PATIENCE).await;
        }
    }

    /// Kills an API replica, as `kill -9` does.
    ///
    /// # Panics
    /// When there is no replica of that number.
    pub fn kill_api(&mut self, replica: usize) {
        if let Some(mut process) = self.replicas[replica].process.take() {
            process.kill();
        }
    }

    /// Returns the process of an API replica; `None` while it is stopped.
    ///
    /// # Panics
    /// When there is no replica of that number.
    pub fn api(&mut self, replica: usize) -> Option<&mut Process> {
        self.replicas[replica].process.as_mut()
    }

    /// Returns the process of the indexer; `None` while it is stopped.
    pub fn indexer(&mut self) -> Option<&mut Process> {
        self.indexer.as_mut()
    }

    /// Changes a setting of the API. It takes effect at the next start.
    pub fn set_api_setting(&mut self, name: &str, value: impl Into<String>) {
        self.config.api_settings.retain(|(other, _)| other != name);
        self.config.api_settings.push((name.into(), value.into()));
    }

    /// Stops everything in order: APIs, indexer, network. Data of answered requests is not lost.
    pub async fn stop(mut self) {
        for replica in 0..self.replicas.len() {
            self.stop_api(replica).await;
        }
        self.stop_indexer().await;
        let Self { localnet, .. } = self;
        localnet.stop().await;
    }

    /// Returns the network.
    #[must_use]
    pub const fn localnet(&self) -> &Localnet {
        &self.localnet
    }

    /// Returns the network, to stop, kill and start its parts.
    pub const fn localnet_mut(&mut self) -> &mut Localnet {
        &mut self.localnet
    }

    /// Returns the path of the deployment file.
    #[must_use]
    pub fn deployment(&self) -> &Path {
        &self.deployment
    }

    /// Returns `http://127.0.0.1:PORT` of an API replica.
    ///
    /// # Panics
    /// When there is no replica of that number.
    #[must_use]
    pub fn api_url(&self, replica: usize) -> String {
        format!("http://127.0.0.1:{}", self.replicas[replica].port)
    }

    /// Returns `http://127.0.0.1:PORT` of the indexer's health and metrics.
    #[must_use]
    pub fn indexer_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.config.localnet.ports.indexer)
    }

    /// Returns the name of the MongoDB database of the mirror, the API and the log.
    #[must_use]
    pub const fn database(&self) -> &'static str {
        DATABASE
    }

    /// Returns the path of the indexer's log.
    #[must_use]
    pub fn indexer_log(&self) -> PathBuf {
        self.localnet.log_named("indexer")
    }

    /// Returns the path of an API replica's log.
    #[must_use]
    pub fn api_log(&self, replica: usize) -> PathBuf {
        self.localnet.log_named(&format!("api-{replica}"))
    }

    /// Returns the folder with the servers' keys: `relayer.key`, `urgent-relayer.key`, `checkpoint-relayer.key`,
    /// `operator.key`, `operator.secret`.
    #[must_use]
    pub fn secrets(&self) -> PathBuf {
        self.localnet.state_dir().join("secrets")
    }

    /// Returns a `medlock` command (the program at `program`) for a person whose data is in the folder `home`.
    #[must_use]
    pub fn cli(&self, program: &Path, home: &Path) -> Command {
        let mut command = command_without_settings(program);
        command
            .env("MEDLOCK_HOME", home)
            .env("MEDLOCK_API", self.api_url(0))
            .env("MEDLOCK_RPC_URL", self.localnet.rpc_url())
            .env("MEDLOCK_DEPLOYMENT", &self.deployment)
            .stdin(Stdio::null());
        command
    }
}
