//! Pages of records that the caller owns, uploaded, or was granted, joined in a fixed number of queries.
//!
//! Each source returns one item more than the page holds, and the place down to which it is complete. Items below the
//! highest such place wait for the next page. So no source is queried twice for one page, however many grants have
//! ended.

use std::collections::BTreeMap;

use alloy::primitives::Address;
use futures::TryStreamExt;
use mongodb::{
    Collection,
    bson::{Document, doc},
};
use protocol::{
    bodies::{
        PAGE_BYTES_MAX, Page,
        records::{RecordQuery, RecordView, VERSIONS_SHOWN},
    },
    error_code::ErrorCode,
    ids::RecordId,
    mirror::{self, RecordDoc},
};

use super::view;
use crate::{
    app::App,
    caller::Caller,
    error::ApiError,
    extract::page_limit,
    grants,
    paging::{self, Place, newest_first, newest_first_by_week},
    store::received::{self, ReceivedDoc, ReceivedRow},
};

/// Records of one source, newest first.
struct Source {
    records: Vec<(Place, RecordDoc)>,
    /// The last place that was read, if there may be more after it.
    reached: Option<Place>,
}

impl Source {
    fn of(records: Vec<RecordDoc>, asked: usize) -> Self {
        let records: Vec<_> = records.into_iter().map(|record| (place_of(&record), record)).collect();
        let reached = records.last().filter(|_| records.len() >= asked).map(|(place, _)| place.clone());
        Self { records, reached }
    }
}

fn place_of(record: &RecordDoc) -> Place {
    Place { at: i64::try_from(record.created).unwrap_or(i64::MAX), id: record.id.to_string() }
}

/// Returns one page of the records that the caller owns, uploaded, or was granted by people it knows. For a named
/// patient it also contains the records that this patient granted as a stranger.
pub(super) async fn list(app: &App, caller: &Caller, query: &RecordQuery) -> Result<Page<RecordView>, ApiError> {
    let limit = page_limit(query.limit)? as usize;
    let after = Place::parse_some(query.cursor.as_deref())?;
    let after = after.as_ref();

    if let Some(record) = query.record {
        return one(app, caller, record).await;
    }
    let asked = limit + 1;
    let sources = match query.patient {
        Some(patient) => vec![of_patient(app, caller.address, patient, after, asked).await?],
        None => {
            let own = by(app, doc! { "patient": caller.hex() }, after, asked);
            let uploaded = by(app, doc! { "uploader": caller.hex() }, after, asked);
            let (own, uploaded, granted) = tokio::join!(own, uploaded, granted(app, caller.address, after, asked));
            vec![own?, uploaded?, granted?]
        }
    };
    let frontier = sources.iter().filter_map(|source| source.reached.clone()).max();
    let found: BTreeMap<Place, RecordDoc> = sources.into_iter().flat_map(|source| source.records).collect();
    let is_wanted = |record: &RecordDoc| query.category.is_none_or(|category| category.code() == record.category);
    let complete = found.into_iter().rev().filter(|(place, _)| frontier.as_ref().is_none_or(|end| place >= end));
    let mut records: Vec<(Place, RecordDoc)> = complete.filter(|(_, record)| is_wanted(record)).collect();

    // Records that would not fit the page are not even loaded.
    let fits = fitting(records.iter().map(|(_, record)| record)).min(limit);
    let mut next = frontier.map(|end| end.cursor());
    if paging::cut(&mut records, fits) {
        next = records.last().map(|(place, _)| place.cursor());
    }
    let (places, records): (Vec<Place>, Vec<RecordDoc>) = records.into_iter().unzip();
    let views = view::views(app, records).await?;
    let cursors = places.into_iter().map(|place| place.cursor());
    paging::page(cursors.zip(views), limit, next)
}

/// Returns how many of the records fit on one page, at least one, by the least size of a version.
fn fitting<'a>(records: impl Iterator<Item = &'a RecordDoc>) -> usize {
    const RECORD_BYTES_MIN: usize = 250;
    const VERSION_BYTES_MIN: usize = 250;
    let mut bytes = 0;
    let fits = records.take_while(|record| {
        let fits = bytes < PAGE_BYTES_MAX;
        bytes += RECORD_BYTES_MIN + VERSION_BYTES_MIN * usize::from(record.version.min(VERSIONS_SHOWN));
        fits
    });
    fits.count()
}

/// Returns a page with this record, or an empty page. Not seeing a record any more is no error.
async fn one(app: &App, caller: &Caller, record: RecordId) -> Result<Page<RecordView>, ApiError> {
    match view::get(app, caller, record).await {
        Ok(record) => Ok(Page { items: vec![record], next: None }),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(Page { items: Vec::new(), next: None }),
        Err(error) => Err(error),
    }
}

async fn by(app: &App, filter: Document, after: Option<&Place>, asked: usize) -> Result<Source, ApiError> {
    let records: Collection<RecordDoc> = app.database.collection(mirror::collection::RECORDS);
    Ok(Source::of(newest_first(&records, filter, "created", after, asked).await?, asked))
}

/// Returns the records of one patient that the caller may see.
async fn of_patient(
    app: &App,
    caller: Address,
    patient: Address,
    after: Option<&Place>,
    asked: usize,
) -> Result<Source, ApiError> {
    let mut all = by(app, doc! { "patient": format!("{patient:#x}") }, after, asked).await?;
    if patient == caller {
        return Ok(all);
    }
    let records: Vec<RecordDoc> = all.records.iter().map(|(_, record)| record.clone()).collect();
    let readable = grants::readable(app, caller, patient, &records).await?;
    all.records.retain(|(_, record)| record.uploader == caller || readable.contains(&record.id));
    Ok(all)
}

/// Returns the records that were granted to the caller by people it knows.
async fn granted(app: &App, caller: Address, after: Option<&Place>, asked: usize) -> Result<Source, ApiError> {
    let rows = received::received(&app.database);
    let open = |row: ReceivedDoc| {
        let row = row.open_for(&app.at_rest, caller)?;
        Some((row.place()?, row))
    };
    let listed = received::listed(&app.at_rest, caller);
    let week = |row: &ReceivedDoc| row.week;
    let found = newest_first_by_week(&rows, listed, "week", after, asked, (week, open)).await?;
    let reached = found.last().filter(|_| found.len() >= asked).map(|(place, _)| place.clone());
    let rows: Vec<ReceivedRow> = found.into_iter().map(|(_, row)| row).collect();
    let active: BTreeMap<RecordId, &ReceivedRow> =
        grants::active(app, &rows).await?.into_iter().map(|row| (RecordId(row.opened.scope_id), row)).collect();
    let ids: Vec<String> = active.keys().map(ToString::to_string).collect();
    let records: Collection<RecordDoc> = app.database.collection(mirror::collection::RECORDS);
    let found: Vec<RecordDoc> = match ids.is_empty() {
        true => Vec::new(),
        false => records.find(doc! { "_id": { "$in": ids } }).await?.try_collect().await?,
    };
    // Anybody may grant over any record id. Only the patient's own grants count.
    let own = found
        .into_iter()
        .filter(|record| active.get(&record.id).is_some_and(|row| row.opened.patient == record.patient));
    Ok(Source { records: own.map(|record| (place_of(&record), record)).collect(), reached })
}
