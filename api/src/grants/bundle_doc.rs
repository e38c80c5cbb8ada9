//! The capsules of one grant as they are stored. They may be many, so no list reads them.

use futures::TryStreamExt;
use mongodb::{Collection, Database, bson::doc};
use protocol::{
    bodies::grants::BundleBody,
    ids::{GrantId, RequestId},
};
use serde::{Deserialize, Serialize};

use crate::store::{collection, json_text};

/// A bundle. `_id`: grant `:` grant epoch (ten digits). A renewed grant has a bundle of its own, so that a renewal that
/// is never mined leaves the standing one as it is.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct BundleDoc {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    pub(crate) grant: GrantId,
    /// The epoch that the grant has on chain with this bundle.
    pub(crate) epoch: i64,
    #[serde(with = "json_text")]
    pub(crate) bundle: BundleBody,
    /// The request that the grant answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) request: Option<RequestId>,
    /// Unix milliseconds.
    pub(crate) stored_at: i64,
}

/// Of a bundle, all but the capsules.
#[derive(Deserialize)]
pub(crate) struct BundleName {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    pub(crate) epoch: i64,
    #[serde(default)]
    pub(crate) request: Option<RequestId>,
}

/// The `_id` of a bundle.
pub(crate) fn bundle_id(grant: GrantId, epoch: u32) -> String {
    format!("{grant}:{epoch:010}")
}

/// The bundles.
pub(crate) fn bundles(database: &Database) -> Collection<BundleDoc> {
    database.collection(collection::BUNDLES)
}

/// The names of all bundles of a grant, oldest first.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn names_of(database: &Database, grant: GrantId) -> mongodb::error::Result<Vec<BundleName>> {
    let of_grant = doc! { "_id": { "$gte": bundle_id(grant, 0), "$lte": bundle_id(grant, u32::MAX) } };
    names(database, of_grant).await
}

/// The names of the bundles that match.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn names(
    database: &Database,
    filter: mongodb::bson::Document,
) -> mongodb::error::Result<Vec<BundleName>> {
    let bundles: Collection<BundleName> = database.collection(collection::BUNDLES);
    let without_capsules = doc! { "epoch": 1, "request": 1 };
    bundles.find(filter).projection(without_capsules).sort(doc! { "_id": 1 }).await?.try_collect().await
}
