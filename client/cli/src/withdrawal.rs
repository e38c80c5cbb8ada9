//! `medlock withdraw`, `lift` and `retract`: statements of a patient or an uploader about a whole record.

use clap::Args;
use client::{act::Settled, record_status};
use protocol::ids::RecordId;

use super::{
    failure::Failure,
    moment, pick, prompt,
    screen::short,
    settings::{Context, Sending},
};

/// Withdraw one of your records. Nobody can open it from now on.
///
/// For a day you can undo this with `medlock lift`. After that, the servers destroy its data. People who have opened it
/// may have kept a copy.
#[derive(Debug, Args)]
pub(crate) struct Withdraw {
    /// The record.
    #[arg(value_name = "RECORD")]
    record: String,
    /// Do not ask for confirmation.
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    sending: Sending,
}

impl Withdraw {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        let record = pick::record(&client, &self.record).await?;
        prompt::agree("Nobody will be able to open this record.", self.yes)?;
        let wallet = context.wallet(&client).await?;
        let settled = record_status::tombstone(&client, &wallet, record, self.sending.way()).await?;
        let until = client.chain().tombstone(record).await?.liftable_until;
        said(&context, record, &settled, || {
            let id = short(record);
            if until == 0 {
                return format!("Record {id} is withdrawn.");
            }
            format!("Record {id} is withdrawn. Until {} you can undo this: medlock lift {id}.", moment::in_words(until))
        })
    }
}

/// Undo a withdrawal within a day. The people with whom the record is shared can open it again.
#[derive(Debug, Args)]
pub(crate) struct Lift {
    /// The record.
    #[arg(value_name = "RECORD")]
    record: String,
    #[command(flatten)]
    sending: Sending,
}

impl Lift {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        let record = pick::record(&client, &self.record).await?;
        let wallet = context.wallet(&client).await?;
        let settled = record_status::lift(&client, &wallet, record, self.sending.way()).await?;
        said(&context, record, &settled, || format!("Record {} can be opened again.", short(record)))
    }
}

/// Warn that your uploads to a record must not be relied on; nothing is deleted.
///
/// The warning covers all versions that the record has now. It does not cover a corrected version that you upload
/// afterwards.
#[derive(Debug, Args)]
pub(crate) struct Retract {
    /// The record.
    #[arg(value_name = "RECORD")]
    record: String,
    #[command(flatten)]
    sending: Sending,
}

impl Retract {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        let record = pick::record(&client, &self.record).await?;
        let wallet = context.wallet(&client).await?;
        let settled = record_status::retract(&client, &wallet, record, self.sending.way()).await?;
        said(&context, record, &settled, || {
            format!("Everybody who may see record {} sees a warning not to rely on it.", short(record))
        })
    }
}

fn said(context: &Context, record: RecordId, settled: &Settled, words: impl FnOnce() -> String) -> Result<(), Failure> {
    let answer = serde_json::json!({ "record": record, "settled": settled });
    context.screen.answer(&answer, || {
        let words = words();
        if settled.block_number.is_some() { words } else { words + "\nIt will be on the chain in a moment." }
    })
}
