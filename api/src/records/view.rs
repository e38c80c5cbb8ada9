//! Records as people may see them, from the mirror.

use std::collections::{BTreeMap, BTreeSet};

use futures::TryStreamExt;
use mongodb::{
    Collection,
    bson::{Document, doc},
};
use protocol::{
    bodies::{
        Page, PageQuery,
        records::{RecordView, VERSIONS_SHOWN, VersionView},
    },
    codes::{Category, RecordStatus},
    digits,
    ids::RecordId,
    mirror::{self, RecordDoc, VersionDoc, version_id},
};

use super::shares;
use crate::{app::App, blobs::ledger::pins, caller::Caller, error::ApiError, extract::page_limit, grants, paging};

/// Returns one record that the caller may see.
pub(super) async fn get(app: &App, caller: &Caller, id: RecordId) -> Result<RecordView, ApiError> {
    let record = find(app, caller, id).await?;
    views(app, vec![record]).await?.pop().ok_or_else(|| ApiError::not_found("there is no such record"))
}

async fn find(app: &App, caller: &Caller, id: RecordId) -> Result<RecordDoc, ApiError> {
    let nothing = || ApiError::not_found("there is no such record, or nobody shared it with you");
    let records: Collection<RecordDoc> = app.database.collection(mirror::collection::RECORDS);
    let record = records.find_one(doc! { "_id": id.to_string() }).await?.ok_or_else(nothing)?;
    let is_own = record.patient == caller.address || record.uploader == caller.address;
    let one = std::slice::from_ref(&record);
    if !is_own && grants::readable(app, caller.address, record.patient, one).await?.is_empty() {
        return Err(nothing());
    }
    Ok(record)
}

/// Returns one page of the versions of a record that the caller may see, newest first.
pub(super) async fn versions(
    app: &App,
    caller: &Caller,
    id: RecordId,
    query: &PageQuery,
) -> Result<Page<VersionView>, ApiError> {
    let limit = u16::try_from(page_limit(query.limit)?).unwrap_or(u16::MAX);
    let invalid = || ApiError::invalid("cursor is not valid for this server");
    let before = query.cursor.as_deref().map(|text| digits::parse::<u16>(text).ok_or_else(invalid)).transpose()?;
    let record = find(app, caller, id).await?;
    let newest = before.map_or(record.version, |before| record.version.min(before.saturating_sub(1)));
    let oldest = newest.saturating_sub(limit.saturating_sub(1)).max(1);
    let next = (oldest > 1 && newest > 0).then(|| oldest.to_string());
    let shown = [(record, oldest..=newest)];
    let mut found = version_views(app, &shown).await?.remove(&id).unwrap_or_default();
    found.reverse();
    paging::page(found.into_iter().map(|version| (version.version.to_string(), version)), limit.into(), next)
}

/// Returns the records with their newest versions.
pub(super) async fn views(app: &App, records: Vec<RecordDoc>) -> Result<Vec<RecordView>, ApiError> {
    let newest = |record: RecordDoc| {
        let oldest = record.version.saturating_sub(VERSIONS_SHOWN - 1).max(1);
        let newest = record.version;
        (record, oldest..=newest)
    };
    let shown: Vec<_> = records.into_iter().map(newest).collect();
    let mut by_record = version_views(app, &shown).await?;
    let view = |(record, _): (RecordDoc, _)| RecordView {
        id: record.id,
        patient: record.patient,
        uploader: record.uploader,
        // The contract limits neither list. Unknown values are shown as unspecified.
        category: Category::from_code(record.category).unwrap_or(Category::Unspecified),
        status: RecordStatus::from_code(record.status).unwrap_or(RecordStatus::Active),
        tombstone_epoch: record.tombstone_epoch,
        liftable_until: (record.liftable_until != 0).then_some(record.liftable_until),
        created: record.created,
        version_count: record.version,
        versions: by_record.remove(&record.id).unwrap_or_default(),
    };
    Ok(shown.into_iter().map(view).collect())
}

type Shown = (RecordDoc, std::ops::RangeInclusive<u16>);

/// Returns these versions of these records, oldest first. Everything is queried by id, so that nothing written by other
/// people is read.
async fn version_views(app: &App, shown: &[Shown]) -> Result<BTreeMap<RecordId, Vec<VersionView>>, ApiError> {
    let ids: Vec<String> =
        shown.iter().flat_map(|(record, range)| range.clone().map(|version| version_id(record.id, version))).collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let versions: Collection<VersionDoc> = app.database.collection(mirror::collection::VERSIONS);
    let versions: Vec<VersionDoc> =
        versions.find(doc! { "_id": { "$in": ids } }).sort(doc! { "_id": 1 }).await?.try_collect().await?;
    let asked = versions.iter().flat_map(|version| {
        [version.patient, version.uploader].map(|depositor| (version.record, version.version, depositor))
    });
    let cids = versions.iter().map(|version| version.cid.clone()).collect();
    let (shares, sizes) = tokio::join!(shares::deposited(app, asked.collect()), sizes(app, cids));
    let (shares, sizes): (BTreeSet<(RecordId, u16)>, _) = (shares?, sizes?);
    let records: BTreeMap<RecordId, &RecordDoc> = shown.iter().map(|(record, _)| (record.id, record)).collect();
    // The retraction of the record's first uploader applies only to the versions that it uploaded.
    let is_retracted = |version: &VersionDoc| {
        records
            .get(&version.record)
            .is_some_and(|record| version.version <= record.retracted && version.uploader == record.uploader)
    };
    let mut by_record: BTreeMap<RecordId, Vec<VersionView>> = BTreeMap::new();
    for version in versions {
        by_record.entry(version.record).or_default().push(VersionView {
            version: version.version,
            uploader: version.uploader,
            retracted: is_retracted(&version),
            size: sizes.get(&version.cid).copied(),
            cid: version.cid,
            has_release_share: shares.contains(&(version.record, version.version)),
            registered_at: version.place.block_time,
            block_number: version.place.block_number,
            tx_hash: version.place.tx_hash,
        });
    }
    Ok(by_record)
}

/// Returns the sizes in bytes of the envelopes that are stored here, by CID. Only registered CIDs are queried, because
/// anybody may upload something for any record id. Many uploaders may have stored the same bytes, so the database
/// groups them.
async fn sizes(app: &App, cids: Vec<String>) -> Result<BTreeMap<String, u64>, ApiError> {
    #[derive(serde::Deserialize)]
    struct Size {
        #[serde(rename = "_id")]
        cid: String,
        size: i64,
    }
    let stored = doc! { "cid": { "$in": cids }, "state": { "$in": ["stored", "registered"] } };
    let pipeline = [doc! { "$match": stored }, doc! { "$group": { "_id": "$cid", "size": { "$max": "$size" } } }];
    let found: Vec<Document> = pins(app).aggregate(pipeline).await?.try_collect().await?;
    let sizes = found.into_iter().filter_map(|size| mongodb::bson::from_document::<Size>(size).ok());
    Ok(sizes.filter_map(|size| Some((size.cid, size.size.try_into().ok()?))).collect())
}
