//! What follows for bundles and requests when a relayed Grant is settled.

use std::collections::BTreeSet;

use mongodb::{Database, bson::doc, error::Error};
use protocol::{
    codes::ScopeKind,
    ids::{GrantId, RequestId},
    messages::{Grant, Scope},
};

use super::{
    bundle_doc::{bundle_id, bundles, names},
    received::received,
};
use crate::{at_rest::AtRest, requests};

/// The Grant was mined: the request that it answers is approved.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn granted(database: &Database, at_rest: &AtRest, grant: &Grant, now: u64) -> Result<(), Error> {
    let stored = names(database, doc! { "_id": { "$in": bundle_ids(grant, &grant.scopes) } }).await?;
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
    grant: &Grant,
    unreached: &[Scope],
    accepted_at: i64,
) -> Result<(), Error> {
    let of_this_try = doc! { "_id": { "$in": bundle_ids(grant, unreached) }, "stored_at": { "$lte": accepted_at } };
    bundles(database).delete_many(of_this_try).await?;
    // A grant that never stood leaves nothing on its grantee's shelf.
    let never: Vec<String> = unreached
        .iter()
        .filter(|scope| scope.epoch == 0)
        .filter_map(|scope| Some(grant_id(grant, scope)?.to_string()))
        .collect();
    let of_this_try = doc! { "_id": { "$in": never }, "stored_at": { "$lte": accepted_at } };
    received(database).delete_many(of_this_try).await?;
    Ok(())
}

fn grant_id(grant: &Grant, scope: &Scope) -> Option<GrantId> {
    Some(GrantId::derive(grant.patient, grant.tag.into(), ScopeKind::from_code(scope.kind)?, scope.id))
}

fn bundle_ids(grant: &Grant, scopes: &[Scope]) -> Vec<String> {
    let ids = scopes.iter().filter_map(|scope| Some(bundle_id(grant_id(grant, scope)?, scope.epoch.checked_add(1)?)));
    ids.collect()
}
