//! Who received which grant: one small row for each, from the first bundle on. The capsules lie beside it, in
//! [`super::bundle_doc`], because there may be many.

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
    mirror::RecordDoc,
};
use serde::{Deserialize, Serialize};

use super::{bundle_doc::BundleDoc, standing::Standings};
use crate::{
    at_rest::{AtRest, Lookup, Sealed, Use},
    error::ApiError,
    relations,
    state::App,
    store::{collection, index},
};

/// A grant as its grantee has it here. `_id`: its [`GrantId`].
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ReceivedDoc {
    #[serde(rename = "_id")]
    pub(crate) id: GrantId,
    #[serde(with = "hex_text")]
    pub(crate) patient: Address,
    /// Blind index of the grantee: [`Lookup::Reader`] or [`Lookup::Writer`].
    pub(crate) grantee: String,
    pub(crate) tag: Tag,
    /// Who it is, and what opens the tag: [`Opens`].
    pub(crate) sealed: Sealed,
    pub(crate) kind: ScopeKind,
    #[serde(with = "hex_text")]
    pub(crate) scope_id: B256,
    /// Whether a right to read was ever granted with it.
    pub(crate) reads: bool,
    /// False once it has ended for good; a new bundle opens it again.
    pub(crate) open: bool,
    pub(crate) shelf: Shelf,
    /// Whether the grantee does not want to see it. Not touched by new bundles.
    pub(crate) hidden: bool,
    /// Creation time (twelve digits) `:` record id, for a grant over a record: the order of lists of records.
    pub(crate) order: String,
    /// The grant epoch of the newest bundle that was kept.
    pub(crate) epoch: i64,
    /// The newest version that this bundle opens.
    pub(crate) newest_version: Option<i32>,
    /// Unix seconds: nothing of it counts afterwards.
    pub(crate) ends_at: i64,
    /// Unix milliseconds of the newest bundle.
    pub(crate) stored_at: i64,
}

/// What opens a tag.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Opens {
    #[serde(with = "hex_text")]
    pub(crate) grantee: Address,
    pub(crate) salt: Salt,
}

impl ReceivedDoc {
    /// Opens who it is.
    ///
    /// # Errors
    /// `internal` when it was not sealed by this operator.
    pub(crate) fn opens(&self, at_rest: &AtRest) -> Result<Opens, ApiError> {
        at_rest.open(Use::Received, &self.id.to_string(), &self.sealed).map_err(ApiError::internal)
    }
}

/// The filter for what somebody has received, whatever it allows.
pub(crate) fn to(at_rest: &AtRest, grantee: Address) -> Bson {
    at_rest.find_any(&[Lookup::Reader, Lookup::Writer], grantee)
}

/// The rows.
pub(crate) fn received(database: &Database) -> Collection<ReceivedDoc> {
    database.collection(collection::RECEIVED)
}

/// Creates the indexes of the rows.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn create_indexes(database: &Database) -> mongodb::error::Result<()> {
    let indexes = [
        index(doc! { "grantee": 1, "shelf": 1, "hidden": 1, "stored_at": -1, "_id": -1 }),
        index(doc! { "grantee": 1, "hidden": 1, "stored_at": -1, "_id": -1 }),
        index(doc! { "grantee": 1, "shelf": 1, "hidden": 1, "reads": 1, "open": 1, "order": -1 }),
        index(doc! { "grantee": 1, "patient": 1, "stored_at": -1, "_id": -1 }),
        index(doc! { "grantee": 1, "scope_id": 1, "patient": 1 }),
        index(doc! { "patient": 1, "tag": 1 }),
        index(doc! { "patient": 1, "scope_id": 1 }),
        index(doc! { "open": 1, "ends_at": 1 }),
    ];
    received(database).create_indexes(indexes).await?;
    Ok(())
}

/// The place of a record in lists of records.
pub(crate) fn order_of(created: u64, record: RecordId) -> String {
    format!("{created:012}:{record}")
}

/// What narrows a grantee's rows to those of one shelf.
pub(super) fn on_shelf(at_rest: &AtRest, grantee: Address, shelf: ShelfQuery) -> Document {
    let grantee = to(at_rest, grantee);
    match shelf {
        ShelfQuery::Known => doc! { "grantee": grantee, "shelf": "known", "hidden": false },
        ShelfQuery::Strangers => doc! { "grantee": grantee, "shelf": "strangers", "hidden": false },
        ShelfQuery::Blocked => doc! { "grantee": grantee, "shelf": "blocked", "hidden": false },
        ShelfQuery::Hidden => doc! { "grantee": grantee, "hidden": true },
    }
}

/// What is known of a grant when its bundle is kept.
pub(super) struct New<'a> {
    pub(super) bundle: &'a BundleDoc,
    pub(super) patient: Address,
    pub(super) grantee: Address,
    pub(super) tag: Tag,
    pub(super) salt: Salt,
    pub(super) right: Right,
    pub(super) kind: ScopeKind,
    pub(super) scope_id: B256,
    pub(super) newest_version: Option<u16>,
    /// Unix seconds of the record's first version; 0 for other scopes.
    pub(super) created: u64,
    pub(super) ends_at: u64,
}

