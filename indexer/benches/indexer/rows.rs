//! Compares the rows of two indexers.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use futures::TryStreamExt;
use mongodb::{
    Database,
    bson::{Bson, Document, doc},
};
use protocol::{codes::ScopeKind, mirror::collection};
use serde_json::{Value, json};

use crate::ponder::Ponder;

/// The tables that both have. Only our indexer has a cursor and recent blocks.
const TABLES: [&str; 10] = [
    collection::EVENTS,
    collection::RECORDS,
    collection::VERSIONS,
    collection::GRANTS,
    collection::PATIENTS,
    collection::KEYS,
    collection::ACCREDITORS,
    collection::PRACTITIONERS,
    collection::ACCESSES,
    collection::CHECKPOINTS,
];

/// Every row of a store as text, by table and id.
pub(crate) type AllRows = BTreeMap<&'static str, BTreeMap<String, String>>;

/// Returns the rows of our mirror, in the columns of Ponder.
pub(crate) async fn of_mirror(db: &Database) -> anyhow::Result<AllRows> {
    let mut all = AllRows::new();
    for table in TABLES {
        let documents: Vec<Document> = db.collection(table).find(doc! {}).await?.try_collect().await?;
        let rows = documents.into_iter().map(|document| with_id(flat(document)?)).collect::<anyhow::Result<_>>()?;
        all.insert(table, rows);
    }
    Ok(all)
}

/// Returns the rows of Ponder.
pub(crate) async fn of_ponder(ponder: &Ponder) -> anyhow::Result<AllRows> {
    let mut all = AllRows::new();
    for table in TABLES {
        all.insert(table, ponder.rows(table).await?.into_iter().map(with_id).collect::<anyhow::Result<_>>()?);
    }
    Ok(all)
}

fn with_id(row: Value) -> anyhow::Result<(String, String)> {
    // Sorted by name, because the order of columns is not defined.
    let row: BTreeMap<String, Value> = serde_json::from_value(row)?;
    let id = row.get("id").and_then(Value::as_str).context("a row has an id")?;
    Ok((id.to_owned(), serde_json::to_string(&row)?))
}

/// Converts a document to a row: `_id` becomes `id`, the fields of `place` become columns, a scope kind becomes its
/// code.
fn flat(document: Document) -> anyhow::Result<Value> {
    let Value::Object(mut row) = Bson::Document(document).into_relaxed_extjson() else {
        bail!("a document is an object")
    };
    if let Some(id) = row.remove("_id") {
        row.insert("id".into(), id);
    }
    if let Some(Value::Object(place)) = row.remove("place") {
        row.extend(place);
    }
    if let Some(kind) = row.get_mut("kind")
        && let Ok(known) = serde_json::from_value::<ScopeKind>(kind.clone())
    {
        *kind = json!(known as u8);
    }
    Ok(Value::Object(row))
}

/// Fails at the first row that differs. Returns the number of rows.
pub(crate) fn compare(ours: &AllRows, theirs: &AllRows) -> anyhow::Result<usize> {
    for table in TABLES {
        let (ours, theirs) = (&ours[table], &theirs[table]);
        for (id, row) in ours {
            if theirs.get(id) != Some(row) {
                bail!("{table} {id} differs: ours {row}, the peer's {}", theirs.get(id).map_or("none", String::as_str));
            }
        }
        if ours.len() != theirs.len() {
            bail!("{table}: {} rows of ours, {} of the peer", ours.len(), theirs.len());
        }
    }
    Ok(ours.values().map(BTreeMap::len).sum())
}
