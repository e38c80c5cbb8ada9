//! What is refused before an action is stored, and with which code.

use alloy::{
    network::TransactionBuilder,
    primitives::{Address, Bytes, U256},
    providers::Provider,
    rpc::types::TransactionRequest,
    transports::TransportError,
};
use contracts::accreditation::Accreditation;
use protocol::{
    codes::Category,
    deployment::{ContractName, Deployment},
    error_code::ErrorCode,
    messages::{Action, SignatureError, SignedAction},
};

use super::{RelayError, Shared, budget};

/// No transaction may ask for more (EIP-7825), rounded down.
const TRANSACTION_GAS_MAX: u64 = 16_000_000;

/// The contract and calldata of an action that people may submit.
///
/// # Errors
/// `forbidden` for a checkpoint, `unknown_category` for a category that is not in the list.
pub(super) fn call_of(signed: &SignedAction, deployment: &Deployment) -> Result<(Address, Bytes), RelayError> {
    if let Action::RegisterRecord(record) = &signed.action
        && Category::from_code(record.category).is_none()
    {
        return Err(RelayError::refused(ErrorCode::UnknownCategory, "There is no such category."));
    }
    contracts::call_of(signed, deployment)
        .ok_or_else(|| RelayError::refused(ErrorCode::Forbidden, "Checkpoints are anchored by the operator alone."))
}

/// Checks deadline and signature, then runs the action at the head block; gives the gas limit for its transaction.
///
/// # Errors
/// The code of whatever the contracts would refuse.
pub(super) async fn check(
    shared: &Shared,
    signed: &SignedAction,
    to: Address,
    data: &Bytes,
) -> Result<u64, RelayError> {
    let now = U256::from(shared.clock.now());
    if signed.action.deadline() <= now {
        return Err(RelayError::refused(ErrorCode::Expired, "The action's deadline has passed."));
    }
    if let Err(error) = signed.verify(&shared.deployment) {
        // A contract account decides itself what counts as its signature; the trial run asks it (ERC-1271).
        if shared.provider.get_code_at(signed.action.signer()).await?.is_empty() {
            return Err(RelayError::refused(ErrorCode::InvalidSignature, sentence(&error)));
        }
    }
    match trial_run(shared, to, data).await {
        Err(RelayError::Refused { code: ErrorCode::NoGrant, .. }) => Err(why_no_upload(shared, signed, now).await?),
        other => other,
    }
}

/// Runs a call of the relayer at the head block; gives the gas limit for its transaction.
///
/// A plain call is one execution where an estimate is several, so it comes first, with a generous limit of our own: what
/// is not used costs nothing.
///
/// # Errors
/// The code of the contract's custom error, or [`RelayError::Chain`].
pub(super) async fn trial_run(shared: &Shared, to: Address, data: &Bytes) -> Result<u64, RelayError> {
    let limit = plain_limit(data);
    let call = TransactionRequest::default().with_from(shared.signer.address()).with_to(to).with_input(data.clone());
    match shared.provider.call(call.clone().with_gas_limit(limit)).latest().await {
        Ok(_) => return Ok(limit),
        Err(error) if has_reverted(&error) => return Err(refusal(error)),
        // Out of gas, most likely: a signer's contract (ERC-1271) may need more than ours do.
        Err(_) => {}
    }
    match shared.provider.estimate_gas(call).latest().await {
        // The state may change until it is mined: a slot that was warm can be new.
        Ok(gas) => match gas + gas / 4 + 25_000 {
            // A transaction that no block takes would keep its nonce, and everything behind it, waiting for ever.
            gas_limit if gas_limit > TRANSACTION_GAS_MAX => Err(RelayError::refused(
                ErrorCode::WouldRevert,
                "The action needs more gas than a transaction may use.",
            )),
            gas_limit => Ok(gas_limit),
        },
        Err(error) => Err(refusal(error)),
    }
}

/// The gas limit of an action whose signer needs no more than our contracts do.
pub(super) fn plain_limit(data: &[u8]) -> u64 {
    budget::bound(data).saturating_mul(2).saturating_add(100_000).min(TRANSACTION_GAS_MAX)
}

fn has_reverted(error: &TransportError) -> bool {
    error.as_error_resp().is_some_and(|payload| payload.as_revert_data().is_some_and(|data| !data.is_empty()))
}

/// What an error answer to a call of one of our contracts means.
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

/// The registry refuses an upload for two reasons with one error; people need to know which.
async fn why_no_upload(shared: &Shared, signed: &SignedAction, now: U256) -> Result<RelayError, RelayError> {
    /// `Roles.UPLOADER`: doctor, nurse, lab, pharmacy, emergency.
    const UPLOADER: u8 = 1 | 2 | 4 | 8 | 32;
    let accreditation =
        Accreditation::new(shared.deployment.address_of(ContractName::Accreditation), shared.provider.clone());
    let asked = accreditation.isAccredited(signed.action.signer(), UPLOADER, now.to()).call().await;
    let accredited = asked.map_err(|error| match error {
        alloy::contract::Error::TransportError(error) => RelayError::Chain(error),
        _ => RelayError::refused(ErrorCode::WouldRevert, "The contract refuses the action."),
    })?;
    Ok(if accredited.accredited {
        RelayError::refused(ErrorCode::NoGrant, "The patient has not allowed this uploader to add records.")
    } else {
        RelayError::refused(ErrorCode::NotAccredited, "Nobody vouches for this uploader now.")
    })
}

const fn sentence(error: &SignatureError) -> &'static str {
    match error {
        SignatureError::Malformed => "The signature is malformed.",
        SignatureError::HighS => "The signature has a high s.",
        _ => "The signature is not the named signer's for this chain and these contracts.",
    }
}
