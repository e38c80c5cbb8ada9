//! Decides who may download an envelope.

use std::collections::BTreeSet;

use alloy::primitives::Address;
use cid::Cid;
use mongodb::bson::doc;
use protocol::{
    codes::RecordStatus,
    envelope::{HEADER_LEN, Header},
    error_code::ErrorCode,
    mirror::{RecordDoc, VersionDoc, collection, version_id},
};
use tokio_stream::StreamExt;

use super::ledger::{PinDoc, PinState, pins};
use crate::{app::App, content::ContentError, error::ApiError, grants};

/// A blob that the caller may download.
pub(super) struct Blob {
    /// CIDv1 in canonical form.
    pub(super) cid: String,
    /// Size of the envelope in bytes.
    pub(super) size: u64,
}

/// Finds a blob for `caller`.
///
/// The ledger holds the record version that the blob's own header names. The patient and the grantees of that version
/// may download the blob only if the chain has this CID for it. So nobody gets another person's envelope by registering
/// its digest as their own.
///
/// # Errors Returns `not_found` both when there is no such blob and when the caller may not see it.
pub(super) async fn find(app: &App, caller: Address, cid: &str) -> Result<Blob, ApiError> {
    let nothing = || ApiError::not_found("there is no such blob, or nobody shared it with you");
    // Parsed and formatted again, so that a call to the storage node contains a CID and nothing else.
    let parsed: Cid = cid.parse().map_err(|_| ApiError::invalid("this is not a CID"))?;
    if parsed.version() != cid::Version::V1 || parsed.to_string() != cid {
        return Err(ApiError::invalid("the CID must be version 1 in base32"));
    }
    match row(app, caller, cid).await? {
        Some(row) if may_have(app, caller, &row, cid).await? => Ok(Blob { cid: cid.to_owned(), size: row.size }),
        _ => Err(nothing()),
    }
}

/// Returns the ledger's row for a CID: the caller's own if there is one, otherwise any. Rows of one CID differ only in
/// their uploader, because the bytes and the header are the same. If there are none, the ledger may have been lost with
/// its database while the blob still exists. The row is then created again, for a caller who may have the blob.
async fn row(app: &App, caller: Address, cid: &str) -> Result<Option<PinDoc>, ApiError> {
    let mut stored =
        doc! { "cid": cid, "state": { "$in": [PinState::Stored.as_str(), PinState::Registered.as_str()] } };
    let any = pins(app).find_one(stored.clone()).await?;
    let Some(any) = any else { return adopt(app, caller, cid).await };
    stored.insert("uploader", format!("{caller:#x}"));
    Ok(Some(pins(app).find_one(stored).await?.unwrap_or(any)))
}

async fn may_have(app: &App, caller: Address, row: &PinDoc, cid: &str) -> Result<bool, ApiError> {
    let versions = app.database.collection::<VersionDoc>(collection::VERSIONS);
    let registered = versions.find_one(doc! { "_id": row.version_id() }).await?.filter(|version| version.cid == cid);
    let Some(version) = registered else { return Ok(row.uploader == caller) };
    if version.patient == caller {
        return Ok(true);
    }
    let records = app.database.collection::<RecordDoc>(collection::RECORDS);
    let Some(record) = records.find_one(doc! { "_id": row.record.to_string() }).await? else { return Ok(false) };
    if record.status == RecordStatus::Tombstoned.code() {
        return Ok(false);
    }
    // A tombstone counts from the moment this server has accepted it, like a revocation.
    let ending = grants::ending(app, &BTreeSet::from([record.patient])).await?;
    if ending.get(&record.patient).is_some_and(|ending| ending.records.contains(&record.id)) {
        return Ok(false);
    }
    Ok(!grants::readable(app, caller, record.patient, std::slice::from_ref(&record)).await?.is_empty())
}

/// Creates the ledger's row for a blob that the chain names and the storage node still has. Its header is read again,
/// so that the row agrees with it. Nothing is pinned for a caller who may not have the blob, or for a withdrawn record.
async fn adopt(app: &App, caller: Address, cid: &str) -> Result<Option<PinDoc>, ApiError> {
    let versions = app.database.collection::<VersionDoc>(collection::VERSIONS);
    if versions.find_one(doc! { "cid": cid }).await?.is_none() {
        return Ok(None);
    }
    let Some(size) = app.content.size(cid).await.map_err(unavailable)? else { return Ok(None) };
    let mut head = Vec::new();
    let mut bytes = app.content.get(cid, 0, HEADER_LEN as u64).await.map_err(unavailable)?;
    while let Some(Ok(piece)) = bytes.next().await {
        head.extend_from_slice(&piece);
    }
    let Ok(header) = Header::parse(&head) else { return Ok(None) };
    let id = version_id(header.record, header.version);
    let Some(version) = versions.find_one(doc! { "_id": id, "cid": cid }).await? else { return Ok(None) };
    let row = PinDoc {
        // The id follows from the version, so two replicas adopt it only once.
        id: format!("adopted:{}", version.id),
        record: header.record,
        version: header.version,
        uploader: version.uploader,
        state: PinState::Registered,
        cid: Some(cid.to_owned()),
        size,
        changed_at: app.clock.now(),
    };
    let records = app.database.collection::<RecordDoc>(collection::RECORDS);
    let record = records.find_one(doc! { "_id": row.record.to_string() }).await?;
    let is_withdrawn = record.is_none_or(|record| record.status == RecordStatus::Tombstoned.code());
    if is_withdrawn || !may_have(app, caller, &row, cid).await? {
        return Ok(None);
    }
    app.content.pin(cid).await.map_err(unavailable)?;
    match pins(app).insert_one(&row).await {
        Err(error) if !crate::store::is_duplicate(&error) => Err(error.into()),
        _ => Ok(Some(row)),
    }
}

/// Returns the error for a storage node that has failed.
pub(super) fn unavailable(error: ContentError) -> ApiError {
    ApiError::new(ErrorCode::Unavailable, "the storage node cannot provide the file at the moment").because(error)
}
