//! Pages of the log.
//!
//! A patient's page begins with reads that are not anchored yet, from the operator's evidence. The anchored ones
//! follow, from the mirror. So the log is complete even if the evidence was lost.

use std::collections::BTreeMap;

use alloy::primitives::Address;
use futures::TryStreamExt;
use mongodb::{
    Collection,
    bson::{Document, doc},
};
use protocol::{
    bodies::{
        Page,
        log::{LogEntry, LogQuery},
    },
    codes::{Purpose, Role, TIME_MAX},
    digits,
    error_code::ErrorCode,
    ids::{LeafHash, RecordId},
    mirror::{self, AccessDoc, RecordDoc, access_id},
};

use crate::{
    app::App,
    caller::Caller,
    error::ApiError,
    extract::page_limit,
    paging,
    store::leaves::{self, Evidence, LeafDoc},
};

/// Higher than every index of a log. It has ten digits, like the indexes in ids.
const INDEX_END: u64 = 9_999_999_999;

/// The parsed filters of a query.
struct Wanted {
    record: Option<RecordId>,
    purpose: Option<Purpose>,
    from: Option<u64>,
    until: Option<u64>,
    /// Only entries with a lower index. `None` on the first page.
    before: Option<i64>,
    limit: u32,
}

impl Wanted {
    fn parse(query: &LogQuery) -> Result<Self, ApiError> {
        let invalid = || ApiError::invalid("cursor is not valid for this server");
        Ok(Self {
            record: query.record,
            purpose: query.purpose,
            from: time(query.from, "from")?,
            until: time(query.until, "until")?,
            before: query.cursor.as_deref().map(|text| digits::parse(text).ok_or_else(invalid)).transpose()?,
            limit: page_limit(query.limit)?,
        })
    }

    /// Returns the filters for a collection with these names for time and purpose.
    fn filters(&self, time: &str, purpose: Option<Document>) -> Vec<Document> {
        let seconds = |unix: u64| i64::try_from(unix).unwrap_or(i64::MAX);
        let mut all = Vec::new();
        all.extend(self.record.map(|record| doc! { "record": record.to_string() }));
        all.extend(purpose);
        all.extend(self.from.map(|from| doc! { time: { "$gte": seconds(from) } }));
        all.extend(self.until.map(|until| doc! { time: { "$lt": seconds(until) } }));
        all
    }
}

/// Checks that a time is in the range of messages and leaves.
fn time(unix: Option<u64>, field: &'static str) -> Result<Option<u64>, ApiError> {
    match unix {
        Some(unix) if unix > TIME_MAX => {
            Err(ApiError::new(ErrorCode::OutOfRange, format!("{field} must be at most {TIME_MAX}")))
        }
        unix => Ok(unix),
    }
}

/// Returns one page of the log that the caller may see.
pub(super) async fn list(app: &App, caller: &Caller, query: &LogQuery) -> Result<Page<LogEntry>, ApiError> {
    let wanted = Wanted::parse(query)?;
    let head = app.chain_view.head().await?;
    if app.chain_view.is_accredited(caller.address, Some(Role::Auditor), &head).await? {
        return of_all(app, &wanted).await;
    }
    of_patient(app, caller.address, &wanted).await
}

/// Returns all anchored reads, without readers.
async fn of_all(app: &App, wanted: &Wanted) -> Result<Page<LogEntry>, ApiError> {
    let (accesses, next) = anchored(app, None, wanted).await?;
    let items = accesses.into_iter().map(|access| (access.index.to_string(), entry(access, None)));
    paging::page(items, usize::try_from(wanted.limit).unwrap_or(usize::MAX), next)
}

/// Returns the reads of a patient's records, with readers where the evidence exists.
async fn of_patient(app: &App, patient: Address, wanted: &Wanted) -> Result<Page<LogEntry>, ApiError> {
    let records: Collection<RecordDoc> = app.database.collection(mirror::collection::RECORDS);
    // The caller's own records. If the query names a record, only that one, and only if it is the caller's own.
    let ids: Vec<String> = match wanted.record {
        Some(record) => {
            let own = doc! { "_id": record.to_string(), "patient": format!("{patient:#x}") };
            records.find_one(own).await?.iter().map(|record| record.id.to_string()).collect()
        }
        None => ids_of(app, patient).await?,
    };
    let (accesses, next) = anchored(app, Some(ids), wanted).await?;

    let leaves = leaves::leaves(&app.log_database);
    let hashes: Vec<String> = accesses.iter().map(|access| access.leaf.to_string()).collect();
    let evidence: Vec<LeafDoc> = leaves.find(doc! { "_id": { "$in": hashes } }).await?.try_collect().await?;
    let mut evidence: BTreeMap<LeafHash, LeafDoc> = evidence.into_iter().map(|leaf| (leaf.id, leaf)).collect();
    let waiting = if wanted.before.is_none() { waiting(app, patient, wanted).await? } else { Vec::new() };
    let limit = usize::try_from(wanted.limit).unwrap_or(usize::MAX);
    // Waiting reads come before all that have an index. If a page ends among them, the next one starts at the highest
    // index again.
    let newest = || INDEX_END.to_string();
    let waiting = waiting.into_iter().map(|entry| (newest(), entry));
    let anchored = accesses.into_iter().map(|access| {
        let evidence = evidence.remove(&access.leaf).and_then(|leaf| opened(app, &leaf));
        (access.index.to_string(), entry(access, evidence))
    });
    paging::page(waiting.chain(anchored), limit.saturating_mul(2), next)
}

