//! Restoring everything from the recovery words, the chain and the blocks: no API, no database.

use std::path::PathBuf;

use alloy::primitives::Address;
use protocol::{deployment::Deployment, ids::RecordId};
use secrecy::SecretString;
use serde::Serialize;

use crate::{error::ClientError, progress::Progress};

/// Where the blocks come from.
#[derive(Clone, Debug)]
pub enum BlockSource {
    /// URL of a trustless gateway (`/ipfs/{cid}?format=raw`).
    Gateway(String),
    /// URL of a Kubo RPC (`/api/v0/block/get`).
    Kubo(String),
    /// A CAR file (version 1).
    Car(PathBuf),
}

/// What a restore starts from.
pub struct Restore {
    /// The recovery words.
    pub words: SecretString,
    /// Whose records.
    pub owner: Address,
    /// The deployment file.
    pub deployment: Deployment,
    /// URL of an RPC node that keeps old logs.
    pub rpc: String,
    /// Where the blocks come from.
    pub source: BlockSource,
    /// The folder that gets the documents.
    pub out: PathBuf,
}

/// One restored version, or why not.
#[derive(Clone, Debug, Serialize)]
pub struct RestoredVersion {
    /// The record.
    pub record: RecordId,
    /// Its version.
    pub version: u16,
    /// Where it lies; `None` if it could not be restored.
    pub path: Option<PathBuf>,
    /// Bytes of the document.
    pub content_bytes: u64,
    /// Why it could not be restored: a stable code.
    pub problem: Option<String>,
}

/// What a restore did.
#[derive(Clone, Debug, Serialize)]
pub struct Restored {
    /// Every version on chain, in order.
    pub versions: Vec<RestoredVersion>,
}

/// Finds every version of the owner's records on chain, fetches, opens and writes them. One that fails does not stop the others.
///
/// # Errors
/// [`crate::Kind::InvalidWords`], [`crate::Kind::WrongKeys`], [`crate::Kind::OtherChain`], [`crate::Kind::OtherCode`],
/// [`crate::Kind::NoHistory`].
pub async fn restore(plan: &Restore, progress: &Progress) -> Result<Restored, ClientError> {
    let _ = (plan, progress);
    Err(crate::error::being_written())
}
