//! `medlock-api add-operator-key`: the first and every further encryption key of the operator, signed by its key, goes
//! into the deployment file.
//!
//! The key of an epoch derives from the newest secret of the secret file. So a rotation is: append a secret to the file
//! (optional, but without it whoever has the old secret has the new key, too), run this command, hand the deployment file
//! to every replica and to people, restart. Servers go on opening what was sealed to earlier keys; clients seal to the
//! newest, and refuse a server whose file does not have a key that they have seen.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use alloy::{primitives::Bytes, signers::SignerSync};
use anyhow::{Context, ensure};
use clap::Args;
use protocol::{
    deployment::Deployment,
    operator_keys::{self, OPERATOR_KEYS_MAX, SignedOperatorKey},
};

use crate::{
    operator::{read_secrets, read_signer, release_key},
    store,
};

/// Where the deployment file is, and the operator's keys.
#[derive(Clone, Debug, Args)]
pub struct NewKeySettings {
    /// The deployment file; it is replaced by one with a further key.
    #[arg(long, env = "MEDLOCK_DEPLOYMENT")]
    pub deployment: PathBuf,
    /// File with the operator's private key (hex).
    #[arg(long, env = "MEDLOCK_OPERATOR_KEY_FILE")]
    pub operator_key_file: PathBuf,
    /// File with the operator's secrets (32 bytes in hex each, one a line, newest last).
    #[arg(long, env = "MEDLOCK_OPERATOR_SECRET_FILE")]
    pub operator_secret_file: PathBuf,
    /// Do nothing when the file has a key already.
    #[arg(long)]
    pub if_none: bool,
}

/// Adds the next key; gives the epoch of the newest one.
///
/// # Errors
/// Returns an error when a file cannot be read or written, its keys do not hold, or the operator's key is another one;
/// the file is left as it was then.
pub fn add(settings: &NewKeySettings) -> anyhow::Result<u32> {
    // Two at once would both sign the same epoch: the second waits, reads what the first has written, and adds the next.
    let _lock = lock(&settings.deployment)?;
    let before = read(&settings.deployment)?;
    let mut deployment = store::read_deployment(&settings.deployment)?;
    let listed = operator_keys::check(&deployment)?;
    if settings.if_none
        && let Some(newest) = listed.last()
    {
        return Ok(newest.epoch);
    }
    ensure!(listed.len() < OPERATOR_KEYS_MAX, "the deployment file has {OPERATOR_KEYS_MAX} keys; that is the most");
    let signer = read_signer(&settings.operator_key_file)?;
    ensure!(
        signer.address() == deployment.operator,
        "the operator's key is not the one that the deployment file names"
    );
    let secrets = read_secrets(&settings.operator_secret_file)?;
    let secret = secrets.newest_first().next().context("the secret file is empty")?;
    let epoch = u32::try_from(listed.len() + 1).context("too many keys")?;
    let key = *release_key(secret, epoch).public_key();
    let hash = SignedOperatorKey::signing_hash(deployment.operator, epoch, &key, &deployment);
    let signature = signer.sign_hash_sync(&hash).context("the operator's key does not sign")?;
    deployment.operator_keys.push(SignedOperatorKey {
        epoch,
        key: Bytes::copy_from_slice(key.as_bytes()),
        signature: Bytes::copy_from_slice(&signature.as_bytes()),
    });
    operator_keys::check(&deployment)?;
    replace(&settings.deployment, &before, &deployment)?;
    Ok(epoch)
}

/// Returns the file beside the deployment file with this further ending.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(ending);
    beside.into()
}

/// Waits until nobody else adds a key to this file. Held until it is dropped, also by a process that is killed.
fn lock(path: &Path) -> anyhow::Result<File> {
    let beside = beside(path, ".lock");
    let open = || {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&beside)?;
        file.lock()?;
        std::io::Result::Ok(file)
    };
    open().with_context(|| format!("cannot lock the deployment file with {}", beside.display()))
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read the deployment file {}", path.display()))
}

/// Writes beside the file and renames, so that whoever reads it finds the old or the new one, and durably the new one once
/// this returns. Not if somebody who takes no lock has written the file since it held `before`.
fn replace(path: &Path, before: &[u8], deployment: &Deployment) -> anyhow::Result<()> {
    let beside = beside(path, ".new");
    let write = || -> anyhow::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&beside)?;
        file.write_all(serde_json::to_string_pretty(deployment)?.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        ensure!(read(path)? == before, "somebody else has changed it meanwhile; run the command again");
        std::fs::rename(&beside, path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
        Ok(())
    };
    write().with_context(|| format!("cannot write the deployment file {}", path.display()))
}
