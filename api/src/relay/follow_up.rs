//! What follows from the outcome of an action. Doing it twice changes nothing, so that a crash in between is mended by
//! doing it again.

use std::collections::BTreeSet;

use alloy::{
    eips::BlockId,
    primitives::{Address, B256},
};
use contracts::{Terms, grant_registry::GrantRegistry};
use futures::future::try_join_all;
use mongodb::bson::doc;
use protocol::{
    bodies::{feed::FeedKind, relay::ActionState},
    deployment::ContractName,
    messages::{Action, Grant, Scope},
};

use super::{ActionDoc, RelayError, Shared, revocations::nonce_used};
use crate::{
    events::{self, FeedEntry},
    grants,
};

/// Does everything that follows, and notes that it is done. What fails is done again later.
pub(super) async fn follow_up(shared: &Shared, action: &ActionDoc) {
    if let Err(error) = try_follow_up(shared, action).await {
        tracing::warn!(%error, "what follows from a relayed action could not be done yet; trying again");
    }
}

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
        Some(action @ Action::RevokeAll(_)) => nonce_used(shared, &action, block).await.map_err(chain),
        _ => Ok(false),
    }
}

/// Whether these are the terms that the Grant gives to this scope.
fn is_granted(grant: &Grant, scope: &Scope, terms: &Terms) -> bool {
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

async fn terms_of_scopes(shared: &Shared, grant: &Grant, block: BlockId) -> Result<Vec<Terms>, RelayError> {
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
    registry.termsOf(patient, tag, kind, id).block(block).call().await.map(Terms::from).map_err(chain)
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
    GrantRegistry::new(address, shared.provider.clone()).patientEpochOf(patient).call().await.map_err(chain)
}

/// These calls do not revert, so an error is the node's.
pub(super) fn chain(error: alloy::contract::Error) -> RelayError {
    match error {
        alloy::contract::Error::TransportError(error) => RelayError::Chain(error),
        error => RelayError::Chain(alloy::transports::TransportErrorKind::custom(error)),
    }
}

async fn try_follow_up(shared: &Shared, action: &ActionDoc) -> Result<(), RelayError> {
    let now = shared.clock.now();
    if let Some(Action::Grant(grant)) = action.signed().map(|signed| signed.action) {
        match action.state {
            ActionState::Mined => grants::granted(&shared.database, &shared.at_rest, &grant, now).await?,
            ActionState::Failed => {
                // The bundles of an epoch that the chain has reached may be those of a grant that stands.
                let terms = terms_of_scopes(shared, &grant, BlockId::latest()).await?;
                if grant.scopes.iter().zip(&terms).all(|(scope, terms)| is_granted(&grant, scope, terms)) {
                    grants::granted(&shared.database, &shared.at_rest, &grant, now).await?;
                }
                let unreached = grant.scopes.iter().zip(&terms).filter(|(scope, terms)| terms.epoch <= scope.epoch);
                let unreached: Vec<Scope> = unreached.map(|(scope, _)| scope.clone()).collect();
                grants::not_granted(&shared.database, &shared.at_rest, &grant, &unreached, action.accepted_at).await?;
            }
            ActionState::Accepted | ActionState::Sent => {}
        }
    }
    // The operator's own checkpoints concern nobody.
    if action.kind != "checkpoint" {
        let people: BTreeSet<Address> =
            std::iter::once(action.signer).chain(action.submitter(&shared.at_rest)).collect();
        let outcome = format!("{:?}:{}", action.state, action.id);
        let entries = people
            .into_iter()
            .map(|to| FeedEntry::caused_by(&shared.at_rest, &outcome, to, (FeedKind::ActionSettled, action.id), now));
        events::append(&shared.database, entries.collect()).await?;
    }
    let done = doc! { "$set": { "is_followed_up": true } };
    shared.actions.update_one(doc! { "_id": action.id.to_string() }, done).await?;
    Ok(())
}
