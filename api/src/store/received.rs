//! Who received which grant: one small row for each, from the first bundle on. The capsules lie beside it, in
//! [`super::bundles`], because there may be many.
//!
//! A row has the pseudonym of its grantee, so it has nothing by which its grant could be found on chain: that is sealed. What
//! is to be found by patient, tag or record is asked of the mirror first, which knows the grants, and then found by name.

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

/// A grant as its grantee has it here. `_id`: blind index of its [`GrantId`] ([`Lookup::Received`]).
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ReceivedDoc {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    /// Blind index of the grantee: [`Lookup::Reader`] or [`Lookup::Writer`].
    pub(crate) grantee: String,
    /// Blind index of right, grantee and patient ([`Lookup::ReceivedPair`]).
    pub(crate) pair: String,
    /// The same with the scope ([`Lookup::ReceivedScope`]).
    pub(crate) scope: String,
    /// Which grant it is: [`Received`].
    pub(crate) sealed: Sealed,
    /// Whether a right to read was ever granted with it.
    pub(crate) reads: bool,
    /// False once it has ended for good; a new bundle opens it again.
    pub(crate) open: bool,
    pub(crate) shelf: Shelf,
    /// Whether the grantee does not want to see it. Not touched by new bundles.
    pub(crate) hidden: bool,
    /// Counts what the grantee has received: the order of lists of grants.
    pub(crate) number: i64,
    /// The week in which the record was created, for a grant over one: the rough order of lists of records.
    pub(crate) week: i64,
    /// The grant epoch of the newest bundle that was kept.
    pub(crate) epoch: i64,
    /// After this span of 32 days nothing of it counts.
    pub(crate) ends_in: i64,
}

/// What of a row is on chain, and what opens its tag.
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
    /// Returns the place of its record in lists of records; `None` for other scopes.
    pub(crate) fn place(&self) -> Option<Place> {
        let at = i64::try_from(self.opened.created).unwrap_or(i64::MAX);
        (self.opened.kind == ScopeKind::Record).then(|| Place { at, id: RecordId(self.opened.scope_id).to_string() })
    }
}

impl ReceivedDoc {
    /// Opens it.
    ///
    /// # Errors
    /// [`AtRestError`].
    pub(crate) fn open(self, at_rest: &AtRest) -> Result<ReceivedRow, AtRestError> {
        let opened = at_rest.open(Use::Received, &self.id, &self.sealed)?;
        Ok(ReceivedRow { doc: self, opened })
    }

    /// Opens it for its grantee. The pseudonym by which it was found does not decide whose it is.
    pub(crate) fn open_for(self, at_rest: &AtRest, grantee: Address) -> Option<ReceivedRow> {
        // One row that does not open must not take the list away.
        self.open(at_rest).ok().filter(|row| row.opened.grantee == grantee)
    }
}

/// Returns the filter for what somebody has received, whatever it allows.
fn to(at_rest: &AtRest, grantee: Address) -> Bson {
    at_rest.find_any(&[Lookup::Reader, Lookup::Writer], [grantee])
}

fn pair(right: Right, grantee: Address, patient: Address) -> Vec<u8> {
    [right.bit().to_be_bytes().as_slice(), grantee.as_slice(), patient.as_slice()].concat()
}

fn scope(right: Right, (grantee, patient): (Address, Address), kind: ScopeKind, scope_id: B256) -> Vec<u8> {
    [pair(right, grantee, patient).as_slice(), &[kind.code()], scope_id.as_slice()].concat()
}

/// Returns the filter for what `patient` has granted to `grantee`, whatever it allows.
pub(crate) fn between(at_rest: &AtRest, grantee: Address, patient: Address) -> Document {
    let pairs = [Right::Read, Right::Write].map(|right| pair(right, grantee, patient));
    doc! { "pair": at_rest.find_any(&[Lookup::ReceivedPair], pairs) }
}

/// Returns the filter for what `patient` has granted to `grantee` over one record.
pub(crate) fn over_record(at_rest: &AtRest, grantee: Address, patient: Address, record: RecordId) -> Document {
    let of_right = |right| scope(right, (grantee, patient), ScopeKind::Record, record.0);
    doc! { "scope": at_rest.find_any(&[Lookup::ReceivedScope], [Right::Read, Right::Write].map(of_right)) }
}

/// Returns the filter for these grants.
fn named(at_rest: &AtRest, grants: impl IntoIterator<Item = GrantId>) -> Document {
    doc! { "_id": at_rest.find_any(&[Lookup::Received], grants.into_iter().map(|grant| grant.0)) }
}

/// Returns the rows.
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

/// What narrows a grantee's rows to those of one shelf.
pub(crate) fn on_shelf(at_rest: &AtRest, grantee: Address, shelf: ShelfQuery) -> Document {
    let grantee = to(at_rest, grantee);
    match shelf {
        ShelfQuery::Known => doc! { "grantee": grantee, "shelf": "known", "hidden": false },
        ShelfQuery::Strangers => doc! { "grantee": grantee, "shelf": "strangers", "hidden": false },
        ShelfQuery::Blocked => doc! { "grantee": grantee, "shelf": "blocked", "hidden": false },
        ShelfQuery::Hidden => doc! { "grantee": grantee, "hidden": true },
    }
}

