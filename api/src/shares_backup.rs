//! Backup and restore of the release shares. Nobody else can restore them, except each owner for their own records.
//!
//! A backup is a text file: a head line, one line per share, and a closing line with their number and SHA-256. The
//! shares stay encrypted under the operator's secret, which is not in the file and is kept apart from it.

use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
};

use alloy::primitives::{Address, Bytes};
use anyhow::{Context, bail, ensure};
use clap::Args;
use mongodb::{
    Database,
    bson::{Document, doc},
};
use protocol::{
    codes::RecordStatus,
    deployment::ContractName,
    ids::RecordId,
    mirror::{self, CURSOR_ID, CursorDoc, RecordDoc},
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{operator::Operator, retire, store};

/// The first word of a backup file, with the version of the format.
const FORMAT: &str = "medlock-release-shares/2";

/// The database with the shares, and the keys that open them.
#[derive(Clone, Debug, Args)]
pub struct BackupSettings {
    /// URI of MongoDB.
    #[arg(long, env = "MEDLOCK_MONGODB_URI", hide_env_values = true)]
    pub mongodb_uri: SecretString,
    /// Name of the database.
    #[arg(long, env = "MEDLOCK_MONGODB_DATABASE", default_value = "medlock")]
    pub mongodb_database: String,
    /// The deployment file.
    #[arg(long, env = "MEDLOCK_DEPLOYMENT")]
    pub deployment: PathBuf,
    /// File with the operator's private key (hex).
    #[arg(long, env = "MEDLOCK_OPERATOR_KEY_FILE")]
    pub operator_key_file: PathBuf,
    /// File with the operator's secrets (32 bytes in hex each, one a line, newest last).
    #[arg(long, env = "MEDLOCK_OPERATOR_SECRET_FILE")]
    pub operator_secret_file: PathBuf,
    /// The backup file.
    #[arg(long)]
    pub file: PathBuf,
}

/// The first line.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    format: String,
    chain_id: u64,
    #[serde(with = "protocol::hex_text")]
    registry: Address,
}

/// The last line.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Close {
    shares: u64,
    /// SHA-256 of all share lines with their line ends, hex.
    sha256: String,
}

/// The fields of a stored share that are checked. The rest of its document is copied unchanged.
#[derive(Deserialize)]
struct Share {
    record: RecordId,
    version: u16,
    #[serde(with = "protocol::hex_text")]
    depositor: Address,
    #[serde(with = "protocol::hex_text")]
    sealed: Bytes,
}

/// An opened database with the keys for it.
struct Opened {
    database: Database,
    operator: Operator,
    head: Head,
}

impl Opened {
    async fn new(settings: &BackupSettings) -> anyhow::Result<Self> {
        let deployment = store::read_deployment(&settings.deployment)?;
        let operator = Operator::open(&settings.operator_key_file, &settings.operator_secret_file, &deployment)?;
        let database = store::connect(&settings.mongodb_uri, &settings.mongodb_database, 5, None).await?;
        let registry = deployment.address_of(ContractName::RecordRegistry);
        Ok(Self {
            database,
            operator,
            head: Head { format: FORMAT.to_owned(), chain_id: deployment.chain_id, registry },
        })
    }

    /// Checks that a share opens. Otherwise the fault would be found only when somebody needs the share.
    fn check(&self, share: &Document) -> anyhow::Result<()> {
        let share: Share = mongodb::bson::from_document(share.clone()).context("a share has an unknown form")?;
        self.operator
            .decrypt_at_rest((share.record, share.version), share.depositor, &share.sealed)
            .with_context(|| format!("the share of record {} version {}", share.record, share.version))?;
        Ok(())
    }
}

