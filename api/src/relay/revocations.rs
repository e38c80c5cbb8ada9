//! Revocations that this server has accepted: they count for reads at once, before the chain has seen them.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::Address;
use contracts::grant_registry::GrantRegistry;
use futures::{TryStreamExt, future::try_join_all};
use mongodb::{
    bson::{Document, doc, to_bson},
    error::Error,
};
use protocol::{bodies::relay::ActionState, deployment::ContractName, ids::GrantId, messages::Action};

use super::{ActionDoc, Relay};
use crate::{chain::Block, error::ApiError};

/// What of a patient's grants has been ended by messages that are not mined yet.
#[derive(Debug, Default)]
pub(crate) struct Revocations {
    /// A RevokeAll is on its way.
    pub(crate) all: bool,
    /// The grants that a Revoke on its way ends.
    pub(crate) grants: BTreeSet<GrantId>,
}

impl Revocations {
    /// Whether nothing is on its way.
    pub(crate) fn is_empty(&self) -> bool {
        !self.all && self.grants.is_empty()
    }

    fn of(actions: impl IntoIterator<Item = ActionDoc>) -> Self {
        let mut ended = Self::default();
        for ActionDoc { kind, revokes, .. } in actions {
            ended.all |= kind == "revoke_all";
            ended.grants.extend(revokes);
        }
        ended
    }
}

impl Relay {
    /// For each of these patients, the revocations that stand durably in the queue, but not yet in the mirror up to block
    /// `head`. For lists: two queries, however many patients.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn revocations_of(
        &self,
        patients: &BTreeSet<Address>,
        head: u64,
    ) -> Result<BTreeMap<Address, Revocations>, Error> {
        let [accepted, sent, mined] =
            [ActionState::Accepted, ActionState::Sent, ActionState::Mined].map(|state| to_bson(&state));
        let signers: Vec<String> = patients.iter().map(|patient| format!("{patient:#x}")).collect();
        let by_patients = doc! { "signer": { "$in": signers }, "kind": { "$in": ["revoke", "revoke_all"] } };
        let (mut waiting, mut later) = (by_patients.clone(), by_patients);
        waiting.insert("state", doc! { "$in": [accepted?, sent?] });
        later.insert("state", mined?);
        later.insert("mined.block_number", doc! { "$gt": i64::try_from(head).unwrap_or(i64::MAX) });
        let find = async |filter: Document| -> Result<Vec<ActionDoc>, Error> {
            self.shared.actions.find(filter).await?.try_collect().await
        };
        let (waiting, later) = tokio::join!(find(waiting), find(later));
        let mut by_patient: BTreeMap<Address, Vec<ActionDoc>> = BTreeMap::new();
        for action in waiting?.into_iter().chain(later?) {
            by_patient.entry(action.signer).or_default().push(action);
        }
        Ok(by_patient.into_iter().map(|(patient, actions)| (patient, Revocations::of(actions))).collect())
    }

    /// The patient's revocations that stand durably in the queue, but not in the chain that ends with `head`: not mined
    /// yet, mined later than `head`, or mined in a block that is no part of this chain (a reorg). For permission.
    ///
    /// # Errors
    /// `unavailable` when database or chain do not answer.
    pub(crate) async fn revocations_at(&self, patient: Address, head: &Block) -> Result<Revocations, ApiError> {
        // What is final cannot fall out any more; for the rest this very block is asked, by its hash. A node that lags
        // behind may also give a head from before the revocation.
        let number = i64::try_from(head.number).unwrap_or(i64::MAX);
        let shallow = doc! { "$or": [{ "is_final": false }, { "mined.block_number": { "$gt": number } }] };
        let found = self.accepted_or(patient, shallow).await?;
        let (shallow, mut missing): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|action| action.state == ActionState::Mined);
        let shallow = try_join_all(shallow.into_iter().map(async |action| {
            let is_missing = !self.is_carried_out(&action, head).await?;
            Ok::<_, ApiError>(is_missing.then_some(action))
        }));
        missing.extend(shallow.await?.into_iter().flatten());
        Ok(Revocations::of(missing))
    }

    /// Whether the message counts in the chain that ends with `head`, whoever has sent it: its nonce is used there.
    async fn is_carried_out(&self, action: &ActionDoc, head: &Block) -> Result<bool, ApiError> {
        let nonce = match action.signed().map(|signed| signed.action) {
            Some(Action::Revoke(revoke)) => revoke.nonce,
            Some(Action::RevokeAll(revoke)) => revoke.nonce,
            _ => return Ok(false),
        };
        let address = self.shared.deployment.address_of(ContractName::GrantRegistry);
        let registry = GrantRegistry::new(address, self.shared.provider.clone());
        Ok(registry.isNonceUsed(action.signer, nonce).block(head.id()).call().await?)
    }

    /// The patient's revocations that are on their way, and of the mined ones those that match `mined`.
    async fn accepted_or(&self, patient: Address, mut mined: Document) -> Result<Vec<ActionDoc>, Error> {
        let [accepted, sent, is_mined] =
            [ActionState::Accepted, ActionState::Sent, ActionState::Mined].map(|state| to_bson(&state));
        mined.insert("state", is_mined?);
        let revocations = doc! {
            "signer": format!("{patient:#x}"),
            "kind": { "$in": ["revoke", "revoke_all"] },
            "$or": [{ "state": { "$in": [accepted?, sent?] } }, mined],
        };
        self.shared.actions.find(revocations).await?.try_collect().await
    }
}
