//! Compares the operator's promises with the chain: each leaf must be on chain by the time in its receipt.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use alloy::{
    providers::Provider,
    rpc::types::{BlockNumberOrTag, Filter},
    sol_types::SolEvent,
};
use anyhow::Context;
use client::chain::unix_now;
use contracts::access_log::AccessLog::Accessed;
use protocol::{deployment::ContractName, ids::LeafHash};

use crate::world::World;

/// The pause between two queries of the chain.
const POLL: Duration = Duration::from_secs(1);
/// The longest promise of an operator (300 s). A leaf that is not anchored by then is treated as never anchored.
const PATIENCE: Duration = Duration::from_secs(320);

/// The promise of a receipt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Promise {
    pub(crate) leaf: LeafHash,
    /// The time at which the receipt arrived, in Unix seconds.
    pub(crate) received_at: u64,
    /// The time by which the leaf must be on chain, in Unix seconds.
    pub(crate) anchor_by: u64,
}

impl Promise {
    /// Returns how far ahead the promise was, in seconds.
    pub(crate) const fn ahead(&self) -> u64 {
        self.anchor_by.saturating_sub(self.received_at)
    }
}

/// The outcome of the promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The number of promises.
    pub(crate) promises: usize,
    /// The number of leaves that were anchored after the promised time, or not at all.
    pub(crate) late: usize,
    /// The promise with the longest time, in seconds ahead.
    pub(crate) furthest: u64,
    /// The longest time that a leaf waited for its block, in seconds.
    pub(crate) slowest: u64,
}

/// Compares promises with the block times at which their leaves were anchored.
pub(crate) fn judge(promises: &[Promise], anchored_at: &HashMap<LeafHash, u64>) -> Kept {
    let at = |promise: &Promise| anchored_at.get(&promise.leaf).copied();
    Kept {
        promises: promises.len(),
        late: promises.iter().filter(|promise| at(promise).is_none_or(|at| at > promise.anchor_by)).count(),
        furthest: promises.iter().map(Promise::ahead).max().unwrap_or(0),
        slowest: promises
            .iter()
            .filter_map(|promise| Some(at(promise)?.saturating_sub(promise.received_at)))
            .max()
            .unwrap_or(0),
    }
}

/// Waits until every leaf is anchored or its time is over. Returns the outcome.
pub(crate) async fn settle(world: &World, promises: &[Promise]) -> anyhow::Result<Kept> {
    let begun = Instant::now();
    loop {
        let anchored_at = anchored(world).await?;
        let is_open =
            |promise: &Promise| !anchored_at.contains_key(&promise.leaf) && unix_now() <= promise.anchor_by + 2;
        if begun.elapsed() > PATIENCE || !promises.iter().any(is_open) {
            return Ok(judge(promises, &anchored_at));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Returns the block time of every leaf that the operator has anchored.
async fn anchored(world: &World) -> anyhow::Result<HashMap<LeafHash, u64>> {
    let (provider, deployment) = (world.patient.client.chain().provider(), world.deployment());
    let filter = Filter::new()
        .address(deployment.address_of(ContractName::AccessLog))
        .event_signature(Accessed::SIGNATURE_HASH)
        .topic1(deployment.operator.into_word())
        .from_block(deployment.start_block);
    let mut times: HashMap<u64, u64> = HashMap::new();
    let mut anchored = HashMap::new();
    for log in provider.get_logs(&filter).await? {
        let number = log.block_number.context("an event that is mined has a block")?;
        let time = match times.get(&number) {
            Some(time) => *time,
            None => {
                let block = provider.get_block_by_number(BlockNumberOrTag::Number(number)).await?;
                let time = block.context("the block of an event exists")?.header.timestamp;
                *times.entry(number).or_insert(time)
            }
        };
        anchored.insert(LeafHash(Accessed::decode_log(&log.inner)?.leaf), time);
    }
    Ok(anchored)
}

/// Checks the comparison with example promises, because an error in it could count late promises as kept.
///
/// # Errors
/// Returns an error when the comparison is wrong.
pub(crate) fn self_check() -> anyhow::Result<()> {
    let promise = |byte: u8, anchor_by: u64| Promise {
        leaf: LeafHash(alloy::primitives::B256::repeat_byte(byte)),
        received_at: 100,
        anchor_by,
    };
    let promises = [promise(1, 160), promise(2, 160), promise(3, 400)];
    let anchored_at = HashMap::from([(promises[0].leaf, 160), (promises[1].leaf, 161)]);
    let expected = Kept { promises: 3, late: 2, furthest: 300, slowest: 61 };
    anyhow::ensure!(judge(&promises, &anchored_at) == expected, "receipts are judged wrongly");
    Ok(())
}
