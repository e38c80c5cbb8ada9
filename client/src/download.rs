//! Lists and downloads: fetch, check everything, decrypt.

use std::path::PathBuf;

use alloy::primitives::{Address, B256};
use protocol::{bodies::records::RecordView, codes::{Category, Purpose, Role}, ids::{LeafHash, RecordId}};
use serde::Serialize;

use crate::{client::Client, error::ClientError, progress::Progress, unlock::Keys};

/// Which records to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Only of this patient.
    pub patient: Option<Address>,
    /// Only of this category.
    pub category: Option<Category>,
}

/// Lists what the person owns, uploaded or was granted, newest first. Each record's patient, category, status and newest
/// version are compared with the chain.
///
/// # Errors
/// [`crate::Kind::WrongAnswer`] if the server contradicts the chain.
pub async fn list(client: &Client, filter: Filter) -> Result<Vec<RecordView>, ClientError> {
    let _ = (client, filter);
    Err(crate::error::being_written())
}

/// One record, compared with the chain.
///
/// # Errors
/// [`crate::Kind::UnknownRecord`], [`crate::Kind::WrongAnswer`].
pub async fn show(client: &Client, record: RecordId) -> Result<RecordView, ClientError> {
    let _ = (client, record);
    Err(crate::error::being_written())
}

/// What to open.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The record.
    pub record: RecordId,
    /// The version; the newest if absent.
    pub version: Option<u16>,
    /// Why, for everyone but the owner; the only purpose of the grant if absent.
    pub purpose: Option<Purpose>,
    /// Only these bytes of the document; the whole document if absent.
    pub range: Option<std::ops::Range<u64>>,
}

/// Where the document goes. Nothing appears there before everything was checked.
#[derive(Clone, Debug)]
pub enum Destination {
    /// This path; refuses one that exists unless `replace`.
    File {
        /// Where.
        path: PathBuf,
        /// Whether a file that exists is replaced.
        replace: bool,
    },
    /// A folder, under the document's own name (only its last part, never hidden, numbered if it exists).
    Folder(PathBuf),
}

/// Who wrote a document.
#[derive(Clone, Debug, Serialize)]
pub struct Author {
    /// Who signed it.
    #[serde(with = "protocol::hex_text")]
    pub address: Address,
    /// Their name, from a profile that an active accreditor signed.
    pub name: Option<String>,
    /// Roles that count now, from the chain.
    pub roles: Vec<Role>,
}

/// An opened document.
#[derive(Clone, Debug, Serialize)]
pub struct Opened {
    /// The record.
    pub record: RecordId,
    /// Its version.
    pub version: u16,
    /// Whose it is.
    #[serde(with = "protocol::hex_text")]
    pub patient: Address,
    /// The document's own name.
    pub file_name: String,
    /// Its media type.
    pub media_type: String,
    /// Bytes of the whole document.
    pub content_bytes: u64,
    /// Hash of the content (SHA-256 over the hashes of its 1 MiB pieces).
    #[serde(with = "protocol::hex_text")]
    pub content_hash: B256,
    /// Who wrote it.
    pub author: Author,
    /// Where it lies now.
    pub path: PathBuf,
    /// The leaf of the operator's log, for everyone but the owner.
    pub leaf: Option<LeafHash>,
}

/// Opens one version of a record and writes the document.
///
/// # Errors
/// [`crate::Kind::NoGrant`], [`crate::Kind::WrongBundle`], [`crate::Kind::WrongReceipt`], [`crate::Kind::CidMismatch`],
/// [`crate::Kind::InvalidEnvelope`], [`crate::Kind::Commitment`], [`crate::Kind::WrongAuthor`], and what the server
/// refuses (`grant_revoked`, `grant_expired`, `not_accredited`, `share_missing`, …).
pub async fn get(
    client: &Client,
    keys: &Keys,
    wanted: &Wanted,
    destination: &Destination,
    progress: &Progress,
) -> Result<Opened, ClientError> {
    let _ = (client, keys, wanted, destination, progress);
    Err(crate::error::being_written())
}
