//! [`fingerprint`]: a hash of the content of a mirror, to compare two mirrors.

use std::{collections::BTreeMap, fmt};

use alloy::primitives::{B256, Keccak256};
use futures::TryStreamExt;
use mongodb::{
    Database,
    bson::{RawDocumentBuf, doc},
};
use protocol::mirror::collection;

use super::MirrorError;

/// The number of documents and the hash of each collection. Two mirrors of one chain at one block have the same
/// fingerprint, whatever happened while they were built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Number and hash for each collection.
    pub collections: BTreeMap<&'static str, (u64, B256)>,
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, (count, hash)) in &self.collections {
            writeln!(f, "{name:14} {count:>8}  {hash}")?;
        }
        Ok(())
    }
}

/// Computes the fingerprint of the mirror in a database: over every byte of every document, in the order of `_id`. The
/// recent blocks are left out, because their number depends on how the mirror reached its tip.
///
/// # Errors
/// [`MirrorError::Database`].
pub async fn fingerprint(db: &Database) -> Result<Fingerprint, MirrorError> {
    let mut collections = BTreeMap::new();
    for name in collection::ALL.into_iter().filter(|name| *name != collection::BLOCKS) {
        let mut documents = db.collection::<RawDocumentBuf>(name).find(doc! {}).sort(doc! { "_id": 1 }).await?;
        let (mut count, mut hasher) = (0, Keccak256::new());
        while let Some(document) = documents.try_next().await? {
            count += 1;
            hasher.update(document.as_bytes());
        }
        collections.insert(name, (count, hasher.finalize()));
    }
    Ok(Fingerprint { collections })
}
