//! Rebuilds the log's position from chain events alone, when the stored positions were lost.

use alloy::{
    eips::BlockNumberOrTag,
    primitives::B256,
    providers::Provider,
    rpc::types::{Filter, Log},
};
use contracts::access_log::AccessLog::{Accessed, Checkpoint};
use protocol::{deployment::ContractName, ids::LeafHash};

use super::{
    anchor::{self, Position},
    error::SequencerError,
};
use crate::app::App;
use alloy::sol_types::SolEvent;

/// Number of blocks in one query for events.
const SPAN: u64 = 2_000;

/// Rebuilds the tree from every `Accessed` event of our log up to the head on chain, and stores the position.
pub(super) async fn from_chain(app: &App, on_chain: B256) -> Result<Position, SequencerError> {
    tracing::warn!("the log's position is not known here; rebuilding it from the chain's events");
    let latest = app.chain.get_block_number().await?;
    let mut position = Position::empty();
    let mut from = app.deployment.start_block;
    while from <= latest {
        let to = (from + SPAN - 1).min(latest);
        let filter = Filter::new()
            .address(app.deployment.address_of(ContractName::AccessLog))
            .event_signature(vec![Accessed::SIGNATURE_HASH, Checkpoint::SIGNATURE_HASH])
            .topic1(app.deployment.operator.into_word())
            .from_block(BlockNumberOrTag::Number(from))
            .to_block(BlockNumberOrTag::Number(to));
        for log in app.chain.get_logs(&filter).await? {
            apply(&mut position, &log)?;
        }
        from = to + 1;
    }
    if position.head.hash() != on_chain {
        // A checkpoint was mined in the meantime, or the node no longer has old events.
        return Err(SequencerError::Inconsistent("the chain's events do not lead to its head"));
    }
    anchor::remember(app, &position).await?;
    Ok(position)
}

fn apply(position: &mut Position, log: &Log) -> Result<(), SequencerError> {
    if let Ok(accessed) = Accessed::decode_log(&log.inner) {
        position.frontier.push(LeafHash(accessed.leaf));
        return Ok(());
    }
    let Ok(checkpoint) = Checkpoint::decode_log(&log.inner) else { return Ok(()) };
    if checkpoint.size != position.frontier.size() || checkpoint.root != position.frontier.root() {
        return Err(SequencerError::Inconsistent("a checkpoint on chain is not the root of its leaves"));
    }
    position.head = position.head.next(checkpoint.size, checkpoint.root);
    position.checkpoints += 1;
    Ok(())
}
