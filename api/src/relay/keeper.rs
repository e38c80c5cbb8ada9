//! The keeper of a line: repairs the state after crashes, reorgs and faults of nodes.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use alloy::{eips::BlockId, primitives::B256, providers::Provider, rpc::types::BlockNumberOrTag};
use futures::TryStreamExt;
use mongodb::{
    Collection,
    bson::{doc, to_bson},
    error::Error,
};
use protocol::{
    bodies::relay::ActionState,
    error_code::ErrorCode,
    ids::RecordId,
    messages::Tombstone,
    mirror::{RecordDoc, collection as mirror},
};
use tokio_util::sync::CancellationToken;

use super::{
    action_doc::{ActionDoc, FailureDoc},
    error::RelayError,
    follow_up,
    line::Line,
    outcome,
    shared::Shared,
    transaction::{self, Call},
    watch,
};
use crate::time::now_ms;

/// Interval of the search for actions that no task watches.
const MEND_EVERY: Duration = Duration::from_secs(1);
/// An action that has been pending for this long may be behind a hole in the nonces.
const STUCK_AFTER_MS: i64 = 3_000;
/// Most actions that are checked in one round.
const ROUND_MAX: i64 = 500;

/// Maintains one line while this replica leads, until `shutdown`.
pub(super) async fn keep(shared: Arc<Shared>, line: Line, shutdown: CancellationToken) {
    let mut beat = tokio::time::interval(MEND_EVERY.min(shared.limits.lease / 4));
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            _ = beat.tick() => {}
        }
        let term = shared.leading.borrow().clone();
        let Some(term) = term else { continue };
        if let Err(error) = mend(&shared, line, &term).await {
            tracing::warn!(%error, line = line.as_str(), "relayed actions could not be maintained; trying again");
        }
    }
}

async fn mend(shared: &Arc<Shared>, line: Line, term: &CancellationToken) -> Result<(), RelayError> {
    adopt(shared, line, term).await?;
    confirm(shared, line).await?;
    expire(shared, line).await?;
    if line == Line::Urgent {
        drop_stale(shared).await?;
    }
    finish(shared, line).await
}

/// Watches pending actions that no task watches, after a restart or after taking over from another replica.
async fn adopt(shared: &Arc<Shared>, line: Line, term: &CancellationToken) -> Result<(), RelayError> {
    let on_its_way = doc! { "line": line.as_str(), "state": to_bson(&ActionState::Sent).map_err(Error::from)? };
    let sent: Vec<ActionDoc> =
        shared.actions.find(on_its_way).sort(doc! { "accepted_at": 1 }).limit(ROUND_MAX).await?.try_collect().await?;
    let is_stuck = sent.first().is_some_and(|oldest| now_ms() - oldest.accepted_at > STUCK_AFTER_MS);
    let state = shared.lines.of(line);
    let nonces: HashSet<i64> = sent
        .iter()
        .filter_map(|action| action.transaction.as_ref())
        .filter(|transaction| transaction.relayer == state.relayer())
        .map(|transaction| transaction.nonce)
        .collect();
    for action in sent {
        // The sender is about to watch an action that was accepted just now.
        if !state.is_watched(action.id) && now_ms() - action.accepted_at > 500 {
            watch::start(shared, action, term);
        }
    }
    if is_stuck { close_holes(shared, line, &nonces).await } else { Ok(()) }
}

/// Closes holes in the nonces, because no transaction is mined behind an unused nonce. Actions whose transactions the
/// chain has lost are sent again. A remaining hole is filled with a transaction that does nothing.
async fn close_holes(shared: &Shared, line: Line, nonces: &HashSet<i64>) -> Result<(), RelayError> {
    let Some(highest) = nonces.iter().max() else { return Ok(()) };
    let state = shared.lines.of(line);
    let mined = i64::try_from(shared.mined_nonces(line).await?).unwrap_or(i64::MAX);
    let lost = doc! {
        "transaction.relayer": format!("{:#x}", state.relayer()),
        "transaction.nonce": { "$gte": mined },
        "state": to_bson(&ActionState::Mined).map_err(Error::from)?,
    };
    let again = doc! {
        "$set": {
            "state": to_bson(&ActionState::Sent).map_err(Error::from)?,
            "is_final": false,
            "is_followed_up": false,
        },
        "$unset": { "mined": "" },
    };
    if shared.actions.update_many(lost, again).await?.modified_count > 0 {
        tracing::warn!("the chain has lost mined transactions; they are sent again");
        return Ok(());
    }
    for hole in (mined..*highest).filter(|nonce| !nonces.contains(nonce)).take(100) {
        let nonce = u64::try_from(hole).unwrap_or(0);
        let call = Call::nothing(state.relayer());
        let chain_id = shared.deployment.chain_id;
        let fees = shared.fees(line).await?;
        let filler = transaction::sign(&state.signer, chain_id, nonce, &call, fees, &[], now_ms())
            .map_err(|error| RelayError::Chain(alloy::transports::TransportErrorKind::custom(error)))?;
        match shared.provider.send_raw_transaction(&filler.raw).await {
            Ok(_) => tracing::warn!("a hole in a relayer's nonces was filled"),
            Err(error) => tracing::debug!(%error, "a hole in a relayer's nonces could not be filled"),
        }
    }
    Ok(())
}

