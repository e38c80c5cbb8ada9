//! Asks the contracts whether they hold the state that an action asks for.

use alloy::{
    contract::Error as CallError,
    eips::BlockId,
    primitives::{Address, B256, U256},
};
use contracts::Terms;
use futures::future::try_join_all;
use protocol::{
    codes::ScopeKind,
    messages::{Action, Grant, Scope},
};

use super::{action_doc::ActionDoc, shared::Shared};

/// Checks whether the chain has the state that the action asks for at `block`, although our transaction for it was
/// refused. This happens because anybody who sees a signed message may send it first, with the same effect. Only for
/// Grant, Revoke and RevokeAll; `false` for others.
///
/// # Errors
/// When the chain does not answer.
pub(super) async fn stands(shared: &Shared, action: &ActionDoc, block: BlockId) -> Result<bool, CallError> {
    match action.signed().map(|signed| signed.action) {
        Some(Action::Grant(grant)) => {
            let terms = terms_of_scopes(shared, &grant, block).await?;
            Ok(grant.scopes.iter().zip(&terms).all(|(scope, terms)| is_granted(&grant, scope, terms)))
        }
        Some(Action::Revoke(revoke)) => {
            let asked = revoke.grants.iter().map(|one| {
                let place = (one.tag, one.kind, one.id);
                async move { terms_of(shared, revoke.patient, place, block).await }
            });
            Ok(try_join_all(asked).await?.iter().all(|terms| terms.rights == 0))
        }
        // It names no state: once its nonce is used, it has done all that it can.
        Some(action @ Action::RevokeAll(_)) => shared.chain_view.is_nonce_used(&action, block).await,
        _ => Ok(false),
    }
}

/// Checks whether these are the terms that the Grant gives to this scope.
pub(super) fn is_granted(grant: &Grant, scope: &Scope, terms: &Terms) -> bool {
    let said = Terms {
        not_before: grant.notBefore.to::<u64>(),
        not_after: grant.notAfter.to::<u64>(),
        epoch: scope.epoch.saturating_add(1),
        patient_epoch: grant.patientEpoch,
        purposes: grant.purposes,
        rights: grant.rights,
        kind: terms.kind,
    };
    *terms == said
}

/// Returns the terms of each scope of the grant, in its order, as the chain holds them at `block`. A kind of scope that is
/// not known has no terms: all zero.
///
/// # Errors
/// When the chain does not answer.
pub(super) async fn terms_of_scopes(shared: &Shared, grant: &Grant, block: BlockId) -> Result<Vec<Terms>, CallError> {
    let asked =
        grant.scopes.iter().map(|scope| terms_of(shared, grant.patient, (grant.tag, scope.kind, scope.id), block));
    try_join_all(asked).await
}

/// Checks whether a grant stands at the head block.
///
/// # Errors
/// When the chain does not answer.
pub(super) async fn stands_on_chain(
    shared: &Shared,
    patient: Address,
    place: (B256, u8, B256),
) -> Result<bool, CallError> {
    let head = BlockId::latest();
    let epoch = shared.chain_view.patient_epoch_of(patient, head);
    let (terms, epoch) = tokio::try_join!(terms_of(shared, patient, place, head), epoch)?;
    Ok(terms.stands(epoch))
}

async fn terms_of(
    shared: &Shared,
    patient: Address,
    (tag, kind, id): (B256, u8, B256),
    block: BlockId,
) -> Result<Terms, CallError> {
    match ScopeKind::from_code(kind) {
        Some(kind) => shared.chain_view.terms_of(patient, tag.into(), (kind, id), block).await,
        None => Ok(Terms::from(U256::ZERO)),
    }
}

/// Checks whether the action is a Tombstone that names an earlier epoch of the record than that at `block`: it can never
/// succeed in a chain that goes on from there. A node that lags shows an earlier epoch than the named one; that is not
/// stale.
///
/// # Errors
/// When the chain does not answer.
pub(super) async fn is_stale(shared: &Shared, action: &ActionDoc, block: BlockId) -> Result<bool, CallError> {
    let Some(message) = action.tombstone() else { return Ok(false) };
    Ok(shared.chain_view.tombstone_epoch_of(message.record.into(), block).await? > message.epoch)
}
