//! The ledger of pins: who stored an envelope for which record version. Each upload has one row; `_id` is a new UUID.

use alloy::primitives::Address;
use mongodb::{
    Collection, Database,
    bson::{Document, doc},
};
use protocol::{cid::Cid, error_code::ErrorCode, ids::RecordId, mirror};
use serde::{Deserialize, Serialize};

use crate::{
    app::App,
    error::ApiError,
    store::{collection, index},
};

/// The state of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PinState {
    /// The bytes are arriving. The size is the announced one, and counts against the quota.
    Uploading,
    /// Pinned. The chain does not name it yet.
    Stored,
    /// Pinned. The chain names it.
    Registered,
    /// About to be unpinned. No upload for the same record version may begin in the meantime.
    Leaving,
}

impl PinState {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Uploading => "uploading",
            Self::Stored => "stored",
            Self::Registered => "registered",
            Self::Leaving => "leaving",
        }
    }
}

/// A row of the ledger.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PinDoc {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    /// The record that the envelope's header names.
    pub(crate) record: RecordId,
    /// The version that the header names.
    pub(crate) version: u16,
    #[serde(with = "protocol::hex_text")]
    pub(crate) uploader: Address,
    pub(crate) state: PinState,
    /// `None` during the upload.
    pub(crate) cid: Option<String>,
    /// Bytes of the envelope.
    pub(crate) size: u64,
    /// Unix seconds of the last change.
    pub(crate) changed_at: u64,
}

impl PinDoc {
    /// Returns the `_id` of the version in the mirror.
    pub(crate) fn version_id(&self) -> String {
        mirror::version_id(self.record, self.version)
    }
}

pub(crate) fn pins(app: &App) -> Collection<PinDoc> {
    app.database.collection(collection::PINS)
}

/// Creates the indexes of the ledger.
pub(crate) async fn create_indexes(database: &Database) -> mongodb::error::Result<()> {
    let pins = database.collection::<PinDoc>(collection::PINS);
    pins.create_index(index(doc! { "cid": 1, "uploader": 1 })).await?;
    pins.create_index(index(doc! { "record": 1, "version": 1, "state": 1 })).await?;
    pins.create_index(index(doc! { "uploader": 1, "size": 1 })).await?;
    pins.create_index(index(doc! { "state": 1, "changed_at": 1 })).await?;
    Ok(())
}

/// Returns the bytes that count against an account's quota.
pub(crate) async fn stored_bytes(app: &App, uploader: Address) -> Result<u64, ApiError> {
    let pipeline = [
        doc! { "$match": { "uploader": format!("{uploader:#x}") } },
        doc! { "$group": { "_id": null, "bytes": { "$sum": "$size" } } },
    ];
    let mut sums = pins(app).aggregate(pipeline).await?;
    if !sums.advance().await? {
        return Ok(0);
    }
    let sum: Document = sums.deserialize_current()?;
    let bytes = sum.get_i64("bytes").or_else(|_| sum.get_i32("bytes").map(i64::from)).map_err(ApiError::internal)?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}

/// Stores a row's new state.
pub(crate) async fn set_state(app: &App, id: &str, state: PinState) -> Result<(), ApiError> {
    let change = doc! { "$set": { "state": state.as_str(), "changed_at": seconds(app) } };
    pins(app).update_one(doc! { "_id": id }, change).await?;
    Ok(())
}

/// Returns the current time in BSON's integer type.
pub(crate) fn seconds(app: &App) -> i64 {
    i64::try_from(app.clock.now()).unwrap_or(i64::MAX)
}

/// Checks that the envelope is stored here, and that its header named this record and version when it was uploaded.
///
/// # Errors
/// Returns `cid_mismatch`, `invalid_envelope` or `not_found`.
pub(crate) async fn expect_stored(
    app: &App,
    uploader: Address,
    cid: &Cid,
    (record, version): (RecordId, u16),
) -> Result<(), ApiError> {
    let (cid, uploader) = (cid.to_string(), format!("{uploader:#x}"));
    let of_version = doc! {
        "record": record.to_string(),
        "version": i32::from(version),
        "state": { "$in": [PinState::Stored.as_str(), PinState::Registered.as_str()] },
    };
    let mut ours = of_version.clone();
    ours.insert("cid", &cid);
    // Updates the time of a row that is about to be registered. The sweeper has either marked the row before, so it is
    // not found here, or it sees the change and leaves the row.
    let touched = pins(app).update_one(ours, doc! { "$set": { "changed_at": seconds(app) } }).await?;
    if touched.matched_count > 0 {
        return Ok(());
    }
    // Another uploader's envelope for this version is not the caller's fault.
    let mut own = of_version;
    own.insert("uploader", &uploader);
    if pins(app).find_one(own).await?.is_some() {
        return Err(ApiError::new(ErrorCode::CidMismatch, "the envelope uploaded for this version has another CID"));
    }
    if pins(app).find_one(doc! { "cid": &cid, "uploader": &uploader }).await?.is_some() {
        return Err(ApiError::new(ErrorCode::InvalidEnvelope, "the uploaded envelope names another record or version"));
    }
    Err(ApiError::not_found("this server does not have the envelope"))
}
