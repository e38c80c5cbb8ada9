//! The content store: where envelopes lie. Kubo behind a small trait, so that another block store can take its place.

mod kubo;

use std::io;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

pub use kubo::Kubo;

/// Bytes on their way. An error means that the rest will not come.
pub type ByteStream = BoxStream<'static, io::Result<Bytes>>;

/// Why the content store did not do it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContentError {
    /// The stream that was to be stored broke off; nothing is pinned.
    #[error("the upload broke off")]
    Interrupted(#[source] io::Error),
    /// It does not answer, or not in time. Trying again helps.
    #[error("the content store does not answer")]
    Unreachable(#[source] anyhow::Error),
    /// It answered, but refused.
    #[error("the content store refused: {0}")]
    Refused(String),
}

/// Stores blobs under their CID and keeps them while they are pinned.
#[async_trait]
pub trait ContentStore: Send + Sync {
    /// Stores and pins a stream as UnixFS (CIDv1, raw leaves, 1 MiB chunks, 1024 links a node) and gives its CID.
    /// Unless the stream ends without an error, nothing stays pinned.
    async fn put(&self, bytes: ByteStream) -> Result<String, ContentError>;

    /// Reads `length` bytes from `offset`. A stream that ends early is an error of the store, for the caller to notice.
    async fn get(&self, cid: &str, offset: u64, length: u64) -> Result<ByteStream, ContentError>;

    /// Returns the length of a stored file in bytes; `None` if not all that it takes to know is here.
    async fn size(&self, cid: &str) -> Result<Option<u64>, ContentError>;

    /// Keeps what is stored.
    async fn pin(&self, cid: &str) -> Result<(), ContentError>;

    /// Lets go of what is stored. Nothing happens if it was not pinned.
    async fn unpin(&self, cid: &str) -> Result<(), ContentError>;

    /// Returns whether it answers.
    async fn probe(&self) -> Result<(), ContentError>;
}
