//! From a block to its row.

use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::{
    chains::{Crowd, Seed},
    network::Anvil,
};

/// How many blocks of one event are mined.
pub(crate) const BLOCKS: usize = 500;
/// Between two looks for a row, whoever's it is.
pub(crate) const LOOK: Duration = Duration::from_millis(1);
const PATIENCE: Duration = Duration::from_secs(60);

/// Whoever can tell whether the row of an event is there.
pub(crate) trait Sink {
    /// Returns once it is.
    async fn sees(&mut self, event: &str) -> anyhow::Result<()>;
}

/// Mines blocks of one event, one after another at odd moments, and times each from Anvil's answer that it is mined.
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
        // The first blocks warm everybody up.
        if block >= 10 {
            times.push(mined.elapsed());
        }
    }
    Ok(times)
}
