//! The access log: reading it, comparing it with the chain, and checking what the operator must be able to show
//! (SPEC, section 11).

mod entries;
mod listed;
mod permission;
mod recompute;

use std::collections::{HashMap, HashSet};

use protocol::{
    bodies::log::{LogEntry, LogQuery},
    codes::Purpose,
    ids::{LeafHash, RecordId},
};
use serde::Serialize;

pub use self::listed::{ListedRead, OnChain, Who, listed};
use self::{entries::Examination, permission::Permissions, recompute::recompute};
use crate::{chain::AnchoredAccess, client::Client, error::ClientError, progress::Progress, receipts, unlock::Keys};

/// How late after `anchorBy` a missing entry becomes evidence: the newest block's time may lag behind a clock.
const GRACE_SECONDS: u64 = 60;
/// How old an entry of the server's log may be before it must stand on chain, where no leaf says it better.
const ANCHOR_SECONDS_MAX: u64 = 600;

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

/// The log as the server tells it, newest first: of one's own records and reads; for auditors of all, without readers.
/// [`listed`] compares it with the chain.
///
/// # Errors
/// What the server refuses.
pub async fn log(client: &Client, filter: &LogFilter) -> Result<Vec<LogEntry>, ClientError> {
    let query = LogQuery {
        record: filter.record,
        purpose: filter.purpose,
        from: filter.from,
        until: filter.until,
        ..LogQuery::default()
    };
    client.api()?.log(&query).await
}

/// One thing that does not hold.
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
    fn about(leaf: LeafHash, kind: &'static str, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), leaf: Some(leaf) }
    }
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
    /// What does not hold; empty is good.
    pub findings: Vec<LogFinding>,
}

/// Recomputes the operator's whole log from chain events alone, then compares the server's entries, its evidence where
/// this person may see it, and this device's receipts with it.
///
/// # Errors
/// [`crate::Kind::Rpc`]; findings are not errors. Without a session only the chain and this device's receipts are checked.
pub async fn verify(client: &Client, progress: &Progress) -> Result<AuditReport, ClientError> {
    verify_with(client, None, progress).await
}

/// The same; with keys it also recomputes the tag of everybody who is said to have read an own record.
///
/// # Errors
/// As [`verify`].
pub async fn verify_with(
    client: &Client,
    keys: Option<&Keys>,
    progress: &Progress,
) -> Result<AuditReport, ClientError> {
    let chain = client.chain();
    chain.verify_deployment().await?;
    // What the server tells comes first: it cannot be ahead of a chain that is read afterwards.
    let told = if client.is_signed_in() { log(client, &LogFilter::default()).await? } else { Vec::new() };
    let events = chain.access_log().await?;
    let stored_head = chain.log_head().await?;
    let now = chain.now().await?;

    let mut report = recompute(&events, stored_head);
    let anchored: HashMap<LeafHash, AnchoredAccess> =
        events.accesses.iter().map(|access| (access.leaf, *access)).collect();
    check_receipts(client, &anchored, now, &mut report).await?;
    if client.is_signed_in() {
        let own = own_records(client).await?;
        let examination =
            Examination { client, keys, own: &own, anchored: &anchored, now, permissions: Permissions::default() };
        examination.check_all(&told, &mut report, progress).await?;
        for access in listed::untold(client, &own, &told, &events.accesses).await? {
            let what = "Somebody read one of your records, and the server does not tell it.";
            report.findings.push(LogFinding::about(access.leaf, "hidden_read", what));
        }
    }
    Ok(report)
}

/// The ids of one's own records, from the chain.
async fn own_records(client: &Client) -> Result<HashSet<RecordId>, ClientError> {
    let versions = client.chain().versions_of(client.address()).await?;
    Ok(versions.iter().map(|version| version.record).collect())
}

/// A receipt past its time without an `Accessed` for its leaf is evidence against the operator; so is one that came late.
async fn check_receipts(
    client: &Client,
    anchored: &HashMap<LeafHash, AnchoredAccess>,
    now: u64,
    report: &mut AuditReport,
) -> Result<(), ClientError> {
    let (receipts, damaged) = receipts::all(client.home())?;
    for error in damaged {
        let what = format!("A kept receipt cannot be read: {error}");
        report.findings.push(LogFinding { kind: "damaged_receipt", what, leaf: None });
    }
    for receipt in receipts {
        let anchor_by = receipt.signed.receipt.anchorBy;
        let finding = match anchored.get(&receipt.leaf) {
            Some(access) if access.record != receipt.record => {
                Some(("evidence", "A leaf that was promised for one record stands on chain for another."))
            }
            Some(access) if client.chain().block_time(access.block_number).await? > anchor_by => {
                Some(("late_anchor", "The operator signed by when this read would be on chain, and it came later."))
            }
            Some(_) => {
                report.receipts_anchored += 1;
                None
            }
            None if now <= anchor_by.saturating_add(GRACE_SECONDS) => {
                report.receipts_waiting += 1;
                None
            }
            None => Some((
                "unlogged_read",
                "The operator signed that this read is in the log, and its time has passed without an entry.",
            )),
        };
        report.findings.extend(finding.map(|(kind, what)| LogFinding::about(receipt.leaf, kind, what)));
    }
    Ok(())
}
