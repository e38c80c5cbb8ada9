//! The mirror in MongoDB.
//!
//! These statements are true in the database after every commit, through crashes, restarts and reorgs:
//!
//! 1. One transaction contains the events of a run of whole blocks, all documents that follow from them, the cursor and
//!    the recent blocks. A rollback is in the same transaction as the blocks that replace the old ones.
//! 2. A commit succeeds only when the cursor is where the committer expects it. So no block is applied twice, and two
//!    writers cannot interleave.
//! 3. A fact exists exactly if its event does. A row is computed from its events and from nothing else.
//! 4. Every `_id` follows from the chain, so a rebuild makes the same documents.
//! 5. A commit succeeds only while the committer holds the lease. The transaction itself checks and renews the lease.
//! 6. Blocks older than the recent blocks are final, and the oldest recent block never moves backwards.

mod commit;
mod fingerprint;
mod indexes;
mod lease;
mod mongo;
mod recent;
mod rollback;
mod store;

pub use commit::Commit;
pub use fingerprint::{Fingerprint, fingerprint};
pub use lease::{Loss, Watch};
pub use mongo::Mongo;
pub use store::{Store, Transaction, Write};

use std::{
    sync::{Arc, MutexGuard, PoisonError},
    time::Duration,
};

use mongodb::{
    bson::{Document, doc},
    error::{ErrorKind, TRANSIENT_TRANSACTION_ERROR},
};
use protocol::mirror::{BlockDoc, CURSOR_ID, CursorDoc, collection};

use self::{
    commit::{decoded, encoded},
    recent::Recent,
};
use crate::{decode::DecodeError, reorg::BlockRef, time::timeout};

/// The reason why the mirror could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MirrorError {
    /// The database is not available, or it refused.
    #[error("MongoDB: {}", reason(.0))]
    Database(#[from] mongodb::error::Error),
    /// The database does not answer. The connection may have failed without an error.
    #[error("MongoDB did not answer within {} s", PATIENCE.as_secs())]
    TimedOut,
    /// The database is not available; the text of a store that is not MongoDB.
    #[error("the database is not available: {0}")]
    Away(&'static str),
    /// Another client is writing the same documents.
    #[error("another client is writing the same documents")]
    Conflict,
    /// Another indexer has taken over.
    #[error("another indexer holds the lease")]
    LeaseLost,
    /// The database refused individual writes.
    #[error("MongoDB refused to write to {collection}: {reason}")]
    Write {
        /// The name of the collection.
        collection: &'static str,
        /// The reason that the database gives.
        reason: String,
    },
    /// An update in a transaction found no document to update.
    #[error("a document that a transaction updates does not exist or was changed")]
    Unmatched,
    /// The cursor is not where it was: another indexer wrote, or a commit that seemed to fail had succeeded. Load it
    /// again and continue.
    #[error("the mirror was changed by another transaction")]
    Moved,
    /// An event changes a row that does not exist.
    #[error("the mirror has no {id} in {collection}, but an event changes it")]
    Inconsistent {
        /// The name of the collection.
        collection: &'static str,
        /// The id of the row.
        id: String,
    },
    /// An event cannot be applied.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A document cannot be encoded, because a number is out of range.
    #[error("a document cannot be encoded")]
    Encode(#[from] mongodb::bson::ser::Error),
    /// A stored document has another form.
    #[error("a document of {collection} has another form")]
    Form {
        /// The name of the collection.
        collection: &'static str,
    },
}

impl MirrorError {
    /// Returns whether trying again can help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Database(_)
                | Self::TimedOut
                | Self::Away(_)
                | Self::Conflict
                | Self::LeaseLost
                | Self::Write { .. }
                | Self::Unmatched
                | Self::Moved
        )
    }
}

/// Returns the error text of the driver without its list of servers, which may be long. For a bulk write that failed as
/// a whole, returns the cause.
fn reason(error: &mongodb::error::Error) -> String {
    if let (ErrorKind::BulkWrite(_), Some(cause)) = (error.kind.as_ref(), std::error::Error::source(error)) {
        return cause.to_string();
    }
    let text = error.kind.to_string();
    match text.split_once(". Topology") {
        Some((start, _)) => start.to_owned(),
        None => text,
    }
}

/// The mirror's collections.
#[derive(Clone, Debug)]
pub struct Mirror {
    store: Arc<dyn Store>,
    /// The lease, while this process believes that it holds it.
    held: Arc<std::sync::Mutex<Option<lease::Held>>>,
    /// A lock for transactions and for writes to the lease outside a transaction.
    gate: Arc<tokio::sync::Mutex<()>>,
    /// Rows that need not be read again.
    recent: Arc<std::sync::Mutex<Recent>>,
}

/// The newest mirrored block, and the recent blocks.
#[derive(Clone, Debug)]
pub struct Progress {
    /// The cursor.
    pub cursor: CursorDoc,
    /// Recent blocks in the order of their numbers, the cursor's block last.
    pub recent: Vec<BlockRef>,
}

