//! An index for every query that the API makes, so that none scans a collection.

use mongodb::{
    Database, IndexModel,
    bson::{Document, doc},
};
use protocol::mirror::collection;

use super::MirrorError;

/// Collection and keys. The leaf of an access is not unique: anybody may keep a log of their own and repeat in it what
/// they saw in another, and that must not stop the mirror.
fn all() -> Vec<(&'static str, Document)> {
    use collection::{ACCESSES, CHECKPOINTS, EVENTS, GRANTS, KEYS, ORPHANS, PRACTITIONERS, RECORDS, VERSIONS};
    vec![
        (EVENTS, doc! { "place.block_number": 1, "place.log_index": 1 }),
        (EVENTS, doc! { "about": 1, "place.block_number": 1, "place.log_index": 1 }),
        (RECORDS, doc! { "patient": 1, "created": -1, "_id": -1 }),
        (RECORDS, doc! { "uploader": 1, "created": -1, "_id": -1 }),
        (RECORDS, doc! { "status": 1 }),
        (VERSIONS, doc! { "record": 1, "version": 1 }),
        (VERSIONS, doc! { "digest": 1 }),
        (VERSIONS, doc! { "cid": 1 }),
        (GRANTS, doc! { "patient": 1, "place.block_number": -1, "_id": -1 }),
        (GRANTS, doc! { "tag": 1 }),
        (GRANTS, doc! { "scope_id": 1 }),
        (KEYS, doc! { "owner": 1, "slot": 1, "epoch": -1 }),
        (PRACTITIONERS, doc! { "roles": 1 }),
        (PRACTITIONERS, doc! { "accreditor": 1 }),
        (ACCESSES, doc! { "record": 1, "operator": 1, "index": -1 }),
        (ACCESSES, doc! { "tag": 1, "place.block_number": -1 }),
        (ACCESSES, doc! { "leaf": 1 }),
        (ACCESSES, doc! { "operator": 1, "index": 1 }),
        (CHECKPOINTS, doc! { "operator": 1, "size": 1 }),
        (ORPHANS, doc! { "event.place.block_number": 1 }),
    ]
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
    for (collection, keys) in all() {
        let collection = db.collection::<Document>(&format!("{prefix}{collection}"));
        collection.create_index(IndexModel::builder().keys(keys).build()).await?;
    }
    Ok(())
}