/// Writes every release share to a new file, after opening each one. Returns their number.
///
/// # Errors
/// Returns an error when the file exists, the database does not answer, or a share does not open with this secret.
pub async fn backup(settings: &BackupSettings) -> anyhow::Result<u64> {
    let opened = Opened::new(settings).await?;
    let file = new_private_file(&settings.file)?;
    let mut out = BufWriter::new(file);
    writeln!(out, "{}", serde_json::to_string(&opened.head)?)?;
    let (mut shares, mut hash) = (0, Sha256::new());
    let mut found = store::shares::all(&opened.database).await?;
    while found.advance().await? {
        let share = found.deserialize_current()?;
        opened.check(&share)?;
        let line = format!("{}\n", serde_json::to_string(&share)?);
        hash.update(&line);
        out.write_all(line.as_bytes())?;
        shares += 1;
    }
    writeln!(out, "{}", serde_json::to_string(&Close { shares, sha256: hex::encode(hash.finalize()) })?)?;
    out.into_inner().context("the backup could not be written")?.sync_all()?;
    Ok(shares)
}

/// Restores the shares of a backup. Returns the number of shares that were missing. The whole file is checked first. A
/// share that the database already has is not changed, because its owner may have replaced it after the backup. Shares
/// of records whose withdrawal is final, as far as the mirror knows, are not restored. If the patient can still lift
/// the withdrawal, the shares are restored and destroyed together with the record.
///
/// # Errors
/// Returns an error when the file is incomplete, belongs to another deployment, or contains a share that does not open.
/// Nothing is written then.
pub async fn restore(settings: &BackupSettings) -> anyhow::Result<u64> {
    let opened = Opened::new(settings).await?;
    each_share(&settings.file, &opened.head, |share| opened.check(share))?;
    let mut shares = Vec::new();
    each_share(&settings.file, &opened.head, |share| {
        shares.push(share.clone());
        Ok(())
    })?;
    let cursors = opened.database.collection::<CursorDoc>(mirror::collection::CURSOR);
    let mirrored_time = cursors.find_one(doc! { "_id": CURSOR_ID }).await?.map_or(0, |cursor| cursor.block_time);
    let mut restored = 0;
    for share in shares {
        let tombstoned = find_tombstoned(&opened.database, &share).await?;
        if tombstoned.as_ref().is_some_and(|record| is_final(record, mirrored_time)) {
            continue;
        }
        let id = share.get_str("_id").context("a share has no name")?.to_owned();
        restored += u64::from(store::shares::put_back(&opened.database, &id, share).await?);
        if let Some(record) = tombstoned {
            retire::note_restored(&opened.database, &record).await?;
        }
    }
    Ok(restored)
}

/// Returns the share's record, if it is tombstoned as far as the mirror knows. If the mirror is empty too, its events
/// are processed again when it is filled, and `retire` then destroys the share.
async fn find_tombstoned(database: &Database, share: &Document) -> anyhow::Result<Option<RecordDoc>> {
    let record = share.get_str("record").context("a share names no record")?;
    let records = database.collection::<RecordDoc>(mirror::collection::RECORDS);
    let record = records.find_one(doc! { "_id": record }).await?;
    Ok(record.filter(|record| record.status == RecordStatus::Tombstoned.code()))
}

/// Returns whether the tombstone can no longer be lifted in any block after the mirror's.
fn is_final(record: &RecordDoc, mirrored_time: u64) -> bool {
    record.liftable_until <= mirrored_time
}

/// Reads a backup and checks that it is complete.
fn each_share(path: &Path, head: &Head, mut each: impl FnMut(&Document) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let file = File::open(path).with_context(|| format!("cannot read the backup {}", path.display()))?;
    let mut lines = BufReader::new(file).lines();
    let first = lines.next().context("the backup is empty")??;
    let found: Head = serde_json::from_str(&first).context("this is not a backup of release shares")?;
    ensure!(found == *head, "the backup is of another deployment, or of another format");
    let (mut shares, mut hash) = (0, Sha256::new());
    for line in lines {
        let line = line?;
        if let Ok(close) = serde_json::from_str::<Close>(&line) {
            let whole = Close { shares, sha256: hex::encode(hash.finalize()) };
            ensure!(close == whole, "the backup was damaged");
            return Ok(());
        }
        let share: Document = serde_json::from_str(&line).context("the backup was damaged")?;
        each(&share)?;
        hash.update(format!("{line}\n"));
        shares += 1;
    }
    bail!("the backup was cut short");
}

/// Creates a file that only its owner can read. Fails if it exists.
fn new_private_file(path: &Path) -> anyhow::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot make the backup {}", path.display()))
}
