//! `medlock list`, `show` and `get`.

use std::path::{Path, PathBuf};

use alloy::primitives::Address;
use clap::Args;
use client::{
    Client,
    download::{self, Destination, Filter, Opened, RecordDetails, RecordItem, Wanted},
    error::codes,
    grants::{self, GrantItem},
};
use protocol::{
    bodies::grants::{GrantSide, ShelfQuery},
    codes::{Category, Purpose, RecordStatus, ScopeKind},
    ids::RecordId,
};

use super::{
    failure::{self, Failure},
    moment,
    names::{self, Names},
    pick,
    range::ByteRange,
    screen::{bytes_in_words, plain, short},
    settings::Context,
    words,
};

/// List the records that are yours, that you uploaded, or that were shared with you.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only records of this patient.
    #[arg(long, value_name = "PERSON")]
    patient: Option<String>,
    /// Only this category.
    #[arg(long, value_name = "CATEGORY", value_parser = words::category(), ignore_case = true)]
    category: Option<Category>,
    /// Include records that were replaced or withdrawn.
    #[arg(long)]
    all: bool,
}

impl List {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        let patient = match &self.patient {
            Some(person) => Some(names::resolve(&context, &client, None, person).await?),
            None => None,
        };
        let (mut records, told) = download::list(&client, Filter { patient, category: self.category }).await?;
        if !self.all {
            records.retain(|record| record.status == RecordStatus::Active);
        }
        let people = records.iter().flat_map(|record| [record.patient, record.told.uploader]);
        let names = Names::of(&context, &client, None, people).await;
        // Grants of strangers are not in this list, so an empty one does not mean that nothing was shared.
        let from_strangers =
            if records.is_empty() && !context.screen.is_json() { from_strangers(&client, patient).await? } else { 0 };
        let mut answer = serde_json::json!({ "records": records });
        if !told.is_empty() {
            answer["told"] = serde_json::json!(told);
        }
        context.screen.answer(&answer, || {
            if records.is_empty() {
                return none_in_words(self.patient.is_some() || self.category.is_some(), from_strangers);
            }
            let rows = records.iter().map(|record| row(record, &names)).collect();
            context.screen.table(["RECORD", "DATE", "CATEGORY", "PATIENT", "FROM", "VERSION", "SIZE", "STATUS"], rows)
        })?;
        // If the server contradicts the chain, the command ends with that error.
        let result = context.screen.tell_all(&told);
        match told.iter().any(|item| item.code == codes::WRONG_ANSWER.as_str()) {
            true => {
                Err(Failure::new(codes::WRONG_ANSWER, "the server's description of a record differs from the chain"))
            }
            false => result,
        }
    }
}

/// Returns the number of records that strangers share with this person now; of one patient if given.
async fn from_strangers(client: &Client, patient: Option<Address>) -> Result<usize, Failure> {
    let mut grants = grants::received(client, ShelfQuery::Strangers).await?;
    grants.retain(|grant| {
        grant.kind == ScopeKind::Record
            && grant.state.is_open()
            && patient.is_none_or(|patient| patient == grant.patient)
    });
    Ok(grants.len())
}

fn none_in_words(is_filtered: bool, from_strangers: usize) -> String {
    let none = if is_filtered { "No such records." } else { "No records yet." };
    match from_strangers {
        0 => none.to_owned(),
        count => format!(
            "{none} {} shared by somebody you do not know: medlock grants --received --from strangers, then medlock accept PERSON",
            words::counted(count, "record is", "records are")
        ),
    }
}

fn row(record: &RecordItem, names: &Names) -> [String; 8] {
    let newest = record.told.versions.last();
    [
        short(record.id),
        moment::in_words(newest.map_or(record.told.created, |version| version.registered_at)),
        record.category.to_string(),
        names.call(record.patient),
        names.call(record.told.uploader),
        newest.map_or_else(String::new, |version| version.version.to_string()),
        newest.and_then(|version| version.size).map_or_else(String::new, bytes_in_words),
        status(record.status, newest.is_some_and(|version| version.retracted)),
    ]
}

/// Returns the status of a record, and whether its newest version was retracted.
fn status(status: RecordStatus, is_retracted: bool) -> String {
    let status = words::status_in_words(status);
    if is_retracted { format!("{status}, retracted by its uploader") } else { status.to_owned() }
}

/// Show one record: its versions, where they are stored, who may open it.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The record.
    #[arg(value_name = "RECORD")]
    record: String,
}

impl Show {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        let record = download::show(&client, pick::record(&client, &self.record).await?).await?;
        let is_mine = record.patient == client.address();
        let side = if is_mine { GrantSide::Given } else { GrantSide::Received };
        let grants = grants::list(&client, side, Some(record.id)).await?;
        let people = grants.iter().flat_map(|grant| [Some(grant.patient), grant.told.grantee]).flatten();
        let uploaders = record.versions.iter().map(|version| version.uploader);
        let people = people.chain(uploaders).chain([record.patient]);
        let names = Names::of(&context, &client, None, people).await;
        let answer = serde_json::json!({ "record": record, "grants": grants });
        context.screen.answer(&answer, || {
            let text = in_words(&context, &record, &grants, &names);
            match record.liftable_until.filter(|_| is_mine) {
                Some(until) => format!("{text}\n{}", withdrawn_in_words(record.id, until)),
                None => text,
            }
        })
    }
}

/// Returns until when a withdrawal can be undone.
fn withdrawn_in_words(record: RecordId, until: u64) -> String {
    if until <= moment::now() {
        return "You have withdrawn this record, and can no longer undo it.".to_owned();
    }
    format!("Until {} you can undo the withdrawal: medlock lift {}.", moment::in_words(until), short(record))
}

