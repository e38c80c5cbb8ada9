//! Ending grants.

use std::{collections::HashSet, time::Duration};

use alloy::primitives::Address;
use protocol::{
    bodies::grants::{GrantQuery, GrantSide, GrantView, RevokeBody},
    codes::{MAX_SCOPES, Right, ScopeKind},
    ids::{GrantId, RecordId, Tag},
    messages::{Action, GrantRef, Revoke, RevokeAll},
};
use serde::Serialize;

use super::{Scope, error::RevokeError};
use crate::{
    act::{Settled, Way, new_nonce, new_revocation_deadline, send, settle, sign},
    api::ServerError,
    audit::{LogFilter, log},
    chain::{ChainError, ChainGrant},
    client::Client,
    told::{self, Told},
    unlock::Keys,
    wallet::Wallet,
};

/// How long the server may take to list the reads of grants that have ended.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// The grants that are to end.
#[derive(Clone, Debug)]
pub enum Ending {
    /// Everything that this person may do; over one scope if given. Works from the seed and the chain alone.
    Person {
        /// The address.
        grantee: Address,
        /// The scope; everything if absent.
        scope: Option<Scope>,
    },
    /// These grants.
    Grants(Vec<GrantId>),
    /// Everything that everybody may do.
    Everything,
}

/// The grants that ended, and what their grantees could have kept.
#[derive(Clone, Debug, Serialize)]
pub struct Revoked {
    /// The number of active grants that were ended.
    pub ended: usize,
    /// The records of the ended grants that were opened before, so that a copy may exist.
    pub opened_before: Vec<RecordId>,
    /// Whether [`Self::opened_before`] has all of them: chain and server both answered.
    pub opened_before_is_complete: bool,
    /// The transaction. If several messages were needed: that of the last one that was carried out.
    pub settled: Settled,
    /// Grants that were not ended, each with the reason.
    pub told: Vec<Told>,
}

/// Ends grants. Reads stop as soon as the server has accepted it or it is mined.
///
/// Needs the wallet alone: what stands is on chain. Without keys, a person's grants are those whose salts the server tells;
/// one that it hides, or that is still on its way, needs the keys, or [`Ending::Everything`].
///
/// # Errors
/// [`RevokeError::NothingStands`], [`RevokeError::NothingShared`]; refusals of wallet, server and chain.
pub async fn revoke(
    client: &Client,
    wallet: &dyn Wallet,
    keys: impl Into<Option<&Keys>>,
    ending: &Ending,
    way: Way,
) -> Result<Revoked, RevokeError> {
    client.chain().verify_deployment().await?;
    let patient = client.address();
    let standing: Vec<ChainGrant> =
        client.chain().grants_of(patient).await?.into_iter().filter(|grant| grant.stands()).collect();
    let mut on_their_way = Vec::new();
    let ended: Vec<ChainGrant> = match ending {
        Ending::Everything => standing,
        Ending::Grants(ids) => standing.into_iter().filter(|grant| ids.contains(&grant.id)).collect(),
        Ending::Person { grantee, scope } => {
            let tags = match keys.into() {
                Some(keys) => {
                    on_their_way = scope.map(|scope| possible(client, keys, *grantee, scope)).into_iter().collect();
                    [Right::Read, Right::Write].map(|right| keys.tag(client, *grantee, right).0).to_vec()
                }
                None => told_tags(client, *grantee).await?,
            };
            let scope = scope.map(Scope::on_chain);
            let is_meant = |grant: &ChainGrant| {
                tags.contains(&grant.tag) && scope.is_none_or(|scope| scope == (grant.kind, grant.scope_id))
            };
            standing.into_iter().filter(is_meant).collect()
        }
    };
    let named = named(&ended, on_their_way);
    if named.is_empty() {
        match ending {
            // What is still on its way ends, too.
            Ending::Everything => {}
            Ending::Person { scope: None, .. } => return Err(RevokeError::NothingShared),
            Ending::Person { .. } | Ending::Grants(_) => return Err(RevokeError::NothingStands),
        }
    }

    let (settled, told) = if matches!(ending, Ending::Everything) {
        let action = RevokeAll { patient, nonce: new_nonce(), deadline: new_revocation_deadline(client).await? };
        (carry_out(client, wallet, Action::RevokeAll(action), way).await?, Vec::new())
    } else {
        in_batches(client, wallet, &named, way).await?
    };
    let has_ended = |id: GrantId| told.iter().all(|told| told.grant != Some(id));
    let ended = ended.iter().filter(|grant| has_ended(grant.id)).count();
    let over_records = named.iter().filter(|grant| grant.kind == ScopeKind::Record.code());
    let over_records: Vec<(Tag, RecordId)> = over_records
        .filter(|grant| has_ended(id_of(client, grant)))
        .map(|grant| (grant.tag.into(), RecordId(grant.id)))
        .collect();
    let (opened_before, opened_before_is_complete) = opened_with(client, &over_records).await;
    Ok(Revoked { ended, opened_before, opened_before_is_complete, settled, told })
}

