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

mod commit;
mod fingerprint;
mod indexes;
mod rollback;

pub use commit::Commit;
pub use fingerprint::{Fingerprint, fingerprint};

use std::time::Duration;

use futures::TryStreamExt;
use mongodb::{
    Client, ClientSession, Collection, Database,
    bson::{Document, doc},
    error::{TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT},
    options::{ClientOptions, ReadConcern, TransactionOptions, WriteConcern},
};
use protocol::mirror::{BlockDoc, CURSOR_ID, CursorDoc, collection};

use crate::{decode::DecodeError, reorg::BlockRef};

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
    /// The database refused writes one by one.
    #[error("MongoDB refused to write to {collection}: {reason}")]
    Write {
        /// The collection.
        collection: &'static str,
        /// Its words.
        reason: String,
    },
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
        matches!(self, Self::Database(_) | Self::TimedOut | Self::Write { .. } | Self::Moved)
    }
}

/// The driver's words without its list of servers, which may be long.
fn reason(error: &mongodb::error::Error) -> String {
    let text = error.kind.to_string();
    match text.split_once(". Topology") {
        Some((start, _)) => start.to_owned(),
        None => text,
    }
}

/// The mirror's collections.
#[derive(Clone, Debug)]
pub struct Mirror {
    client: Client,
    db: Database,
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
    /// Connects, lazily.
    ///
    /// # Errors
    /// [`MirrorError::Database`] when the URI is malformed.
    pub async fn connect(uri: &str, database: &str) -> Result<Self, MirrorError> {
        let mut options = ClientOptions::parse(uri).await?;
        options.app_name.get_or_insert_with(|| "medlock-indexer".into());
        options.server_selection_timeout.get_or_insert(Duration::from_secs(3));
        options.connect_timeout.get_or_insert(Duration::from_secs(3));
        options.write_concern = Some(WriteConcern::majority());
        options.read_concern = Some(ReadConcern::majority());
        let client = Client::with_options(options)?;
        let db = client.database(database);
        Ok(Self { client, db })
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.db
    }

    fn collection<T: Send + Sync>(&self, name: &str) -> Collection<T> {
        self.db.collection(name)
    }

    fn cursor(&self) -> Collection<CursorDoc> {
        self.collection(collection::CURSOR)
    }

    fn blocks(&self) -> Collection<BlockDoc> {
        self.collection(collection::BLOCKS)
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`MirrorError::Database`].
    pub async fn ping(&self) -> Result<(), MirrorError> {
        in_time(async { Ok(self.db.run_command(doc! { "ping": 1 }).await.map(drop)?) }).await
    }

    /// The stored cursor; `None` when there is no mirror. A cursor of an older form yields only what names that form.
    ///
    /// # Errors
    /// [`MirrorError::Database`] and [`MirrorError::Form`].
    pub async fn find_cursor(&self) -> Result<Option<StoredCursor>, MirrorError> {
        let cursors = self.collection::<Document>(collection::CURSOR);
        let stored = in_time(async { Ok(cursors.find_one(doc! { "_id": CURSOR_ID }).await?) }).await?;
        let Some(stored) = stored else { return Ok(None) };
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
            if self.collection::<Document>(name).find_one(doc! {}).await?.is_some() {
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
        let mut session = self.begin().await?;
        let block = BlockDoc { number: cursor.block_number, hash: cursor.block_hash };
        self.blocks().insert_one(block).session(&mut session).await?;
        self.cursor().insert_one(cursor).session(&mut session).await?;
        commit(&mut session).await
    }

    /// Creates collections and indexes, where missing.
    ///
    /// # Errors
    /// [`MirrorError::Database`].
    pub async fn ensure_indexes(&self) -> Result<(), MirrorError> {
        indexes::ensure(&self.db).await
    }

    /// How far the mirror is.
    ///
    /// # Errors
    /// [`MirrorError::Form`] when there is no cursor of this form, or the recent blocks do not end with its block.
    pub async fn progress(&self) -> Result<Progress, MirrorError> {
        in_time(self.read_progress()).await
    }

    async fn read_progress(&self) -> Result<Progress, MirrorError> {
        let Some(StoredCursor::Current(cursor)) = self.find_cursor().await? else {
            return Err(MirrorError::Form { collection: collection::CURSOR });
        };
        let mut recent: Vec<BlockRef> = self
            .blocks()
            .find(doc! {})
            .sort(doc! { "_id": 1 })
            .await?
            .map_ok(|block| BlockRef { number: block.number, hash: block.hash })
            .try_collect()
            .await?;
        if recent.last() != Some(&BlockRef { number: cursor.block_number, hash: cursor.block_hash }) {
            // Read between two commits of somebody else: the next try sees one state.
            return Err(MirrorError::Moved);
        }
        // Only what is contiguous up to the tip is of use.
        let start = (1..recent.len()).rev().find(|&i| recent[i - 1].number + 1 != recent[i].number).unwrap_or(0);
        Ok(Progress { cursor, recent: recent.split_off(start) })
    }

    /// Drops the mirror's collections, and nothing else of the database.
    ///
    /// # Errors
    /// [`MirrorError::Database`]. Whatever is left then is refused until it is dropped in a later call.
    pub async fn drop_all(&self) -> Result<(), MirrorError> {
        // A crash in between leaves a cursor that no indexer takes up.
        let unusable = doc! { "$set": { "mirror_version": 0_i64 } };
        self.collection::<Document>(collection::CURSOR).update_one(doc! { "_id": CURSOR_ID }, unusable).await?;
        for name in collection::ALL.into_iter().filter(|name| *name != collection::CURSOR) {
            self.collection::<Document>(name).drop().await?;
        }
        Ok(self.collection::<Document>(collection::CURSOR).drop().await?)
    }

    async fn begin(&self) -> Result<ClientSession, MirrorError> {
        let mut session = self.client.start_session().await?;
        let options = TransactionOptions::builder()
            .read_concern(ReadConcern::majority())
            .write_concern(WriteConcern::majority())
            .build();
        session.start_transaction().with_options(options).await?;
        Ok(session)
    }
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
    tokio::time::timeout(PATIENCE, work).await.unwrap_or(Err(MirrorError::TimedOut))
}

const COMMIT_TRIES: usize = 5;

/// Commits; asks again while the outcome is unknown. When it stays unknown, loading the cursor tells.
async fn commit(session: &mut ClientSession) -> Result<(), MirrorError> {
    for _ in 1..COMMIT_TRIES {
        match session.commit_transaction().await {
            Err(error) if error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT) => {}
            result => return Ok(result?),
        }
    }
    Ok(session.commit_transaction().await?)
}

fn is_transient(error: &MirrorError) -> bool {
    matches!(error, MirrorError::Database(error) if error.contains_label(TRANSIENT_TRANSACTION_ERROR))
}
