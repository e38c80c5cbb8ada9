//! The grants that people have received: one small row for each, from the first bundle on. The capsules are stored
//! separately in [`super::bundles`], because there may be many.
//!
//! A row contains the pseudonym of its grantee, so everything that could identify its grant on chain is sealed. A
//! search by patient, tag or record first asks the mirror for the grants, and then looks up their rows by name.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256};
use futures::TryStreamExt;
use mongodb::{
    Collection, Database,
    bson::{Bson, Document, doc},
};
use protocol::{
    bodies::grants::{Shelf, ShelfQuery},
    codes::{Right, ScopeKind},
    hex_text,
    ids::{GrantId, RecordId, Salt, Tag},
    mirror,
};
use serde::{Deserialize, Serialize};

use super::{bundles::KeptBundle, collection, create_clustered, find_id, index};
use crate::{
    at_rest::{AtRest, AtRestError, Lookup, Sealed, Use},
    error::ApiError,
    paging::{Place, week_of},
};

/// A received grant. `_id`: blind index of its [`GrantId`] ([`Lookup::Received`]).
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ReceivedDoc {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    /// Blind index of the grantee: [`Lookup::Reader`] or [`Lookup::Writer`].
    pub(crate) grantee: String,
    /// Blind index of right, grantee and patient ([`Lookup::ReceivedPair`]).
    pub(crate) pair: String,
    /// Blind index of right, grantee, patient and scope ([`Lookup::ReceivedScope`]).
    pub(crate) scope: String,
    /// The sealed details of the grant: [`Received`].
    pub(crate) sealed: Sealed,
    /// Whether the grant ever included a right to read.
    pub(crate) reads: bool,
    /// False once the grant has ended for good. A new bundle sets it to true again.
    pub(crate) open: bool,
    pub(crate) shelf: Shelf,
    /// Whether the grantee has hidden it. New bundles do not change this.
    pub(crate) hidden: bool,
    /// Position among everything the grantee has received. Lists of grants are ordered by it.
    pub(crate) number: i64,
    /// Week in which the record was created, for a grant over one record. Lists of records are roughly ordered by it.
    pub(crate) week: i64,
    /// Grant epoch of the newest stored bundle.
    pub(crate) epoch: i64,
    /// The span of 32 days after which the grant allows nothing.
    pub(crate) ends_in: i64,
}

/// The details of a row that are on chain or open its tag.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Received {
    pub(crate) grant: GrantId,
    #[serde(with = "hex_text")]
    pub(crate) patient: Address,
    #[serde(with = "hex_text")]
    pub(crate) grantee: Address,
    pub(crate) tag: Tag,
    pub(crate) salt: Salt,
    pub(crate) kind: ScopeKind,
    #[serde(with = "hex_text")]
    pub(crate) scope_id: B256,
    /// Unix seconds of the record's first version; 0 for other scopes.
    pub(crate) created: u64,
    /// The newest version that the newest bundle opens.
    pub(crate) newest_version: Option<u16>,
    /// Unix milliseconds of the newest bundle.
    pub(crate) stored_at: i64,
}

/// A row that was opened.
#[derive(Clone)]
pub(crate) struct ReceivedRow {
    pub(crate) doc: ReceivedDoc,
    pub(crate) opened: Received,
}

impl ReceivedRow {
    /// Returns the place of its record in lists of records, or `None` for other scopes.
    pub(crate) fn place(&self) -> Option<Place> {
        let at = i64::try_from(self.opened.created).unwrap_or(i64::MAX);
        (self.opened.kind == ScopeKind::Record).then(|| Place { at, id: RecordId(self.opened.scope_id).to_string() })
    }
}

impl ReceivedDoc {
    /// Opens the row.
    ///
    /// # Errors
    /// [`AtRestError`].
    pub(crate) fn open(self, at_rest: &AtRest) -> Result<ReceivedRow, AtRestError> {
        let opened = at_rest.open(Use::Received, &self.id, &self.sealed)?;
        Ok(ReceivedRow { doc: self, opened })
    }

    /// Opens the row for its grantee. The sealed address decides who the grantee is, not the pseudonym.
    pub(crate) fn open_for(self, at_rest: &AtRest, grantee: Address) -> Option<ReceivedRow> {
        // A row that does not open must not make the whole list fail.
        self.open(at_rest).ok().filter(|row| row.opened.grantee == grantee)
    }
}

/// Returns the filter for everything a grantee has received, with any right.
fn to(at_rest: &AtRest, grantee: Address) -> Bson {
    at_rest.find_any(&[Lookup::Reader, Lookup::Writer], [grantee])
}

fn pair(right: Right, grantee: Address, patient: Address) -> Vec<u8> {
    [right.bit().to_be_bytes().as_slice(), grantee.as_slice(), patient.as_slice()].concat()
}

