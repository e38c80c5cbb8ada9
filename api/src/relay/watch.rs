//! One task per transaction: send it, ask for its receipt, send it again when it was dropped, replace it when it is
//! stuck, and write down the outcome.

use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use alloy::{
    eips::BlockId,
    network::TransactionBuilder,
    primitives::B256,
    providers::Provider,
    rpc::types::{TransactionReceipt, TransactionRequest},
    transports::TransportError,
};
use mongodb::{
    bson::{doc, to_bson},
    error::Error,
};
use protocol::{bodies::relay::ActionState, error_code::ErrorCode, ids::ActionId};
use tokio_util::sync::CancellationToken;

use super::{
    ActionDoc, RelayError, Shared,
    action_doc::{FailureDoc, MinedDoc, TransactionDoc},
    check, follow_up, now_ms,
    transaction::{self, Call, Fees},
};

/// The first pause before a receipt is asked for; each further one is half as long again.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
/// How often to make sure that the node still knows the transaction.
const CARE_EVERY: Duration = Duration::from_secs(1);
/// Behind one URL there may be nodes that lag: one gives the nonce and another has no receipt yet. A nonce counts as lost
/// only when this many looks in a row say so.
const LOST_LOOKS: u32 = 3;

/// Starts watching an action that has a transaction, unless a task of this replica does so already.
pub(super) fn start(shared: &Arc<Shared>, action: ActionDoc, term: &CancellationToken) {
    let Some(watching) = Watching::begin(shared, action.id) else { return };
    let (shared, term) = (shared.clone(), term.clone());
    tokio::spawn(async move {
        let _watching = watching;
        tokio::select! {
            () = term.cancelled() => {}
            () = watch(&shared, action) => {}
        }
    });
}

/// Says that a task watches this action, for as long as it lives.
struct Watching {
    shared: Arc<Shared>,
    id: ActionId,
}

