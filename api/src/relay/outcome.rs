//! Stores the outcome of an action, notifies waiting callers, and starts the follow-up.

use std::sync::Arc;

use alloy::{
    contract::Error as CallError,
    eips::BlockId,
    network::TransactionBuilder,
    providers::Provider,
    rpc::types::{TransactionReceipt, TransactionRequest},
};
use mongodb::{
    bson::{Document, doc, to_bson},
    error::Error,
};
use protocol::{
    bodies::relay::{ActionState, Waiting},
    error_code::ErrorCode,
};

use super::{
    action_doc::{ActionDoc, FailureDoc, MinedDoc},
    check,
    error::RelayError,
    follow_up, gas, on_chain,
    shared::Shared,
};
use crate::time::now_ms;

/// The highest number of attempts for a valid revocation that reverts.
const TRIES_MAX: i32 = 3;

/// Handles a mined transaction: the action's own, or the one that uses up its nonce.
pub(super) async fn mined(shared: &Shared, action: &ActionDoc, receipt: &TransactionReceipt) -> Result<(), RelayError> {
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
    let given_up =
        action.transaction.as_ref().and_then(|transaction| transaction.cancelled_by(receipt.transaction_hash)).cloned();
    settled.state = if given_up.is_none() && receipt.status() {
        ActionState::Mined
    } else if stands_anyway(shared, action, number).await? {
        tracing::info!(action.kind = action.kind, "somebody else sent the action first; it has taken effect");
        ActionState::Mined
    } else {
        let why = match given_up {
            Some(why) => why,
            None => why_reverted(shared, action, number).await,
        };
        if may_be_tried_again(shared, action, &why, number).await? {
            return try_again(shared, action).await;
        }
        settled.failure = Some(why);
        ActionState::Failed
    };
    settle(shared, settled, doc! { "_id": action.id.to_string() }).await
}

/// Fails an action that has no transaction. Does nothing if it has one by now.
pub(super) async fn failed_unsent(shared: &Shared, action: ActionDoc, why: FailureDoc) -> Result<(), RelayError> {
    let unsent = doc! {
        "_id": action.id.to_string(),
        "state": to_bson(&ActionState::Accepted).map_err(Error::from)?,
    };
    let settled = ActionDoc { state: ActionState::Failed, failure: Some(why), ..action };
    settle(shared, settled, unsent).await
}

/// Stores the reason why an action waits, or that it no longer waits.
pub(super) async fn note_waiting(shared: &Shared, action: &ActionDoc, why: Option<Waiting>) -> Result<(), RelayError> {
    let id = action.id.to_string();
    let noted = match why {
        Some(why) => doc! { "$set": { "waiting": to_bson(&why).map_err(Error::from)? } },
        None => doc! { "$unset": { "waiting": "" } },
    };
    shared.actions.update_one(doc! { "_id": id }, noted).await?;
    Ok(())
}

async fn settle(shared: &Shared, settled: ActionDoc, if_still: Document) -> Result<(), RelayError> {
    let mut outcome = doc! {
        "state": to_bson(&settled.state).map_err(Error::from)?,
        "failure": to_bson(&settled.failure).map_err(Error::from)?,
        // It waits no longer, with or without a transaction, so the link between account and network is deleted.
        "turn": "",
    };
    if let Some(mined) = &settled.mined {
        outcome.insert("mined", to_bson(mined).map_err(Error::from)?);
    }
    let settled = Arc::new(settled);
    if settled.mined.is_some() {
        // The chain decides the outcome, so waiting callers are notified before it is stored. There may be none.
        let _ = shared.settled.send(settled.clone());
    }
    let written = shared.actions.update_one(if_still, doc! { "$set": outcome }).await?;
    if written.matched_count == 0 {
        return Ok(());
    }
    if settled.mined.is_none() {
        let _ = shared.settled.send(settled.clone());
    }
    follow_up::follow_up(shared, &settled).await;
    Ok(())
}

/// Returns whether the action has taken effect by this block although none of our transactions carried it out.
async fn stands_anyway(shared: &Shared, action: &ActionDoc, block_number: u64) -> Result<bool, RelayError> {
    match on_chain::stands(shared, action, BlockId::number(block_number)).await {
        // The node no longer has the state of that block. The follow-up asks the latest one.
        Err(CallError::TransportError(error)) if error.as_error_resp().is_some() => Ok(false),
        answer => Ok(answer?),
    }
}