/// Checks that mined actions stay mined, until they are deep enough.
async fn confirm(shared: &Shared, line: Line) -> Result<(), RelayError> {
    let shallow = doc! {
        "line": line.as_str(), "is_final": false, "state": to_bson(&ActionState::Mined).map_err(Error::from)?,
    };
    let actions: Vec<ActionDoc> =
        shared.actions.find(shallow).sort(doc! { "accepted_at": 1 }).limit(ROUND_MAX).await?.try_collect().await?;
    if actions.is_empty() {
        return Ok(());
    }
    let head = shared.provider.get_block_number().await?;
    let mut canonical: HashMap<u64, Option<B256>> = HashMap::new();
    let mut deep = BTreeSet::new();
    for action in &actions {
        let Some(mined) = &action.mined else { continue };
        let number = u64::try_from(mined.block_number).unwrap_or(0);
        if let std::collections::hash_map::Entry::Vacant(unknown) = canonical.entry(number) {
            let block = shared.provider.get_block_by_number(BlockNumberOrTag::Number(number)).await?;
            unknown.insert(block.map(|block| block.header.hash));
        }
        if canonical.get(&number) != Some(&Some(mined.block_hash)) {
            // The keeper watches it in its next round and asks for the receipt again.
            let again = doc! {
                "$set": { "state": to_bson(&ActionState::Sent).map_err(Error::from)?, "is_followed_up": false },
                "$unset": { "mined": "" },
            };
            shared.actions.update_one(doc! { "_id": action.id.to_string() }, again).await?;
            tracing::info!(action.kind = action.kind, "a mined action is no longer in the chain; watching it again");
        } else if head.saturating_sub(number) >= shared.limits.confirmations {
            deep.insert(action.id.to_string());
        }
    }
    if !deep.is_empty() {
        let ids: Vec<String> = deep.into_iter().collect();
        let is_final = doc! { "$set": { "is_final": true } };
        shared.actions.update_many(doc! { "_id": { "$in": ids } }, is_final).await?;
    }
    Ok(())
}

/// Fails actions that waited for a transaction until their deadline passed.
async fn expire(shared: &Shared, line: Line) -> Result<(), RelayError> {
    let late = doc! {
        "line": line.as_str(),
        "state": to_bson(&ActionState::Accepted).map_err(Error::from)?,
        "deadline": { "$lte": i64::try_from(shared.clock.now()).unwrap_or(i64::MAX) },
    };
    let late: Vec<ActionDoc> = shared.actions.find(late).limit(ROUND_MAX).await?.try_collect().await?;
    for action in late {
        let detail = "The action's deadline passed before it was sent.".to_owned();
        outcome::failed_unsent(shared, action, FailureDoc { code: ErrorCode::Expired, detail }).await?;
    }
    Ok(())
}

/// Fails tombstones that still wait for a transaction although their patient has closed or opened the record in another
/// way. The mirror finds the candidates in one query, and the chain decides.
async fn drop_stale(shared: &Shared) -> Result<(), RelayError> {
    let waiting = doc! {
        "line": Line::Urgent.as_str(),
        "state": to_bson(&ActionState::Accepted).map_err(Error::from)?,
        "tombstones": { "$exists": true },
    };
    let waiting: Vec<ActionDoc> =
        shared.actions.find(waiting).sort(doc! { "accepted_at": 1 }).limit(ROUND_MAX).await?.try_collect().await?;
    if waiting.is_empty() {
        return Ok(());
    }
    let ids: Vec<String> = waiting.iter().filter_map(|action| action.tombstones).map(|id| id.to_string()).collect();
    let records: Collection<RecordDoc> = shared.database.collection(mirror::RECORDS);
    let changed: HashMap<RecordId, u32> = records
        .find(doc! { "_id": { "$in": ids } })
        .await?
        .map_ok(|record| (record.id, record.tombstone_epoch))
        .try_collect()
        .await?;
    let is_changed =
        |message: Tombstone| changed.get(&message.record.into()).is_some_and(|epoch| *epoch > message.epoch);
    for action in waiting.into_iter().filter(|action| action.tombstone().is_some_and(is_changed)) {
        if let Some(why) = outcome::why_stale(shared, &action, BlockId::latest()).await? {
            outcome::failed_unsent(shared, action, why).await?;
        }
    }
    Ok(())
}

/// Carries out consequences of outcomes that a crash interrupted.
async fn finish(shared: &Shared, line: Line) -> Result<(), RelayError> {
    for state in [ActionState::Mined, ActionState::Failed] {
        let forgotten = doc! {
            "line": line.as_str(), "is_followed_up": false, "state": to_bson(&state).map_err(Error::from)?,
        };
        let actions: Vec<ActionDoc> = shared
            .actions
            .find(forgotten)
            .sort(doc! { "accepted_at": 1 })
            .limit(ROUND_MAX)
            .await?
            .try_collect()
            .await?;
        for action in actions {
            if now_ms() - action.mined.as_ref().map_or(action.accepted_at, |mined| mined.seen_at) > 2_000 {
                follow_up::follow_up(shared, &action).await;
            }
        }
    }
    Ok(())
}
