//! Asks the contracts whether they hold the state that an action asks for.

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, U256},
};
use contracts::{Terms, grant_registry::GrantRegistry, record_registry::RecordRegistry};
use futures::future::try_join_all;
use protocol::{
    deployment::ContractName,
    messages::{Action, Grant, Scope},
};

use super::{action_doc::ActionDoc, error::RelayError, shared::Shared};

/// Whether the chain holds at `block` what the action asks for, although our transaction of it was refused. Whoever sees
/// a signed message on its way may send it first; it counts all the same. For Grant, Revoke and RevokeAll; for others: no.
///
/// # Errors
/// When the chain does not answer.
pub(super) async fn stands(shared: &Shared, action: &ActionDoc, block: BlockId) -> Result<bool, RelayError> {
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
        Some(action @ Action::RevokeAll(_)) => Ok(nonce_used(shared, &action, block).await?),
        _ => Ok(false),
    }
}

/// Whether these are the terms that the Grant gives to this scope.
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

pub(super) async fn terms_of_scopes(shared: &Shared, grant: &Grant, block: BlockId) -> Result<Vec<Terms>, RelayError> {
    let asked = grant.scopes.iter().map(|scope| {
        let place = (grant.tag, scope.kind, scope.id);
        async move { terms_of(shared, grant.patient, place, block).await }
    });
    try_join_all(asked).await
}

async fn terms_of(
    shared: &Shared,
    patient: Address,
    (tag, kind, id): (B256, u8, B256),
    block: BlockId,
) -> Result<Terms, RelayError> {
    let address = shared.deployment.address_of(ContractName::GrantRegistry);
    let registry = GrantRegistry::new(address, shared.provider.clone());
    Ok(Terms::from(registry.termsOf(patient, tag, kind, id).block(block).call().await?))
}

/// Whether a grant stands at the head block.
///
/// # Errors
/// When the chain does not answer.
pub(super) async fn stands_on_chain(
    shared: &Shared,
    patient: Address,
    place: (B256, u8, B256),
) -> Result<bool, RelayError> {
    let (terms, epoch) =
        tokio::try_join!(terms_of(shared, patient, place, BlockId::latest()), patient_epoch(shared, patient))?;
    Ok(terms.stands(epoch))
}

/// How often the patient has ended everything.
///
/// # Errors
/// When the chain does not answer.
pub(super) async fn patient_epoch(shared: &Shared, patient: Address) -> Result<u32, RelayError> {
    let address = shared.deployment.address_of(ContractName::GrantRegistry);
    Ok(GrantRegistry::new(address, shared.provider.clone()).patientEpochOf(patient).call().await?)
}

/// Whether it is a tombstone that names an earlier epoch of the record than that at `block`: it can never land in a chain that
/// goes on from there. A node that lags shows an earlier epoch than the named one, which says nothing.
///
/// # Errors
/// When the chain does not answer.
pub(super) async fn is_stale(
    shared: &Shared,
    action: &ActionDoc,
    block: BlockId,
) -> Result<bool, alloy::contract::Error> {
    let Some(message) = action.tombstone() else { return Ok(false) };
    let address = shared.deployment.address_of(ContractName::RecordRegistry);
    let registry = RecordRegistry::new(address, shared.provider.clone());
    Ok(registry.tombstoneOf(message.record).block(block).call().await?.epoch > message.epoch)
}

/// Whether the nonce of a Revoke, RevokeAll or Tombstone is used as of `block`. No for others.
///
/// # Errors
/// When the chain does not answer.
pub(super) async fn nonce_used(
    shared: &Shared,
    action: &Action,
    block: BlockId,
) -> Result<bool, alloy::contract::Error> {
    let (signer, nonce): (Address, U256) = (action.signer(), action.nonce());
    match action {
        Action::Revoke(_) | Action::RevokeAll(_) => {
            let address = shared.deployment.address_of(ContractName::GrantRegistry);
            GrantRegistry::new(address, shared.provider.clone()).isNonceUsed(signer, nonce).block(block).call().await
        }
        Action::Tombstone(_) => {
            let address = shared.deployment.address_of(ContractName::RecordRegistry);
            RecordRegistry::new(address, shared.provider.clone()).isNonceUsed(signer, nonce).block(block).call().await
        }
        _ => Ok(false),
    }
}
