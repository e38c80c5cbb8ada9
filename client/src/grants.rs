//! Granting, revoking, and the patient's catch-up.

mod catch_up;
mod error;
mod own_versions;
mod revoke;

pub use catch_up::{CaughtUp, catch_up};
pub use error::{CatchUpError, GrantError, RevokeError};
pub(crate) use own_versions::OwnVersions;
pub use own_versions::VersionsError;
pub use protocol::grants::Scope;
pub use revoke::{Ending, Revoked, revoke, standing};

use alloy::primitives::{Address, B256};
use futures::{StreamExt, TryStreamExt};
use protocol::{
    bodies::grants::{BundleBody, GrantBody, GrantQuery, GrantSide, GrantView, Shelf, ShelfQuery},
    bundle::Bundle,
    codes::{Purpose, Right, Role, ScopeKind},
    deployment::ContractName,
    error_code::ErrorCode,
    grants::{GrantForm, GrantFormError, GrantState, Terms},
    ids::{GrantId, RecordId, RequestId, Salt, Tag},
    messages::{self, Action},
};
use serde::Serialize;

use crate::{
    act::{Settled, Way, new_deadline, new_nonce, send, settle, sign},
    api::ServerError,
    chain::{ChainError, ChainGrant, uint40, unix_now},
    client::Client,
    lookup::LookupError,
    published_key::public_key,
    told::{Told, concerns_all},
    unlock::Keys,
    wallet::Wallet,
};

/// Grants to be made.
#[derive(Clone, Debug)]
pub struct NewGrants {
    /// The grantee.
    pub grantee: Address,
    /// READ or WRITE.
    pub right: Right,
    /// One scope or several, at most [`protocol::codes::MAX_SCOPES`].
    pub scopes: Vec<Scope>,
    /// The purposes; not empty.
    pub purposes: Vec<Purpose>,
    /// The first second of the grant, in Unix seconds.
    pub not_before: u64,
    /// The first second after the grant, in Unix seconds.
    pub not_after: u64,
    /// The request that this answers.
    pub request: Option<RequestId>,
    /// How it gets to the chain.
    pub way: Way,
}

impl NewGrants {
    fn check(&self, owner: Address, now: u64) -> Result<(), GrantFormError> {
        let scopes: Vec<_> = self.scopes.iter().map(|scope| scope.on_chain()).collect();
        let form = GrantForm {
            patient: owner,
            grantee: self.grantee,
            right: self.right,
            scopes: &scopes,
            purposes: Purpose::mask(&self.purposes),
            not_before: self.not_before,
            not_after: self.not_after,
        };
        form.check(now)
    }
}

/// The grants that were made.
#[derive(Clone, Debug, Serialize)]
pub struct Granted {
    /// One for each scope that was granted, in order.
    pub grants: Vec<GrantId>,
    /// The grantee's tag.
    pub tag: Tag,
    /// The transaction.
    pub settled: Settled,
    /// Versions and records that are not shared, because they do not open; everything else is.
    pub told: Vec<Told>,
}