/// What narrows a reader's rows to those whose records stand in its list.
pub(crate) fn listed(at_rest: &AtRest, reader: Address) -> Document {
    let reader = at_rest.find(Lookup::Reader, reader);
    doc! { "grantee": reader, "shelf": "known", "hidden": false, "reads": true, "open": true }
}

/// What is known of a grant when its bundle is kept.
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
    /// Its place among what the grantee has received.
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

/// Returns the span of 32 days in which a time lies: many grants end in the same one.
fn span_of(seconds: u64) -> i64 {
    i64::try_from(seconds / (32 * 86_400)).unwrap_or(i64::MAX)
}

/// Returns the number after the newest that the grantee has received.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn next_number(database: &Database, at_rest: &AtRest, grantee: Address) -> Result<i64, ApiError> {
    let of_grantee = doc! { "grantee": to(at_rest, grantee) };
    let newest = received(database).find_one(of_grantee).sort(doc! { "number": -1 }).await?;
    // Two at once may get the same; then their names decide.
    Ok(newest.map_or(1, |row| row.number.saturating_add(1)))
}

/// Writes the row of a grant whose bundle was kept.
///
/// # Errors
/// Returns an error when a part does not answer.
pub(crate) async fn write(database: &Database, at_rest: &AtRest, new: &New<'_>, shelf: Shelf) -> Result<(), ApiError> {
    let (rows, grant) = (received(database), new.bundle.grant);
    let standing = find_id(&rows, &at_rest.older(Lookup::Received, grant.0)).await?;
    let id = standing.unwrap_or_else(|| at_rest.blind(Lookup::Received, grant.0));
    let row = new.row(at_rest, id.clone(), shelf);
    let mut set = mongodb::bson::to_document(&row).map_err(ApiError::internal)?;
    set.remove("_id");
    // What stands of these stays: the grantee's wish, and that it was granted for reading once.
    let mut first = doc! { "hidden": set.remove("hidden") };
    if !row.reads {
        first.insert("reads", set.remove("reads"));
    }
    rows.update_one(doc! { "_id": id }, doc! { "$set": set, "$setOnInsert": first }).upsert(true).await?;
    Ok(())
}

/// Notes the newest version that the bundle of a grant epoch opens, unless a later bundle was kept meanwhile.
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
    // Somebody else may write the row between reading and writing it.
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

/// Deletes the rows of these grants whose newest bundle is not of a later time (unix milliseconds).
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

/// Returns the word by which a shelf is stored.
const fn shelf_text(shelf: Shelf) -> &'static str {
    match shelf {
        Shelf::Known => "known",
        Shelf::Strangers => "strangers",
        Shelf::Blocked => "blocked",
    }
}

/// Puts all grants of `sender` to `grantee` on a shelf.
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

/// Returns whether `sender` has granted something to `grantee`.
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

/// Returns the rows by which `reader` may have been allowed to read something of `patient` in one of these scopes, as far as they
/// open; at most `max` are looked at.
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
/// `not_found` for who is not its grantee.
pub(crate) async fn hide(
    database: &Database,
    at_rest: &AtRest,
    grantee: Address,
    grant: GrantId,
    hidden: bool,
) -> Result<(), ApiError> {
    let row = find(database, at_rest, grant).await?.filter(|row| row.opened.grantee == grantee);
    let row = row.ok_or_else(|| ApiError::not_found("there is no such grant to you here"))?;
    let change = doc! { "$set": { "hidden": hidden } };
    received(database).update_one(doc! { "_id": row.doc.id }, change).await?;
    Ok(())
}

/// Returns the row of a grant. One that does not open counts as missing: the next bundle writes it anew.
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
    let row = opened.inspect_err(|error| tracing::error!(%error, "what is known of a grant does not open"));
    Ok(row.ok().flatten().filter(|row| row.opened.grant == grant))
}

/// Returns the rows of these grants of one patient, as far as they open.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn of_grants(
    database: &Database,
    at_rest: &AtRest,
    patient: Address,
    grants: &[GrantId],
) -> Result<BTreeMap<GrantId, ReceivedRow>, ApiError> {
    /// The most that are asked for at once.
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

/// Returns the rows of those of a patient's grants that match in the mirror.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn of_mirrored(
    database: &Database,
    at_rest: &AtRest,
    patient: Address,
    mut matching: Document,
) -> Result<Vec<ReceivedRow>, ApiError> {
    /// Of a grant, only its name.
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

/// Takes grants that are over out of their grantees' lists of records.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn close(database: &Database, matching: Document) -> Result<(), ApiError> {
    received(database).update_many(matching, doc! { "$set": { "open": false } }).await?;
    Ok(())
}

/// Closes grants whose period was over in a span of days before that of `now` (unix seconds). Until then they count for nothing all the same.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn close_expired(database: &Database, now: u64) -> Result<(), ApiError> {
    close(database, doc! { "open": true, "ends_in": { "$lt": span_of(now) } }).await
}
