//! The content store of envelopes. Kubo is behind a small trait, so that another block store can replace it.

mod kubo;

use std::io;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

pub use kubo::Kubo;

/// A stream of bytes. An error means that the rest will not arrive.
pub type ByteStream = BoxStream<'static, io::Result<Bytes>>;

/// The reason why the content store failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContentError {
    /// The input stream broke off. Nothing is pinned.
    #[error("the upload broke off")]
    Interrupted(#[source] io::Error),
    /// The store does not answer, or not in time. Trying again helps.
    #[error("the content store does not answer")]
    Unreachable(#[source] anyhow::Error),
    /// The store refused the request.
    #[error("the content store refused: {0}")]
    Refused(String),
}

/// Stores blobs under their CID and keeps them while they are pinned.
#[async_trait]
pub trait ContentStore: Send + Sync {
    /// Stores and pins a stream as UnixFS (CIDv1, raw leaves, 1 MiB chunks, 1024 links a node) and returns its CID. If
    /// the stream ends with an error, nothing stays pinned.
    async fn put(&self, bytes: ByteStream) -> Result<String, ContentError>;

    /// Reads `length` bytes from `offset`. The caller must check that the stream has the full length.
    async fn get(&self, cid: &str, offset: u64, length: u64) -> Result<ByteStream, ContentError>;

    /// Returns the length of a stored file in bytes, or `None` if blocks that are needed to know it are missing here.
    async fn size(&self, cid: &str) -> Result<Option<u64>, ContentError>;

    /// Pins a stored file.
    async fn pin(&self, cid: &str) -> Result<(), ContentError>;

    /// Unpins a stored file. Does nothing if it was not pinned.
    async fn unpin(&self, cid: &str) -> Result<(), ContentError>;

    /// Checks that the store answers.
    async fn probe(&self) -> Result<(), ContentError>;
}
