//! The patient's part after others have added versions.

use std::collections::{BTreeSet, HashMap};

use protocol::{
    bodies::{
        grants::{BundleBody, CatchUpBody, GrantSide},
        records::{RecordQuery, ReleaseShareBody},
    },
    bundle::Bundle,
    codes::{RecordStatus, Right, ScopeKind},
    error_code::ErrorCode,
    ids::RecordId,
    operator_keys::OperatorPublicKey,
};
use serde::{Deserialize, Serialize};

use super::{
    GrantItem, OwnVersions,
    error::CatchUpError,
    list,
    own_versions::{open_version, seal_release_share},
};
use crate::{
    api::ServerError,
    chain::ChainVersion,
    client::Client,
    download::begins_with,
    envelope::EnvelopeError,
    operator_key,
    published_key::public_key,
    told::{self, Told},
    unlock::Keys,
};

const FILE: &str = "checked.json";

/// The outcome of a catch-up.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CaughtUp {
    /// New versions by others whose envelope was checked.
    pub checked: usize,
    /// Versions whose envelope does not follow the protocol: nobody should trust them.
    pub broken: Vec<(RecordId, u16)>,
    /// Release shares deposited again.
    pub shares_deposited: usize,
    /// Grants whose bundle got later versions.
    pub bundles_extended: usize,
    /// Everything that could not be done, the broken versions among it; the rest was.
    pub told: Vec<Told>,
    /// The newest key epoch on chain, if its key is not of this seed: what others seal to it, this person cannot open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub foreign_key: Option<u32>,
}

/// `checked.json`: versions by others whose envelope was found good and whose release share this patient has deposited,
/// as `record:version:cid`.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Checked {
    versions: BTreeSet<String>,
}

/// The patient's part after others have added versions: checks their envelopes, deposits the right release shares, and
/// extends the bundles of active READ grants. To be called after signing in. One item that fails is told, and the next
/// one follows.
///
/// # Errors
/// A failure that concerns every item: no session, no chain, no server.
pub async fn catch_up(client: &Client, keys: &Keys) -> Result<CaughtUp, CatchUpError> {
    client.chain().verify_deployment().await?;
    let keys = keys.compared_again(client.chain()).await?;
    let foreign_key = Some(keys.epochs().newest()).filter(|_| keys.epochs().is_newest_foreign());
    let mut found = CaughtUp { foreign_key, ..CaughtUp::default() };
    check_versions(client, &keys, &mut found).await?;
    extend_bundles(client, &keys, &mut found).await?;
    Ok(found)
}

async fn check_versions(client: &Client, keys: &Keys, found: &mut CaughtUp) -> Result<(), CatchUpError> {
    let api = client.api()?;
    let query = RecordQuery { patient: Some(keys.owner()), ..RecordQuery::default() };
    let (on_chain, told, operator_key) = tokio::try_join!(
        async { Ok::<_, CatchUpError>(client.chain().versions_of(keys.owner()).await?) },
        async { Ok(api.records(&query).await?) },
        async { Ok(operator_key::newest(client).await?) },
    )?;
    let mut has_share: HashMap<(RecordId, u16), bool> = HashMap::new();
    for record in told {
        // A list shows the newest versions only.
        let is_whole = record.versions.len() >= usize::from(record.version_count);
        let versions = if is_whole { Ok(record.versions) } else { api.versions(record.id).await };
        let versions = match versions {
            Ok(versions) => versions,
            Err(error) => {
                told::tell(client, &mut found.told, error, |error| Told::record(record.id, error)).await?;
                continue;
            }
        };
        has_share.extend(versions.iter().map(|version| ((record.id, version.version), version.has_release_share)));
    }
    let mut withdrawn: HashMap<RecordId, bool> = HashMap::new();

    // A damaged file only costs checking again.
    let mut checked: Checked =
        client.home().read(FILE)?.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    for version in on_chain {
        let name = format!("{}:{}:{}", version.record, version.version, version.cid);
        let is_others = version.uploader != keys.owner();
        let is_new = is_others && !checked.versions.contains(&name);
        // The mirror may not have a new version yet; its share is the uploader's business first.
        let lacks_share = has_share.get(&(version.record, version.version)) == Some(&false);
        if !is_new && !lacks_share {
            continue;
        }
        if let std::collections::hash_map::Entry::Vacant(unknown) = withdrawn.entry(version.record) {
            let status = client.chain().record(version.record).await?.status;
            unknown.insert(status == RecordStatus::Tombstoned);
        }
        if withdrawn[&version.record] {
            continue;
        }
        match check_version(client, keys, &version, &operator_key).await {
            Ok(()) => found.shares_deposited += 1,
            Err(error) => {
                let is_broken = matches!(error, EnvelopeError::Invalid(_) | EnvelopeError::Commitment(_));
                let name = |error: &EnvelopeError| Told::version(version.record, version.version, error);
                told::tell(client, &mut found.told, error, name).await?;
                if is_broken && let Some(told) = found.told.last_mut() {
                    found.broken.push((version.record, version.version));
                    told.what += " It was not made as the protocol says: do not trust it, and ask who uploaded it.";
                }
                continue;
            }
        }
        if is_new {
            found.checked += 1;
            checked.versions.insert(name);
            client.home().write_json(FILE, &checked)?;
        }
    }
    Ok(())
}