/// Grants a right to one person over several scopes with one signature.
///
/// # Errors
/// [`GrantError`]; [`GrantError::Versions`] if no record can be shared; refusals of wallet, server and chain.
pub async fn grant(client: &Client, wallet: &dyn Wallet, keys: &Keys, new: &NewGrants) -> Result<Granted, GrantError> {
    new.check(keys.owner(), unix_now())?;
    let chain = client.chain();
    chain.verify_deployment().await?;
    let patient = keys.owner();
    let (tag, salt) = keys.tag(client, new.grantee, new.right);
    let (patient_epoch, epochs) = tokio::try_join!(
        chain.patient_epoch(patient),
        futures::future::try_join_all(new.scopes.iter().map(async |scope| {
            let (kind, id) = scope.on_chain();
            Ok::<_, ChainError>(chain.terms(patient, tag, kind, id).await?.epoch)
        })),
    )?;
    let keys = &keys.compared_again(chain).await?;
    let (granted, told) = make_bundles(client, keys, new, &epochs).await?;
    let scopes = granted.iter().map(|(scope, epoch, bundle)| {
        let (kind, id) = scope.on_chain();
        let hash = bundle.as_ref().map_or(Bundle::NONE, Bundle::hash);
        messages::Scope { kind: kind.code(), id, epoch: *epoch, bundleHash: hash }
    });
    let action = Action::Grant(messages::Grant {
        patient,
        tag: tag.0,
        rights: new.right.bit(),
        purposes: Purpose::mask(&new.purposes),
        notBefore: uint40(new.not_before),
        notAfter: uint40(new.not_after),
        patientEpoch: patient_epoch,
        scopes: scopes.collect(),
        nonce: new_nonce(),
        deadline: new_deadline(client).await?,
    });
    let bodies = granted.iter().map(|(scope, _, bundle)| match bundle {
        Some(bundle) => BundleBody::from(bundle),
        None => {
            let (kind, scope_id) = scope.on_chain();
            BundleBody { kind, scope_id, capsules: Vec::new() }
        }
    });
    let body = GrantBody {
        action: None,
        grantee: new.grantee,
        salt,
        right: new.right,
        bundles: bodies.collect(),
        request: new.request,
    };
    let settled = match new.way {
        Way::Relayed => {
            let signed = sign(client, wallet, action).await?;
            let action = signed.action.clone();
            let view = client.api()?.grant(&GrantBody { action: Some(signed), ..body }).await?;
            settle(client, &action, view).await?
        }
        Way::Direct => {
            let settled = send(client, wallet, &action).await?;
            tell_server(client, &body).await?;
            settled
        }
    };
    let ids = granted.iter().map(|(scope, ..)| {
        let (kind, id) = scope.on_chain();
        GrantId::derive(patient, tag, kind, id)
    });
    Ok(Granted { grants: ids.collect(), tag, settled, told })
}

/// Returns whether somebody vouches for the grantee during a part of the grant's time: for READ in any role, for WRITE in
/// one that may upload. Without that, a grant allows nothing, unless it is for a purpose that needs no accreditation
/// ([`Purpose::needs_accreditation`]).
///
/// # Errors
/// [`ChainError`].
pub async fn is_vouched_for(client: &Client, new: &NewGrants) -> Result<bool, ChainError> {
    client.chain().verify_deployment().await?;
    let Some(known) = client.chain().find_practitioner(new.grantee).await? else { return Ok(false) };
    let begins_later = known.valid_from > client.chain().now().await?;
    let counts = known.counts || (begins_later && !known.suspended && known.valid_from < new.not_after);
    let fits = new.right == Right::Read || known.roles.iter().any(|role| Role::UPLOADERS.contains(role));
    Ok(counts && fits)
}

/// Returns the grants that new ones would replace: those to the same person over the same scopes that have not ended.
///
/// # Errors
/// [`ChainError`].
pub async fn replaced_by(client: &Client, keys: &Keys, new: &NewGrants) -> Result<Vec<(Scope, Terms)>, ChainError> {
    client.chain().verify_deployment().await?;
    let chain = client.chain();
    let (tag, _) = keys.tag(client, new.grantee, new.right);
    let (patient_epoch, now) = tokio::try_join!(chain.patient_epoch(keys.owner()), chain.now())?;
    let terms = futures::future::try_join_all(new.scopes.iter().map(async |scope| {
        let (kind, id) = scope.on_chain();
        Ok::<_, ChainError>((*scope, chain.terms(keys.owner(), tag, kind, id).await?))
    }));
    let mut terms = terms.await?;
    terms.retain(|(_, terms)| terms.epoch > 0 && terms.state_at(patient_epoch, now).is_open());
    Ok(terms)
}

/// A scope to be granted, the epoch that its grant replaces, and its capsules; none for WRITE.
type Prepared = (Scope, u32, Option<Bundle>);

