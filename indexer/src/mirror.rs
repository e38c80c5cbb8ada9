//! The mirror in MongoDB.
//!
//! What holds in the database after every commit, through crashes, restarts and reorgs:
//!
//! 1. One transaction carries the events of a run of whole blocks, all documents that follow from them, the cursor and
//!    the recent blocks; a rollback rides in the transaction of the blocks that replace it.
//! 2. A commit happens only when the cursor is where the committer believes it to be, so no block is applied twice and
//!    two writers cannot interleave.
//! 3. A fact exists exactly if its event does; a row is the fold of its events and of nothing else.
//! 4. Every `_id` follows from the chain, so a rebuild yields the same documents.
//! 5. A commit happens only while the committer holds the lease, which the transaction itself checks and renews.
//! 6. What is older than the recent blocks is final, and the oldest recent block never moves backwards.

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

/// Why the mirror could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MirrorError {
    /// The database is away, or refuses.
    #[error("MongoDB: {}", reason(.0))]
    Database(#[from] mongodb::error::Error),
    /// The database does not answer: the connection may have died without a word.
    #[error("MongoDB did not answer within {} s", PATIENCE.as_secs())]
    TimedOut,
    /// The database is away; the words of a store that is not MongoDB.
    #[error("the database is away: {0}")]
    Away(&'static str),
    /// Somebody else is writing the same documents.
    #[error("somebody else writes the same documents")]
    Conflict,
    /// Another indexer has taken over.
    #[error("another indexer holds the lease")]
    LeaseLost,
    /// The database refused writes one by one.
    #[error("MongoDB refused to write to {collection}: {reason}")]
    Write {
        /// The collection.
        collection: &'static str,
        /// Its words.
        reason: String,
    },
    /// An update in a transaction has found nothing to update.
    #[error("a document that a transaction updates is not there, or not as it was left")]
    Unmatched,
    /// The cursor is not where it was left: somebody else writes, or a commit had landed after all. Load and go on.
    #[error("the mirror has moved on meanwhile")]
    Moved,
    /// An event changes a row that is not there.
    #[error("the mirror lacks {id} in {collection}, which an event changes")]
    Inconsistent {
        /// The collection.
        collection: &'static str,
        /// The row.
        id: String,
    },
    /// An event cannot be applied.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Documents cannot be encoded: a number is out of range.
    #[error("a document cannot be encoded")]
    Encode(#[from] mongodb::bson::ser::Error),
    /// A stored document has another form.
    #[error("a document of {collection} has another form")]
    Form {
        /// The collection.
        collection: &'static str,
    },
}

impl MirrorError {
    /// Whether trying again can help.
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

/// The driver's words without its list of servers, which may be long. Of a bulk write that failed as a whole, the cause.
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
    /// The lease, while we believe to hold it.
    held: Arc<std::sync::Mutex<Option<lease::Held>>>,
    /// Whoever writes to the lease outside a transaction holds this, and so does a transaction.
    gate: Arc<tokio::sync::Mutex<()>>,
    /// What need not be read again.
    recent: Arc<std::sync::Mutex<Recent>>,
}

/// How far the mirror is, and its recent blocks.
#[derive(Clone, Debug)]
pub struct Progress {
    /// The cursor.
    pub cursor: CursorDoc,
    /// Recent blocks in the order of their numbers, the cursor's block last.
    pub recent: Vec<BlockRef>,
}

impl Mirror {
    /// The mirror in a store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, held: Arc::default(), gate: Arc::default(), recent: Arc::default() }
    }

    /// The mirror in a MongoDB database. Connects lazily.
    ///
    /// # Errors
    /// [`MirrorError::Database`] when the URI is malformed.
    pub async fn connect(uri: &str, database: &str) -> Result<Self, MirrorError> {
        Ok(Self::new(Arc::new(Mongo::connect(uri, database).await?)))
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`MirrorError::Database`].
    pub async fn ping(&self) -> Result<(), MirrorError> {
        in_time(self.store.ping()).await
    }

    /// The stored cursor; `None` when there is no mirror. A cursor of an older form yields only what names that form.
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

    /// Whether any of the mirror's collections holds a document.
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

    /// Creates collections and indexes, where missing, and the cursor of an empty mirror.
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

    /// Creates collections and indexes, where missing.
    ///
    /// # Errors
    /// [`MirrorError::Database`].
    pub async fn ensure_indexes(&self) -> Result<(), MirrorError> {
        self.store.prepare().await
    }

    /// How far the mirror is.
    ///
    /// # Errors
    /// [`MirrorError::Form`] when there is no cursor of this form, or the recent blocks do not end with its block.
    pub async fn progress(&self) -> Result<Progress, MirrorError> {
        // Whoever asks has just begun, or does not trust what it knew.
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
            // Read between two commits of somebody else: the next try sees one state.
            return Err(MirrorError::Moved);
        }
        // Only what is contiguous up to the tip is of use.
        let start = (1..recent.len()).rev().find(|&i| recent[i - 1].number + 1 != recent[i].number).unwrap_or(0);
        Ok(Progress { cursor, recent: recent.split_off(start) })
    }

    /// A mirror of its own in the same database, to be built while this one serves.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self::new(self.store.beside())
    }

    /// Drops the mirror's collections, and nothing else of the database; orphans and lease stay.
    ///
    /// # Errors
    /// [`MirrorError::Database`]. Whatever is left then is refused until it is dropped in a later call.
    pub async fn drop_all(&self) -> Result<(), MirrorError> {
        self.make_unusable().await?;
        let data: Vec<_> = collection::ALL.into_iter().filter(|name| *name != collection::CURSOR).collect();
        self.store.drop_collections(&data).await?;
        self.store.drop_collections(&[collection::CURSOR]).await
    }

    /// A crash half-way leaves a cursor that no indexer takes up.
    async fn make_unusable(&self) -> Result<(), MirrorError> {
        self.store.update(collection::CURSOR, doc! { "_id": CURSOR_ID }, unusable()).await.map(drop)
    }

    /// Puts the mirror that was built beside this one into its place. Needs the lease of this one, so that nobody writes
    /// meanwhile; gives a sign of life each time that `every` has passed. Once begun, it must be repeated until it succeeds;
    /// until then the mirror is refused.
    ///
    /// # Errors
    /// [`MirrorError::LeaseLost`] before anything is changed; [`MirrorError::Database`].
    pub async fn swap(&self, every: Duration) -> Result<(), MirrorError> {
        let _gate = self.gate.lock().await;
        let beside = self.store.beside();
        // It goes last. Where it is gone, an earlier try came to the end, and the mirror serves already.
        if !beside.find(collection::CURSOR, doc! { "_id": CURSOR_ID }, 1).await?.is_empty() {
            self.close().await?;
            for name in collection::ALL.into_iter().filter(|name| *name != collection::CURSOR) {
                self.while_beating(every, self.store.take_over(name)).await?;
            }
            self.while_beating(every, self.store.take_over(collection::CURSOR)).await?;
        }
        beside.drop_collections(&[collection::ORPHANS, collection::LEASE]).await
    }

    /// Makes the mirror unusable, if the lease is still ours: whoever takes it afterwards refuses to go on.
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

    /// The bytes of every document that a rebuild yields, collection by collection in the order of `_id`, for
    /// comparison. The recent blocks are left out: how many are kept depends on how the mirror came to its tip.
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

/// What makes a cursor one that no indexer takes up.
fn unusable() -> Document {
    doc! { "$set": { "mirror_version": 0_i64 } }
}

/// The cursor as it was found.
#[derive(Clone, Debug)]
pub enum StoredCursor {
    /// Of the form that this program writes.
    Current(CursorDoc),
    /// Of another form, or left by a rebuild that did not finish.
    OtherForm,
}

/// How long a whole transaction, or a load, may take. The driver itself waits for ever on a silent connection.
const PATIENCE: Duration = Duration::from_secs(60);

/// Gives up waiting after [`PATIENCE`]; a transaction that is dropped then does not commit, or the cursor will tell.
async fn in_time<T>(work: impl Future<Output = Result<T, MirrorError>>) -> Result<T, MirrorError> {
    timeout(PATIENCE, work).await.unwrap_or(Err(MirrorError::TimedOut))
}

/// How often a transaction is tried that collides with others.
const TRIES: usize = 5;

fn is_transient(error: &MirrorError) -> bool {
    match error {
        MirrorError::Database(error) => error.contains_label(TRANSIENT_TRANSACTION_ERROR),
        MirrorError::Conflict => true,
        _ => false,
    }
}
