//! `medlock audit verify`: the log, recomputed.

use clap::{Args, Subcommand};
use client::{
    audit::{self, AuditReport},
    error::codes,
};

use super::{failure::Failure, screen::plain, settings::Context};

/// Check the operator's access log against the chain.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    #[command(subcommand)]
    action: AuditAction,
}

/// What to check.
#[derive(Debug, Subcommand)]
enum AuditAction {
    /// Recompute every anchored root from the chain alone, and compare the server's log and your receipts with it.
    Verify,
}

impl Audit {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let AuditAction::Verify = self.action;
        let client = context.client()?;
        // The owner's keys tell who a reader really is; an auditor may have none.
        let keys = context.keys_if_any(&client).await?;
        let (bar, progress) = context.watch("recomputing the log");
        let report = audit::verify_with(&client, keys.as_ref(), &progress).await;
        drop(bar);
        let report = report?;
        context.screen.answer(&report, || in_words(&report))?;
        match report.findings.len() {
            0 => Ok(()),
            1 => Err(Failure::new(codes::LOG_BROKEN, "one thing in the log does not hold")),
            many => Err(Failure::new(codes::LOG_BROKEN, format!("{many} things in the log do not hold"))),
        }
    }
}

fn in_words(report: &AuditReport) -> String {
    let mut text = format!(
        "{} reads in {} checkpoints, recomputed from the chain; root {}.\n\
         {} entries of the server's log found on chain, {} with the operator's evidence; {} readers of your records \
         checked with your keys, {} permissions found at their block.\n\
         {} of your receipts anchored in time, {} not due yet.",
        report.leaves,
        report.checkpoints,
        report.root,
        report.entries_found,
        report.evidence_checked,
        report.readers_checked,
        report.permissions_checked,
        report.receipts_anchored,
        report.receipts_waiting,
    );
    for finding in &report.findings {
        text += &format!("\nDoes not hold ({}): {}", finding.kind, plain(&finding.what));
    }
    if report.findings.is_empty() {
        text += "\nEverything holds.";
    }
    text
}
