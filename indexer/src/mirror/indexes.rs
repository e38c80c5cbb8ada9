//! Database indexes: one for every query of the API, so that no query scans a collection, and no others, since updating
//! indexes is most of the cost of an event.

use mongodb::{
    Database, IndexModel,
    bson::{Document, doc},
    options::IndexOptions,
};
use protocol::mirror::collection;

use super::MirrorError;
use crate::views::BEFORE_ROW_EVENTS;

/// Returns collections and keys. Only `_id` is unique: anybody may keep a log and repeat in it the content of another
/// log, and this must not stop the mirror.
fn all() -> Vec<(&'static str, Document)> {
    use collection::{ACCESSES, EVENTS, GRANTS, KEYS, ORPHANS, PRACTITIONERS, RECORDS, VERSIONS};
    vec![
        (EVENTS, doc! { "place.block_number": 1, "place.log_index": 1 }),
        (RECORDS, doc! { "patient": 1, "created": -1, "_id": -1 }),
        (RECORDS, doc! { "uploader": 1, "created": -1, "_id": -1 }),
        (RECORDS, doc! { "status": 1 }),
        (VERSIONS, doc! { "record": 1, "version": 1 }),
        (VERSIONS, doc! { "cid": 1 }),
        (GRANTS, doc! { "patient": 1, "place.block_number": -1, "_id": -1 }),
        (GRANTS, doc! { "tag": 1 }),
        (GRANTS, doc! { "scope_id": 1 }),
        (KEYS, doc! { "owner": 1, "slot": 1, "epoch": -1 }),
        (PRACTITIONERS, doc! { "roles": 1 }),
        (PRACTITIONERS, doc! { "accreditor": 1 }),
        (ACCESSES, doc! { "record": 1, "operator": 1, "index": -1 }),
        (ORPHANS, doc! { "event.place.block_number": 1 }),
    ]
}

/// Returns the index of the events that change rows, by subject. After a reorg, the touched rows are computed again
/// from these events. Accesses, which are most of the events, are not in this index.
fn of_rows() -> IndexModel {
    let only = doc! { "name": { "$gt": BEFORE_ROW_EVENTS } };
    let options = IndexOptions::builder().name("of_rows".to_owned()).partial_filter_expression(only).build();
    IndexModel::builder().keys(doc! { "about": 1 }).options(options).build()
}

/// Creates missing collections, then missing indexes. Collections come first, so that they always exist in
/// transactions. `prefix` is put before every name.
pub(super) async fn ensure(db: &Database, prefix: &str) -> Result<(), MirrorError> {
    let existing = db.list_collection_names().await?;
    for name in collection::ALL.into_iter().chain([collection::ORPHANS, collection::LEASE]) {
        let name = format!("{prefix}{name}");
        if !existing.contains(&name) {
            db.create_collection(name).await?;
        }
    }
    let plain = all().into_iter().map(|(collection, keys)| (collection, IndexModel::builder().keys(keys).build()));
    for (collection, index) in plain.chain([(collection::EVENTS, of_rows())]) {
        db.collection::<Document>(&format!("{prefix}{collection}")).create_index(index).await?;
    }
    Ok(())
}
