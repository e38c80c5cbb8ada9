//! Reissue: a new or emptied server gets what only the patient can make: release shares, bundles, keyring.

use std::collections::HashMap;

use alloy::primitives::Address;
use protocol::{
    bodies::{
        grants::{BundleBody, GrantBody},
        records::ReleaseShareBody,
    },
    bundle::Bundle,
    codes::{RecordStatus, Right, ScopeKind},
    ids::{RecordId, Salt, Tag},
    operator_keys::OperatorPublicKey,
};
use serde::Serialize;

use crate::{
    api::ServerError,
    chain::{ChainError, ChainGrant},
    client::Client,
    download::begins_with,
    error::{failure, lift},
    grants::{OwnVersions, VersionsError, tell_server},
    home::DeviceError,
    operator_key::{self, OperatorKeyError},
    progress::{Progress, Step},
    told::{self, Told},
    unlock::{self, Keys, PutBackError},
};

/// Why a reissue stopped, or why one item of it was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReissueError {
    /// The versions of a record cannot be shared.
    #[error(transparent)]
    Versions(VersionsError),
    /// The keyring was not put back.
    #[error(transparent)]
    PutBack(PutBackError),
    /// The server's deployment file cannot be trusted.
    #[error(transparent)]
    OperatorKey(OperatorKeyError),
    /// The server does not do what it was asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The chain does not answer, or it is not the chain of the deployment.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A file of this device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

failure! { ReissueError {
    ..Versions;
    ..PutBack;
    ..OperatorKey;
    ..Server;
    ..Chain;
    ..Device;
} }

lift! { VersionsError => ReissueError { Server, Chain, Device, ..Versions } }
lift! { PutBackError => ReissueError { Server, Device, ..PutBack } }
lift! { OperatorKeyError => ReissueError { Server, Device, ..OperatorKey } }

/// The number of key epochs of a grantee that are tried for one bundle. Each costs sealing all versions, and only an
/// attacker has more.
const KEY_EPOCHS_MAX: usize = 64;

/// The items that the server was given.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Reissued {
    /// Release shares deposited.
    pub release_shares: usize,
    /// Bundles stored again. Their first part has exactly the bytes whose hash is on chain.
    pub bundles: usize,
    /// WRITE grants told again.
    pub write_grants: usize,
    /// Grants on chain whose grantee was not found among the registered key owners.
    pub unknown_grants: usize,
    /// Bundles that no longer hash to what the chain names: to be granted anew.
    pub changed_bundles: usize,
    /// Records of which no version's envelope opens.
    pub broken_records: usize,
    /// Whether the keyring was put back.
    pub keyring: bool,
    /// Each item that could not be given; the rest was.
    pub told: Vec<Told>,
}

/// Gives the server everything again. Grantees are found by trying the owner of every key on chain. One item that fails
/// is told, and the next one follows.
///
/// # Errors
/// A failure that concerns every item: no session, no chain, no server.
pub async fn reissue(client: &Client, keys: &Keys, progress: &Progress) -> Result<Reissued, ReissueError> {
    let chain = client.chain();
    chain.verify_deployment().await?;
    let keys = &keys.compared_again(chain).await?;
    let mut given = Reissued::default();
    match unlock::put_back(client).await {
        Ok(keyring) => given.keyring = keyring,
        Err(PutBackError::NoKeyring) => {}
        Err(error) => told::tell(client, &mut given.told, error, |error| Told::unnamed(error)).await?,
    }
    let (versions, grants, owners, operator_key) = tokio::try_join!(
        async { Ok::<_, ReissueError>(chain.versions_of(keys.owner()).await?) },
        async { Ok(chain.grants_of(keys.owner()).await?) },
        async { Ok(chain.key_owners().await?) },
        async { Ok(operator_key::newest(client).await?) },
    )?;
    let mut records: Vec<RecordId> = versions.iter().map(|version| version.record).collect();
    records.sort_unstable();
    records.dedup();
    let standing: Vec<ChainGrant> = grants.into_iter().filter(|grant| grant.stands()).collect();
    let total = (records.len() + standing.len()) as u64;
    let mut done = 0;
    let mut tell_progress = || {
        done += 1;
        progress.tell(Step::Items { done, total });
    };

    let mut own = HashMap::new();
    for record in records {
        tell_progress();
        match reissue_record(client, keys, record, &operator_key, &mut given).await {
            Ok(Some(versions)) => drop(own.insert(record, versions)),
            Ok(None) => {}
            Err(error) => {
                given.broken_records += 1;
                told::tell(client, &mut given.told, error, |error| Told::record(record, error)).await?;
            }
        }
    }

    let grantees = grantees_by_tag(client, keys, &owners);
    for grant in standing {
        tell_progress();
        if let Err(error) = reissue_grant(client, &grantees, &own, &grant, &mut given).await {
            told::tell(client, &mut given.told, error, |error| Told::grant(grant.id, error)).await?;
        }
    }
    Ok(given)
}