fn scope(right: Right, (grantee, patient): (Address, Address), kind: ScopeKind, scope_id: B256) -> Vec<u8> {
    [pair(right, grantee, patient).as_slice(), &[kind.code()], scope_id.as_slice()].concat()
}

/// Returns the filter for everything that `patient` has granted to `grantee`, with any right.
pub(crate) fn between(at_rest: &AtRest, grantee: Address, patient: Address) -> Document {
    let pairs = [Right::Read, Right::Write].map(|right| pair(right, grantee, patient));
    doc! { "pair": at_rest.find_any(&[Lookup::ReceivedPair], pairs) }
}

/// Returns the filter for what `patient` has granted to `grantee` over one record.
pub(crate) fn over_record(at_rest: &AtRest, grantee: Address, patient: Address, record: RecordId) -> Document {
    let of_right = |right| scope(right, (grantee, patient), ScopeKind::Record, record.0);
    doc! { "scope": at_rest.find_any(&[Lookup::ReceivedScope], [Right::Read, Right::Write].map(of_right)) }
}

/// Returns the filter for the rows of these grants.
fn named(at_rest: &AtRest, grants: impl IntoIterator<Item = GrantId>) -> Document {
    doc! { "_id": at_rest.find_any(&[Lookup::Received], grants.into_iter().map(|grant| grant.0)) }
}

/// Returns the collection of rows.
pub(crate) fn received(database: &Database) -> Collection<ReceivedDoc> {
    database.collection(collection::RECEIVED)
}

/// Creates the indexes of the rows.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn create_indexes(database: &Database) -> mongodb::error::Result<()> {
    create_clustered(database, collection::RECEIVED).await?;
    let indexes = [
        index(doc! { "grantee": 1, "shelf": 1, "hidden": 1, "number": -1, "_id": -1 }),
        index(doc! { "grantee": 1, "hidden": 1, "number": -1, "_id": -1 }),
        index(doc! { "grantee": 1, "number": -1 }),
        index(doc! { "grantee": 1, "shelf": 1, "hidden": 1, "reads": 1, "open": 1, "week": -1 }),
        index(doc! { "pair": 1, "number": -1, "_id": -1 }),
        index(doc! { "scope": 1, "number": -1, "_id": -1 }),
        index(doc! { "open": 1, "ends_in": 1 }),
    ];
    received(database).create_indexes(indexes).await?;
    Ok(())
}

/// Returns the filter for a grantee's rows on one shelf.
pub(crate) fn on_shelf(at_rest: &AtRest, grantee: Address, shelf: ShelfQuery) -> Document {
    let grantee = to(at_rest, grantee);
    match shelf {
        ShelfQuery::Known => doc! { "grantee": grantee, "shelf": "known", "hidden": false },
        ShelfQuery::Strangers => doc! { "grantee": grantee, "shelf": "strangers", "hidden": false },
        ShelfQuery::Blocked => doc! { "grantee": grantee, "shelf": "blocked", "hidden": false },
        ShelfQuery::Hidden => doc! { "grantee": grantee, "hidden": true },
    }
}

/// Returns the filter for a reader's rows whose records are in its list.
pub(crate) fn listed(at_rest: &AtRest, reader: Address) -> Document {
    let reader = at_rest.find(Lookup::Reader, reader);
    doc! { "grantee": reader, "shelf": "known", "hidden": false, "reads": true, "open": true }
}

/// The known details of a grant when its bundle is stored.
pub(crate) struct New<'a> {
    pub(crate) bundle: &'a KeptBundle,
    pub(crate) patient: Address,
    pub(crate) grantee: Address,
    pub(crate) tag: Tag,
    pub(crate) salt: Salt,
    pub(crate) right: Right,
    /// Unix seconds of the record's first version; 0 for other scopes.
    pub(crate) created: u64,
    pub(crate) ends_at: u64,
    /// Position among everything the grantee has received.
    pub(crate) number: i64,
}

impl New<'_> {
    fn row(&self, at_rest: &AtRest, id: String, shelf: Shelf) -> ReceivedDoc {
        let (kind, scope_id) = (self.bundle.body.kind, self.bundle.body.scope_id);
        let opened = Received {
            grant: self.bundle.grant,
            patient: self.patient,
            grantee: self.grantee,
            tag: self.tag,
            salt: self.salt,
            kind,
            scope_id,
            created: self.created,
            newest_version: self.bundle.newest_version(),
            stored_at: self.bundle.stored_at,
        };
        let of_right = if self.right == Right::Read { Lookup::Reader } else { Lookup::Writer };
        let of_scope = scope(self.right, (self.grantee, self.patient), kind, scope_id);
        ReceivedDoc {
            grantee: at_rest.blind(of_right, self.grantee),
            pair: at_rest.blind(Lookup::ReceivedPair, pair(self.right, self.grantee, self.patient)),
            scope: at_rest.blind(Lookup::ReceivedScope, of_scope),
            sealed: at_rest.seal(Use::Received, &id, &opened),
            id,
            reads: self.right == Right::Read,
            open: true,
            shelf,
            hidden: false,
            number: self.number,
            week: if kind == ScopeKind::Record { week_of(i64::try_from(self.created).unwrap_or(0)) } else { 0 },
            epoch: self.bundle.epoch,
            ends_in: span_of(self.ends_at),
        }
    }
}

