//! What follows for bundles and requests when a relayed Grant is settled.

use std::collections::BTreeSet;

use mongodb::{Database, error::Error};
use protocol::{
    codes::ScopeKind,
    ids::{GrantId, RequestId},
    messages::{Grant, Scope},
};

use super::{bundle_doc, received};
use crate::{at_rest::AtRest, requests};

/// The Grant was mined: the request that it answers is approved.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn granted(database: &Database, at_rest: &AtRest, grant: &Grant, now: u64) -> Result<(), Error> {
    let stored = bundle_doc::names_among(database, at_rest, bundles_of(grant, &grant.scopes)).await?;
    let answered: BTreeSet<RequestId> = stored.into_iter().filter_map(|bundle| bundle.request).collect();
    for request in answered {
        requests::approve(database, at_rest, request, now).await?;
    }
    Ok(())
}

/// The Grant failed: the capsules that were kept for those of its scopes that the chain has `unreached` go.
/// `accepted_at` (unix milliseconds) spares those of a later try.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn not_granted(
    database: &Database,
    at_rest: &AtRest,
    grant: &Grant,
    unreached: &[Scope],
    accepted_at: i64,
) -> Result<(), Error> {
    for bundle in bundle_doc::names_among(database, at_rest, bundles_of(grant, unreached)).await? {
        if bundle.stored_at <= accepted_at {
            bundle_doc::delete(database, bundle).await?;
        }
    }
    // A grant that never stood leaves nothing on its grantee's shelf.
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
