//! Records as people may see them, from the mirror.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::Address;
use futures::TryStreamExt;
use mongodb::{
    Collection,
    bson::{Document, doc},
};
use protocol::{
    bodies::{
        Page,
        records::{RecordQuery, RecordView, VersionView},
    },
    codes::{Category, RecordStatus, ScopeKind},
    ids::RecordId,
    mirror::{self, RecordDoc, VersionDoc},
};

use super::shares;
use crate::{
    blobs::ledger::pins,
    caller::Caller,
    error::ApiError,
    extract::page_limit,
    grants::{self, ReadScope},
    state::App,
};

/// Where a page ends: creation time and id of its last record.
struct Cursor {
    created: i64,
    id: String,
}

impl Cursor {
    fn parse(text: &str) -> Result<Self, ApiError> {
        let invalid = || ApiError::invalid("cursor is not one that this server gave");
        let (created, id) = text.split_once(':').ok_or_else(invalid)?;
        let id: RecordId = id.parse().map_err(|_| invalid())?;
        Ok(Self { created: created.parse().map_err(|_| invalid())?, id: id.to_string() })
    }

    /// Matches what comes after it, newest first.
    fn filter(&self) -> Document {
        doc! { "$or": [
            { "created": { "$lt": self.created } },
            { "created": self.created, "_id": { "$lt": &self.id } },
        ] }
    }
}

/// One page of what the caller owns, uploaded, or was granted.
pub(super) async fn list(app: &App, caller: &Caller, query: &RecordQuery) -> Result<Page<RecordView>, ApiError> {
    let limit = page_limit(query.limit)?;
    let after = query.cursor.as_deref().map(Cursor::parse).transpose()?;
    let patient = query
        .patient
        .as_deref()
        .map(|text| text.parse::<Address>().map_err(|_| ApiError::invalid("patient is not an address")))
        .transpose()?;

    let mut found: BTreeMap<(i64, RecordId), RecordDoc> = BTreeMap::new();
    for visible in visible(app, caller.address).await? {
        // Each question has an index of its own; one question with alternatives would have none.
        for record in page(app, visible, after.as_ref(), patient, query.category, limit).await? {
            found.insert((i64::try_from(record.created).unwrap_or(i64::MAX), record.id), record);
        }
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let next = (found.len() > limit).then(|| found.keys().rev().nth(limit - 1)).flatten();
    let next = next.map(|(created, id)| format!("{created}:{id}"));
    let records: Vec<RecordDoc> = found.into_values().rev().take(limit).collect();
    Ok(Page { items: views(app, records).await?, next })
}

/// One record that the caller may see.
pub(super) async fn get(app: &App, caller: &Caller, id: RecordId) -> Result<RecordView, ApiError> {
    let nothing = || ApiError::not_found("there is no such record, or nobody shared it with you");
    let records: Collection<RecordDoc> = app.database.collection(mirror::collection::RECORDS);
    let record = records.find_one(doc! { "_id": id.to_string() }).await?.ok_or_else(nothing)?;
    let is_own = record.patient == caller.address || record.uploader == caller.address;
    if !is_own && !grants::read_scopes(app, caller.address).await?.iter().any(|scope| scope.covers(&record)) {
        return Err(nothing());
    }
    views(app, vec![record]).await?.pop().ok_or_else(nothing)
}

/// The filters that together give all that somebody may see.
async fn visible(app: &App, address: Address) -> Result<Vec<Document>, ApiError> {
    let hex = format!("{address:#x}");
    let mut filters = vec![doc! { "patient": &hex }, doc! { "uploader": &hex }];
    let mut records = BTreeSet::new();
    for ReadScope { patient, kind, scope_id } in grants::read_scopes(app, address).await? {
        let patient = format!("{patient:#x}");
        match kind {
            ScopeKind::Record => {
                records.insert(RecordId(scope_id).to_string());
            }
            ScopeKind::Category => {
                let category = i32::from(u16::from_be_bytes([scope_id[30], scope_id[31]]));
                filters.push(doc! { "patient": patient, "category": category });
            }
            ScopeKind::All => filters.push(doc! { "patient": patient }),
        }
    }
    if !records.is_empty() {
        filters.push(doc! { "_id": { "$in": records.into_iter().collect::<Vec<_>>() } });
    }
    Ok(filters)
}

async fn page(
    app: &App,
    visible: Document,
    after: Option<&Cursor>,
    patient: Option<Address>,
    category: Option<Category>,
    limit: u32,
) -> Result<Vec<RecordDoc>, ApiError> {
    let mut all = vec![visible];
    all.extend(after.map(Cursor::filter));
    all.extend(patient.map(|patient| doc! { "patient": format!("{patient:#x}") }));
    all.extend(category.map(|category| doc! { "category": i32::from(category.code()) }));
    let records: Collection<RecordDoc> = app.database.collection(mirror::collection::RECORDS);
    let newest_first = doc! { "created": -1, "_id": -1 };
    // One more than asked for shows whether there is a further page.
    let found = records.find(doc! { "$and": all }).sort(newest_first).limit(i64::from(limit) + 1).await?;
    Ok(found.try_collect().await?)
}

async fn views(app: &App, records: Vec<RecordDoc>) -> Result<Vec<RecordView>, ApiError> {
    let ids: Vec<RecordId> = records.iter().map(|record| record.id).collect();
    let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let versions: Collection<VersionDoc> = app.database.collection(mirror::collection::VERSIONS);
    let of_records = doc! { "record": { "$in": &texts } };
    let (versions, shares, sizes) = tokio::join!(
        async {
            versions.find(of_records).sort(doc! { "record": 1, "version": 1 }).await?.try_collect::<Vec<_>>().await
        },
        shares::deposited(app, &ids),
        sizes(app, &texts),
    );
    let shares: BTreeSet<(RecordId, u16)> = shares?.into_iter().collect();
    let sizes = sizes?;
    let mut by_record: BTreeMap<RecordId, Vec<VersionView>> = BTreeMap::new();
    for version in versions? {
        let size = sizes.get(&version.id).copied();
        let has_release_share = shares.contains(&(version.record, version.version));
        by_record.entry(version.record).or_default().push(VersionView {
            version: version.version,
            uploader: version.uploader,
            cid: version.cid,
            size,
            has_release_share,
            registered_at: version.place.block_time,
            block_number: version.place.block_number,
            tx_hash: version.place.tx_hash,
        });
    }
    Ok(records
        .into_iter()
        .map(|record| RecordView {
            id: record.id,
            patient: record.patient,
            uploader: record.uploader,
            // The contract bounds neither list; what we do not know says nothing.
            category: Category::from_code(record.category).unwrap_or(Category::Unspecified),
            status: RecordStatus::from_code(record.status).unwrap_or(RecordStatus::Active),
            created: record.created,
            versions: by_record.remove(&record.id).unwrap_or_default(),
        })
        .collect())
}

/// Bytes of the envelopes that lie here, by version.
async fn sizes(app: &App, records: &[String]) -> Result<BTreeMap<String, u64>, ApiError> {
    let mut pins = pins(app).find(doc! { "record": { "$in": records } }).await?;
    let mut sizes = BTreeMap::new();
    while let Some(pin) = pins.try_next().await? {
        if pin.cid.is_some() {
            sizes.insert(pin.version_id(), pin.size);
        }
    }
    Ok(sizes)
}