/// Returns the span of 32 days that contains a time. Many grants end in the same span, so it identifies none.
fn span_of(seconds: u64) -> i64 {
    i64::try_from(seconds / (32 * 86_400)).unwrap_or(i64::MAX)
}

/// Returns the next free number for a grantee.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn next_number(database: &Database, at_rest: &AtRest, grantee: Address) -> Result<i64, ApiError> {
    let of_grantee = doc! { "grantee": to(at_rest, grantee) };
    let newest = received(database).find_one(of_grantee).sort(doc! { "number": -1 }).await?;
    // Two grants at the same moment may get the same number. Their names then decide the order.
    Ok(newest.map_or(1, |row| row.number.saturating_add(1)))
}

/// Writes the row of a grant whose bundle was stored.
///
/// # Errors
/// Returns an error when a service does not answer.
pub(crate) async fn write(database: &Database, at_rest: &AtRest, new: &New<'_>, shelf: Shelf) -> Result<(), ApiError> {
    let (rows, grant) = (received(database), new.bundle.grant);
    let standing = find_id(&rows, &at_rest.older(Lookup::Received, grant.0)).await?;
    let id = standing.unwrap_or_else(|| at_rest.blind(Lookup::Received, grant.0));
    let row = new.row(at_rest, id.clone(), shelf);
    let mut set = mongodb::bson::to_document(&row).map_err(ApiError::internal)?;
    set.remove("_id");
    // Two values stay unchanged: whether the grantee has hidden the grant, and that it once included reading.
    let mut first = doc! { "hidden": set.remove("hidden") };
    if !row.reads {
        first.insert("reads", set.remove("reads"));
    }
    rows.update_one(doc! { "_id": id }, doc! { "$set": set, "$setOnInsert": first }).upsert(true).await?;
    Ok(())
}

/// Stores the newest version that the bundle of a grant epoch opens, unless a later bundle was stored in the meantime.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn note_newest(
    database: &Database,
    at_rest: &AtRest,
    grant: GrantId,
    epoch: i64,
    newest_version: Option<u16>,
) -> Result<(), ApiError> {
    let rows = received(database);
    // Another request may write the row between reading and writing it.
    for _ in 0..5 {
        let Some(row) = find(database, at_rest, grant).await?.filter(|row| row.doc.epoch == epoch) else { break };
        let opened = Received { newest_version, ..row.opened };
        let unchanged = doc! { "_id": &row.doc.id, "epoch": epoch, "sealed": row.doc.sealed };
        let sealed = at_rest.seal(Use::Received, &row.doc.id, &opened);
        if rows.update_one(unchanged, doc! { "$set": { "sealed": sealed } }).await?.matched_count == 1 {
            break;
        }
    }
    Ok(())
}

/// Deletes the rows of these grants whose newest bundle is not later than a time (Unix milliseconds).
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn delete(
    database: &Database,
    at_rest: &AtRest,
    grants: Vec<GrantId>,
    until: i64,
) -> mongodb::error::Result<()> {
    let rows = received(database);
    let found: Vec<ReceivedDoc> = rows.find(named(at_rest, grants)).await?.try_collect().await?;
    for row in found.into_iter().filter_map(|row| row.open(at_rest).ok()) {
        if row.opened.stored_at <= until {
            rows.delete_one(doc! { "_id": row.doc.id, "sealed": row.doc.sealed }).await?;
        }
    }
    Ok(())
}

/// Returns the stored text of a shelf.
const fn shelf_text(shelf: Shelf) -> &'static str {
    match shelf {
        Shelf::Known => "known",
        Shelf::Strangers => "strangers",
        Shelf::Blocked => "blocked",
    }
}

/// Moves all grants of `sender` to `grantee` to a shelf.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn set_shelf(
    database: &Database,
    at_rest: &AtRest,
    (grantee, sender): (Address, Address),
    shelf: Shelf,
) -> Result<(), ApiError> {
    let of_sender = between(at_rest, grantee, sender);
    received(database).update_many(of_sender, doc! { "$set": { "shelf": shelf_text(shelf) } }).await?;
    Ok(())
}

