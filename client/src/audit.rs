//! The access log: reading it, comparing it with the chain, and checking the operator's evidence (SPEC, section 11).

mod entries;
mod listed;
mod log;
mod permission;
mod recompute;
mod report;

use std::collections::HashMap;

use protocol::ids::LeafHash;

use self::{
    entries::Examination, log::own_records, permission::Permissions, recompute::recompute, report::GRACE_SECONDS,
};
pub use self::{
    listed::{ListedRead, OnChain, Who, listed},
    log::{LogFilter, log},
    report::{AuditReport, LogFinding},
};
use crate::{
    api::ServerError,
    chain::{AnchoredAccess, ChainError},
    client::Client,
    error::{failure, lift},
    home::DeviceError,
    lookup::LookupError,
    progress::Progress,
    receipts,
    unlock::Keys,
};

/// Why the log cannot be checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The server does not do what it was asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The chain does not answer, or it is not the chain of the deployment.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A file of this device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

failure! { AuditError {
    ..Server;
    ..Chain;
    ..Device;
} }

lift! { LookupError => AuditError { Server, Chain } }

/// Recomputes the operator's whole log from chain events alone, then compares the server's entries, its evidence where
/// this person may see it, and this device's receipts with it.
///
/// # Errors
/// [`AuditError`]; findings are not errors. Without a session only the chain and this device's receipts are checked.
pub async fn verify(client: &Client, progress: &Progress) -> Result<AuditReport, AuditError> {
    verify_with(client, None, progress).await
}

/// The same; with keys it also recomputes the tag of everybody who is said to have read an own record.
///
/// # Errors
/// As [`verify`].
pub async fn verify_with(client: &Client, keys: Option<&Keys>, progress: &Progress) -> Result<AuditReport, AuditError> {
    let chain = client.chain();
    chain.verify_deployment().await?;
    // The server is asked first: it cannot be ahead of a chain that is read afterwards.
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

/// A receipt past its time without an `Accessed` for its leaf is evidence against the operator; so is one that came late.
async fn check_receipts(
    client: &Client,
    anchored: &HashMap<LeafHash, AnchoredAccess>,
    now: u64,
    report: &mut AuditReport,
) -> Result<(), AuditError> {
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