/// Makes the bundles of the scopes that can be granted; returns them, and a report of each version or record that does not
/// open.
async fn make_bundles(
    client: &Client,
    keys: &Keys,
    new: &NewGrants,
    epochs: &[u32],
) -> Result<(Vec<Prepared>, Vec<Told>), GrantError> {
    let scopes = new.scopes.iter().copied().zip(epochs.iter().copied());
    if new.right == Right::Write {
        return Ok((scopes.map(|(scope, epoch)| (scope, epoch, None)).collect(), Vec::new()));
    }
    let (grantee_key, grantee_key_epoch) = public_key(client, new.grantee).await?;
    let make = async |record: RecordId, epoch: u32| {
        let versions = OwnVersions::of_record(client, keys, record).await?;
        let bundle = versions.bundle(client, new.grantee, (&grantee_key, grantee_key_epoch), epoch + 1)?;
        Ok::<_, VersionsError>((bundle, versions.told().to_vec()))
    };
    let made = scopes.filter_map(|(scope, epoch)| {
        let Scope::Record(record) = scope else { return None };
        let make = &make;
        Some(async move { (scope, record, epoch, make(record, epoch).await) })
    });
    let mut made = futures::stream::iter(made).buffered(8);
    let (mut granted, mut told, mut first) = (Vec::new(), Vec::new(), None);
    while let Some((scope, record, epoch, result)) = made.next().await {
        match result {
            Ok((bundle, of_record)) => {
                granted.push((scope, epoch, Some(bundle)));
                told.extend(of_record);
            }
            Err(error) if concerns_all(client, &error).await => return Err(error.into()),
            Err(error) => {
                told.push(Told::record(record, &error));
                first.get_or_insert(error);
            }
        }
    }
    match first {
        Some(error) if granted.is_empty() => Err(error.into()),
        _ => Ok((granted, told)),
    }
}

