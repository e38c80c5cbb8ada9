//! Measures the time from a block to its row.

use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::{
    chains::{Crowd, Seed},
    network::Anvil,
};

/// The number of blocks that are mined, with one event each.
pub(crate) const BLOCKS: usize = 500;
/// The time between two checks for a row, for every indexer.
pub(crate) const LOOK: Duration = Duration::from_millis(1);
const PATIENCE: Duration = Duration::from_secs(60);

/// A store in which the row of an event can be found.
pub(crate) trait Sink {
    /// Returns when the row of the event exists.
    async fn sees(&mut self, event: &str) -> anyhow::Result<()>;
}

/// Mines blocks with one event, one after another at irregular times. Measures each from the moment at which Anvil
/// answers that it is mined.
pub(crate) async fn latencies(anvil: &Anvil, crowd: &mut Crowd, sink: &mut impl Sink) -> anyhow::Result<Vec<Duration>> {
    anvil.rpc("evm_setAutomine", serde_json::json!([false])).await?;
    let mut seed = Seed::new(7);
    let mut times = Vec::with_capacity(BLOCKS);
    for block in 0..BLOCKS + 10 {
        crowd.act(1, 0);
        crowd.send(anvil).await?;
        tokio::time::sleep(Duration::from_micros(15_000 + seed.below(30_000))).await;
        let event = format!("{}:0", anvil.mine().await?);
        let mined = Instant::now();
        let seen = tokio::time::timeout(PATIENCE, sink.sees(&event)).await;
        ensure!(seen.is_ok(), "the row of block {block} does not come");
        seen??;
        // The first blocks are a warm-up.
        if block >= 10 {
            times.push(mined.elapsed());
        }
    }
    Ok(times)
}