/// Ends grants with as many messages as it takes. One that fails is told, and the next one follows, unless what failed
/// concerns all.
///
/// # Errors
/// Of the first message if none was taken.
async fn in_batches(
    client: &Client,
    wallet: &dyn Wallet,
    named: &[GrantRef],
    way: Way,
) -> Result<(Settled, Vec<Told>), RevokeError> {
    let mut settled = None;
    let mut told = Vec::new();
    let mut first = None;
    let mut batches = named.chunks(MAX_SCOPES);
    while let Some(batch) = batches.next() {
        let error = match one_batch(client, wallet, batch, way).await {
            Ok(done) => {
                settled = Some(done);
                continue;
            }
            Err(error) => error,
        };
        let concerns_all = told::concerns_all(client, &error).await;
        told.extend(batch.iter().map(|grant| Told::grant(id_of(client, grant), &error)));
        if concerns_all {
            told.extend(batches.by_ref().flatten().map(|grant| Told::grant(id_of(client, grant), &error)));
        }
        first = first.or(Some(error));
    }
    match (settled, first) {
        (Some(settled), _) => Ok((settled, told)),
        (None, Some(error)) => Err(error),
        (None, None) => Err(RevokeError::NothingStands),
    }
}

async fn one_batch(client: &Client, wallet: &dyn Wallet, batch: &[GrantRef], way: Way) -> Result<Settled, RevokeError> {
    let deadline = new_revocation_deadline(client).await?;
    let action = Revoke { patient: client.address(), grants: batch.to_vec(), nonce: new_nonce(), deadline };
    carry_out(client, wallet, Action::Revoke(action), way).await
}

fn id_of(client: &Client, grant: &GrantRef) -> GrantId {
    let kind = ScopeKind::from_code(grant.kind).expect("it comes from a grant of a known kind");
    GrantId::derive(client.address(), grant.tag.into(), kind, grant.id)
}

/// The grants of a patient that stand on chain now, without a server.
///
/// # Errors
/// [`ChainError`].
pub async fn standing(client: &Client) -> Result<Vec<ChainGrant>, ChainError> {
    client.chain().verify_deployment().await?;
    let grants = client.chain().grants_of(client.address()).await?;
    Ok(grants.into_iter().filter(|grant| grant.stands()).collect())
}

/// The tags of a person that the server names, each with a salt that opens it.
async fn told_tags(client: &Client, grantee: Address) -> Result<Vec<Tag>, ServerError> {
    let query = GrantQuery { side: Some(GrantSide::Given), ..GrantQuery::default() };
    let told = client.api()?.grants(&query).await?;
    let opens = |grant: &GrantView| {
        grant.salt.is_some_and(|salt| protocol::identity::opens_tag(grant.tag, grantee, salt)).then_some(grant.tag)
    };
    let mut tags: Vec<Tag> = told.iter().filter_map(opens).collect();
    tags.sort_unstable();
    tags.dedup();
    Ok(tags)
}

