//! Release shares in the database, encrypted under the operator's secret.

use std::collections::BTreeSet;

use alloy::primitives::Address;
use futures::TryStreamExt;
use mongodb::{
    Collection, Cursor, Database,
    bson::{Document, doc},
    error::Error,
};
use protocol::{hex_text, ids::RecordId};
use serde::{Deserialize, Serialize};

use super::{collection, index};

/// A deposited share. `_id`: record `:` version (five digits) `:` depositor.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ShareDoc {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    pub(crate) record: RecordId,
    pub(crate) version: i32,
    #[serde(with = "hex_text")]
    pub(crate) depositor: Address,
    /// Encrypted under the operator's at-rest key, hex.
    #[serde(with = "hex_text")]
    pub(crate) sealed: alloy::primitives::Bytes,
    /// Unix seconds.
    pub(crate) deposited_at: i64,
}

fn shares(database: &Database) -> Collection<ShareDoc> {
    database.collection(collection::RELEASE_SHARES)
}

/// Creates the index over record and version.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn create_indexes(database: &Database) -> mongodb::error::Result<()> {
    shares(database).create_index(index(doc! { "record": 1, "version": 1 })).await?;
    Ok(())
}

/// Returns the share with this id, or `None`.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn find(database: &Database, id: &str) -> Result<Option<ShareDoc>, Error> {
    shares(database).find_one(doc! { "_id": id }).await
}

/// Returns the shares of one version of a record, from all depositors.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn of_version(database: &Database, record: RecordId, version: u16) -> Result<Vec<ShareDoc>, Error> {
    let of_version = doc! { "record": record.to_string(), "version": i32::from(version) };
    shares(database).find(of_version).await?.try_collect().await
}

/// Returns the record versions of those of these shares that are stored.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn versions_of(database: &Database, ids: Vec<String>) -> Result<BTreeSet<(RecordId, u16)>, Error> {
    /// The record version of a share.
    #[derive(Deserialize)]
    struct Of {
        record: RecordId,
        version: i32,
    }
    let named: Collection<Of> = shares(database).clone_with_type();
    let of = doc! { "record": 1, "version": 1 };
    let found: Vec<Of> = named.find(doc! { "_id": { "$in": ids } }).projection(of).await?.try_collect().await?;
    Ok(found.into_iter().filter_map(|share| Some((share.record, share.version.try_into().ok()?))).collect())
}

/// Stores a share, and replaces one with the same id.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn put(database: &Database, share: ShareDoc) -> Result<(), Error> {
    shares(database).replace_one(doc! { "_id": &share.id }, &share).upsert(true).await?;
    Ok(())
}

/// Destroys every share of a record.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn delete_of_record(database: &Database, record: RecordId) -> Result<(), Error> {
    shares(database).delete_many(doc! { "record": record.to_string() }).await?;
    Ok(())
}

/// Returns every share in its stored form, in the order of the ids.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn all(database: &Database) -> Result<Cursor<Document>, Error> {
    shares(database).clone_with_type().find(doc! {}).sort(doc! { "_id": 1 }).await
}

/// Restores a share in its stored form, unless one with this id exists. Returns whether it was missing.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn put_back(database: &Database, id: &str, mut share: Document) -> Result<bool, Error> {
    // The filter contains the id. MongoDB refuses it in both places.
    share.remove("_id");
    let missing = doc! { "$setOnInsert": share };
    let written = shares(database).update_one(doc! { "_id": id }, missing).upsert(true).await?;
    Ok(written.upserted_id.is_some())
}
