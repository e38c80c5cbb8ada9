//! `medlock audit verify`: recomputes the log from the chain.

use clap::{Args, Subcommand};
use client::{
    audit::{self, AuditReport},
    error::codes,
};

use super::{failure::Failure, screen::plain, settings::Context, words::counted};

/// Check the operator's access log against the chain.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    #[command(subcommand)]
    action: AuditAction,
}

/// The kinds of audits.
#[derive(Debug, Subcommand)]
enum AuditAction {
    /// Recompute every anchored root from the chain alone, and compare the server's log and your receipts with it.
    Verify,
}

impl Audit {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let AuditAction::Verify = self.action;
        let client = context.client()?;
        // The owner's keys show who a reader really is. An auditor may have none.
        let keys = context.keys_if_any(&client).await?;
        let (bar, progress) = context.watch("recomputing the log");
        let report = audit::verify_with(&client, keys.as_ref(), &progress).await;
        drop(bar);
        let report = report?;
        context.screen.answer(&report, || in_words(&report))?;
        match report.findings.len() {
            0 => Ok(()),
            1 => Err(Failure::new(codes::LOG_BROKEN, "one check of the log failed")),
            many => Err(Failure::new(codes::LOG_BROKEN, format!("{many} checks of the log failed"))),
        }
    }
}

fn in_words(report: &AuditReport) -> String {
    let mut text = format!(
        "Recomputed from the chain: {} in {}, root {}.\n\
         Server's log: {} found on chain, {} of them with the operator's evidence.\n\
         Your records: {} checked with your keys, {} found at their block.\n\
         Your receipts: {} anchored in time, {} not due yet.",
        counted(report.leaves, "read", "reads"),
        counted(report.checkpoints, "checkpoint", "checkpoints"),
        report.root,
        counted(report.entries_found, "entry", "entries"),
        report.evidence_checked,
        counted(report.readers_checked, "reader", "readers"),
        counted(report.permissions_checked, "permission", "permissions"),
        report.receipts_anchored,
        report.receipts_waiting,
    );
    if report.evidence_checked < report.entries_found {
        text += "\nThe operator shows evidence only of your own reads and of reads of your records; auditors see none.";
    }
    for finding in &report.findings {
        text += &format!("\nFailed check ({}): {}", finding.kind, plain(&finding.what));
    }
    if report.findings.is_empty() {
        text += "\nAll checks passed.";
    }
    text
}