async fn ids_of(app: &App, patient: Address) -> Result<Vec<String>, ApiError> {
    let records: Collection<Document> = app.database.collection(mirror::collection::RECORDS);
    let own = doc! { "patient": format!("{patient:#x}") };
    let found: Vec<Document> = records.find(own).projection(doc! { "_id": 1 }).await?.try_collect().await?;
    Ok(found.iter().filter_map(|record| Some(record.get_str("_id").ok()?.to_owned())).collect())
}

/// Returns one page of the reads that the mirror has seen on chain, of these records or of all, highest index first,
/// and the place where the next page begins.
async fn anchored(
    app: &App,
    records: Option<Vec<String>>,
    wanted: &Wanted,
) -> Result<(Vec<AccessDoc>, Option<String>), ApiError> {
    let operator = app.deployment.operator;
    let purpose = wanted.purpose.map(|purpose| doc! { "purposes": i32::from(purpose.bit()) });
    let mut all = wanted.filters("place.block_time", purpose);
    let is_by_record = records.is_some() || wanted.record.is_some();
    all.extend(records.map(|records| doc! { "record": { "$in": records } }));
    let highest_first = if is_by_record {
        all.push(doc! { "operator": format!("{operator:#x}") });
        all.extend(wanted.before.map(|before| doc! { "index": { "$lt": before } }));
        doc! { "index": -1 }
    } else {
        // The ids are in the order of the log. So no separate index is needed, which would make every event more
        // expensive.
        let below = wanted.before.map_or(u64::MAX, |before| u64::try_from(before).unwrap_or(0));
        all.push(doc! { "_id": { "$gte": access_id(operator, 0), "$lt": access_id(operator, below.min(INDEX_END)) } });
        doc! { "_id": -1 }
    };
    let accesses: Collection<AccessDoc> = app.database.collection(mirror::collection::ACCESSES);
    let found = accesses.find(doc! { "$and": all }).sort(highest_first).limit(i64::from(wanted.limit) + 1).await?;
    let mut found: Vec<AccessDoc> = found.try_collect().await?;
    let limit = usize::try_from(wanted.limit).unwrap_or(usize::MAX);
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| has_more).map(|last| last.index.to_string());
    Ok((found, next))
}

/// Returns the patient's reads that the mirror has not seen on chain yet, newest first.
async fn waiting(app: &App, patient: Address, wanted: &Wanted) -> Result<Vec<LogEntry>, ApiError> {
    let accesses: Collection<AccessDoc> = app.database.collection(mirror::collection::ACCESSES);
    let operator = app.deployment.operator;
    let of_operator = doc! { "_id": { "$gte": access_id(operator, 0), "$lt": access_id(operator, INDEX_END) } };
    let last = accesses.find_one(of_operator).sort(doc! { "_id": -1 }).await?;
    let mirrored = last.map_or(0, |access| i64::try_from(access.index + 1).unwrap_or(i64::MAX));
    let purpose = wanted.purpose.map(|purpose| doc! { "purpose": purpose.as_str() });
    let leaves = leaves::leaves(&app.log_database);
    // Two queries with one index each: leaves without a place, and leaves whose place the mirror does not have.
    let find = async |which: Document, order: Document| -> Result<Vec<LeafDoc>, ApiError> {
        let mut all = vec![doc! { "patient": format!("{patient:#x}") }, which];
        all.extend(wanted.filters("time", purpose.clone()));
        Ok(leaves.find(doc! { "$and": all }).sort(order).limit(i64::from(wanted.limit)).await?.try_collect().await?)
    };
    let unplaced = find(doc! { "is_placed": false }, doc! { "time": -1 });
    let ahead = find(doc! { "index": { "$gte": mirrored } }, doc! { "index": -1 });
    let (unplaced, ahead) = tokio::join!(unplaced, ahead);
    let mut found = unplaced?;
    found.extend(ahead?);
    found.sort_by_key(|leaf| std::cmp::Reverse((leaf.time, leaf.id)));
    // A leaf that got its place between the two queries is in both results.
    found.dedup_by_key(|leaf| leaf.id);
    found.truncate(usize::try_from(wanted.limit).unwrap_or(usize::MAX));
    let entries = found.into_iter().map(|leaf| {
        let evidence = opened(app, &leaf).map(|evidence| evidence.leaf);
        LogEntry {
            index: None,
            leaf: leaf.id,
            record: leaf.record,
            version: evidence.as_ref().map(|leaf| leaf.request.version),
            tag: leaf.tag,
            purpose: leaf.purpose,
            reader: evidence.map(|leaf| leaf.request.grantee),
            time: u64::try_from(leaf.time).unwrap_or(0),
            block_number: None,
            tx_hash: None,
        }
    });
    Ok(entries.collect())
}

/// Returns the evidence of a leaf. Evidence that cannot be opened is treated as lost, and the rest of the log is still
/// shown.
fn opened(app: &App, leaf: &LeafDoc) -> Option<Evidence> {
    match leaf.evidence(&app.at_rest) {
        Ok(evidence) => Some(evidence),
        Err(_) => {
            tracing::error!(leaf = %leaf.id, "the evidence of a read does not open with this operator's secret");
            None
        }
    }
}

fn entry(access: AccessDoc, evidence: Option<Evidence>) -> LogEntry {
    LogEntry {
        index: Some(access.index),
        leaf: access.leaf,
        record: access.record,
        version: evidence.as_ref().map(|evidence| evidence.leaf.request.version),
        tag: access.tag,
        // Only the operator appends, and writes one known purpose for each read.
        purpose: Purpose::from_bit(access.purposes).unwrap_or(Purpose::Treatment),
        reader: evidence.as_ref().map(|evidence| evidence.leaf.request.grantee),
        time: evidence.as_ref().map_or(access.place.block_time, |evidence| evidence.leaf.time),
        block_number: Some(access.place.block_number),
        tx_hash: Some(access.place.tx_hash),
    }
}
