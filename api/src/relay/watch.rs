//! One task per transaction. It sends the transaction, asks for its receipt, sends it again when it was dropped,
//! replaces it when it is stuck, gives up its nonce when it can no longer succeed, and stores the outcome.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use alloy::{
    primitives::{Address, B256},
    providers::Provider,
    rpc::types::TransactionReceipt,
    transports::TransportError,
};
use mongodb::{
    bson::{doc, to_bson},
    error::Error,
};
use protocol::{
    bodies::relay::{ActionState, Waiting},
    ids::ActionId,
};
use tokio_util::sync::CancellationToken;

use super::{
    action_doc::{ActionDoc, CancelDoc, FailureDoc, TransactionDoc},
    error::RelayError,
    line::Line,
    outcome,
    shared::Shared,
    transaction::{self, Call, Fees},
};
use crate::time::now_ms;

/// The first pause before a receipt is requested. Each further pause is one and a half times as long.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
/// Interval of the check that the node still knows the transaction.
const CARE_EVERY: Duration = Duration::from_secs(1);
/// Number of consecutive checks that must report a lost nonce. Several nodes may be behind one URL, and some may lag:
/// one reports the nonce as used while another has no receipt yet.
const LOST_LOOKS: u32 = 3;

/// Starts watching an action that has a transaction, unless a task of this replica already does.
pub(super) fn start(shared: &Arc<Shared>, action: ActionDoc, term: &CancellationToken) {
    let Some(watching) = Watching::begin(shared, &action) else { return };
    let (shared, term) = (shared.clone(), term.clone());
    tokio::spawn(async move {
        let _watching = watching;
        tokio::select! {
            () = term.cancelled() => {}
            () = watch(&shared, action) => {}
        }
    });
}

/// Marks an action as watched until it is dropped.
struct Watching {
    shared: Arc<Shared>,
    line: Line,
    id: ActionId,
}

impl Watching {
    fn begin(shared: &Arc<Shared>, action: &ActionDoc) -> Option<Self> {
        let (line, id) = (action.line, action.id);
        shared.lines.of(line).begin(id, action.gas()).then(|| Self { shared: shared.clone(), line, id })
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.shared.lines.of(self.line).end(self.id);
    }
}

