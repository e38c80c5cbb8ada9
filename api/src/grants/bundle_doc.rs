//! The bundle of one grant as it is stored, with what opens its tag.

use alloy::primitives::{Address, B256};
use mongodb::{Database, bson::doc};
use protocol::{
    bodies::grants::BundleBody,
    codes::{Right, ScopeKind},
    hex_text,
    ids::{GrantId, RequestId, Salt, Tag},
};
use serde::{Deserialize, Serialize};

use crate::store::{collection, index, json_text};

/// A bundle. `_id`: grant `:` grant epoch (ten digits). A renewed grant has a bundle of its own, so that a renewal that
/// is never mined leaves the standing one as it is.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct BundleDoc {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    pub(crate) grant: GrantId,
    /// The epoch that the grant has on chain with this bundle.
    pub(crate) epoch: i64,
    #[serde(with = "hex_text")]
    pub(crate) patient: Address,
    #[serde(with = "hex_text")]
    pub(crate) grantee: Address,
    pub(crate) tag: Tag,
    pub(crate) salt: Salt,
    pub(crate) right: Right,
    pub(crate) kind: ScopeKind,
    #[serde(with = "hex_text")]
    pub(crate) scope_id: B256,
    #[serde(with = "json_text")]
    pub(crate) bundle: BundleBody,
    /// The request that the grant answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) request: Option<RequestId>,
    /// Unix milliseconds.
    pub(crate) stored_at: i64,
}

/// The `_id` of a bundle.
pub(crate) fn bundle_id(grant: GrantId, epoch: u32) -> String {
    format!("{grant}:{epoch:010}")
}

/// Creates the indexes of bundles.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn create_indexes(database: &Database) -> mongodb::error::Result<()> {
    let bundles = database.collection::<BundleDoc>(collection::BUNDLES);
    bundles
        .create_indexes([
            index(doc! { "grantee": 1, "stored_at": -1, "_id": -1 }),
            index(doc! { "grant": 1, "epoch": 1 }),
            index(doc! { "patient": 1 }),
            index(doc! { "tag": 1 }),
            index(doc! { "scope_id": 1 }),
        ])
        .await?;
    Ok(())
}