/// Returns whether `sender` has granted anything to `grantee`.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn is_any_between(
    database: &Database,
    at_rest: &AtRest,
    grantee: Address,
    sender: Address,
) -> Result<bool, ApiError> {
    Ok(received(database).find_one(between(at_rest, grantee, sender)).await?.is_some())
}

/// Returns the rows of grants through which `reader` may have read something of `patient` in one of these scopes. Rows
/// that do not open are left out. At most `max` rows are read.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn over_scopes(
    database: &Database,
    at_rest: &AtRest,
    (reader, patient): (Address, Address),
    scopes: impl IntoIterator<Item = (ScopeKind, B256)>,
    max: i64,
) -> Result<Vec<ReceivedRow>, ApiError> {
    let scopes = scopes.into_iter().map(|(kind, id)| scope(Right::Read, (reader, patient), kind, id));
    let of_patient = doc! { "scope": at_rest.find_any(&[Lookup::ReceivedScope], scopes) };
    let rows: Vec<ReceivedDoc> = received(database).find(of_patient).limit(max).await?.try_collect().await?;
    let rows = rows.into_iter().filter_map(|row| row.open_for(at_rest, reader));
    Ok(rows.filter(|row| row.opened.patient == patient).collect())
}

/// Hides a grant from its grantee's lists, or shows it again.
///
/// # Errors
/// Returns `not_found` when the caller is not its grantee.
pub(crate) async fn hide(
    database: &Database,
    at_rest: &AtRest,
    grantee: Address,
    grant: GrantId,
    hidden: bool,
) -> Result<(), ApiError> {
    let row = find(database, at_rest, grant).await?.filter(|row| row.opened.grantee == grantee);
    let row = row.ok_or_else(|| ApiError::not_found("this grant does not exist here, or is not to you"))?;
    let change = doc! { "$set": { "hidden": hidden } };
    received(database).update_one(doc! { "_id": row.doc.id }, change).await?;
    Ok(())
}

/// Returns the row of a grant. A row that cannot be opened is treated as missing: the next bundle overwrites it.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn find(
    database: &Database,
    at_rest: &AtRest,
    grant: GrantId,
) -> Result<Option<ReceivedRow>, ApiError> {
    let found = received(database).find_one(named(at_rest, [grant])).await?;
    let opened = found.map(|row| row.open(at_rest)).transpose();
    let row = opened.inspect_err(|error| tracing::error!(%error, "the row of a grant does not open"));
    Ok(row.ok().flatten().filter(|row| row.opened.grant == grant))
}

/// Returns the rows of these grants of one patient. Rows that cannot be opened are left out.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn of_grants(
    database: &Database,
    at_rest: &AtRest,
    patient: Address,
    grants: &[GrantId],
) -> Result<BTreeMap<GrantId, ReceivedRow>, ApiError> {
    /// The highest number of grants in one query.
    const SOME: usize = 500;
    let mut all = BTreeMap::new();
    for some in grants.chunks(SOME) {
        let named = named(at_rest, some.iter().copied());
        let found: Vec<ReceivedDoc> = received(database).find(named).await?.try_collect().await?;
        let opened = found.into_iter().filter_map(|row| row.open(at_rest).ok());
        all.extend(opened.filter(|row| row.opened.patient == patient).map(|row| (row.opened.grant, row)));
    }
    Ok(all)
}

/// Returns the rows of the patient's grants that match a filter in the mirror.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn of_mirrored(
    database: &Database,
    at_rest: &AtRest,
    patient: Address,
    mut matching: Document,
) -> Result<Vec<ReceivedRow>, ApiError> {
    /// The name of a grant.
    #[derive(Deserialize)]
    struct Named {
        #[serde(rename = "_id")]
        id: GrantId,
    }
    matching.insert("patient", format!("{patient:#x}"));
    let grants: Collection<Named> = database.collection(mirror::collection::GRANTS);
    let found: Vec<Named> = grants.find(matching).projection(doc! { "_id": 1 }).await?.try_collect().await?;
    let ids: Vec<GrantId> = found.into_iter().map(|grant| grant.id).collect();
    Ok(of_grants(database, at_rest, patient, &ids).await?.into_values().collect())
}

/// Marks the rows of ended grants as closed, so that their records leave the grantees' lists.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn close(database: &Database, matching: Document) -> Result<(), ApiError> {
    received(database).update_many(matching, doc! { "$set": { "open": false } }).await?;
    Ok(())
}

/// Closes the rows of grants whose period ended in an earlier span of days than that of `now` (Unix seconds). Until
/// then they remain in lists, but allow nothing.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn close_expired(database: &Database, now: u64) -> Result<(), ApiError> {
    close(database, doc! { "open": true, "ends_in": { "$lt": span_of(now) } }).await
}
