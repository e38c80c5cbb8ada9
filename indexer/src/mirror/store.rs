//! [`Store`]: what the mirror needs of a database. [`super::Mongo`] is the real one; the simulation has one that fails on
//! command and forgets nothing it has promised, so that the code above it is the same in both.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use mongodb::bson::{Bson, Document, RawDocumentBuf};

use super::MirrorError;

/// A database with transactions. Reads see what a majority has; writes are answered when a majority has them.
///
/// Filters are MongoDB's, of the few forms that the mirror uses: equality, `$in`, `$lt`, `$gt`, also of nested fields and
/// of array elements.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// Opens a transaction that sees the database as it is now. Only one of this store may be open at a time.
    async fn begin(&self) -> Result<Box<dyn Transaction>, MirrorError>;

    /// The session in which transactions run, so that another process can end them; see [`Self::end_session`].
    async fn session(&self) -> Result<Bson, MirrorError>;

    /// Ends what a session left open: the transaction of a process that was killed keeps its documents locked for up to a
    /// minute otherwise.
    async fn end_session(&self, session: &Bson) -> Result<(), MirrorError>;

    /// Documents in the order of their `_id`; as many as `limit`, if it is not zero.
    async fn find(
        &self,
        collection: &'static str,
        filter: Document,
        limit: i64,
    ) -> Result<Vec<RawDocumentBuf>, MirrorError>;

    /// Inserts a document, or returns `false` when one with this `_id` is there.
    async fn insert_new(&self, collection: &'static str, document: Document) -> Result<bool, MirrorError>;

    /// Updates at most one document and says whether one was found.
    async fn update(&self, collection: &'static str, filter: Document, update: Document) -> Result<bool, MirrorError>;

    /// Creates collections and indexes, where missing.
    async fn prepare(&self) -> Result<(), MirrorError>;

    /// Whether the database answers.
    async fn ping(&self) -> Result<(), MirrorError>;

    /// Drops collections with all they hold.
    async fn drop_collections(&self, collections: &[&'static str]) -> Result<(), MirrorError>;

    /// The same database with other collections, in which a mirror can be built beside the live one.
    fn beside(&self) -> Arc<dyn Store>;

    /// Puts a collection of [`Self::beside`] in the place of this one; does nothing when it is not there any more.
    async fn take_over(&self, collection: &'static str) -> Result<(), MirrorError>;
}

/// A write of a transaction; no list is empty.
#[derive(Clone, Debug)]
pub enum Write {
    /// Inserts documents that cannot be there yet.
    Insert(&'static str, Vec<RawDocumentBuf>),
    /// Replaces documents by their `_id`, or puts them there.
    Replace(&'static str, Vec<RawDocumentBuf>),
    /// Updates the one document that fits the filter, which must be there.
    Update {
        /// The collection.
        collection: &'static str,
        /// Which document.
        filter: Document,
        /// What changes.
        update: Document,
    },
    /// Deletes documents.
    Delete {
        /// The collection.
        collection: &'static str,
        /// Which documents.
        filter: Document,
    },
}

/// An open transaction. Dropped without [`Self::commit`], it changes nothing.
#[async_trait]
pub trait Transaction: Send {
    /// Documents, in no order. Sees what the transaction has written.
    async fn find(&mut self, collection: &'static str, filter: Document) -> Result<Vec<RawDocumentBuf>, MirrorError>;

    /// Carries out writes in their order, in as few commands as possible. [`MirrorError::Unmatched`] when an update finds
    /// no document, [`MirrorError::Write`] when a document is there already; after either, and after any other error, some
    /// or all of the other writes may have been carried out, and the transaction must be aborted.
    async fn write(&mut self, writes: Vec<Write>) -> Result<(), MirrorError>;

    /// Makes it all visible and durable. After an error it may have happened or not.
    async fn commit(self: Box<Self>) -> Result<(), MirrorError>;

    /// Gives it up.
    async fn abort(self: Box<Self>);
}