impl Mirror {
    /// Opens the mirror in a store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, held: Arc::default(), gate: Arc::default(), recent: Arc::default() }
    }

    /// Opens the mirror in a MongoDB database. Connects at the first use.
    ///
    /// # Errors
    /// [`MirrorError::Database`] when the URI is malformed.
    pub async fn connect(uri: &str, database: &str) -> Result<Self, MirrorError> {
        Ok(Self::new(Arc::new(Mongo::connect(uri, database).await?)))
    }

    /// Checks that the database answers.
    ///
    /// # Errors
    /// [`MirrorError::Database`] when it does not.
    pub async fn ping(&self) -> Result<(), MirrorError> {
        in_time(self.store.ping()).await
    }

    /// Returns the stored cursor; `None` when there is no mirror. For a cursor of another format, returns
    /// [`StoredCursor::OtherForm`].
    ///
    /// # Errors
    /// [`MirrorError::Database`] and [`MirrorError::Form`].
    pub async fn find_cursor(&self) -> Result<Option<StoredCursor>, MirrorError> {
        let found = in_time(self.store.find(collection::CURSOR, doc! { "_id": CURSOR_ID }, 1)).await?;
        let Some(stored) = found.first() else { return Ok(None) };
        let stored: Document = decoded(collection::CURSOR, stored)?;
        let version = stored.get_i64("mirror_version").or_else(|_| stored.get_i32("mirror_version").map(i64::from));
        match version {
            Ok(version) if version == i64::from(protocol::mirror::MIRROR_VERSION) => {
                let cursor = mongodb::bson::from_document(stored);
                Ok(Some(StoredCursor::Current(
                    cursor.map_err(|_| MirrorError::Form { collection: collection::CURSOR })?,
                )))
            }
            _ => Ok(Some(StoredCursor::OtherForm)),
        }
    }

    /// Returns whether all collections of the mirror are empty.
    ///
    /// # Errors
    /// [`MirrorError::Database`].
    pub async fn is_empty(&self) -> Result<bool, MirrorError> {
        for name in collection::ALL {
            if !in_time(self.store.find(name, doc! {}, 1)).await?.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Creates missing collections and indexes, and the cursor of an empty mirror.
    ///
    /// # Errors
    /// [`MirrorError::Database`].
    pub async fn create(&self, cursor: &CursorDoc) -> Result<(), MirrorError> {
        self.ensure_indexes().await?;
        let _gate = self.gate.lock().await;
        let mut tries = 1;
        loop {
            match in_time(self.try_create(cursor)).await {
                Err(error) if is_transient(&error) && tries < TRIES => tries += 1,
                result => return result,
            }
        }
    }

    async fn try_create(&self, cursor: &CursorDoc) -> Result<(), MirrorError> {
        self.name_session().await?;
        let mut transaction = self.store.begin().await?;
        let block = BlockDoc { number: cursor.block_number, hash: cursor.block_hash };
        let mut writes: Vec<Write> = self.fence()?.into_iter().collect();
        writes.push(Write::Insert(collection::BLOCKS, encoded(&[block])?));
        writes.push(Write::Insert(collection::CURSOR, encoded(std::slice::from_ref(cursor))?));
        if let Err(error) = transaction.write(writes).await {
            transaction.abort().await;
            return Err(self.explained(error).await);
        }
        transaction.commit().await
    }

    /// Creates missing collections and indexes.
    ///
    /// # Errors
    /// [`MirrorError::Database`].
    pub async fn ensure_indexes(&self) -> Result<(), MirrorError> {
        self.store.prepare().await
    }

    /// Returns the newest mirrored block and the recent blocks.
    ///
    /// # Errors
    /// [`MirrorError::Form`] when there is no cursor of this form, or the recent blocks do not end with its block.
    pub async fn progress(&self) -> Result<Progress, MirrorError> {
        // The caller has just started, or cannot rely on the rows that it knew.
        *self.recent() = Recent::default();
        in_time(self.read_progress()).await
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read_progress(&self) -> Result<Progress, MirrorError> {
        let Some(StoredCursor::Current(cursor)) = self.find_cursor().await? else {
            return Err(MirrorError::Form { collection: collection::CURSOR });
        };
        let blocks = self.store.find(collection::BLOCKS, doc! {}, 0).await?;
        let mut recent = blocks
            .iter()
            .map(|block| decoded(collection::BLOCKS, block))
            .map(|block| block.map(|BlockDoc { number, hash }| BlockRef { number, hash }))
            .collect::<Result<Vec<_>, _>>()?;
        if recent.last() != Some(&BlockRef { number: cursor.block_number, hash: cursor.block_hash }) {
            // The two reads were before and after a commit of another indexer. The next try reads one state.
            return Err(MirrorError::Moved);
        }
        // Only blocks without a gap up to the tip are useful.
        let start = (1..recent.len()).rev().find(|&i| recent[i - 1].number + 1 != recent[i].number).unwrap_or(0);
        Ok(Progress { cursor, recent: recent.split_off(start) })
    }

    /// Returns another mirror in the same database, to build while this one is in use.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self::new(self.store.beside())
    }

    /// Drops the mirror's collections and nothing else. Orphans and lease are kept.
    ///
    /// # Errors
    /// [`MirrorError::Database`]. The remaining collections are refused until a later call drops them.
    pub async fn drop_all(&self) -> Result<(), MirrorError> {
        self.make_unusable().await?;
        let data: Vec<_> = collection::ALL.into_iter().filter(|name| *name != collection::CURSOR).collect();
        self.store.drop_collections(&data).await?;
        self.store.drop_collections(&[collection::CURSOR]).await
    }

    /// Marks the cursor, so that no indexer uses the mirror when a crash interrupts the work.
    async fn make_unusable(&self) -> Result<(), MirrorError> {
        self.store.update(collection::CURSOR, doc! { "_id": CURSOR_ID }, unusable()).await.map(drop)
    }

    /// Replaces this mirror with the one that was built in the other collections. Needs the lease of this mirror, so
    /// that no other process writes during the swap, and renews the lease at intervals of `every`. Once begun, it must
    /// be repeated until it succeeds; until then the mirror is refused.
    ///
    /// # Errors
    /// [`MirrorError::LeaseLost`] before anything is changed; [`MirrorError::Database`].
    pub async fn swap(&self, every: Duration) -> Result<(), MirrorError> {
        let _gate = self.gate.lock().await;
        let beside = self.store.beside();
        // The cursor is moved last. If it is gone, an earlier try has finished, and the new mirror is already in use.
        if !beside.find(collection::CURSOR, doc! { "_id": CURSOR_ID }, 1).await?.is_empty() {
            self.close().await?;
            for name in collection::ALL.into_iter().filter(|name| *name != collection::CURSOR) {
                self.while_beating(every, self.store.take_over(name)).await?;
            }
            self.while_beating(every, self.store.take_over(collection::CURSOR)).await?;
        }
        beside.drop_collections(&[collection::ORPHANS, collection::LEASE]).await
    }

    /// Makes the mirror unusable, if this process still holds the lease. An indexer that takes the lease afterwards
    /// refuses to continue.
    async fn close(&self) -> Result<(), MirrorError> {
        self.name_session().await?;
        let mut transaction = self.store.begin().await?;
        let filter = doc! { "_id": CURSOR_ID };
        let mut writes: Vec<Write> = self.fence()?.into_iter().collect();
        if !transaction.find(collection::CURSOR, filter.clone()).await?.is_empty() {
            writes.push(Write::Update { collection: collection::CURSOR, filter, update: unusable() });
        }
        if let Err(error) = transaction.write(writes).await {
            transaction.abort().await;
            return Err(self.explained(error).await);
        }
        transaction.commit().await
    }

    /// Returns the bytes of every document that a rebuild makes, for comparison: collection by collection in the order
    /// of `_id`. The recent blocks are left out, because their number depends on how the mirror reached its tip.
    ///
    /// # Errors
    /// [`MirrorError::Database`].
    pub async fn contents(&self) -> Result<Vec<(&'static str, Vec<Document>)>, MirrorError> {
        let mut contents = Vec::new();
        for name in collection::ALL.into_iter().filter(|name| *name != collection::BLOCKS) {
            let found = self.store.find(name, doc! {}, 0).await?;
            contents.push((name, found.iter().map(|document| decoded(name, document)).collect::<Result<_, _>>()?));
        }
        Ok(contents)
    }
}

/// Returns the update that makes a cursor unusable for every indexer.
fn unusable() -> Document {
    doc! { "$set": { "mirror_version": 0_i64 } }
}

/// The cursor in the database.
#[derive(Clone, Debug)]
pub enum StoredCursor {
    /// A cursor in the format that this program writes.
    Current(CursorDoc),
    /// A cursor of another format, or one left by a rebuild that did not finish.
    OtherForm,
}

/// The longest time for a whole transaction or load. The driver itself waits for ever on a connection that does not
/// answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Stops waiting after [`PATIENCE`]. The dropped transaction is not committed; if it was, the cursor shows it.
async fn in_time<T>(work: impl Future<Output = Result<T, MirrorError>>) -> Result<T, MirrorError> {
    timeout(PATIENCE, work).await.unwrap_or(Err(MirrorError::TimedOut))
}

/// The number of tries for a transaction that conflicts with others.
const TRIES: usize = 5;

fn is_transient(error: &MirrorError) -> bool {
    match error {
        MirrorError::Database(error) => error.contains_label(TRANSIENT_TRANSACTION_ERROR),
        MirrorError::Conflict => true,
        _ => false,
    }
}
