//! Ending grants.

use alloy::primitives::Address;
use protocol::{
    bodies::grants::RevokeBody,
    codes::{MAX_SCOPES, Right},
    ids::{GrantId, RecordId, Tag},
    messages::{Action, GrantRef, Revoke, RevokeAll},
};
use serde::Serialize;

use super::Scope;
use crate::{
    act::{Settled, Way, new_nonce, new_revocation_deadline, settle, sign},
    chain::ChainGrant,
    client::Client,
    error::{ClientError, Kind},
    unlock::Keys,
    wallet::Wallet,
};

/// What ends.
#[derive(Clone, Debug)]
pub enum Ending {
    /// Everything that this person may do; over one scope if given. Works from the seed and the chain alone.
    Person {
        /// Who.
        grantee: Address,
        /// Over what; everything if absent.
        scope: Option<Scope>,
    },
    /// These grants.
    Grants(Vec<GrantId>),
    /// Everything that everybody may do.
    Everything,
}

/// What a person whose grants ended could have kept.
#[derive(Clone, Debug, Serialize)]
pub struct Revoked {
    /// How many grants stood that have ended.
    pub ended: usize,
    /// Records that they opened before, from the anchored log: what they could have kept.
    pub opened_before: Vec<RecordId>,
    /// How it got to the chain.
    pub settled: Settled,
}

/// Ends grants. Reads stop as soon as the server has accepted it or it is mined.
///
/// # Errors
/// [`Kind::NotFound`] if nothing stands to be ended, and what wallet, server and chain refuse.
pub async fn revoke(
    client: &Client,
    wallet: &dyn Wallet,
    keys: &Keys,
    ending: &Ending,
    way: Way,
) -> Result<Revoked, ClientError> {
    client.chain().verify_deployment().await?;
    let patient = keys.owner();
    let standing: Vec<ChainGrant> =
        client.chain().grants_of(patient).await?.into_iter().filter(|grant| grant.stands).collect();
    let ended: Vec<ChainGrant> = match ending {
        Ending::Everything => standing,
        Ending::Grants(ids) => standing.into_iter().filter(|grant| ids.contains(&grant.id)).collect(),
        Ending::Person { grantee, scope } => {
            let tags = [Right::Read, Right::Write].map(|right| keys.tag(client, *grantee, right).0);
            let scope = scope.map(Scope::on_chain);
            let is_meant = |grant: &ChainGrant| {
                tags.contains(&grant.tag) && scope.is_none_or(|scope| scope == (grant.kind, grant.scope_id))
            };
            standing.into_iter().filter(is_meant).collect()
        }
    };
    let named = named(client, keys, ending, &ended);
    if named.is_empty() && !matches!(ending, Ending::Everything) {
        return Err(ClientError::new(Kind::NotFound, "No such permission stands."));
    }

    let settled = if matches!(ending, Ending::Everything) {
        let action = RevokeAll { patient, nonce: new_nonce(), deadline: new_revocation_deadline(client).await? };
        carry_out(client, wallet, Action::RevokeAll(action), way).await?
    } else {
        let mut settled = Settled { tx_hash: None, block_number: None };
        for batch in named.chunks(MAX_SCOPES) {
            let deadline = new_revocation_deadline(client).await?;
            let action = Revoke { patient, grants: batch.to_vec(), nonce: new_nonce(), deadline };
            settled = carry_out(client, wallet, Action::Revoke(action), way).await?;
        }
        settled
    };
    // The grants have ended; that what was read before cannot be told now must not look like a failure.
    let tags: Vec<Tag> = named.iter().map(|grant| grant.tag.into()).collect();
    let opened_before = opened_with(client, &tags).await.unwrap_or_default();
    Ok(Revoked { ended: ended.len(), opened_before, settled })
}

/// What the message names: the grants that stand; and for one person over one scope also those that do not, since a
/// signed Grant may still be on its way, held back by a relayer, or hidden by an RPC. A Revoke ends it before it begins.
fn named(client: &Client, keys: &Keys, ending: &Ending, standing: &[ChainGrant]) -> Vec<GrantRef> {
    let mut named: Vec<GrantRef> = standing
        .iter()
        .map(|grant| GrantRef { tag: grant.tag.0, kind: grant.kind.code(), id: grant.scope_id })
        .collect();
    if let Ending::Person { grantee, scope: Some(scope) } = ending {
        let (kind, id) = scope.on_chain();
        let right = if matches!(scope, Scope::Record(_)) { Right::Read } else { Right::Write };
        let tag = keys.tag(client, *grantee, right).0.0;
        if !named.iter().any(|grant| grant.tag == tag) {
            named.push(GrantRef { tag, kind: kind.code(), id });
        }
    }
    named
}

async fn carry_out(client: &Client, wallet: &dyn Wallet, action: Action, way: Way) -> Result<Settled, ClientError> {
    match way {
        Way::Direct => client.chain().send(wallet, &action).await,
        Way::Relayed => {
            let signed = sign(client, wallet, action).await?;
            let body = RevokeBody { action: signed };
            let view = client.api()?.revoke(&body).await?;
            settle(client, &body.action.action, view).await
        }
    }
}

/// Records that were opened with one of these tags, from the anchored log.
async fn opened_with(client: &Client, tags: &[Tag]) -> Result<Vec<RecordId>, ClientError> {
    let log = client.chain().access_log().await?;
    let mut records: Vec<RecordId> =
        log.accesses.iter().filter(|access| tags.contains(&access.tag)).map(|access| access.record).collect();
    records.sort_unstable();
    records.dedup();
    Ok(records)
}