impl Watching {
    fn begin(shared: &Arc<Shared>, id: ActionId) -> Option<Self> {
        let is_first = shared.watched.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        is_first.then(|| Self { shared: shared.clone(), id })
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.shared.watched.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

async fn watch(shared: &Arc<Shared>, mut action: ActionDoc) {
    let Some(mut transaction) = action.transaction.clone() else { return };
    broadcast(shared, &transaction).await;
    let mut pause = FIRST_PAUSE;
    let mut cared = Instant::now();
    let mut lost_looks = 0;
    loop {
        match receipt(shared, &transaction).await {
            Ok(Some(receipt)) => {
                action.transaction = Some(transaction.clone());
                match settle(shared, &action, &receipt).await {
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
            match care(shared, &action, &mut transaction).await {
                Ok(Care::GoOn) => lost_looks = 0,
                Ok(Care::NonceLost) if lost_looks + 1 < LOST_LOOKS => lost_looks += 1,
                Ok(Care::NonceLost) => match lose_nonce(shared, &action, &transaction).await {
                    Ok(()) => return,
                    Err(error) => tracing::warn!(%error, "a lost nonce could not be written down; trying again"),
                },
                Err(error) => tracing::warn!(%error, "a waiting transaction could not be looked after; trying again"),
            }
        }
    }
}

enum Care {
    GoOn,
    /// Another transaction seems to have used the nonce.
    NonceLost,
}

/// Sends the same bytes again if the node has forgotten them, or better paid ones if it is stuck.
async fn care(shared: &Shared, action: &ActionDoc, transaction: &mut TransactionDoc) -> Result<Care, RelayError> {
    let nonce = u64::try_from(transaction.nonce).unwrap_or(0);
    if shared.mined_nonces().await? > nonce {
        // Either ours was mined just now, or somebody else used the relayer's key.
        if receipt(shared, transaction).await?.is_some() {
            return Ok(Care::GoOn);
        }
        return Ok(Care::NonceLost);
    }
    let age = Duration::from_millis(u64::try_from(now_ms() - transaction.signed_at).unwrap_or(0));
    if age >= shared.limits.replace_after {
        *transaction = replace(shared, action, transaction).await?;
        broadcast(shared, transaction).await;
        return Ok(Care::GoOn);
    }
    let current = transaction.hashes().next().unwrap_or(B256::ZERO);
    if shared.provider.get_transaction_by_hash(current).await?.is_none() {
        broadcast(shared, transaction).await;
    }
    Ok(Care::GoOn)
}

/// Lets the action wait for a new nonce.
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
    tracing::warn!("a nonce of the relayer was used by another transaction; the action gets a new one");
    Ok(())
}

/// Signs the same call with the same nonce and higher fees, and stores it before anyone sends it.
async fn replace(shared: &Shared, action: &ActionDoc, stuck: &TransactionDoc) -> Result<TransactionDoc, RelayError> {
    let market = shared.fees().await?;
    let fees = Fees::of(stuck).map_or(market, |old| old.to_replace(market));
    let gas_limit = u64::try_from(action.gas_limit).unwrap_or(0);
    let call = Call { to: action.to, data: action.data.clone(), gas_limit };
    let nonce = u64::try_from(stuck.nonce).unwrap_or(0);
    let chain_id = shared.deployment.chain_id;
    let better = transaction::sign(&shared.signer, chain_id, nonce, &call, fees, &stuck.hashes, now_ms())
        .map_err(|error| RelayError::Chain(alloy::transports::TransportErrorKind::custom(error)))?;
    let unsettled = doc! { "_id": action.id.to_string(), "transaction.nonce": stuck.nonce };
    let replaced = doc! { "$set": { "transaction": to_bson(&better).map_err(Error::from)? } };
    shared.actions.update_one(unsettled, replaced).await?;
    tracing::info!(action.kind = action.kind, "a stuck transaction was replaced by one that pays more");
    Ok(better)
}

/// Hands the bytes to the node. An error is not an outcome: the receipt decides, and the bytes are sent again.
async fn broadcast(shared: &Shared, transaction: &TransactionDoc) {
    if let Err(error) = shared.provider.send_raw_transaction(&transaction.raw).await {
        tracing::debug!(%error, "a transaction was not taken by the node");
    }
}

/// The receipt of whichever of the transaction's forms was mined.
async fn receipt(shared: &Shared, transaction: &TransactionDoc) -> Result<Option<TransactionReceipt>, TransportError> {
    for hash in transaction.hashes() {
        let receipt = shared.provider.get_transaction_receipt(hash).await?;
        // A receipt without a block is of a transaction that is not mined yet.
        if let Some(receipt) = receipt.filter(|receipt| receipt.block_number.is_some()) {
            return Ok(Some(receipt));
        }
    }
    Ok(None)
}

/// Tells whoever waits, writes the outcome, and does what follows from it.
async fn settle(shared: &Shared, action: &ActionDoc, receipt: &TransactionReceipt) -> Result<(), RelayError> {
    let number = receipt.block_number.unwrap_or_default();
    let narrow = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let mut settled = action.clone();
    settled.mined = Some(MinedDoc {
        tx_hash: receipt.transaction_hash,
        block_number: narrow(number),
        block_hash: receipt.block_hash.unwrap_or_default(),
        gas_used: narrow(receipt.gas_used),
        seen_at: now_ms(),
    });
    settled.state = if receipt.status() {
        ActionState::Mined
    } else if stands_anyway(shared, action, number).await? {
        tracing::info!(action.kind = action.kind, "somebody else has sent an action first; it counts");
        ActionState::Mined
    } else {
        settled.failure = Some(why_reverted(shared, action, number).await);
        ActionState::Failed
    };
    let outcome = doc! { "$set": {
        "state": to_bson(&settled.state).map_err(Error::from)?,
        "mined": to_bson(&settled.mined).map_err(Error::from)?,
        "failure": to_bson(&settled.failure).map_err(Error::from)?,
    } };
    let settled = Arc::new(settled);
    // The chain is what makes it true, so whoever waits is told before it is written; nobody need be waiting.
    let _ = shared.settled.send(settled.clone());
    shared.actions.update_one(doc! { "_id": action.id.to_string() }, outcome).await?;
    follow_up::follow_up(shared, &settled).await;
    Ok(())
}

/// Whether the action counts although our transaction of it reverted in this block.
async fn stands_anyway(shared: &Shared, action: &ActionDoc, block_number: u64) -> Result<bool, RelayError> {
    match follow_up::stands(shared, action, BlockId::number(block_number)).await {
        // A node that no longer has the state of that block; what follows is asked of the latest one.
        Err(RelayError::Chain(error)) if error.as_error_resp().is_some() => Ok(false),
        answer => answer,
    }
}

/// Asks the chain again, with the state after the block in which it reverted.
async fn why_reverted(shared: &Shared, action: &ActionDoc, block_number: u64) -> FailureDoc {
    let call = TransactionRequest::default()
        .with_from(shared.signer.address())
        .with_to(action.to)
        .with_input(action.data.clone());
    let refusal = match shared.provider.call(call).number(block_number).await {
        Ok(_) => None,
        Err(error) => Some(check::refusal(error)),
    };
    match refusal {
        Some(RelayError::Refused { code, detail }) => FailureDoc { code, detail: detail.into_owned() },
        _ => FailureDoc {
            code: ErrorCode::WouldRevert,
            detail: "The contract refused the action when it was mined.".to_owned(),
        },
    }
}
