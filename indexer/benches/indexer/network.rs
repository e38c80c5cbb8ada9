//! The servers of a measurement: Anvil with a given chain, and the embedded MongoDB as `./scripts/up` runs it.

use std::{fs::File, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use localnet::{
    Localnet, LocalnetConfig, Part,
    process::{Process, Watchdog, command_without_settings},
};
use serde_json::{Value, json};

/// Loading a chain of a million events takes Anvil a while, and writing it as well.
const PATIENCE: Duration = Duration::from_secs(300);

/// The local network without its own Anvil and Kubo, and the parts needed to start others instead.
pub(crate) struct Network {
    localnet: Localnet,
    watchdog: Arc<Watchdog>,
    http: reqwest::Client,
}

impl Network {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let mut localnet = Localnet::start(LocalnetConfig::for_tests()?).await?;
        localnet.stop_part(Part::Kubo).await;
        localnet.stop_part(Part::Anvil).await;
        Ok(Self { localnet, watchdog: Watchdog::start(None)?, http: reqwest::Client::new() })
    }

    pub(crate) fn localnet(&self) -> &Localnet {
        &self.localnet
    }

    pub(crate) fn watchdog(&self) -> &Arc<Watchdog> {
        &self.watchdog
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Empties the database.
    pub(crate) async fn fresh_mongo(&mut self) -> anyhow::Result<()> {
        Ok(self.localnet.recreate_mongo().await?)
    }

    /// Returns the process id of the database.
    pub(crate) fn mongo_pid(&mut self) -> anyhow::Result<u32> {
        Ok(self.localnet.process(Part::Mongo).context("the database runs")?.pid())
    }

    /// Returns the path of the log with this name.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.localnet.state_dir().join("logs").join(format!("{name}.log"))
    }

    /// Starts Anvil at the local network's own port, with senders that need neither key nor ether.
    pub(crate) async fn anvil(&self, arguments: &[&str]) -> anyhow::Result<Anvil> {
        let config = self.localnet.config();
        let mut command = command_without_settings(&config.programs.anvil);
        command.current_dir(self.localnet.state_dir());
        command.args(["--host", "127.0.0.1", "--silent", "--port", &config.ports.anvil.to_string()]);
        command.args(["--chain-id", &config.settings.chain_id.to_string(), "--hardfork", &config.settings.hardfork]);
        command.args(["--mnemonic", &config.settings.mnemonic, "--accounts", &config.settings.accounts.to_string()]);
        command.args(["--order", "fifo", "--auto-impersonate", "--disable-pool-balance-checks"]);
        command.args(["--gas-price", "0", "--block-base-fee-per-gas", "0", "--no-request-size-limit"]);
        command.args(arguments);
        let log = self.log("anvil");
        drop(File::create(&log));
        let mut process = Process::spawn(command, "anvil", &log, &self.watchdog)?;
        let (http, url) = (self.http.clone(), self.localnet.rpc_url());
        let probe =
            || async { request(&http, &url, "eth_chainId", json!([])).await.map(drop).map_err(|e| e.to_string()) };
        process.wait_until_healthy(PATIENCE, probe).await?;
        Ok(Anvil { process, http, url })
    }
}

/// A running Anvil.
pub(crate) struct Anvil {
    process: Process,
    http: reqwest::Client,
    url: String,
}

impl Anvil {
    pub(crate) async fn rpc(&self, method: &str, params: Value) -> anyhow::Result<Value> {
        request(&self.http, &self.url, method, params).await
    }

    /// Sends several requests of one method in one HTTP request. Anvil processes them in order.
    pub(crate) async fn rpc_batch(&self, method: &str, params: &[Value]) -> anyhow::Result<()> {
        let request = |(id, params)| json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        let body: Vec<Value> = params.iter().enumerate().map(request).collect();
        let answers: Vec<Value> = self.http.post(&self.url).json(&body).send().await?.json().await?;
        match answers.iter().find_map(|answer| answer.get("error")) {
            Some(error) => bail!("{method}: {error}"),
            None => Ok(()),
        }
    }

    /// Returns the number of the newest block.
    pub(crate) async fn head(&self) -> anyhow::Result<u64> {
        let number = self.rpc("eth_blockNumber", json!([])).await?;
        Ok(u64::from_str_radix(number.as_str().context("a block has a number")?.trim_start_matches("0x"), 16)?)
    }

    /// Mines one block and returns its hash.
    pub(crate) async fn mine(&self) -> anyhow::Result<String> {
        let mined = self.rpc("evm_mine_detailed", json!([])).await?;
        Ok(mined[0]["hash"].as_str().context("a block has a hash")?.to_owned())
    }

    /// Stops Anvil properly. It writes its state then, if it was started with that option.
    pub(crate) async fn stop(mut self) {
        self.process.stop(PATIENCE).await;
    }
}

async fn request(http: &reqwest::Client, url: &str, method: &str, params: Value) -> anyhow::Result<Value> {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let mut answer: Value = http.post(url).json(&body).send().await?.json().await?;
    match answer.get("error") {
        Some(error) => bail!("{method}: {error}"),
        None => Ok(answer["result"].take()),
    }
}
