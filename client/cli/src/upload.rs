//! `medlock upload`.

use std::path::{Path, PathBuf};

use clap::Args;
use client::{
    Failure as _,
    act::Way,
    own_key, unlock,
    upload::{self, NewUpload, Source, Target, Uploaded},
};
use protocol::codes::Category;

use super::{
    failure::{self, Failure},
    names, pick,
    screen::{bytes_in_words, plain},
    settings::{Context, Sending},
    words,
};

/// Encrypt files on this device and upload them as records.
///
/// The server gets ciphertext only: no name, no type, no key. A lab or a doctor uploads for a patient who has given
/// upload permission (medlock grant --write).
#[derive(Debug, Args)]
pub(crate) struct Upload {
    /// Files, or - for standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The patient. If left out: you.
    #[arg(long, value_name = "PERSON", conflicts_with = "record")]
    patient: Option<String>,
    /// The category. It is public on chain, so leave it out for anything sensitive.
    #[arg(long, value_name = "CATEGORY", value_parser = words::category(), ignore_case = true, default_value = "unspecified")]
    #[arg(conflicts_with = "record")]
    category: Category,
    /// Add a new version to this record, instead of creating a new record.
    #[arg(long, value_name = "RECORD")]
    record: Option<String>,
    /// The file name that readers see. If left out: the file's own.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The media type that readers see. If left out, it is guessed from the name.
    #[arg(long, value_name = "TYPE")]
    media_type: Option<String>,
    #[command(flatten)]
    sending: Sending,
}

impl Upload {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        if self.files.len() > 1 && (self.name.is_some() || self.record.is_some()) {
            return Err(
                failure::usage("--name and --record are for a single file").remedy("Upload the files one by one")
            );
        }
        // Names are checked first, so that a mistake is reported before anything is sent.
        let names = self.files.iter().map(|path| self.name_of(path)).collect::<Result<Vec<_>, _>>()?;
        let client = context.client()?;
        let wallet = context.wallet(&client).await?;
        // A device that was set up with an earlier version does not have its own public key yet. It is stored once.
        if own_key::find_kept(&client)?.is_none() && unlock::has_keyring(&client)? {
            context.keys(&client).await?;
        }
        let target = match &self.record {
            Some(record) => Target::NewVersion(pick::record(&client, record).await?),
            None => {
                let patient = match &self.patient {
                    Some(person) => names::resolve(&context, &client, None, person).await?,
                    None => client.address(),
                };
                Target::NewRecord { patient, category: self.category }
            }
        };
        let mut uploads = Vec::new();
        let mut failed = Vec::new();
        let mut outcome = Ok(());
        for (path, name) in self.files.iter().zip(names) {
            let source =
                if is_pipe(path) { Source::Pipe(Box::new(tokio::io::stdin())) } else { Source::File(path.clone()) };
            let (bar, progress) = context.watch(&plain(&name));
            let new = NewUpload {
                source,
                target,
                file_name: name,
                media_type: self.media_type.clone(),
                way: self.sending.way(),
            };
            let uploaded = upload::upload(&client, &wallet, new, &progress).await;
            drop(bar);
            match uploaded {
                Ok(uploaded) => uploads.push(uploaded),
                // A file that fails does not stop the others, unless they would fail for the same reason.
                Err(failure) => {
                    let stops = upload::stops_others(&client, &failure).await;
                    if self.files.len() > 1 {
                        context.screen.warn(format!("{}: {failure}", plain(&path.display().to_string())));
                    }
                    failed.push(serde_json::json!({
                        "file": path.display().to_string(), "code": failure.code().as_str(), "what": failure.to_string(),
                    }));
                    if outcome.is_ok() {
                        outcome = Err(failure.into());
                    }
                    if stops {
                        break;
                    }
                }
            }
        }
        // Completed uploads are shown even if a later one failed.
        if outcome.is_ok() || !uploads.is_empty() {
            let mut answer = serde_json::json!({ "uploads": uploads });
            if !failed.is_empty() {
                answer["failed"] = failed.into();
            }
            context.screen.answer(&answer, || {
                let lines = uploads.iter().map(|uploaded| in_words(uploaded, self.sending.way()));
                lines.collect::<Vec<_>>().join("\n")
            })?;
        }
        outcome
    }

    fn name_of(&self, path: &Path) -> Result<String, Failure> {
        if let Some(name) = &self.name {
            return Ok(name.clone());
        }
        if is_pipe(path) {
            return Err(failure::usage("standard input has no file name").remedy("Add --name NAME"));
        }
        path.file_name().and_then(|name| name.to_str()).map(ToOwned::to_owned).ok_or_else(|| {
            failure::usage(format!("{} has no name that can be stored", path.display())).remedy("Add --name NAME")
        })
    }
}

fn is_pipe(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn in_words(uploaded: &Uploaded, way: Way) -> String {
    let size = bytes_in_words(uploaded.content_bytes);
    let state = match (uploaded.settled.block_number, way) {
        (Some(block), _) => format!("registered in block {block}"),
        (None, Way::Relayed) => "accepted; it will be on the chain in a moment".to_owned(),
        (None, Way::Direct) => "sent".to_owned(),
    };
    format!("{}  version {}, {size}, {state}", uploaded.record, uploaded.version)
}