/// Returns the reference of a grant to one person over one scope, whether or not it stands. A signed Grant may still be on
/// its way, held back by a relayer, or hidden by an RPC: a Revoke ends it before it begins.
fn possible(client: &Client, keys: &Keys, grantee: Address, scope: Scope) -> GrantRef {
    let (kind, id) = scope.on_chain();
    let right = if matches!(scope, Scope::Record(_)) { Right::Read } else { Right::Write };
    GrantRef { tag: keys.tag(client, grantee, right).0.0, kind: kind.code(), id }
}

/// Returns the grants that the message names: those that stand, and those that may be on their way.
fn named(standing: &[ChainGrant], on_their_way: Vec<GrantRef>) -> Vec<GrantRef> {
    let mut named: Vec<GrantRef> = standing
        .iter()
        .map(|grant| GrantRef { tag: grant.tag.0, kind: grant.kind.code(), id: grant.scope_id })
        .collect();
    named.extend(on_their_way.into_iter().filter(|new| !standing.iter().any(|grant| grant.tag.0 == new.tag)));
    named
}

async fn carry_out(client: &Client, wallet: &dyn Wallet, action: Action, way: Way) -> Result<Settled, RevokeError> {
    match way {
        Way::Direct => Ok(send(client, wallet, &action).await?),
        Way::Relayed => {
            let signed = sign(client, wallet, action).await?;
            let body = RevokeBody { action: signed };
            let view = client.api()?.revoke(&body).await?;
            Ok(settle(client, &body.action.action, view).await?)
        }
    }
}

/// Returns the records that were opened under one of these grants (tag and record), from the anchored log and the server's
/// entries, which may not be anchored yet; and whether both could be asked. The grants have ended, so a failure here must
/// not look like a failure to end them.
async fn opened_with(client: &Client, over_records: &[(Tag, RecordId)]) -> (Vec<RecordId>, bool) {
    if over_records.is_empty() {
        return (Vec::new(), true);
    }
    let records: HashSet<RecordId> = over_records.iter().map(|(_, record)| *record).collect();
    let everything = LogFilter::default();
    let (anchored, told) = tokio::join!(
        client.chain().accesses_of(&records),
        tokio::time::timeout(ANSWER_WITHIN, log(client, &everything)),
    );
    let told = told.ok().and_then(Result::ok);
    let is_complete = anchored.is_ok() && told.is_some();
    let anchored = anchored.unwrap_or_default().into_iter().map(|access| (access.tag, access.record));
    let told = told.unwrap_or_default().into_iter().map(|entry| (entry.tag, entry.record));
    (opened_of(over_records, anchored.chain(told)), is_complete)
}

fn opened_of(over_records: &[(Tag, RecordId)], reads: impl Iterator<Item = (Tag, RecordId)>) -> Vec<RecordId> {
    let mut records: Vec<RecordId> =
        reads.filter(|read| over_records.contains(read)).map(|(_, record)| record).collect();
    records.sort_unstable();
    records.dedup();
    records
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;

    use super::*;

    #[test]
    fn only_records_that_were_opened_under_an_ended_grant_are_named() {
        let tag = |byte| Tag(B256::repeat_byte(byte));
        let record = |byte| RecordId(B256::repeat_byte(byte));
        let ended = [(tag(1), record(1)), (tag(1), record(2))];
        let reads = [
            (tag(1), record(1)),
            (tag(1), record(1)),
            // Another record of the same person, and the same record by another person.
            (tag(1), record(3)),
            (tag(2), record(2)),
        ];
        assert_eq!(opened_of(&ended, reads.into_iter()), [record(1)]);
        assert!(opened_of(&[], reads.into_iter()).is_empty());
    }
}
