//! `medlock-api add-operator-key`: the first and every further encryption key of the operator, signed by its key, goes
//! into the deployment file.
//!
//! The key of an epoch derives from the newest secret of the secret file. So a rotation is: append a secret to the file
//! (optional, but without it whoever has the old secret has the new key, too), run this command, hand the deployment file
//! to every replica and to people, restart. Servers go on opening what was sealed to earlier keys; clients seal to the
//! newest, and refuse a server whose file does not have a key that they have seen.

use std::{
    fs::OpenOptions,
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
/// When a file cannot be read or written, its keys do not hold, or the operator's key is another one; the file is left as
/// it was then.
pub fn add(settings: &NewKeySettings) -> anyhow::Result<u32> {
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
    replace(&settings.deployment, &deployment)?;
    Ok(epoch)
}

/// Writes beside the file and renames, so that whoever reads it finds the old or the new one.
fn replace(path: &Path, deployment: &Deployment) -> anyhow::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&beside)?;
        file.write_all(serde_json::to_string_pretty(deployment)?.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    };
    write().with_context(|| format!("cannot write the deployment file {}", path.display()))
}
