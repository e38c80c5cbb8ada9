//! The keeper: holds the lease, keeps fees current, and mends what crashes, reorgs and foreign nodes leave behind.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use alloy::{primitives::B256, providers::Provider, rpc::types::BlockNumberOrTag};
use futures::TryStreamExt;
use mongodb::{
    bson::{doc, to_bson},
    error::Error,
};
use protocol::bodies::relay::ActionState;
use tokio_util::sync::CancellationToken;

use super::{
    ActionDoc, RelayError, Shared, follow_up, now_ms,
    transaction::{self, Call},
    watch,
};
use crate::lease::Lease;

/// How often to look for actions that nobody watches.
const MEND_EVERY: Duration = Duration::from_secs(1);
/// How often to ask what transactions cost.
const FEES_EVERY: Duration = Duration::from_secs(3);
/// An action that has been on its way for so long may lie behind a hole in the nonces.
const STUCK_AFTER_MS: i64 = 3_000;
/// The most actions that are looked at in one round.
const ROUND_MAX: i64 = 500;

/// Runs until `shutdown`, then gives the lease up.
pub(super) async fn keep(shared: Arc<Shared>, mut lease: Lease, shutdown: CancellationToken) {
    let mut beat = tokio::time::interval(lease.interval().min(MEND_EVERY));
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut last_fees: Option<Instant> = None;
    let mut renewed: Option<Instant> = None;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            _ = beat.tick() => {}
        }
        if renewed.is_none_or(|at| at.elapsed() >= lease.interval()) || !lease.is_held() {
            match lease.hold().await {
                Ok(_) => renewed = Some(Instant::now()),
                Err(error) => tracing::warn!(%error, "the relay's lease could not be renewed"),
            }
            lead(&shared, lease.is_held());
        }
        let term = shared.leading.borrow().clone();
        let Some(term) = term else { continue };
        if last_fees.is_none_or(|at| at.elapsed() >= FEES_EVERY) {
            match shared.ask_fees().await {
                Ok(_) => last_fees = Some(Instant::now()),
                Err(error) => tracing::warn!(%error, "the chain does not say what transactions cost"),
            }
        }
        if let Err(error) = mend(&shared, &term).await {
            tracing::warn!(%error, "relayed actions could not be looked after; trying again");
        }
    }
    lead(&shared, false);
    if let Err(error) = lease.release().await {
        tracing::warn!(%error, "the relay's lease was not released; it ends by itself");
    }
}

/// Begins or ends this replica's term.
fn lead(shared: &Shared, is_held: bool) {
    shared.leading.send_if_modified(|leading| match (is_held, leading.is_some()) {
        (true, false) => {
            *leading = Some(CancellationToken::new());
            true
        }
        (false, true) => {
            if let Some(term) = leading.take() {
                term.cancel();
            }
            true
        }
        _ => false,
    });
}

async fn mend(shared: &Arc<Shared>, term: &CancellationToken) -> Result<(), RelayError> {
    adopt(shared, term).await?;
    confirm(shared).await?;
    finish(shared).await
}

/// Watches what is on its way and nobody watches: after a restart, or taken over from another replica.
async fn adopt(shared: &Arc<Shared>, term: &CancellationToken) -> Result<(), RelayError> {
    let on_its_way = doc! { "state": to_bson(&ActionState::Sent).map_err(Error::from)? };
    let sent: Vec<ActionDoc> =
        shared.actions.find(on_its_way).sort(doc! { "accepted_at": 1 }).limit(ROUND_MAX).await?.try_collect().await?;
    let is_stuck = sent.first().is_some_and(|oldest| now_ms() - oldest.accepted_at > STUCK_AFTER_MS);
    let relayer = shared.signer.address();
    let nonces: HashSet<i64> = sent
        .iter()
        .filter_map(|action| action.transaction.as_ref())
        .filter(|transaction| transaction.relayer == relayer)
        .map(|transaction| transaction.nonce)
        .collect();
    let watched: HashSet<_> = shared.watched.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for action in sent {
        // One that was accepted just now is about to be watched by the sender.
        if !watched.contains(&action.id) && now_ms() - action.accepted_at > 500 {
            watch::start(shared, action, term);
        }
    }
    if is_stuck { close_holes(shared, &nonces).await } else { Ok(()) }
}

/// Nothing is mined behind a nonce that nobody uses. Actions that a chain set back has lost are sent again; whatever
/// hole stays is filled with a transaction that does nothing.
async fn close_holes(shared: &Shared, nonces: &HashSet<i64>) -> Result<(), RelayError> {
    let Some(highest) = nonces.iter().max() else { return Ok(()) };
    let mined = i64::try_from(shared.mined_nonces().await?).unwrap_or(i64::MAX);
    let lost = doc! {
        "transaction.relayer": format!("{:#x}", shared.signer.address()),
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
        let call = Call::nothing(shared.signer.address());
        let chain_id = shared.deployment.chain_id;
        let filler = transaction::sign(&shared.signer, chain_id, nonce, &call, shared.fees().await?, &[], now_ms())
            .map_err(|error| RelayError::Chain(alloy::transports::TransportErrorKind::custom(error)))?;
        match shared.provider.send_raw_transaction(&filler.raw).await {
            Ok(_) => tracing::warn!("a hole in the relayer's nonces was filled"),
            Err(error) => tracing::debug!(%error, "a hole in the relayer's nonces could not be filled"),
        }
    }
    Ok(())
}

/// Makes sure that what was mined stays mined, until it lies deep enough.
async fn confirm(shared: &Shared) -> Result<(), RelayError> {
    let shallow = doc! { "is_final": false, "state": to_bson(&ActionState::Mined).map_err(Error::from)? };
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
            // The keeper adopts it in its next round and asks for the receipt again.
            let again = doc! {
                "$set": { "state": to_bson(&ActionState::Sent).map_err(Error::from)?, "is_followed_up": false },
                "$unset": { "mined": "" },
            };
            shared.actions.update_one(doc! { "_id": action.id.to_string() }, again).await?;
            tracing::info!(action.kind = action.kind, "a mined action fell out of the chain; watching it again");
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

/// Does what follows from outcomes for which a crash came in between.
async fn finish(shared: &Shared) -> Result<(), RelayError> {
    let settled = [ActionState::Mined, ActionState::Failed].map(|state| to_bson(&state).map_err(Error::from));
    let [mined, failed] = settled;
    let forgotten = doc! { "is_followed_up": false, "state": { "$in": [mined?, failed?] } };
    let actions: Vec<ActionDoc> =
        shared.actions.find(forgotten).sort(doc! { "accepted_at": 1 }).limit(ROUND_MAX).await?.try_collect().await?;
    for action in actions {
        if now_ms() - action.mined.as_ref().map_or(action.accepted_at, |mined| mined.seen_at) > 2_000 {
            follow_up::follow_up(shared, &action).await;
        }
    }
    Ok(())
}
