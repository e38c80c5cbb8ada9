//! Ponder, the indexer that ours is compared with: in production mode, with the settings that are best for it.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use localnet::{
    Ports,
    process::{Process, command_without_settings},
};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    chains::Chain,
    live::{LOOK, Sink},
    measure::{Backfilled, Usage},
    network::Network,
    postgres::Postgres,
};

/// The database of Ponder.
#[derive(Clone, Copy)]
pub(crate) enum Store<'a> {
    /// PostgreSQL, embedded in the process.
    Pglite,
    /// A PostgreSQL server.
    Postgres(&'a Postgres),
}

/// A running Ponder.
pub(crate) struct Ponder {
    process: Process,
    port: u16,
    begun: Instant,
    http: reqwest::Client,
    folder: TempDir,
    postgres_pid: Option<u32>,
}

impl Ponder {
    /// Starts Ponder with an empty store. A PostgreSQL server must not have `schema` yet.
    pub(crate) fn start(network: &Network, chain: &Chain, store: Store<'_>, schema: &str) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("medlock-ponder-").tempdir()?;
        let port = Ports::free().api;
        let mut command = command_without_settings(Path::new("node"));
        command
            .current_dir(project()?)
            .args(["node_modules/ponder/dist/esm/bin/ponder.js", "start", "--hostname", "127.0.0.1"])
            .args(["--schema", schema, "--port", &port.to_string()])
            .env("MEDLOCK_RPC_URL", network.localnet().rpc_url())
            .env("MEDLOCK_DEPLOYMENT", &chain.deployment)
            .env("BENCH_PGLITE_FOLDER", folder.path().join("pglite"))
            .env("PONDER_TELEMETRY_DISABLED", "true");
        if let Store::Postgres(postgres) = store {
            command.env("BENCH_POSTGRES_URL", postgres.url());
        }
        let begun = Instant::now();
        let process = Process::spawn(command, "ponder", &network.log(&format!("ponder-{schema}")), network.watchdog())?;
        let postgres_pid = match store {
            Store::Pglite => None,
            Store::Postgres(postgres) => Some(postgres.pid()),
        };
        Ok(Self { process, port, begun, http: network.http().clone(), folder, postgres_pid })
    }

    async fn get(&self, path: &str) -> Result<reqwest::Response, reqwest::Error> {
        self.http.get(format!("http://127.0.0.1:{}/{path}", self.port)).send().await
    }

    /// Waits until the backfill is done. Returns `None` when that takes longer than `patience`.
    pub(crate) async fn ready(&mut self, patience: Duration) -> anyhow::Result<Option<Duration>> {
        loop {
            if self.get("ready").await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(Some(self.begun.elapsed()));
            }
            if let Some(status) = self.process.ended() {
                bail!("Ponder ended with {status}: {}", localnet::process::tail(self.process.log()));
            }
            if self.begun.elapsed() > patience {
                return Ok(None);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Returns whether the row of an event exists.
    pub(crate) async fn has(&self, event: &str) -> anyhow::Result<bool> {
        Ok(self.get(&format!("event/{event}")).await?.status().is_success())
    }

    /// Returns all rows of a table.
    pub(crate) async fn rows(&self, table: &str) -> anyhow::Result<Vec<Value>> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let after = all.last().and_then(|row| row["id"].as_str()).unwrap_or_default();
            let page: Vec<Value> = self.get(&format!("rows/{table}?after={after}")).await?.json().await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    /// Returns the resources that the process has used, including the time of its database server.
    pub(crate) fn usage(&self) -> anyhow::Result<Usage> {
        let mut usage = Usage::of(self.process.pid())?;
        if let Some(pid) = self.postgres_pid {
            usage.database_cpu = Usage::cpu_of_family(pid)?;
        }
        Ok(usage)
    }

    async fn rpc_calls(&self) -> anyhow::Result<u64> {
        let text = self.get("metrics").await?.text().await?;
        let calls = text.lines().filter(|line| line.starts_with("ponder_rpc_request_duration_count"));
        calls.map(|line| Ok(line.rsplit(' ').next().context("a metric has a value")?.parse::<u64>()?)).sum()
    }

    pub(crate) async fn stop(mut self) {
        self.process.stop(Duration::from_secs(10)).await;
        drop(self.folder);
    }
}

/// Runs one backfill into an empty store. Returns Ponder, which then follows the chain; `None` when it takes longer
/// than `patience`.
pub(crate) async fn backfill(
    network: &Network,
    chain: &Chain,
    store: Store<'_>,
    schema: &str,
    patience: Duration,
) -> anyhow::Result<Option<(Backfilled, Ponder)>> {
    let mut ponder = Ponder::start(network, chain, store, schema)?;
    let Some(time) = ponder.ready(patience).await? else {
        ponder.stop().await;
        return Ok(None);
    };
    let result = Backfilled { time, usage: ponder.usage()?, rpc_calls: ponder.rpc_calls().await? };
    Ok(Some((result, ponder)))
}

/// Looks for rows of events in PostgreSQL directly, so that Ponder's own server does not affect the measurement.
pub(crate) struct Watcher {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Watcher {
    pub(crate) fn start(postgres: &Postgres, schema: &str) -> anyhow::Result<Self> {
        let mut command = command_without_settings(Path::new("node"));
        command.current_dir(project()?).arg("watch.mjs");
        command.env("BENCH_POSTGRES_URL", postgres.url()).env("BENCH_SCHEMA", schema);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take().context("a pipe was asked for")?;
        let output = BufReader::new(child.stdout.take().context("a pipe was asked for")?);
        Ok(Self { child, input, output })
    }

    /// Waits until the row of an event exists.
    pub(crate) fn wait(&mut self, event: &str) -> anyhow::Result<()> {
        writeln!(self.input, "{event}")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        ensure!(line == "found\n", "the watcher ended");
        Ok(())
    }

    pub(crate) fn stop(self) -> anyhow::Result<()> {
        let Self { mut child, input, .. } = self;
        // The program ends at the end of its input.
        drop(input);
        child.wait()?;
        Ok(())
    }
}

impl Sink for Watcher {
    async fn sees(&mut self, event: &str) -> anyhow::Result<()> {
        tokio::task::block_in_place(|| self.wait(event))
    }
}

/// PGlite is inside Ponder's process, so only Ponder's HTTP server can be asked.
impl Sink for Ponder {
    async fn sees(&mut self, event: &str) -> anyhow::Result<()> {
        while !self.has(event).await? {
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }
}

fn project() -> anyhow::Result<PathBuf> {
    let root = std::env::var_os("MEDLOCK_ROOT").context("MEDLOCK_ROOT is not set: run ./scripts/bench indexer")?;
    Ok(Path::new(&root).join("indexer/benches/ponder"))
}
