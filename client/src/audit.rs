//! The access log: reading it, and checking it from the chain alone.

use protocol::{bodies::log::LogEntry, codes::Purpose, ids::{LeafHash, RecordId}};
use serde::Serialize;

use crate::{client::Client, error::ClientError, progress::Progress};

/// Filters of the log.
#[derive(Clone, Debug, Default)]
pub struct LogFilter {
    /// Only reads of this record.
    pub record: Option<RecordId>,
    /// Only reads for this purpose.
    pub purpose: Option<Purpose>,
    /// Only reads from this second on.
    pub from: Option<u64>,
    /// Only reads before this second.
    pub until: Option<u64>,
}

/// The log, newest first: of one's own records and reads; for auditors of all, without readers.
///
/// # Errors
/// What the server refuses.
pub async fn log(client: &Client, filter: &LogFilter) -> Result<Vec<LogEntry>, ClientError> {
    let _ = (client, filter);
    Err(crate::error::being_written())
}

/// One thing that does not hold.
#[derive(Clone, Debug, Serialize)]
pub struct LogFinding {
    /// A stable word: `root`, `head`, `size`, `missing_leaf`, `evidence`, `unlogged_read`, `unanchored_entry`.
    pub kind: &'static str,
    /// One sentence.
    pub what: String,
    /// The leaf it is about, if one.
    pub leaf: Option<LeafHash>,
}

/// What a recomputation found.
#[derive(Clone, Debug, Serialize)]
pub struct AuditReport {
    /// Leaves on chain.
    pub leaves: u64,
    /// Checkpoints on chain, each recomputed.
    pub checkpoints: u64,
    /// RFC 6962 root over all leaves, recomputed, hex.
    pub root: String,
    /// Entries of the server's log that were found on chain.
    pub entries_found: u64,
    /// Leaves whose content the operator showed and that hash to the anchored value.
    pub evidence_checked: u64,
    /// Receipts of this device whose leaf is anchored.
    pub receipts_anchored: u64,
    /// Receipts of this device that still have time.
    pub receipts_waiting: u64,
    /// What does not hold; empty is good.
    pub findings: Vec<LogFinding>,
}

/// Recomputes the operator's whole log from chain events alone, then compares the server's entries, its evidence where
/// this person may see it, and this device's receipts with it.
///
/// # Errors
/// [`crate::Kind::Rpc`]; findings are not errors.
pub async fn verify(client: &Client, progress: &Progress) -> Result<AuditReport, ClientError> {
    let _ = (client, progress);
    Err(crate::error::being_written())
}
