//! The limits for any indexer on this machine: only fetching and decoding, and only writing.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::TryStreamExt;
use indexer::{
    backfill::{Appetite, Backfill},
    chain::Rpc,
    decode::Contracts,
    health::Status,
    mirror::Mirror,
    settings::Pace,
};
use mongodb::bson::{RawDocumentBuf, doc};
use protocol::mirror::collection;

use crate::{chains::Chain, network::Network, ours};

/// Fetches and decodes every log as the indexer does, and discards it.
pub(crate) async fn null_sink(network: &Network, chain: &Chain, head: u64) -> anyhow::Result<Duration> {
    let deployment = indexer::binding::read_deployment(&chain.deployment)?;
    let (contracts, pace) = (Contracts::of(&deployment), Pace::default());
    let patience = Duration::from_millis(pace.rpc_timeout_ms);
    let url = network.localnet().rpc_url().parse()?;
    let begun = Instant::now();
    let rpc = Rpc::new(url, contracts.addresses(), patience, Arc::new(Status::default()));
    let appetite = Arc::new(Appetite::new(&pace));
    let mut ranges = Backfill::new(Arc::new(rpc), contracts, appetite, &pace, deployment.start_block, head);
    let mut events = 0;
    while let Some(stretch) = ranges.next().await? {
        events += stretch.batch.events.len() as u64;
    }
    let time = begun.elapsed();
    anyhow::ensure!(events >= chain.shape.events(), "the null sink saw {events} events");
    Ok(time)
}

/// All documents of a finished mirror, by collection, in the order in which they were written.
pub(crate) type Documents = Vec<(&'static str, Vec<RawDocumentBuf>)>;

pub(crate) async fn documents(network: &Network) -> anyhow::Result<Documents> {
    let db = ours::database(network, "medlock").await?;
    let mut all = Vec::new();
    for name in collection::ALL {
        let found = db.collection::<RawDocumentBuf>(name).find(doc! {}).await?.try_collect().await?;
        all.push((name, found));
    }
    Ok(all)
}

/// Writes the same documents into the same collections with the same indexes of an empty database, as fast as the
/// driver can.
pub(crate) async fn bare_write(network: &Network, documents: &Documents) -> anyhow::Result<Duration> {
    let uri = network.localnet().mongodb_uri();
    Mirror::connect(&uri, "medlock").await?.ensure_indexes().await?;
    let db = ours::database(network, "medlock").await?;
    let begun = Instant::now();
    for (name, documents) in documents {
        for documents in documents.chunks(CHUNK) {
            db.collection::<RawDocumentBuf>(name).insert_many(documents).ordered(false).await?;
        }
    }
    Ok(begun.elapsed())
}

const CHUNK: usize = 10_000;
