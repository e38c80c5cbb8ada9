//! `medlock-api add-operator-key`: adds an encryption key of the operator, signed by the operator's key, to the
//! deployment file. It adds the first key and every later one.
//!
//! The key of an epoch is derived from the newest secret in the secret file. To rotate the key: append a secret to the
//! file, run this command, give the deployment file to every replica and to people, and restart. The new secret is
//! optional, but without it anybody who has the old secret has the new key, too. Servers still open values that were
//! sealed to earlier keys. Clients seal to the newest key, and refuse a server whose file lacks a key that they have
//! seen.

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

/// The deployment file and the operator's keys.
#[derive(Clone, Debug, Args)]
pub struct NewKeySettings {
    /// The deployment file. The command replaces it with one that has a further key.
    #[arg(long, env = "MEDLOCK_DEPLOYMENT")]
    pub deployment: PathBuf,
    /// File with the operator's private key (hex).
    #[arg(long, env = "MEDLOCK_OPERATOR_KEY_FILE")]
    pub operator_key_file: PathBuf,
    /// File with the operator's secrets (32 bytes in hex each, one a line, newest last).
    #[arg(long, env = "MEDLOCK_OPERATOR_SECRET_FILE")]
    pub operator_secret_file: PathBuf,
    /// Do nothing if the file already has a key.
    #[arg(long)]
    pub if_none: bool,
}

/// Adds the next key. Returns the epoch of the newest one.
///
/// # Errors
/// Returns an error when a file cannot be read or written, when the keys in the deployment file are invalid, or when
/// the operator's key is a different one. The file is then unchanged.
pub fn add(settings: &NewKeySettings) -> anyhow::Result<u32> {
    // Two commands at once would sign the same epoch. So the second one waits, reads the result of the first, and adds
    // the next key.
    let _lock = lock(&settings.deployment)?;
    let before = read(&settings.deployment)?;
    let mut deployment = store::read_deployment(&settings.deployment)?;
    let listed = operator_keys::check(&deployment)?;
    if settings.if_none
        && let Some(newest) = listed.last()
    {
        return Ok(newest.epoch);
    }
    ensure!(
        listed.len() < OPERATOR_KEYS_MAX,
        "the deployment file already has the maximum of {OPERATOR_KEYS_MAX} keys"
    );
    let signer = read_signer(&settings.operator_key_file)?;
    ensure!(
        signer.address() == deployment.operator,
        "the operator's key is not the one that the deployment file names"
    );
    let secrets = read_secrets(&settings.operator_secret_file)?;
    let secret = secrets.newest_first().next().context("the secret file is empty")?;
    let epoch = u32::try_from(listed.len() + 1).context("too many keys")?;
    let key = release_key(secret, epoch).public_key().clone();
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

/// Returns the path beside the deployment file with this additional extension.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(ending);
    beside.into()
}

/// Waits until no other command adds a key to this file. The lock is released when it is dropped, or when the process
/// is killed.
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

/// Writes a file beside it and renames it. Readers see either the old or the new file, and the new one is durable when
/// this returns. Fails if a program without the lock has changed the file since it contained `before`.
fn replace(path: &Path, before: &[u8], deployment: &Deployment) -> anyhow::Result<()> {
    let beside = beside(path, ".new");
    let write = || -> anyhow::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&beside)?;
        file.write_all(serde_json::to_string_pretty(deployment)?.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        ensure!(read(path)? == before, "another program has changed it in the meantime; run the command again");
        std::fs::rename(&beside, path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
        Ok(())
    };
    write().with_context(|| format!("cannot write the deployment file {}", path.display()))
}
