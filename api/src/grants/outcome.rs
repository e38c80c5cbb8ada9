//! What follows for bundles and requests when a relayed Grant is settled.

use std::collections::BTreeSet;

use futures::TryStreamExt;
use mongodb::{Collection, Database, bson::doc, error::Error};
use protocol::{
    codes::ScopeKind,
    ids::{GrantId, RequestId},
    messages::{Grant, Scope},
};

use super::bundle_doc::{BundleDoc, bundle_id};
use crate::{requests, store::collection};

/// The Grant was mined: the request that it answers is approved.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn granted(database: &Database, grant: &Grant, now: u64) -> Result<(), Error> {
    let bundles: Collection<BundleDoc> = database.collection(collection::BUNDLES);
    let stored: Vec<BundleDoc> =
        bundles.find(doc! { "_id": { "$in": bundle_ids(grant, &grant.scopes) } }).await?.try_collect().await?;
    let answered: BTreeSet<RequestId> = stored.into_iter().filter_map(|bundle| bundle.request).collect();
    for request in answered {
        requests::approve(database, request, now).await?;
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
    let bundles: Collection<BundleDoc> = database.collection(collection::BUNDLES);
    let of_this_try = doc! { "_id": { "$in": bundle_ids(grant, unreached) }, "stored_at": { "$lte": accepted_at } };
    bundles.delete_many(of_this_try).await?;
    Ok(())
}

fn bundle_ids(grant: &Grant, scopes: &[Scope]) -> Vec<String> {
    let ids = scopes.iter().filter_map(|scope| {
        let kind = ScopeKind::from_code(scope.kind)?;
        let id = GrantId::derive(grant.patient, grant.tag.into(), kind, scope.id);
        Some(bundle_id(id, scope.epoch.checked_add(1)?))
    });
    ids.collect()
}
