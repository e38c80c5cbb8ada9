//! The outcome of an audit.

use protocol::ids::LeafHash;
use serde::Serialize;

/// The time after `anchorBy` at which a missing entry becomes evidence: the newest block's time may lag behind a clock.
pub(super) const GRACE_SECONDS: u64 = 60;
/// A check that failed.
#[derive(Clone, Debug, Serialize)]
pub struct LogFinding {
    /// A stable word, from the table of SPEC, section 11: `root`, `head`, `size`, `hidden_read`, `missing_leaf`,
    /// `unanchored_entry`, `unlogged_read`, `late_anchor`, `withheld_evidence`, `evidence`, `wrong_reader`, `no_grant`,
    /// `damaged_receipt`.
    pub kind: &'static str,
    /// One sentence.
    pub what: String,
    /// The leaf it is about, if one.
    pub leaf: Option<LeafHash>,
}

impl LogFinding {
    pub(super) fn about(leaf: LeafHash, kind: &'static str, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), leaf: Some(leaf) }
    }
}

/// The result of a recomputation.
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
    /// Leaves whose content the operator showed and that hold.
    pub evidence_checked: u64,
    /// Readers of own records whose tag was recomputed from the seed.
    pub readers_checked: u64,
    /// Leaves at whose block a permission stood.
    pub permissions_checked: u64,
    /// Receipts of this device whose leaf is anchored in time.
    pub receipts_anchored: u64,
    /// Receipts of this device that still have time.
    pub receipts_waiting: u64,
    /// The checks that failed; empty if all passed.
    pub findings: Vec<LogFinding>,
}