/// Writes the row of a grant whose bundle was kept.
///
/// # Errors
/// When a part does not answer.
pub(super) async fn write(app: &App, new: &New<'_>, shelf: Shelf) -> Result<(), ApiError> {
    let order =
        if new.kind == ScopeKind::Record { order_of(new.created, RecordId(new.scope_id)) } else { String::new() };
    let opens = Opens { grantee: new.grantee, salt: new.salt };
    let mut set = doc! {
        "patient": format!("{:#x}", new.patient),
        "grantee": app.at_rest.blind(if new.right == Right::Read { Lookup::Reader } else { Lookup::Writer }, new.grantee),
        "tag": new.tag.to_string(),
        "sealed": app.at_rest.seal(Use::Received, &new.bundle.grant.to_string(), &opens),
        "kind": new.kind.as_str(),
        "scope_id": format!("{:#x}", new.scope_id),
        "open": true,
        "shelf": shelf_text(shelf),
        "order": order,
        "epoch": new.bundle.epoch,
        "newest_version": new.newest_version.map(i32::from),
        "ends_at": i64::try_from(new.ends_at).unwrap_or(i64::MAX),
        "stored_at": new.bundle.stored_at,
    };
    let mut first = doc! { "hidden": false };
    if new.right == Right::Read {
        set.insert("reads", true);
    } else {
        first.insert("reads", false);
    }
    let id = doc! { "_id": new.bundle.grant.to_string() };
    received(&app.database).update_one(id, doc! { "$set": set, "$setOnInsert": first }).upsert(true).await?;
    Ok(())
}

/// The word by which a shelf is stored.
pub(crate) const fn shelf_text(shelf: Shelf) -> &'static str {
    match shelf {
        Shelf::Known => "known",
        Shelf::Strangers => "strangers",
        Shelf::Blocked => "blocked",
    }
}

/// Puts all grants of `sender` to `grantee` on the shelf that is theirs now.
///
/// # Errors
/// When a part does not answer.
pub(crate) async fn sort_again(app: &App, grantee: Address, sender: Address) -> Result<(), ApiError> {
    let shelf = relations::shelf(app, grantee, sender).await?;
    let of_sender = doc! { "grantee": to(&app.at_rest, grantee), "patient": format!("{sender:#x}") };
    received(&app.database).update_many(of_sender, doc! { "$set": { "shelf": shelf_text(shelf) } }).await?;
    Ok(())
}

/// Hides a grant from its grantee's lists, or shows it again.
///
/// # Errors
/// `not_found` for who is not its grantee.
pub(super) async fn hide(app: &App, grantee: Address, grant: GrantId, hidden: bool) -> Result<(), ApiError> {
    let own = doc! { "_id": grant.to_string(), "grantee": to(&app.at_rest, grantee) };
    let changed = received(&app.database).update_one(own, doc! { "$set": { "hidden": hidden } }).await?;
    if changed.matched_count == 0 {
        return Err(ApiError::not_found("there is no such grant to you here"));
    }
    Ok(())
}

/// The rows of these grants.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn of_grants(app: &App, ids: Vec<String>) -> Result<BTreeMap<GrantId, ReceivedDoc>, ApiError> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let found: Vec<ReceivedDoc> =
        received(&app.database).find(doc! { "_id": { "$in": ids } }).await?.try_collect().await?;
    Ok(found.into_iter().map(|row| (row.id, row)).collect())
}

/// The most rows of one patient over one record that count for a grantee. More tags than that are nobody's honest work.
const ROWS_OF_RECORD_MAX: i64 = 100;

/// Those of these records of one patient that `grantee` may read now, as far as the mirror knows. For lists only, never
/// for permission. Only the patient's own grants count: anybody may grant over anybody's record ids.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn readable(
    app: &App,
    grantee: Address,
    patient: Address,
    records: &[RecordDoc],
) -> Result<Vec<RecordId>, ApiError> {
    let mut scopes: Vec<String> = records.iter().map(|record| record.id.to_string()).collect();
    scopes.extend(records.iter().map(|record| format!("{:#x}", category_scope(record.category))));
    scopes.push(format!("{:#x}", B256::ZERO));
    scopes.sort_unstable();
    scopes.dedup();
    let most = ROWS_OF_RECORD_MAX.saturating_mul(i64::try_from(records.len().max(1)).unwrap_or(1));
    let of_patient = doc! {
        "grantee": app.at_rest.find(Lookup::Reader, grantee),
        "scope_id": { "$in": scopes },
        "patient": format!("{patient:#x}"),
    };
    let rows: Vec<ReceivedDoc> = received(&app.database).find(of_patient).limit(most).await?.try_collect().await?;
    let active = active(app, &rows).await?;
    let covers = |row: &&ReceivedDoc, record: &RecordDoc| match row.kind {
        ScopeKind::Record => row.scope_id == record.id.0,
        ScopeKind::Category => row.scope_id == category_scope(record.category),
        ScopeKind::All => true,
    };
    let of_patient = records.iter().filter(|record| record.patient == patient);
    Ok(of_patient.filter(|record| active.iter().any(|row| covers(row, record))).map(|record| record.id).collect())
}

/// Those rows whose grant lets its grantee read now, as far as the mirror knows.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn active<'a>(app: &App, rows: &'a [ReceivedDoc]) -> Result<Vec<&'a ReceivedDoc>, ApiError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let grants = super::view::mirrored(app, rows.iter().map(|row| row.id)).await?;
    let standings = Standings::of(app, grants.values()).await?;
    let is_active = |row: &&ReceivedDoc| grants.get(&row.id).is_some_and(|grant| standings.may_read(grant));
    Ok(rows.iter().filter(is_active).collect())
}

fn category_scope(category: u16) -> B256 {
    B256::left_padding_from(&category.to_be_bytes())
}
