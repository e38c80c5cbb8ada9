//! The checks of an action before it is stored, and the code for each refusal.

use alloy::{
    eips::BlockId,
    network::TransactionBuilder,
    primitives::{Address, Bytes, U256},
    providers::Provider,
    rpc::types::TransactionRequest,
    transports::TransportError,
};
use protocol::{
    codes::{Category, Role},
    deployment::Deployment,
    error_code::ErrorCode,
    messages::{Action, CONTRACT_SIGNATURE_GAS_MAX, SignatureError, SignedAction},
};

use super::{
    error::RelayError,
    gas::{self, TRANSACTION_GAS_MAX},
    line::Line,
    shared::Shared,
};

/// The way in which a signature is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signer {
    /// By the curve. Only the code of our contracts runs.
    Account,
    /// By the signer's own contract (ERC-1271). It may use any amount of gas, and may behave differently from a trial
    /// run.
    Contract,
}

/// The parameters of a call.
pub(super) struct Plan {
    pub(super) line: Line,
    pub(super) signer: Signer,
    /// The gas that its transaction asks for.
    pub(super) limit: u64,
}

/// Returns the gas limit for an action that uses at most `bound`, without its signature.
pub(super) fn limit_for(signer: Signer, bound: u64) -> u64 {
    let limit = gas::limit(bound);
    match signer {
        Signer::Account => limit,
        // A call gets at most 63/64 of the remaining gas (EIP-150).
        Signer::Contract => {
            (limit + CONTRACT_SIGNATURE_GAS_MAX + CONTRACT_SIGNATURE_GAS_MAX / 63).min(TRANSACTION_GAS_MAX)
        }
    }
}

/// Returns the gas that an action is charged: the most that it can use.
pub(super) fn charge_for(signer: Signer, bound: u64) -> u64 {
    match signer {
        Signer::Account => bound,
        Signer::Contract => limit_for(signer, bound),
    }
}

/// Returns the contract and calldata of an action that people may submit.
///
/// # Errors
/// Returns `forbidden` for a checkpoint, and `unknown_category` for a category that is not in the list.
pub(super) fn call_of(signed: &SignedAction, deployment: &Deployment) -> Result<(Address, Bytes), RelayError> {
    if let Action::RegisterRecord(record) = &signed.action
        && Category::from_code(record.category).is_none()
    {
        return Err(RelayError::refused(ErrorCode::UnknownCategory, "This category does not exist."));
    }
    contracts::call_of(signed, deployment)
        .ok_or_else(|| RelayError::refused(ErrorCode::Forbidden, "Only the operator can anchor checkpoints."))
}

/// Checks that the deadline has not passed, and that no period is longer than allowed.
///
/// # Errors
/// `expired`, `out_of_range`.
pub(super) fn ends(shared: &Shared, signed: &SignedAction) -> Result<(), RelayError> {
    let now = shared.clock.now();
    if signed.action.deadline() <= U256::from(now) {
        return Err(RelayError::refused(ErrorCode::Expired, "The action's deadline has passed."));
    }
    signed.action.check_ends(now).map_err(|end| RelayError::refused(ErrorCode::OutOfRange, end.as_str()))
}

/// Checks the signature as the contracts do. Returns how it was checked.
///
/// # Errors
/// `invalid_signature`.
pub(super) async fn signature(shared: &Shared, signed: &SignedAction) -> Result<Signer, RelayError> {
    let Err(error) = signed.verify(&shared.deployment) else { return Ok(Signer::Account) };
    let hash = signed.action.signing_hash(&shared.deployment);
    // A contract account decides for itself which signatures are valid (ERC-1271).
    if shared.chain_view.accepts_signature(hash, signed.action.signer(), &signed.signature).await? {
        return Ok(Signer::Contract);
    }
    Err(RelayError::refused(ErrorCode::InvalidSignature, sentence(&error)))
}