async fn watch(shared: &Arc<Shared>, mut action: ActionDoc) {
    let Some(mut transaction) = action.transaction.clone() else { return };
    broadcast(shared, &transaction).await;
    let mut pause = FIRST_PAUSE;
    let mut cared = Instant::now();
    let mut tried = Instant::now();
    let mut lost_looks = 0;
    loop {
        match receipt(shared, &transaction).await {
            Ok(Some(receipt)) => {
                action.transaction = Some(transaction.clone());
                match outcome::mined(shared, &action, &receipt).await {
                    Ok(()) => return,
                    Err(error) => tracing::warn!(%error, "an outcome could not be written; trying again"),
                }
            }
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "no answer about a receipt; trying again"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(shared.limits.receipt_poll_max);
        if cared.elapsed() >= CARE_EVERY {
            cared = Instant::now();
            match care(shared, &mut action, &mut transaction, &mut tried).await {
                Ok(Care::GoOn) => lost_looks = 0,
                Ok(Care::NonceLost) if lost_looks + 1 < LOST_LOOKS => lost_looks += 1,
                Ok(Care::NonceLost) => match lose_nonce(shared, &action, &transaction).await {
                    Ok(()) => return,
                    Err(error) => tracing::warn!(%error, "a lost nonce could not be stored; trying again"),
                },
                Err(error) => tracing::warn!(%error, "a waiting transaction could not be checked; trying again"),
            }
        }
    }
}

enum Care {
    GoOn,
    /// Another transaction seems to have used the nonce.
    NonceLost,
}

/// Sends the same bytes again if the node has dropped them. If the transaction is stuck, sends one with a higher fee,
/// or one that gives up the nonce.
async fn care(
    shared: &Shared,
    action: &mut ActionDoc,
    transaction: &mut TransactionDoc,
    tried: &mut Instant,
) -> Result<Care, RelayError> {
    let nonce = u64::try_from(transaction.nonce).unwrap_or(0);
    if mined_nonces(shared, transaction.relayer).await? > nonce {
        // Either our transaction was mined just now, or somebody else used the relayer's key.
        if receipt(shared, transaction).await?.is_some() {
            return Ok(Care::GoOn);
        }
        return Ok(Care::NonceLost);
    }
    let age = Duration::from_millis(u64::try_from(now_ms() - transaction.signed_at).unwrap_or(0));
    let is_stuck = age >= shared.limits.replace_after && tried.elapsed() >= shared.limits.replace_after / 2;
    if is_stuck {
        *tried = Instant::now();
        if transaction.relayer != shared.lines.of(action.line).relayer() {
            // The key was changed. The holder of the old key may still send the transaction, and the contract accepts
            // it once.
            return Ok(Care::NonceLost);
        }
        if let Some(better) = renew(shared, action, transaction).await? {
            *transaction = better;
            note(shared, action, None).await?;
            broadcast(shared, transaction).await;
            return Ok(Care::GoOn);
        }
        note(shared, action, Some(Waiting::Fees)).await?;
    }
    let current = transaction.hashes().next().unwrap_or(B256::ZERO);
    if shared.provider.get_transaction_by_hash(current).await?.is_none() {
        broadcast(shared, transaction).await;
        let held = shared.held_back(action.line);
        note(shared, action, held).await?;
    }
    Ok(Care::GoOn)
}

async fn note(shared: &Shared, action: &mut ActionDoc, why: Option<Waiting>) -> Result<(), RelayError> {
    if action.waiting != why {
        outcome::note_waiting(shared, action, why).await?;
        action.waiting = why;
    }
    Ok(())
}

/// Returns the action to the queue for a new nonce.
async fn lose_nonce(shared: &Shared, action: &ActionDoc, transaction: &TransactionDoc) -> Result<(), RelayError> {
    let unsettled = doc! {
        "_id": action.id.to_string(),
        "state": to_bson(&ActionState::Sent).map_err(Error::from)?,
        "transaction.nonce": transaction.nonce,
    };
    let waiting = doc! {
        "$set": { "state": to_bson(&ActionState::Accepted).map_err(Error::from)? },
        "$unset": { "transaction": "" },
    };
    shared.actions.update_one(unsettled, waiting).await?;
    tracing::warn!("a nonce of a relayer was used by another transaction; the action gets a new one");
    Ok(())
}

/// Signs a stuck transaction with higher fees, or one that gives up its nonce, and stores it before it is sent. Returns
/// `None` when no replacement is possible below the ceiling.
async fn renew(
    shared: &Shared,
    action: &ActionDoc,
    stuck: &TransactionDoc,
) -> Result<Option<TransactionDoc>, RelayError> {
    let why = match &stuck.cancelled {
        Some(cancelled) => Some(cancelled.why.clone()),
        None => outcome::is_hopeless(shared, action).await?,
    };
    // A plain transfer may pay a quarter more, because everything behind it waits.
    let ceiling = shared.limits.fee_ceiling;
    let ceiling = if why.is_some() { ceiling.saturating_add(ceiling / 4) } else { ceiling };
    let market = shared.market().await?.fees(action.line, ceiling);
    let old = Fees::of(stuck);
    let fees = old.map_or(market, |old| old.to_replace(market)).capped(ceiling);
    if old.is_some_and(|old| !fees.replaces(old)) {
        return Ok(None);
    }
    let better = resign(shared, action, stuck, fees, why)?;
    let unsettled = doc! { "_id": action.id.to_string(), "transaction.nonce": stuck.nonce };
    let replaced = doc! { "$set": { "transaction": to_bson(&better).map_err(Error::from)? } };
    shared.actions.update_one(unsettled, replaced).await?;
    tracing::info!(
        action.kind = action.kind,
        gives_up = better.cancelled.is_some(),
        "a stuck transaction was replaced"
    );
    Ok(Some(better))
}

fn resign(
    shared: &Shared,
    action: &ActionDoc,
    stuck: &TransactionDoc,
    fees: Fees,
    why: Option<FailureDoc>,
) -> Result<TransactionDoc, RelayError> {
    let state = shared.lines.of(action.line);
    let call = match why {
        Some(_) => Call::nothing(state.relayer()),
        None => Call { to: action.to, data: action.data.clone(), gas_limit: action.gas() },
    };
    let nonce = u64::try_from(stuck.nonce).unwrap_or(0);
    let chain_id = shared.deployment.chain_id;
    let mut better = transaction::sign(&state.signer, chain_id, nonce, &call, fees, &stuck.hashes, now_ms())
        .map_err(|error| RelayError::Chain(alloy::transports::TransportErrorKind::custom(error)))?;
    better.cancelled = match (stuck.cancelled.clone(), why) {
        (Some(earlier), _) => Some(earlier),
        (None, Some(why)) => Some(CancelDoc { from: i32::try_from(stuck.hashes.len()).unwrap_or(i32::MAX), why }),
        (None, None) => None,
    };
    Ok(better)
}

async fn mined_nonces(shared: &Shared, relayer: Address) -> Result<u64, TransportError> {
    shared.provider.get_transaction_count(relayer).latest().await
}

/// Sends the bytes to the node. An error is not an outcome: the receipt decides, and the bytes are sent again.
async fn broadcast(shared: &Shared, transaction: &TransactionDoc) {
    if let Err(error) = shared.provider.send_raw_transaction(&transaction.raw).await {
        tracing::debug!(%error, "a transaction was not taken by the node");
    }
}

/// Returns the receipt of the form of the transaction that was mined.
async fn receipt(shared: &Shared, transaction: &TransactionDoc) -> Result<Option<TransactionReceipt>, TransportError> {
    for hash in transaction.hashes() {
        let receipt = shared.provider.get_transaction_receipt(hash).await?;
        // A receipt without a block belongs to a transaction that is not mined yet.
        if let Some(receipt) = receipt.filter(|receipt| receipt.block_number.is_some()) {
            return Ok(Some(receipt));
        }
    }
    Ok(None)
}
