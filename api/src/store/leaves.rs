//! Leaves of the operator's log in the database: the evidence of each read.

use alloy::primitives::Address;
use mongodb::{Collection, Database, IndexModel, bson::doc, error::Error, options::IndexOptions};
use protocol::{
    codes::Purpose,
    hex_text,
    ids::{LeafHash, RecordId, Tag},
    reads::{Leaf, ReadRequest, SignedReceipt},
};
use serde::{Deserialize, Serialize};

use super::{collection, index, is_duplicate, unique_index};
use crate::{
    at_rest::{AtRest, AtRestError, Lookup, Sealed, Use},
    error::ApiError,
    time::now_ms,
};

/// A read. `_id`: its leaf hash. Once it is written, only its index in the log is ever added.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct LeafDoc {
    #[serde(rename = "_id")]
    pub(crate) id: LeafHash,
    /// Blind index of session and nonce ([`Lookup::LeafRequest`]); unique.
    pub(crate) request: String,
    /// The reader, and the proof of the read: [`Evidence`].
    pub(crate) sealed: Sealed,
    /// The fields that are on chain within seconds: patient, record, tag and purpose.
    #[serde(with = "hex_text")]
    pub(crate) patient: Address,
    pub(crate) record: RecordId,
    pub(crate) tag: Tag,
    pub(crate) purpose: Purpose,
    /// Unix seconds of the key release.
    pub(crate) time: i64,
    /// Unix milliseconds, which keep the order of arrival.
    pub(crate) appended_at: i64,
    /// Whether the sequencer has given it its index.
    pub(crate) is_placed: bool,
    /// Its index in the log, once it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) index: Option<i64>,
}

/// The part of a leaf that the chain does not show. Opened only for those who may see it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Evidence {
    /// The patient. The address that is stored in clear is only used for look-ups.
    #[serde(with = "hex_text")]
    pub(crate) patient: Address,
    /// Everything that the hash commits to.
    pub(crate) leaf: Leaf,
    pub(crate) receipt: SignedReceipt,
}

/// Returns the name of a request. The same session never uses a nonce for two reads.
pub(crate) fn name_of(request: &ReadRequest) -> [u8; 64] {
    let mut name = [0; 64];
    name[..32].copy_from_slice(request.login_hash.as_slice());
    name[32..].copy_from_slice(request.nonce.as_slice());
    name
}

impl LeafDoc {
    /// Opens the evidence.
    ///
    /// # Errors
    /// Returns `internal` when this operator did not seal it, or when it belongs to another patient's log.
    pub(crate) fn evidence(&self, at_rest: &AtRest) -> Result<Evidence, ApiError> {
        let opened: Evidence =
            at_rest.open(Use::Leaf, &self.id.to_string(), &self.sealed).map_err(ApiError::internal)?;
        if opened.patient != self.patient {
            return Err(ApiError::internal(AtRestError));
        }
        Ok(opened)
    }

    pub(crate) fn new(at_rest: &AtRest, id: LeafHash, evidence: &Evidence) -> Self {
        let leaf = &evidence.leaf;
        let request = &leaf.request;
        Self {
            id,
            request: at_rest.blind(Lookup::LeafRequest, name_of(request)),
            sealed: at_rest.seal(Use::Leaf, &id.to_string(), evidence),
            patient: evidence.patient,
            record: request.record,
            tag: request.tag(),
            purpose: request.purpose,
            time: i64::try_from(leaf.time).unwrap_or(i64::MAX),
            appended_at: now_ms(),
            is_placed: false,
            index: None,
        }
    }
}

/// Returns the collection of leaves, in the log's own database.
pub(crate) fn leaves(database: &Database) -> Collection<LeafDoc> {
    database.collection(collection::LEAVES)
}

/// Creates the indexes of leaves.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn create_indexes(database: &Database) -> Result<(), Error> {
    let placed = IndexModel::builder()
        .keys(doc! { "index": 1 })
        .options(
            IndexOptions::builder()
                .unique(true)
                .partial_filter_expression(doc! { "index": { "$exists": true } })
                .build(),
        )
        .build();
    leaves(database)
        .create_indexes([
            // The same session never uses a nonce for two reads.
            unique_index(doc! { "request": 1 }),
            placed,
            index(doc! { "is_placed": 1, "appended_at": 1 }),
            index(doc! { "patient": 1, "is_placed": 1, "time": -1 }),
            index(doc! { "patient": 1, "index": -1 }),
        ])
        .await?;
    Ok(())
}

/// Appends a leaf durably. Returns false when the session has used the nonce before.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn append(database: &Database, leaf: &LeafDoc) -> Result<bool, Error> {
    match leaves(database).insert_one(leaf).await {
        Ok(_) => Ok(true),
        Err(error) if is_duplicate(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Sets the index of a leaf in the log. Returns false when it already has one.
///
/// # Errors
/// Returns an error when the database does not answer, and a duplicate error when another leaf has this index.
pub(crate) async fn place(database: &Database, leaf: LeafHash, index: i64) -> Result<bool, Error> {
    let unplaced = doc! { "_id": leaf.to_string(), "is_placed": false };
    let placed = doc! { "$set": { "is_placed": true, "index": index } };
    Ok(leaves(database).update_one(unplaced, placed).await?.matched_count == 1)
}
