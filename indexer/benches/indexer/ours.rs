//! Our indexer: the release program with its default settings.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use localnet::{
    Ports,
    process::{Process, command_without_settings},
    programs,
};
use mongodb::{
    Client, Database,
    bson::{Document, doc},
};
use protocol::mirror::{CURSOR_ID, collection};

use crate::{
    chains::Chain,
    live::{LOOK, Sink},
    measure::{Backfilled, Usage},
    network::Network,
};

/// A running indexer.
pub(crate) struct Ours {
    process: Process,
    listen: u16,
    begun: Instant,
    db: Database,
}

/// Returns the mirror's database of a measurement.
pub(crate) async fn database(network: &Network, name: &str) -> anyhow::Result<Database> {
    Ok(Client::with_uri_str(network.localnet().mongodb_uri()).await?.database(name))
}

impl Ours {
    pub(crate) async fn start(network: &Network, chain: &Chain, database: &str) -> anyhow::Result<Self> {
        let listen = Ports::free().indexer;
        let program: PathBuf = programs::own("medlock-indexer", "MEDLOCK_INDEXER_BIN")?;
        let mut command = command_without_settings(&program);
        command
            .arg("run")
            .env("MEDLOCK_RPC_URL", network.localnet().rpc_url())
            .env("MEDLOCK_MONGODB_URI", network.localnet().mongodb_uri())
            .env("MEDLOCK_MONGODB_DATABASE", database)
            .env("MEDLOCK_DEPLOYMENT", &chain.deployment)
            .env("MEDLOCK_INDEXER_LISTEN", format!("127.0.0.1:{listen}"));
        let db = self::database(network, database).await?;
        // Connects before the measurement starts.
        db.run_command(doc! { "ping": 1 }).await?;
        let begun = Instant::now();
        let process =
            Process::spawn(command, "indexer", &network.log(&format!("indexer-{database}")), network.watchdog())?;
        Ok(Self { process, listen, begun, db })
    }

    pub(crate) fn db(&self) -> &Database {
        &self.db
    }

    pub(crate) fn usage(&self) -> anyhow::Result<Usage> {
        Usage::of(self.process.pid())
    }

    /// Returns the number of the newest mirrored block.
    pub(crate) async fn block(&self) -> anyhow::Result<Option<i64>> {
        let cursor = self.db.collection::<Document>(collection::CURSOR).find_one(doc! { "_id": CURSOR_ID }).await?;
        Ok(cursor.map(|cursor| cursor.get_i64("block_number")).transpose()?)
    }

    /// Waits until the mirror has this block, which must be the head.
    pub(crate) async fn reaches(&mut self, head: u64) -> anyhow::Result<Duration> {
        let head = i64::try_from(head)?;
        loop {
            if self.block().await?.is_some_and(|block| block >= head) {
                return Ok(self.begun.elapsed());
            }
            if let Some(status) = self.process.ended() {
                bail!("the indexer ended with {status}: {}", localnet::process::tail(self.process.log()));
            }
            ensure!(self.begun.elapsed() < Duration::from_secs(900), "the indexer does not reach block {head}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Returns the number of RPC calls from the indexer's own metrics.
    pub(crate) async fn rpc_calls(&self, network: &Network) -> anyhow::Result<u64> {
        let url = format!("http://127.0.0.1:{}/metrics", self.listen);
        let text = network.http().get(url).send().await?.text().await?;
        let calls = text.lines().filter(|line| line.starts_with("medlock_indexer_rpc_calls_total{"));
        calls.map(|line| Ok(line.rsplit(' ').next().context("a metric has a value")?.parse::<u64>()?)).sum()
    }

    pub(crate) async fn stop(mut self) {
        self.process.stop(Duration::from_secs(10)).await;
    }
}

/// Runs one backfill into an empty database. Returns the indexer, which then follows the chain.
pub(crate) async fn backfill(network: &mut Network, chain: &Chain, head: u64) -> anyhow::Result<(Backfilled, Ours)> {
    let before = Usage::cpu_of_family(network.mongo_pid()?)?;
    let mut ours = Ours::start(network, chain, "medlock").await?;
    let time = ours.reaches(head).await?;
    let mut usage = ours.usage()?;
    usage.database_cpu = Usage::cpu_of_family(network.mongo_pid()?)?.saturating_sub(before);
    let result = Backfilled { time, usage, rpc_calls: ours.rpc_calls(network).await? };
    let events = ours.db().collection::<Document>(collection::EVENTS).count_documents(doc! {}).await?;
    ensure!(events >= chain.shape.events(), "the mirror has {events} events, the chain {}", chain.shape.events());
    Ok((result, ours))
}

impl Sink for Ours {
    async fn sees(&mut self, event: &str) -> anyhow::Result<()> {
        let events = self.db.collection::<Document>(collection::EVENTS);
        while events.find_one(doc! { "_id": event }).projection(doc! { "_id": 1 }).await?.is_none() {
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }
}