/// Runs a signed action at the head block. Returns the gas limit for its transaction.
///
/// # Errors
/// Returns the code with which the contracts would refuse it.
pub(super) async fn trial(
    shared: &Shared,
    signed: &SignedAction,
    plan: &Plan,
    to: Address,
    data: &Bytes,
) -> Result<u64, RelayError> {
    match trial_run(shared, plan, to, data).await {
        Err(RelayError::Refused { code: ErrorCode::NoGrant, .. }) => {
            Err(why_no_upload(shared, signed, shared.clock.now()).await?)
        }
        other => other,
    }
}

/// Runs a call of a relayer at the head block. Returns the gas limit for its transaction.
///
/// A plain call runs the code once, and an estimate runs it several times. The plain call therefore comes first, with
/// the limit that follows from the action. Unused gas costs nothing.
///
/// # Errors
/// The code of the contract's custom error, or [`RelayError::Chain`].
pub(super) async fn trial_run(shared: &Shared, plan: &Plan, to: Address, data: &Bytes) -> Result<u64, RelayError> {
    let from = shared.lines.of(plan.line).relayer();
    let call = TransactionRequest::default().with_from(from).with_to(to).with_input(data.clone());
    let more_gas = || RelayError::refused(ErrorCode::WouldRevert, "The action needs more gas than this server allows.");
    match shared.provider.call(call.clone().with_gas_limit(plan.limit)).latest().await {
        Ok(_) => return Ok(plan.limit),
        Err(error) if has_reverted(&error) => return Err(refusal(error)),
        // Most likely it ran out of gas. A signer's contract has a limit.
        Err(error) if plan.signer == Signer::Contract => {
            return Err(if error.as_error_resp().is_some() { more_gas() } else { RelayError::Chain(error) });
        }
        Err(_) => {}
    }
    match shared.provider.estimate_gas(call).latest().await {
        // The state may change before it is mined: a slot that was warm can be new.
        Ok(gas) => match gas + gas / 4 + 25_000 {
            // A transaction that fits in no block would block its nonce, and everything after it, for ever.
            gas_limit if gas_limit > TRANSACTION_GAS_MAX => Err(more_gas()),
            gas_limit => Ok(gas_limit),
        },
        Err(error) => Err(refusal(error)),
    }
}

fn has_reverted(error: &TransportError) -> bool {
    error.as_error_resp().is_some_and(|payload| payload.as_revert_data().is_some_and(|data| !data.is_empty()))
}

/// Returns the meaning of an error from a call of one of our contracts.
pub(super) fn refusal(error: TransportError) -> RelayError {
    let Some(revert) = error.as_error_resp().and_then(|payload| payload.as_revert_data()) else {
        let reverted = error.as_error_resp().is_some_and(|payload| payload.code == 3);
        return if reverted {
            RelayError::refused(ErrorCode::WouldRevert, "The contract refuses the action.")
        } else {
            RelayError::Chain(error)
        };
    };
    match contracts::refusal_of(&revert) {
        Some(refusal) => RelayError::refused(refusal.code, refusal.detail),
        None => RelayError::refused(ErrorCode::WouldRevert, "The contract refuses the action."),
    }
}

/// Returns the reason why the registry refuses an upload or a retraction. It has one error for two reasons, and people
/// need to know which applies.
async fn why_no_upload(shared: &Shared, signed: &SignedAction, now: u64) -> Result<RelayError, RelayError> {
    let (signer, uploaders) = (signed.action.signer(), Role::mask(&Role::UPLOADERS));
    Ok(if shared.chain_view.is_accredited_at(signer, uploaders, now, BlockId::latest()).await? {
        RelayError::refused(ErrorCode::NoGrant, "The patient has not allowed this uploader to add records.")
    } else {
        RelayError::refused(ErrorCode::NotAccredited, "No accreditor vouches for this uploader now.")
    })
}

const fn sentence(error: &SignatureError) -> &'static str {
    match error {
        SignatureError::Malformed => "The signature is malformed.",
        SignatureError::HighS => "The signature has a high s.",
        _ => "The signature was not made by the named signer for this chain and these contracts.",
    }
}
