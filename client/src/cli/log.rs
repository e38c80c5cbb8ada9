//! `medlock log`: who opened what.

use clap::Args;
use client::audit::{self, LogFilter};
use protocol::codes::Purpose;

use super::{
    failure::Failure,
    moment::{self, Edge},
    names::Names,
    records,
    screen::short,
    settings::Context,
    words,
};

/// Show who opened which of your records, when and why.
#[derive(Debug, Args)]
pub(crate) struct Log {
    /// Only this record.
    #[arg(long, value_name = "RECORD")]
    record: Option<String>,
    /// Only this purpose.
    #[arg(long, value_name = "PURPOSE", value_parser = words::purpose(), ignore_case = true)]
    purpose: Option<Purpose>,
    /// Only from this time on.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only until this time.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

impl Log {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let from = self.from.as_deref().map(|text| context.moment(text, Edge::Start)).transpose()?;
        let until = self.until.as_deref().map(|text| context.moment(text, Edge::End)).transpose()?;
        let client = context.client()?;
        let record = match &self.record {
            Some(record) => Some(records::find(&client, record).await?),
            None => None,
        };
        let entries = audit::log(&client, &LogFilter { record, purpose: self.purpose, from, until }).await?;
        let names = Names::of(&context, &client, None, entries.iter().filter_map(|entry| entry.reader)).await;
        context.screen.answer(&serde_json::json!({ "entries": entries }), || {
            if entries.is_empty() {
                return "Nobody has opened anything.".to_owned();
            }
            let rows = entries.iter().map(|entry| {
                [
                    moment::in_words(entry.time),
                    entry.reader.map_or_else(|| short(entry.tag), |reader| names.call(reader)),
                    short(entry.record),
                    entry.version.map(|version| version.to_string()).unwrap_or_default(),
                    words::purpose_in_words(entry.purpose).to_owned(),
                    entry.block_number.map_or_else(|| "not yet".to_owned(), |block| format!("block {block}")),
                ]
            });
            context.screen.table(["TIME", "WHO", "RECORD", "VERSION", "FOR", "ON CHAIN"], rows.collect())
        })
    }
}
