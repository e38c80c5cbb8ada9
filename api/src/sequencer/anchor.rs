//! Checkpoints: the position of the log after each one, and the sending of the next one.

use std::time::Duration;

use alloy::primitives::{B256, U256};
use mongodb::{Collection, bson::doc};
use protocol::{
    bodies::relay::ActionState,
    ids::LeafHash,
    log::{Frontier, Head},
    messages::{Access, Action, Checkpoint, accesses_hash},
};
use serde::{Deserialize, Serialize};

use super::error::SequencerError;
use crate::{
    app::App,
    relay::RelayError,
    store::{collection, is_duplicate, json_text, leaves::LeafDoc},
};

/// Validity of a checkpoint message. It is normally mined much sooner.
const VALID_SECONDS: u64 = 3_600;
/// Time to wait for a checkpoint before the chain is asked again.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// The position of the log after a checkpoint: the preimage of the head, and the data that is needed to append.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Position {
    pub(super) head: Head,
    pub(super) frontier: Frontier,
    /// Number of checkpoints so far. The operator's nonces are counted in the same way, because neighbouring nonces
    /// share a storage slot.
    pub(super) checkpoints: u64,
}

impl Position {
    /// Returns an empty log.
    pub(super) fn empty() -> Self {
        Self { head: Head::EMPTY, frontier: Frontier::default(), checkpoints: 0 }
    }
}

/// A position in the database. `_id`: the head in the form that the chain stores.
#[derive(Serialize, Deserialize)]
struct PositionDoc {
    #[serde(rename = "_id")]
    head: LeafHash,
    #[serde(with = "json_text")]
    position: Position,
}

/// Returns the head that the chain stores for our log.
pub(super) async fn chain_head(app: &App) -> Result<B256, SequencerError> {
    Ok(app.chain_view.access_log().headOf(app.deployment.operator).call().await?)
}

/// Returns the position whose head is on chain, if it is stored here.
pub(super) async fn find(app: &App, on_chain: B256) -> Result<Option<Position>, SequencerError> {
    if on_chain == B256::ZERO {
        return Ok(Some(Position::empty()));
    }
    let positions: Collection<PositionDoc> = app.log_database.collection(collection::POSITIONS);
    Ok(positions.find_one(doc! { "_id": format!("{on_chain:#x}") }).await?.map(|doc| doc.position))
}

/// Stores a position, so that the next round and the next sequencer can continue from it.
pub(super) async fn remember(app: &App, position: &Position) -> Result<(), SequencerError> {
    let positions: Collection<PositionDoc> = app.log_database.collection(collection::POSITIONS);
    let document = PositionDoc { head: LeafHash(position.head.hash()), position: position.clone() };
    match positions.insert_one(document).await {
        Ok(_) => Ok(()),
        // The same head always has the same position.
        Err(error) if is_duplicate(&error) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Anchors a batch on top of `position`. Returns when it is mined.
pub(super) async fn anchor(app: &App, position: Position, batch: &[LeafDoc]) -> Result<(), SequencerError> {
    let mut next = position.clone();
    next.frontier.extend(batch.iter().map(|leaf| leaf.id));
    next.head = position.head.next(next.frontier.size(), next.frontier.root());
    next.checkpoints += 1;
    // Stored before it is sent, because the next sequencer must find it once it is mined.
    remember(app, &next).await?;

    let accesses: Vec<Access> = batch.iter().map(access).collect();
    let message = Checkpoint {
        operator: app.operator.address(),
        previousHead: next.head.previous,
        size: next.head.size,
        root: next.head.root,
        accessesHash: accesses_hash(&accesses),
        nonce: U256::from(next.checkpoints),
        deadline: U256::from(app.clock.now() + VALID_SECONDS),
    };
    let action = Action::Checkpoint(message.clone());
    let signature = app.operator.sign(action.signing_hash(&app.deployment));
    let replaced = (position.head.previous, position.head.size, position.head.root);
    let accepted = app.relay.accept_checkpoint(message, &accesses, signature, replaced).await?;
    let settled = app.relay.settle(accepted, PATIENCE).await;
    match (settled.state, settled.failure) {
        (ActionState::Failed, Some(failure)) => Err(RelayError::refused(failure.code, failure.detail).into()),
        // Mined or pending: the chain's head will show it.
        _ => Ok(()),
    }
}

fn access(leaf: &LeafDoc) -> Access {
    Access { record: leaf.record.0, tag: leaf.tag.0, purposes: leaf.purpose.bit(), leaf: leaf.id.0 }
}
