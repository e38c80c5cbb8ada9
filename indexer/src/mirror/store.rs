//! [`Store`]: the database operations that the mirror needs. [`super::Mongo`] is the real implementation. The
//! simulation has another one, which fails on command but never loses committed data, so that both run the same code
//! above it.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use mongodb::bson::{Bson, Document, RawDocumentBuf};

use super::MirrorError;

/// A database with transactions. Reads return data that a majority has; a write is answered when a majority has it.
///
/// Filters have the form of MongoDB, of the few kinds that the mirror uses: equality, `$in`, `$lt`, `$gt`, also of
/// nested fields and of array elements.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// Opens a transaction that sees the database as it is now. Only one of this store may be open at a time.
    async fn begin(&self) -> Result<Box<dyn Transaction>, MirrorError>;

    /// Returns the session in which transactions run, so that another process can end them; see [`Self::end_session`].
    async fn session(&self) -> Result<Bson, MirrorError>;

    /// Ends a session and its open transaction. Without this, the documents of a killed process stay locked for up to a
    /// minute.
    async fn end_session(&self, session: &Bson) -> Result<(), MirrorError>;

    /// Returns documents in the order of their `_id`; at most `limit`, unless it is zero.
    async fn find(
        &self,
        collection: &'static str,
        filter: Document,
        limit: i64,
    ) -> Result<Vec<RawDocumentBuf>, MirrorError>;

    /// Inserts a document. Returns `false` when one with this `_id` exists.
    async fn insert_new(&self, collection: &'static str, document: Document) -> Result<bool, MirrorError>;

    /// Updates at most one document. Returns whether one was found.
    async fn update(&self, collection: &'static str, filter: Document, update: Document) -> Result<bool, MirrorError>;

    /// Creates missing collections and indexes.
    async fn prepare(&self) -> Result<(), MirrorError>;

    /// Checks that the database answers.
    async fn ping(&self) -> Result<(), MirrorError>;

    /// Drops collections with all their documents.
    async fn drop_collections(&self, collections: &[&'static str]) -> Result<(), MirrorError>;

    /// Returns the same database with other collections, in which a mirror can be built while this one is in use.
    fn beside(&self) -> Arc<dyn Store>;

    /// Replaces a collection with the one of [`Self::beside`]. Does nothing if that one does not exist any more.
    async fn take_over(&self, collection: &'static str) -> Result<(), MirrorError>;
}

/// A write in a transaction. Its list is never empty.
#[derive(Clone, Debug)]
pub enum Write {
    /// Inserts documents that cannot exist yet.
    Insert(&'static str, Vec<RawDocumentBuf>),
    /// Replaces documents by their `_id`, or inserts them.
    Replace(&'static str, Vec<RawDocumentBuf>),
    /// Updates the only document that matches the filter, which must exist.
    Update {
        /// The name of the collection.
        collection: &'static str,
        /// The filter for the document.
        filter: Document,
        /// The changes.
        update: Document,
    },
    /// Deletes documents.
    Delete {
        /// The name of the collection.
        collection: &'static str,
        /// The filter for the documents.
        filter: Document,
    },
}

/// An open transaction. If it is dropped without [`Self::commit`], it changes nothing.
#[async_trait]
pub trait Transaction: Send {
    /// Returns documents, in no particular order. Includes the writes of the transaction.
    async fn find(&mut self, collection: &'static str, filter: Document) -> Result<Vec<RawDocumentBuf>, MirrorError>;

    /// Executes writes in order, in as few commands as possible. Returns [`MirrorError::Unmatched`] when an update
    /// finds no document, and [`MirrorError::Write`] when a document exists already. After any error, some or all of
    /// the other writes may have been executed, and the transaction must be aborted.
    async fn write(&mut self, writes: Vec<Write>) -> Result<(), MirrorError>;

    /// Makes all writes visible and durable. After an error, it is not known whether they are.
    async fn commit(self: Box<Self>) -> Result<(), MirrorError>;

    /// Aborts the transaction.
    async fn abort(self: Box<Self>);
}
