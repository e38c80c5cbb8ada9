//! The consequences of an action's outcome. Carrying them out twice changes nothing, so after a crash they are simply
//! repeated.

use std::collections::BTreeSet;

use alloy::{eips::BlockId, primitives::Address};
use mongodb::{Database, bson::doc, error::Error};
use protocol::{
    bodies::{feed::FeedKind, relay::ActionState},
    codes::ScopeKind,
    ids::{GrantId, RequestId},
    messages::{Action, Grant, Scope},
};

use super::{
    action_doc::ActionDoc,
    error::RelayError,
    on_chain::{is_granted, terms_of_scopes},
    shared::Shared,
};
use crate::{
    at_rest::AtRest,
    store::{
        bundles,
        feed::{self, FeedEntry},
        received, requests,
    },
};

/// Carries out all consequences, and stores that they are done. A failed one is repeated later.
pub(super) async fn follow_up(shared: &Shared, action: &ActionDoc) {
    if let Err(error) = try_follow_up(shared, action).await {
        tracing::warn!(%error, "the consequences of a relayed action could not be carried out yet; trying again");
    }
}

async fn try_follow_up(shared: &Shared, action: &ActionDoc) -> Result<(), RelayError> {
    let now = shared.clock.now();
    if let Some(Action::Grant(grant)) = action.signed().map(|signed| signed.action) {
        match action.state {
            ActionState::Mined => granted(&shared.database, &shared.at_rest, &grant, now).await?,
            ActionState::Failed => {
                // If the chain has reached an epoch, the bundles of that epoch may belong to an active grant.
                let terms = terms_of_scopes(shared, &grant, BlockId::latest()).await?;
                if grant.scopes.iter().zip(&terms).all(|(scope, terms)| is_granted(&grant, scope, terms)) {
                    granted(&shared.database, &shared.at_rest, &grant, now).await?;
                }
                let unreached = grant.scopes.iter().zip(&terms).filter(|(scope, terms)| terms.epoch <= scope.epoch);
                let unreached: Vec<Scope> = unreached.map(|(scope, _)| scope.clone()).collect();
                not_granted(&shared.database, &shared.at_rest, &grant, &unreached, action.accepted_at).await?;
            }
            ActionState::Accepted | ActionState::Sent => {}
        }
    }
    // The operator's own checkpoints do not appear in any feed.
    if action.kind != "checkpoint" {
        let people: BTreeSet<Address> =
            std::iter::once(action.signer).chain(action.submitter(&shared.at_rest)).collect();
        let outcome = format!("{:?}:{}", action.state, action.id);
        let entries = people
            .into_iter()
            .map(|to| FeedEntry::caused_by(&shared.at_rest, &outcome, to, (FeedKind::ActionSettled, action.id), now));
        feed::append(&shared.database, entries.collect()).await?;
    }
    let done = doc! { "$set": { "is_followed_up": true } };
    shared.actions.update_one(doc! { "_id": action.id.to_string() }, done).await?;
    Ok(())
}

/// Handles a mined Grant: the request that it answers is approved.
///
/// # Errors
/// Returns an error when the database does not answer.
async fn granted(database: &Database, at_rest: &AtRest, grant: &Grant, now: u64) -> Result<(), Error> {
    let stored = bundles::names_among(database, at_rest, bundles_of(grant, &grant.scopes)).await?;
    let answered: BTreeSet<RequestId> = stored.into_iter().filter_map(|bundle| bundle.request).collect();
    for request in answered {
        requests::approve(database, at_rest, request, now).await?;
    }
    Ok(())
}

/// Handles a failed Grant: the stored capsules of its `unreached` scopes are deleted. `accepted_at` (Unix milliseconds)
/// protects those of a later attempt.
///
/// # Errors
/// Returns an error when the database does not answer.
async fn not_granted(
    database: &Database,
    at_rest: &AtRest,
    grant: &Grant,
    unreached: &[Scope],
    accepted_at: i64,
) -> Result<(), Error> {
    for bundle in bundles::names_among(database, at_rest, bundles_of(grant, unreached)).await? {
        if bundle.stored_at <= accepted_at {
            bundles::delete(database, bundle).await?;
        }
    }
    // A grant that was never on chain leaves no row on its grantee's shelf.
    let never = unreached.iter().filter(|scope| scope.epoch == 0).filter_map(|scope| grant_id(grant, scope));
    received::delete(database, at_rest, never.collect(), accepted_at).await
}

fn grant_id(grant: &Grant, scope: &Scope) -> Option<GrantId> {
    Some(GrantId::derive(grant.patient, grant.tag.into(), ScopeKind::from_code(scope.kind)?, scope.id))
}

fn bundles_of(grant: &Grant, scopes: &[Scope]) -> Vec<(GrantId, i64)> {
    let all = scopes.iter().filter_map(|scope| Some((grant_id(grant, scope)?, i64::from(scope.epoch.checked_add(1)?))));
    all.collect()
}