/// Deposits the release shares of one record. `None` for one that was withdrawn.
async fn reissue_record(
    client: &Client,
    keys: &Keys,
    record: RecordId,
    operator_key: &OperatorPublicKey,
    given: &mut Reissued,
) -> Result<Option<OwnVersions>, ReissueError> {
    if client.chain().record(record).await?.status == RecordStatus::Tombstoned {
        return Ok(None);
    }
    let versions = OwnVersions::of_record(client, keys, record).await?;
    given.told.extend_from_slice(versions.told());
    for (version, capsule) in versions.release_shares(client, operator_key) {
        let body = ReleaseShareBody { release_share: capsule.as_bytes().to_vec().into() };
        match client.api()?.put_release_share(record, version, &body).await {
            Ok(()) => given.release_shares += 1,
            Err(error) => {
                told::tell(client, &mut given.told, error, |error| Told::version(record, version, error)).await?;
            }
        }
    }
    Ok(Some(versions))
}

/// Tells the server one grant again, with its capsules.
async fn reissue_grant(
    client: &Client,
    grantees: &HashMap<Tag, (Address, Right, Salt)>,
    own: &HashMap<RecordId, OwnVersions>,
    grant: &ChainGrant,
    given: &mut Reissued,
) -> Result<(), ReissueError> {
    let Some(&(grantee, right, salt)) = grantees.get(&grant.tag) else {
        given.unknown_grants += 1;
        return Ok(());
    };
    let bundle = match (right, grant.kind) {
        (Right::Write, _) => BundleBody { kind: grant.kind, scope_id: grant.scope_id, capsules: Vec::new() },
        (Right::Read, ScopeKind::Record) => {
            // The record was withdrawn, or no version of it opens. The second case was already reported.
            let Some(versions) = own.get(&RecordId(grant.scope_id)) else { return Ok(()) };
            match remake(client, versions, grantee, grant).await? {
                Some(bundle) => BundleBody::from(&bundle),
                None => {
                    given.changed_bundles += 1;
                    return Ok(());
                }
            }
        }
        (Right::Read, _) => return Ok(()),
    };
    let body = GrantBody { action: None, grantee, salt, right, bundles: vec![bundle], request: None };
    tell_server(client, &body).await?;
    match right {
        Right::Read => given.bundles += 1,
        Right::Write => given.write_grants += 1,
    }
    Ok(())
}

/// Returns the grantee, right and salt of each tag, for everybody who has ever published a key.
fn grantees_by_tag(client: &Client, keys: &Keys, owners: &[Address]) -> HashMap<Tag, (Address, Right, Salt)> {
    let tags = owners.iter().flat_map(|owner| {
        [Right::Read, Right::Write].map(|right| {
            let (tag, salt) = keys.tag(client, *owner, right);
            (tag, (*owner, right, salt))
        })
    });
    tags.collect()
}

/// The bundle of a grant as it was, with the versions that came later. Sealing is deterministic, so it is the same as
/// long as it is sealed to the same key: each epoch of the grantee's key is tried, the newest first.
async fn remake(
    client: &Client,
    versions: &OwnVersions,
    grantee: Address,
    grant: &ChainGrant,
) -> Result<Option<Bundle>, ReissueError> {
    for (epoch, key) in client.chain().public_keys(grantee).await?.into_iter().rev().take(KEY_EPOCHS_MAX) {
        let bundle = versions.bundle(client, grantee, (&key, epoch), grant.terms.epoch)?;
        if begins_with(&bundle, Some(grant.bundle_hash)) {
            return Ok(Some(bundle));
        }
    }
    Ok(None)
}
