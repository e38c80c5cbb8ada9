//! Restoring everything from the recovery words, the chain and the blocks: no API, no database.

mod blocks;
mod error;

pub use blocks::BlockSource;
pub use error::{BlockError, RestoreError};

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
};

use alloy::primitives::Address;
use futures::{StreamExt, TryStreamExt};
use protocol::{deployment::Deployment, ids::RecordId};
use secrecy::SecretString;
use serde::Serialize;

use self::blocks::Blocks;
use crate::{
    chain::{Chain, ChainError, ChainVersion},
    download::{self, Destination, stream},
    error::{Failure, codes},
    home::{can_write, local_file},
    progress::{Progress, Step},
    unlock::{Keys, seed_of_words},
};

/// The input of a restore.
pub struct Restore {
    /// The recovery words, or the text of the kit.
    pub words: SecretString,
    /// The patient whose records are restored.
    pub owner: Address,
    /// The deployment file.
    pub deployment: Deployment,
    /// URL of an RPC node that keeps old logs.
    pub rpc: String,
    /// The source of blocks.
    pub source: BlockSource,
    /// The folder that gets the documents.
    pub out: PathBuf,
}

/// One restored version, or why not.
#[derive(Clone, Debug, Serialize)]
pub struct RestoredVersion {
    /// The record.
    pub record: RecordId,
    /// Its version.
    pub version: u16,
    /// The path; `None` if it could not be restored.
    pub path: Option<PathBuf>,
    /// Bytes of the document.
    pub content_bytes: u64,
    /// Why it could not be restored: a stable code.
    pub problem: Option<String>,
    /// Whether its uploader says not to rely on it.
    pub retracted: bool,
}

/// The result of a restore.
#[derive(Clone, Debug, Serialize)]
pub struct Restored {
    /// Every version on chain, in order.
    pub versions: Vec<RestoredVersion>,
}

/// Finds every version of the owner's records on chain, fetches, opens and writes them. One that fails does not stop
/// the others. Each version lies in `<out>/<record>/<version>/` under the document's own name.
///
/// # Errors
/// [`RestoreError`], if it concerns every version.
pub async fn restore(plan: &Restore, progress: &Progress) -> Result<Restored, RestoreError> {
    let chain = Chain::new(&plan.rpc, plan.deployment.clone())?;
    chain.verify_deployment().await?;
    // Its events tell whether the node keeps old logs: without them, records could be missing unnoticed.
    let history = chain.key_history(plan.owner).await?;
    if !history.is_whole {
        return Err(ChainError::NoHistory("The Ethereum node no longer has the events of published keys.").into());
    }
    let keys = Keys::checked(&chain, plan.owner, seed_of_words(&plan.words)?).await?;
    if keys.epoch() == 0 {
        return Err(RestoreError::NeverPublished);
    }
    let versions = chain.versions_of(plan.owner).await?;
    let retracted = retracted_versions(&chain, &versions).await?;
    let blocks = Blocks::open(&plan.source).await?;
    let mut restored = Vec::with_capacity(versions.len());
    for (done, version) in versions.iter().enumerate() {
        progress.tell(Step::Items { done: done as u64, total: versions.len() as u64 });
        let result = restore_version(plan, &chain, &keys, &blocks, version).await;
        let retracted = retracted.contains(&(version.record, version.version));
        restored.push(match result {
            Ok((path, content_bytes)) => RestoredVersion {
                record: version.record,
                version: version.version,
                path: Some(path),
                content_bytes,
                problem: None,
                retracted,
            },
            // Nowhere to write: the next one would fail in the same way. A name that this disk does not take is one
            // version's own affair.
            Err(error) if error.code() == codes::LOCAL_FILE && !can_write(&plan.out) => return Err(error),
            Err(error) => RestoredVersion {
                record: version.record,
                version: version.version,
                path: None,
                content_bytes: 0,
                problem: Some(error.code().to_string()),
                retracted,
            },
        });
    }
    progress.tell(Step::Items { done: versions.len() as u64, total: versions.len() as u64 });
    Ok(Restored { versions: restored })
}

/// The versions that their uploader says must not be relied on.
async fn retracted_versions(chain: &Chain, versions: &[ChainVersion]) -> Result<HashSet<(RecordId, u16)>, ChainError> {
    let firsts = versions.iter().filter(|version| version.version == 1);
    let asked =
        firsts.map(async |first| Ok::<_, ChainError>((first.record, (first, chain.record(first.record).await?))));
    let known: HashMap<_, _> = futures::stream::iter(asked).buffered(16).try_collect().await?;
    let is_retracted = |version: &&ChainVersion| {
        let of_record = known.get(&version.record);
        of_record.is_some_and(|(first, known)| {
            download::is_retracted(known, version.version, version.uploader, first.uploader)
        })
    };
    Ok(versions.iter().filter(is_retracted).map(|version| (version.record, version.version)).collect())
}

async fn restore_version(
    plan: &Restore,
    chain: &Chain,
    keys: &Keys,
    blocks: &Blocks,
    version: &ChainVersion,
) -> Result<(PathBuf, u64), RestoreError> {
    let folder = plan.out.join(version.record.to_string()).join(version.version.to_string());
    let context = chain.envelope_context();
    let data_key = async |header: &protocol::envelope::Header| keys.open_owner_capsule(&context, header);
    let expected = stream::Expected { context, record: version.record, version: version.version, cid: version.cid };
    std::fs::create_dir_all(&folder).map_err(|error| local_file(&folder, error))?;
    let pieces = Box::pin(blocks.file(version.cid).map_err(RestoreError::from));
    let result = stream::open(pieces, expected, data_key, &folder, None, |_| {}).await;
    if result.is_err() {
        // Leaves no empty folders behind; one that holds something stays.
        let _ = std::fs::remove_dir(&folder);
    }
    let written = result?;
    let content_len = written.metadata.content_len;
    // Restoring twice replaces: the content was checked to be the same version.
    let path = Destination::Folder(folder).put_again(written.file, &written.metadata.file_name)?;
    Ok((path, content_len))
}