/// Gives the server the bundles of grants that stand on chain. Its node and mirror may be a moment behind.
pub(crate) async fn tell_server(client: &Client, body: &GrantBody) -> Result<(), ServerError> {
    let mut tries = 0;
    loop {
        match client.api()?.grant(body).await {
            Ok(_) => return Ok(()),
            Err(error)
                if tries < 20
                    && matches!(
                        error.refusal(),
                        Some(ErrorCode::NoGrant | ErrorCode::NotFound | ErrorCode::Unavailable)
                    ) =>
            {
                tries += 1;
                tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// A grant. Every field but [`Self::told`] was read from the chain, or follows from what was.
#[derive(Clone, Debug, Serialize)]
pub struct GrantItem {
    /// Its storage key.
    pub id: GrantId,
    /// The patient.
    #[serde(with = "protocol::hex_text")]
    pub patient: Address,
    /// The grantee's tag.
    pub tag: Tag,
    /// The kind of its scope.
    pub kind: ScopeKind,
    /// Record id, category or zero.
    #[serde(with = "protocol::hex_text")]
    pub scope_id: B256,
    /// READ or WRITE; absent once revoked.
    pub right: Option<Right>,
    /// The purposes.
    pub purposes: Vec<Purpose>,
    /// The first second of the grant, in Unix seconds.
    pub not_before: u64,
    /// The first second after the grant, in Unix seconds.
    pub not_after: u64,
    /// Grant epoch.
    pub epoch: u32,
    /// Patient epoch when granted.
    pub patient_epoch: u32,
    /// Whether it counts now.
    pub state: GrantState,
    /// Data from the server that was not compared with the chain.
    #[serde(flatten)]
    pub told: GrantTold,
}

/// Data from the server about a grant, which was not compared with the chain.
#[derive(Clone, Debug, Serialize)]
pub struct GrantTold {
    /// The grantee. Only the salt, or the patient's seed, proves whose tag it is; absent if the server does not say.
    #[serde(with = "protocol::hex_text::option", skip_serializing_if = "Option::is_none")]
    pub grantee: Option<Address>,
    /// Opens the tag, if it is the right one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub salt: Option<Salt>,
    /// SHA-256 of the bundle; from the chain for a grant that the server leaves out.
    #[serde(with = "protocol::hex_text")]
    pub bundle_hash: B256,
    /// The newest version that the bundle opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest_version: Option<u16>,
    /// The shelf on which it waits for its grantee.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shelf: Option<Shelf>,
    /// Whether the grantee has hidden it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<bool>,
    /// The transaction; from the chain for a grant that the server leaves out.
    #[serde(with = "protocol::hex_text")]
    pub tx_hash: B256,
}

/// Grants given or received. Terms and state are read from the chain, not from the server; one that the chain does not
/// know is left out, since the server's mirror can be behind a reorganisation. Of what this person has given, that which
/// stands on chain and the server leaves out is added, without the grantee, whom only the server names.
///
/// # Errors
/// [`LookupError`].
pub async fn list(client: &Client, side: GrantSide, record: Option<RecordId>) -> Result<Vec<GrantItem>, LookupError> {
    let query = GrantQuery { side: Some(side), record, ..GrantQuery::default() };
    let mut grants = compared(client, &query).await?;
    if side == GrantSide::Given {
        let chain = client.chain();
        // Read afterwards: what is granted in between is on both lists or on this one.
        let (on_chain, now) = tokio::try_join!(chain.grants_of(client.address()), chain.now())?;
        let wanted = |grant: &&ChainGrant| {
            record.is_none_or(|record| grant.kind == ScopeKind::Record && grant.scope_id == record.0)
        };
        let untold = untold_grants(client.address(), &grants, on_chain.iter().filter(wanted), now);
        grants.extend(untold);
    }
    Ok(grants)
}

/// The received grants of one shelf; see [`ShelfQuery`]. Terms and state are the chain's, as in [`list`].
///
/// # Errors
/// [`LookupError`].
pub async fn received(client: &Client, shelf: ShelfQuery) -> Result<Vec<GrantItem>, LookupError> {
    let query = GrantQuery { side: Some(GrantSide::Received), shelf: Some(shelf), ..GrantQuery::default() };
    compared(client, &query).await
}

/// Returns the grants that the server lists, with the terms and the state from the chain.
async fn compared(client: &Client, query: &GrantQuery) -> Result<Vec<GrantItem>, LookupError> {
    let chain = client.chain();
    chain.verify_deployment().await?;
    let api = client.api()?;
    let (told, now) =
        tokio::try_join!(async { Ok::<_, LookupError>(api.grants(query).await?) }, async { Ok(chain.now().await?) })?;
    let compare = async |grant: GrantView| {
        let terms = chain.terms(grant.patient, grant.tag, grant.kind, grant.scope_id).await?;
        if terms.epoch == 0 {
            return Ok(None);
        }
        let patient_epoch = chain.patient_epoch(grant.patient).await?;
        Ok::<_, ChainError>(Some(GrantItem {
            id: GrantId::derive(grant.patient, grant.tag, grant.kind, grant.scope_id),
            patient: grant.patient,
            tag: grant.tag,
            kind: grant.kind,
            scope_id: grant.scope_id,
            right: Right::from_bit(terms.rights),
            purposes: Purpose::from_mask(terms.purposes),
            not_before: terms.not_before,
            not_after: terms.not_after,
            epoch: terms.epoch,
            patient_epoch: terms.patient_epoch,
            state: terms.state_at(patient_epoch, now),
            told: GrantTold {
                grantee: grant.grantee,
                salt: grant.salt,
                bundle_hash: grant.bundle_hash,
                newest_version: grant.newest_version,
                shelf: grant.shelf,
                hidden: grant.hidden,
                tx_hash: grant.tx_hash,
            },
        }))
    };
    let compared: Vec<Option<GrantItem>> =
        futures::stream::iter(told.into_iter().map(compare)).buffered(16).try_collect().await?;
    Ok(compared.into_iter().flatten().collect())
}

/// Returns the grants that stand on chain and that the server left out.
fn untold_grants<'a>(
    patient: Address,
    told: &[GrantItem],
    on_chain: impl Iterator<Item = &'a ChainGrant>,
    now: u64,
) -> Vec<GrantItem> {
    let is_untold = |grant: &&ChainGrant| told.iter().all(|known| known.id != grant.id);
    let item = |grant: &ChainGrant| GrantItem {
        id: grant.id,
        patient,
        tag: grant.tag,
        kind: grant.kind,
        scope_id: grant.scope_id,
        right: Right::from_bit(grant.terms.rights),
        purposes: Purpose::from_mask(grant.terms.purposes),
        not_before: grant.terms.not_before,
        not_after: grant.terms.not_after,
        epoch: grant.terms.epoch,
        patient_epoch: grant.terms.patient_epoch,
        state: grant.terms.state_at(grant.patient_epoch, now),
        told: GrantTold {
            grantee: None,
            salt: None,
            bundle_hash: grant.bundle_hash,
            newest_version: None,
            shelf: None,
            hidden: None,
            tx_hash: grant.tx_hash,
        },
    };
    on_chain.filter(is_untold).map(item).collect()
}

impl Keys {
    /// The tag of `grantee` for one right, with the salt that opens it.
    pub(crate) fn tag(&self, client: &Client, grantee: Address, right: Right) -> (Tag, Salt) {
        let deployment = client.deployment();
        self.seed().tag(deployment.chain_id, deployment.address_of(ContractName::GrantRegistry), grantee, right)
    }
}

#[cfg(test)]
mod tests {
    use protocol::ends::AUTHORITY_SECONDS_MAX;

    use super::*;

    #[test]
    fn a_grant_that_the_server_leaves_out_is_listed_from_the_chain() {
        let patient = Address::repeat_byte(1);
        let grant = |byte: u8| ChainGrant {
            id: GrantId(B256::repeat_byte(byte)),
            tag: Tag(B256::repeat_byte(byte)),
            kind: ScopeKind::Record,
            scope_id: B256::repeat_byte(7),
            terms: Terms {
                not_before: 1,
                not_after: 9,
                epoch: 1,
                patient_epoch: 0,
                purposes: 1,
                rights: Right::Read.bit(),
                kind: Some(ScopeKind::Record),
            },
            bundle_hash: B256::ZERO,
            patient_epoch: 0,
            tx_hash: B256::ZERO,
        };
        let on_chain = [grant(2), grant(3)];
        let all = untold_grants(patient, &[], on_chain.iter(), 5);
        assert_eq!(
            all.iter().map(|grant| (grant.id, grant.state)).collect::<Vec<_>>(),
            [(on_chain[0].id, GrantState::Active), (on_chain[1].id, GrantState::Active)]
        );
        let rest = untold_grants(patient, &all[..1], on_chain.iter(), 9);
        assert_eq!(
            rest.iter().map(|grant| (grant.id, grant.state)).collect::<Vec<_>>(),
            [(on_chain[1].id, GrantState::Expired)]
        );
    }

    #[test]
    fn what_cannot_be_granted_is_refused_before_anything_is_signed() {
        let owner = Address::repeat_byte(1);
        let good = NewGrants {
            grantee: Address::repeat_byte(2),
            right: Right::Read,
            scopes: vec![Scope::Record(RecordId(B256::repeat_byte(1)))],
            purposes: vec![Purpose::Treatment],
            not_before: 1,
            not_after: 2,
            request: None,
            way: Way::Relayed,
        };
        assert!(good.check(owner, 1).is_ok());
        let longest = NewGrants { not_after: 1 + AUTHORITY_SECONDS_MAX, ..good.clone() };
        assert!(longest.check(owner, 1).is_ok());
        let all = vec![Scope::All];
        let twice = vec![good.scopes[0], good.scopes[0]];
        for bad in [
            NewGrants { scopes: all.clone(), ..good.clone() },
            NewGrants { right: Right::Write, ..good.clone() },
            NewGrants { scopes: Vec::new(), ..good.clone() },
            NewGrants { scopes: twice, ..good.clone() },
            NewGrants { purposes: Vec::new(), ..good.clone() },
            NewGrants { not_after: 1, ..good.clone() },
            NewGrants { not_after: 2 + AUTHORITY_SECONDS_MAX, ..good.clone() },
            NewGrants { not_after: u64::MAX, ..good.clone() },
            NewGrants { grantee: owner, ..good.clone() },
        ] {
            assert!(bad.check(owner, 1).is_err());
        }
        assert!(NewGrants { scopes: all, right: Right::Write, ..good }.check(owner, 1).is_ok());
    }
}
