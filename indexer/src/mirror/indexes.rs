//! An index for every query that the API makes, so that none scans a collection; and no other, since keeping indexes is
//! most of what an event costs.

use mongodb::{
    Database, IndexModel,
    bson::{Document, doc},
    options::IndexOptions,
};
use protocol::mirror::collection;

use super::MirrorError;
use crate::views::BEFORE_ROW_EVENTS;

/// Collection and keys. None is unique but `_id`: anybody may keep a log of their own and repeat in it what they saw in
/// another, and that must not stop the mirror.
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

/// The events from which rows follow, by what they are about: a reorg folds the rows that it touches from these. Of the
/// accesses, which are most events, no such entries are kept.
fn of_rows() -> IndexModel {
    let only = doc! { "name": { "$gt": BEFORE_ROW_EVENTS } };
    let options = IndexOptions::builder().name("of_rows".to_owned()).partial_filter_expression(only).build();
    IndexModel::builder().keys(doc! { "about": 1 }).options(options).build()
}

/// Creates what is missing: collections first, since transactions then only ever find them there. `prefix` stands before
/// the name of each.
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
