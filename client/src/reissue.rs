//! Giving a new or emptied server again what only the patient can make: release shares, bundles, keyring.

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
    chain::ChainGrant,
    client::Client,
    download::begins_with,
    error::{ClientError, Kind},
    grants::{OwnVersions, tell_server},
    operator_key,
    progress::{Progress, Step},
    unlock::{self, Keys},
};

/// What was given.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Reissued {
    /// Release shares deposited.
    pub release_shares: usize,
    /// Bundles put in again, beginning byte for byte as the chain names them.
    pub bundles: usize,
    /// WRITE grants told again.
    pub write_grants: usize,
    /// Grants on chain whose grantee was not found among the registered key owners.
    pub unknown_grants: usize,
    /// Bundles that no longer hash to what the chain names: to be granted anew.
    pub changed_bundles: usize,
    /// Records whose envelopes do not open: their uploader did not follow the protocol.
    pub broken_records: usize,
    /// Whether the keyring was put back.
    pub keyring: bool,
}

/// Gives the server everything again. Grantees are found by trying the owner of every key on chain.
///
/// # Errors
/// What the server refuses.
pub async fn reissue(client: &Client, keys: &Keys, progress: &Progress) -> Result<Reissued, ClientError> {
    let chain = client.chain();
    chain.verify_deployment().await?;
    let keyring = match unlock::put_back(client).await {
        Err(error) if *error.kind() == Kind::NoKeyring => false,
        other => other?,
    };
    let mut given = Reissued { keyring, ..Reissued::default() };
    let (versions, grants, owners, operator_key) = tokio::try_join!(
        chain.versions_of(keys.owner()),
        chain.grants_of(keys.owner()),
        chain.key_owners(),
        operator_key::newest(client),
    )?;
    let mut records: Vec<RecordId> = versions.iter().map(|version| version.record).collect();
    records.sort_unstable();
    records.dedup();
    let standing: Vec<ChainGrant> = grants.into_iter().filter(|grant| grant.stands).collect();
    let total = (records.len() + standing.len()) as u64;
    let mut done = 0;
    let mut tell = || {
        done += 1;
        progress.tell(Step::Items { done, total });
    };

    let mut own = HashMap::new();
    for record in records {
        tell();
        if chain.record(record).await?.status == RecordStatus::Tombstoned {
            continue;
        }
        match OwnVersions::of_record(client, keys, record).await {
            Ok(versions) => {
                given.release_shares += deposit_all(client, &versions, &operator_key).await?;
                own.insert(record, versions);
            }
            Err(error) if matches!(error.kind(), Kind::InvalidEnvelope | Kind::Commitment) => given.broken_records += 1,
            Err(error) => return Err(error),
        }
    }

    let grantees = grantees_by_tag(client, keys, &owners);
    for grant in standing {
        tell();
        let Some(&(grantee, right, salt)) = grantees.get(&grant.tag) else {
            given.unknown_grants += 1;
            continue;
        };
        let bundle = match (right, grant.kind) {
            (Right::Write, _) => BundleBody { kind: grant.kind, scope_id: grant.scope_id, capsules: Vec::new() },
            (Right::Read, ScopeKind::Record) => {
                let Some(versions) = own.get(&RecordId(grant.scope_id)) else { continue };
                match remake(client, versions, grantee, &grant).await? {
                    Some(bundle) => BundleBody::from(&bundle),
                    None => {
                        given.changed_bundles += 1;
                        continue;
                    }
                }
            }
            (Right::Read, _) => continue,
        };
        let body = GrantBody { action: None, grantee, salt, right, bundles: vec![bundle], request: None };
        tell_server(client, &body).await?;
        match right {
            Right::Read => given.bundles += 1,
            Right::Write => given.write_grants += 1,
        }
    }
    Ok(given)
}

async fn deposit_all(
    client: &Client,
    versions: &OwnVersions,
    operator_key: &OperatorPublicKey,
) -> Result<usize, ClientError> {
    let capsules = versions.release_shares(client, operator_key);
    for (version, capsule) in &capsules {
        let body = ReleaseShareBody { release_share: capsule.as_bytes().to_vec().into() };
        client.api()?.put_release_share(versions.record(), *version, &body).await?;
    }
    Ok(capsules.len())
}

/// Whose tags stand for what, for everybody who has ever published a key.
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
) -> Result<Option<Bundle>, ClientError> {
    let Some(current) = client.chain().find_key(grantee).await? else { return Ok(None) };
    for epoch in (1..=current.epoch).rev() {
        let key = client.chain().public_key_at(grantee, epoch).await?;
        let bundle = versions.bundle(client, grantee, (&key, epoch), grant.terms.epoch)?;
        if begins_with(&bundle, Some(grant.bundle_hash)) {
            return Ok(Some(bundle));
        }
    }
    Ok(None)
}
