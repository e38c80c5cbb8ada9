//! Uploads: hash and sign, encrypt while sending, register, deposit the release share.

use std::path::PathBuf;

use alloy::primitives::Address;
use protocol::{codes::{Category, RecordStatus}, ids::RecordId};
use serde::Serialize;
use tokio::io::AsyncRead;

use crate::{act::{Settled, Way}, client::Client, error::ClientError, progress::Progress, wallet::Wallet};

/// Where the document comes from.
pub enum Source {
    /// A file, read twice; it must not change meanwhile.
    File(PathBuf),
    /// A pipe, spooled encrypted until it ends.
    Pipe(Box<dyn AsyncRead + Send + Unpin>),
}

/// Whether it starts a record or continues one.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// A new record.
    NewRecord {
        /// Whose; oneself, or a patient who granted WRITE.
        patient: Address,
        /// Its folder.
        category: Category,
    },
    /// The next version of a record.
    NewVersion(RecordId),
}

/// What is uploaded.
pub struct NewUpload {
    /// The document.
    pub source: Source,
    /// Where it goes.
    pub target: Target,
    /// Its name, for those who can open it.
    pub file_name: String,
    /// Its media type (RFC 6838); guessed from the name if absent.
    pub media_type: Option<String>,
    /// How the registration gets to the chain.
    pub way: Way,
}

/// A finished upload.
#[derive(Clone, Debug, Serialize)]
pub struct Uploaded {
    /// The record.
    pub record: RecordId,
    /// Its version.
    pub version: u16,
    /// CIDv1 of the envelope.
    pub cid: String,
    /// Bytes of the document.
    pub content_bytes: u64,
    /// Bytes of the envelope.
    pub envelope_bytes: u64,
    /// How the registration got to the chain.
    pub settled: Settled,
    /// Whether an interrupted upload of the same document was completed instead of starting a new one.
    pub resumed: bool,
}

/// Uploads one document. After an interruption the same call completes the upload that it began: no second record.
///
/// # Errors
/// [`crate::Kind::KitNotSaved`] for one's own records before the words are saved; [`crate::Kind::KeyNotRegistered`],
/// [`crate::Kind::WrongPublicKey`], [`crate::Kind::SourceChanged`], [`crate::Kind::StoredOtherBytes`], and what wallet,
/// server and chain refuse.
pub async fn upload(client: &Client, wallet: &dyn Wallet, new: NewUpload, progress: &Progress) -> Result<Uploaded, ClientError> {
    let _ = (client, wallet, new, progress);
    Err(crate::error::being_written())
}

/// An upload that has not ended.
#[derive(Clone, Debug, Serialize)]
pub struct Pending {
    /// The record it will be.
    pub record: RecordId,
    /// Its version.
    pub version: u16,
    /// Unix seconds.
    pub begun: u64,
    /// Whether the envelope is stored and only the registration is open.
    pub stored: bool,
}

/// Uploads that have not ended.
///
/// # Errors
/// [`crate::Kind::LocalFile`].
pub fn pending(client: &Client) -> Result<Vec<Pending>, ClientError> {
    let _ = client;
    Err(crate::error::being_written())
}

/// Supersedes or tombstones a record: its patient, or its first uploader on the device that made it.
///
/// # Errors
/// What wallet, server and chain refuse.
pub async fn set_status(
    client: &Client,
    wallet: &dyn Wallet,
    record: RecordId,
    status: RecordStatus,
    way: Way,
) -> Result<Settled, ClientError> {
    let _ = (client, wallet, record, status, way);
    Err(crate::error::being_written())
}
