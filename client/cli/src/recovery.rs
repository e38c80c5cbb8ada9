//! `medlock restore`, which restores records from the recovery words, and `medlock reissue`, which restores a server
//! from this device.

use std::path::PathBuf;

use alloy::primitives::Address;
use clap::{ArgGroup, Args};
use client::{
    error::codes,
    home::read_deployment,
    reissue,
    restore::{self, BlockSource, Restored},
};
use protocol::deployment::Deployment;

use super::{
    failure::{self, Failure},
    init::ask_for_words,
    kit::Saved,
    screen::{bytes_in_words, plain, short},
    settings::Context,
    who,
    words::counted,
};

/// Restore all your records from the recovery words, the chain and IPFS; needs no server.
///
/// The words are asked for, or read from --words-file. Records that cannot be found are listed. To set up a new device
/// with your old keys, use: medlock init --words
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("source").args(["kubo", "gateway", "car"]).required(true))]
pub(crate) struct Restore {
    /// The directory for the restored files.
    #[arg(long, short, value_name = "DIR", default_value = "restored")]
    output: PathBuf,
    /// A file with the recovery words or the whole kit, instead of asking.
    #[arg(long, value_name = "FILE")]
    words_file: Option<PathBuf>,
    /// The owner of the records. If absent, the address in the kit, or the account of this device.
    #[arg(long, value_name = "ADDRESS")]
    owner: Option<String>,
    /// A Kubo RPC URL to read blocks from.
    #[arg(long, value_name = "URL")]
    kubo: Option<String>,
    /// A trustless IPFS gateway to read blocks from.
    #[arg(long, value_name = "URL")]
    gateway: Option<String>,
    /// A CAR file to read blocks from.
    #[arg(long, value_name = "FILE")]
    car: Option<PathBuf>,
}

impl Restore {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let (deployment, rpc, own_address) = where_to_look(&context)?;
        let saved = match &self.words_file {
            Some(path) => Saved::read(path)?,
            None => Saved { words: ask_for_words("Recovery words: ")?, owner: None },
        };
        let owner = match &self.owner {
            Some(text) => Some(who::parse_address(text).map_err(failure::usage)?),
            None => saved.owner.or(own_address),
        };
        let owner = owner.ok_or_else(|| {
            failure::usage("the command does not say whose records to restore").remedy("Add --owner ADDRESS")
        })?;
        let source = match (self.kubo, self.gateway, self.car) {
            (Some(url), ..) => BlockSource::Kubo(url),
            (_, Some(url), _) => BlockSource::Gateway(url),
            (.., Some(path)) => BlockSource::Car(path),
            _ => {
                return Err(failure::usage("the command does not say where to read the blocks")
                    .remedy("Add --kubo, --gateway or --car"));
            }
        };
        let plan = restore::Restore { words: saved.words, owner, deployment, rpc, source, out: self.output };
        let (bar, progress) = context.watch("restoring");
        let restored = restore::restore(&plan, &progress).await;
        drop(bar);
        let restored = restored?;
        context.screen.answer(&restored, || in_words(&restored))?;
        match restored.versions.iter().filter(|version| version.path.is_none()).count() {
            0 => Ok(()),
            missing => Err(Failure::new(
                codes::BLOCK_MISSING,
                format!("{missing} of {} could not be restored", restored.versions.len()),
            )),
        }
    }
}

/// Returns the deployment, the chain node, and the account of this device, from settings or from a directory that is
/// set up.
fn where_to_look(context: &Context) -> Result<(Deployment, String, Option<Address>), Failure> {
    let home = context.home()?;
    let config = if home.is_set_up() { Some(home.config()?) } else { None };
    let deployment = match (&context.settings.deployment, &config) {
        (Some(path), _) => read_deployment(path)?,
        (None, Some(config)) => home.deployment(config)?,
        (None, None) => {
            return Err(failure::usage("the command does not name a deployment").remedy("Add --deployment FILE"));
        }
    };
    let rpc = match (&context.settings.rpc, &config) {
        (Some(rpc), _) => rpc.clone(),
        (None, Some(config)) => config.rpc.clone(),
        (None, None) => {
            return Err(failure::usage("the command does not name a node of the chain").remedy("Add --rpc URL"));
        }
    };
    Ok((deployment, rpc, config.map(|config| config.address)))
}

fn in_words(restored: &Restored) -> String {
    if restored.versions.is_empty() {
        return "The chain has no record of this owner.".to_owned();
    }
    let lines = restored.versions.iter().map(|version| {
        let outcome = match (&version.path, &version.problem) {
            (Some(path), _) => {
                format!("{} ({})", plain(&path.display().to_string()), bytes_in_words(version.content_bytes))
            }
            (None, problem) => {
                format!(
                    "not restored: {}",
                    problem.as_deref().map_or_else(|| "for an unknown reason".to_owned(), plain)
                )
            }
        };
        let mark = if version.retracted { "  retracted by its uploader: do not rely on it" } else { "" };
        format!("{} version {}  {outcome}{mark}", short(version.record), version.version)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Send release shares, capsules and keyring again to a new or emptied server.
#[derive(Debug, Args)]
pub(crate) struct Reissue {}

impl Reissue {
    pub(crate) async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        let keys = context.keys(&client).await?;
        let (bar, progress) = context.watch("giving again");
        let reissued = reissue::reissue(&client, &keys, &progress).await;
        drop(bar);
        let reissued = reissued?;
        context.screen.answer(&reissued, || {
            let mut text = format!(
                "The server has these again: {}, {}, {}{}.",
                counted(reissued.release_shares, "release share", "release shares"),
                counted(reissued.bundles, "bundle", "bundles"),
                counted(reissued.write_grants, "upload permission", "upload permissions"),
                if reissued.keyring { ", and your keyring" } else { "" },
            );
            if reissued.changed_bundles > 0 {
                let grants = counted(reissued.changed_bundles, "grant", "grants");
                text += &format!("\nGive {grants} again: medlock grants, medlock grant");
            }
            if reissued.unknown_grants > 0 {
                let grants = counted(reissued.unknown_grants, "grant", "grants");
                text += &format!("\nThe grantees of {grants} cannot be found any more.");
            }
            text
        })?;
        context.screen.tell_all(&reissued.told)
    }
}