fn in_words(context: &Context, record: &RecordDetails, grants: &[GrantItem], names: &Names) -> String {
    let heading = |text: &str| context.screen.heading(text);
    let mut text = format!(
        "{} {}\n{} {}\n{} {}\n{} {}\n\n",
        heading("Record  "),
        record.id,
        heading("Patient "),
        names.call(record.patient),
        heading("Category"),
        record.category,
        heading("Status  "),
        status(record.status, record.versions.last().is_some_and(|version| version.retracted)),
    );
    let rows = record.versions.iter().map(|version| {
        [
            version.version.to_string(),
            moment::in_words(version.told.registered_at),
            names.call(version.uploader),
            version.told.size.map_or_else(String::new, bytes_in_words),
            if version.told.has_release_share { "yes" } else { "no" }.to_owned(),
            if version.retracted { "yes" } else { "no" }.to_owned(),
            version.cid.clone(),
        ]
    });
    text += &context.screen.table(["VERSION", "DATE", "FROM", "SIZE", "SHAREABLE", "RETRACTED", "CID"], rows.collect());
    text += "\n\n";
    let standing: Vec<_> = grants
        .iter()
        .filter(|grant| grant.state.is_open())
        .map(|grant| super::grants::sentence(grant, names))
        .collect();
    text += &if standing.is_empty() { "Shared with nobody.".to_owned() } else { standing.join("\n") };
    text
}

/// Open a record: fetch it, verify it, decrypt it on this device, and say who made it.
///
/// If you open somebody else's record, this is written into a log that the patient sees and that is anchored on chain.
#[derive(Debug, Args)]
#[command(after_help = words::PURPOSES)]
pub(crate) struct Get {
    /// The record.
    #[arg(value_name = "RECORD")]
    record: String,
    /// The version. If left out: the newest.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    version: Option<u16>,
    /// The file to write to, or - for standard output. If absent, a file with the document's own name in this
    /// directory.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace an existing file.
    #[arg(long)]
    force: bool,
    /// The purpose, which is written into the log. If left out: the grant's purpose, when it has only one.
    #[arg(long, value_name = "PURPOSE", value_parser = words::purpose(), ignore_case = true)]
    purpose: Option<Purpose>,
    /// Only a part of the content, in bytes: for example 0-1023, or 1024- for the rest.
    #[arg(long, value_name = "RANGE")]
    range: Option<ByteRange>,
}

impl Get {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let to_stdout = self.output.as_deref() == Some(Path::new("-"));
        if to_stdout && context.screen.is_json() {
            return Err(
                failure::usage("--json and --output - both use standard output").remedy("Leave one of them out")
            );
        }
        let client = context.client()?;
        let keys = context.keys(&client).await?;
        let record = pick::record(&client, &self.record).await?;
        let wanted =
            Wanted { record, version: self.version, purpose: self.purpose, range: self.range.map(ByteRange::to_range) };
        // Nothing is written to standard output before everything is checked, so the document is first stored in the
        // private directory.
        let waiting = if to_stdout { Some(private_folder(&client)?) } else { None };
        let destination = match (&waiting, self.output) {
            (Some(folder), _) => Destination::File { path: folder.path().join("document"), replace: false },
            (None, Some(path)) if path.is_dir() => Destination::Folder(path),
            (None, Some(path)) => Destination::File { path, replace: self.force },
            (None, None) => Destination::Folder(".".into()),
        };
        let (bar, progress) = context.watch(&short(record));
        let opened = download::get(&client, &keys, &wanted, &destination, &progress).await;
        drop(bar);
        let opened = opened?;
        let names = Names::of(&context, &client, Some(&keys), [opened.author.address, opened.patient]).await;
        if to_stdout {
            context.screen.write_file(&opened.path)?;
            context.screen.note(opened_in_words(&opened, "standard output", &names));
            return Ok(());
        }
        context.screen.answer(&opened, || opened_in_words(&opened, &plain(&opened.path.display().to_string()), &names))
    }
}

fn private_folder(client: &Client) -> Result<tempfile::TempDir, Failure> {
    let dir = client.home().dir();
    tempfile::Builder::new().prefix("open-").tempdir_in(dir).map_err(|error| failure::file(dir, "written", &error))
}

fn opened_in_words(opened: &Opened, place: &str, names: &Names) -> String {
    let author = &opened.author;
    let address = author.address.to_checksum(None);
    let known = author.name.as_deref().map(plain).or_else(|| names.find(author.address));
    let who = known.map_or_else(|| address.clone(), |name| format!("{name}, {address}"));
    let roles =
        if author.roles.is_empty() { String::new() } else { format!(" ({})", words::roles_in_words(&author.roles)) };
    let written = match (author.signed, author.forged) {
        (true, _) => format!("Written by {who}{roles}; the signature is valid."),
        (false, true) => format!(
            "Warning: the author's signature is forged; do not trust the author that it names. Registered by {who}{roles}."
        ),
        (false, false) => format!("It has no signature. Registered by {who}{roles}."),
    };
    let mut text = format!(
        "{} ({}, {}) is in {place}.\n{written}",
        plain(&opened.file_name),
        plain(&opened.media_type),
        bytes_in_words(opened.content_bytes),
    );
    if opened.retracted {
        text += "\nWarning: its uploader has retracted this version; do not rely on it.";
    }
    if let Some(leaf) = opened.leaf {
        text += &format!("\nThis read is in the log that the patient sees (entry {}).", short(leaf));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_list_says_that_strangers_share_something() {
        assert_eq!(none_in_words(false, 0), "No records yet.");
        assert!(
            none_in_words(false, 1).starts_with("No records yet. 1 record is shared by somebody you do not know: ")
        );
        assert!(
            none_in_words(true, 2).starts_with("No such records. 2 records are shared by somebody you do not know: ")
        );
    }
}
