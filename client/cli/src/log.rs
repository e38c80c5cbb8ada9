//! `medlock log`: shows who opened which records.

use clap::Args;
use client::{
    audit::{self, ListedRead, LogFilter, OnChain, Who},
    error::codes,
};
use protocol::codes::Purpose;

use super::{
    failure::{self, Failure},
    moment::{self, Edge},
    names::Names,
    pick,
    screen::short,
    settings::Context,
    words,
};

/// Show who opened which of your records, when and why.
#[derive(Debug, Args)]
#[command(after_help = words::PURPOSES)]
pub(crate) struct Log {
    /// Only this record.
    #[arg(long, value_name = "RECORD")]
    record: Option<String>,
    /// Only this purpose.
    #[arg(long, value_name = "PURPOSE", value_parser = words::purpose(), ignore_case = true)]
    purpose: Option<Purpose>,
    /// Only from this time. A length counts back from now: 7d for the last seven days.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only until this time. A length counts back from now.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

impl Log {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let (from, until) = self.period(&context)?;
        let client = context.client()?;
        let record = match &self.record {
            Some(record) => Some(pick::record(&client, record).await?),
            None => None,
        };
        let keys = context.keys_if_any(&client).await?;
        let filter = LogFilter { record, purpose: self.purpose, from, until };
        let reads = audit::listed(&client, keys.as_ref(), &filter).await?;
        let names =
            Names::of(&context, &client, keys.as_ref(), reads.iter().filter_map(|read| read.entry.reader)).await;
        context.screen.answer(&serde_json::json!({ "entries": reads }), || {
            if reads.is_empty() {
                let is_filtered = record.is_some() || self.purpose.is_some() || from.is_some() || until.is_some();
                let none =
                    if is_filtered { "The log has no such read." } else { "Nobody has opened a record of yours." };
                return none.to_owned();
            }
            let rows = reads.iter().map(|read| row(read, &names));
            context.screen.table(["TIME", "WHO", "RECORD", "VERSION", "FOR", "ON CHAIN"], rows.collect())
        })?;
        match reads.iter().filter(|read| read.is_wrong()).count() {
            0 => Ok(()),
            1 => Err(broken("one entry of the log is wrong")),
            many => Err(broken(&format!("{many} entries of the log are wrong"))),
        }
    }

    /// Returns the wanted period. One in which nothing can have happened is refused: its empty answer would look like
    /// proof that nobody opened anything.
    fn period(&self, context: &Context) -> Result<(Option<u64>, Option<u64>), Failure> {
        let from = self.from.as_deref().map(|text| context.past_moment(text, Edge::Start)).transpose()?;
        let until = self.until.as_deref().map(|text| context.past_moment(text, Edge::End)).transpose()?;
        if from.is_some_and(|from| from > moment::now()) {
            return Err(failure::usage("the beginning is in the future")
                .remedy("Choose an earlier --from, for example 7d for the last seven days"));
        }
        if let (Some(from), Some(until)) = (from, until)
            && until <= from
        {
            return Err(failure::usage("the end must be after the beginning")
                .remedy("Choose an earlier --from or a later --until"));
        }
        Ok((from, until))
    }
}

fn row(read: &ListedRead, names: &Names) -> [String; 6] {
    let entry = &read.entry;
    let called = entry.reader.map_or_else(|| short(entry.tag), |reader| names.call(reader));
    let who = match read.who {
        // An auditor sees the tag of a read, not the reader.
        Who::NotChecked if entry.reader.is_none() => format!("not shown to you ({called})"),
        Who::Checked | Who::NotChecked => called,
        Who::Wrong => format!("NOT {called}: the tag belongs to another person"),
        Who::Withheld => format!("withheld ({called})"),
    };
    let block = || entry.block_number.map_or_else(String::new, |block| format!("block {block}"));
    let on_chain = match read.on_chain {
        OnChain::Anchored => block(),
        OnChain::Waiting => "not yet".to_owned(),
        OnChain::Overdue => "MISSING: it is overdue".to_owned(),
        OnChain::Invented => "MISSING, although the server says it is there".to_owned(),
        OnChain::Altered => "ALTERED: it differs from the chain".to_owned(),
        OnChain::Hidden => format!("{}, HIDDEN by the server", block()),
    };
    [
        moment::in_words(entry.time),
        who,
        short(entry.record),
        entry.version.map(|version| version.to_string()).unwrap_or_default(),
        words::purpose_in_words(entry.purpose).to_owned(),
        on_chain,
    ]
}

fn broken(what: &str) -> Failure {
    Failure::new(codes::LOG_BROKEN, what).remedy("Keep the answer, and run: medlock audit verify")
}