/// Opens one version's envelope and deposits the release share that follows from it.
async fn check_version(
    client: &Client,
    keys: &Keys,
    version: &ChainVersion,
    operator_key: &OperatorPublicKey,
) -> Result<(), EnvelopeError> {
    let dek = open_version(client, keys, version).await?;
    let capsule = seal_release_share(client, keys.owner(), version, &dek, operator_key);
    Ok(deposit(client, version, capsule.as_bytes().to_vec()).await?)
}

pub(super) async fn deposit(client: &Client, version: &ChainVersion, capsule: Vec<u8>) -> Result<(), ServerError> {
    let body = ReleaseShareBody { release_share: capsule.into() };
    client.api()?.put_release_share(version.record, version.version, &body).await
}

async fn extend_bundles(client: &Client, keys: &Keys, found: &mut CaughtUp) -> Result<(), CatchUpError> {
    let grants = list(client, GrantSide::Given, None).await?;
    let is_open = |grant: &GrantItem| {
        grant.kind == ScopeKind::Record && grant.right == Some(Right::Read) && grant.state.is_open()
    };
    for grant in grants.into_iter().filter(is_open) {
        match extend_bundle(client, keys, &grant, &mut found.told).await {
            Ok(true) => found.bundles_extended += 1,
            Ok(false) => {}
            Err(error) => {
                let name = |error: &CatchUpError| Told {
                    record: Some(RecordId(grant.scope_id)),
                    ..Told::grant(grant.id, error)
                };
                told::tell(client, &mut found.told, error, name).await?;
            }
        }
    }
    Ok(())
}

/// Adds the versions that came after a bundle's last. Says whether there was one.
async fn extend_bundle(
    client: &Client,
    keys: &Keys,
    grant: &GrantItem,
    told: &mut Vec<Told>,
) -> Result<bool, CatchUpError> {
    let record = RecordId(grant.scope_id);
    let Some(grantee) = grant.told.grantee else { return Ok(false) };
    // The server names the grantee; only the seed decides whose tag it is.
    if keys.tag(client, grantee, Right::Read).0 != grant.tag {
        return Err(ServerError::WrongAnswer("The server names another person for a grant of yours.").into());
    }
    let known = client.chain().record(record).await?;
    let covers_newest = grant.told.newest_version.is_some_and(|version| version >= known.version);
    if covers_newest || known.status == RecordStatus::Tombstoned {
        return Ok(false);
    }
    let body = client.api()?.bundle(grant.id).await.map_err(|error| match error.refusal() {
        Some(ErrorCode::NotFound) => CatchUpError::LostBundle(error),
        _ => error.into(),
    })?;
    let old = Bundle::try_from(&body)?;
    let last = old.capsules().last().map_or(0, |(version, _)| *version);
    let hash = client.chain().bundle_hash(keys.owner(), grant.tag, grant.kind, grant.scope_id).await?;
    if !begins_with(&old, hash) {
        return Err(CatchUpError::WrongBundle);
    }
    let versions = OwnVersions::of_record(client, keys, record).await?;
    for version in versions.told() {
        // Most were told when the version was checked.
        if !told.iter().any(|known| (known.record, known.version) == (version.record, version.version)) {
            told.push(version.clone());
        }
    }
    let (key, key_epoch) = public_key(client, grantee).await?;
    let new = versions.bundle(client, grantee, (&key, key_epoch), grant.epoch)?;
    // Only behind the last: put in between, no beginning of the bundle would have the signed hash.
    let later: Vec<_> = new.capsules().iter().filter(|(version, _)| *version > last).cloned().collect();
    if later.is_empty() {
        return Ok(false);
    }
    let capsules = old.capsules().iter().cloned().chain(later).collect();
    let bundle = Bundle::new(record, capsules)?;
    client.api()?.put_bundle(grant.id, &CatchUpBody { bundle: BundleBody::from(&bundle) }).await?;
    Ok(true)
}