/// Returns whether a revocation that reverted, but is valid and unused, is tried again. Most likely it ran out of gas.
async fn may_be_tried_again(
    shared: &Shared,
    action: &ActionDoc,
    why: &FailureDoc,
    block_number: u64,
) -> Result<bool, RelayError> {
    let is_over = action.open_revocation_of.is_none()
        || action.reverts >= TRIES_MAX
        || action.has_expired(shared.clock.now())
        || matches!(why.code, ErrorCode::NonceUsed | ErrorCode::Expired);
    // A contract account was charged once for the gas that it could use. Its owner can submit the action again.
    let plain = action.signed().filter(|signed| signed.verify(&shared.deployment).is_ok());
    let Some(signed) = plain.filter(|_| !is_over) else { return Ok(false) };
    let block = BlockId::number(block_number);
    let is_used = shared.chain_view.is_nonce_used(&signed.action, block).await?;
    Ok(!is_used && why_stale(shared, action, block).await?.is_none())
}

/// Returns the reason why a tombstone can no longer succeed although its deadline has not passed, if there is one.
pub(super) async fn why_stale(
    shared: &Shared,
    action: &ActionDoc,
    block: BlockId,
) -> Result<Option<FailureDoc>, RelayError> {
    let is_stale = on_chain::is_stale(shared, action, block).await?;
    let detail = "The record was withdrawn or opened again since this was signed.";
    Ok(is_stale.then(|| FailureDoc { code: ErrorCode::StaleState, detail: detail.to_owned() }))
}

async fn try_again(shared: &Shared, action: &ActionDoc) -> Result<(), RelayError> {
    let gas_limit = action.gas().saturating_mul(2).min(gas::TRANSACTION_GAS_MAX);
    let again = doc! {
        "$set": {
            "state": to_bson(&ActionState::Accepted).map_err(Error::from)?,
            "gas_limit": i64::try_from(gas_limit).unwrap_or(i64::MAX),
        },
        "$inc": { "reverts": 1 },
        "$unset": { "transaction": "" },
    };
    shared.actions.update_one(doc! { "_id": action.id.to_string() }, again).await?;
    tracing::warn!(action.kind = action.kind, "a valid revocation reverted; it is sent again with more gas");
    Ok(())
}

/// Asks the chain for the reason of a revert, with the state after the block in which it happened.
async fn why_reverted(shared: &Shared, action: &ActionDoc, block_number: u64) -> FailureDoc {
    let call = TransactionRequest::default()
        .with_from(shared.lines.of(action.line).relayer())
        .with_to(action.to)
        .with_input(action.data.clone())
        .with_gas_limit(gas::TRANSACTION_GAS_MAX);
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

/// Returns the reason why an action can no longer succeed, if there is one: its deadline has passed, or the contracts
/// refuse it at the head block.
pub(super) async fn is_hopeless(shared: &Shared, action: &ActionDoc) -> Result<Option<FailureDoc>, RelayError> {
    if action.has_expired(shared.clock.now()) {
        let detail = "The action's deadline passed before it was mined.".to_owned();
        return Ok(Some(FailureDoc { code: ErrorCode::Expired, detail }));
    }
    let call = TransactionRequest::default()
        .with_from(shared.lines.of(action.line).relayer())
        .with_to(action.to)
        .with_input(action.data.clone())
        .with_gas_limit(action.gas());
    match shared.provider.call(call).latest().await {
        Ok(_) => Ok(None),
        Err(error) => match check::refusal(error) {
            // A revocation is valid until its deadline, even if a trial run fails: a contract account may change its
            // answer.
            RelayError::Refused { code, .. } if action.open_revocation_of.is_some() && code != ErrorCode::NonceUsed => {
                why_stale(shared, action, BlockId::latest()).await
            }
            RelayError::Refused { code, detail } => Ok(Some(FailureDoc { code, detail: detail.into_owned() })),
            // The node answers, but not whether the contracts refuse the action; most likely it ran out of gas. One
            // such action must not block the others.
            RelayError::Chain(error) if error.as_error_resp().is_some() => Ok(None),
            error => Err(error),
        },
    }
}
