//! Revocations that this server has accepted. They count for reads at once, before they are on chain, until they are
//! final on chain or their deadline has passed. It makes no difference whether a transaction was dropped, could not be
//! paid, or failed: as long as the message is valid, it may still be mined. A tombstone stops being valid once its
//! patient has closed or opened the record in another way, because it names the earlier epoch.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::Address;
use futures::{TryStreamExt, future::try_join_all};
use mongodb::{bson::doc, error::Error};
use protocol::{
    bodies::relay::ActionState,
    ids::{GrantId, RecordId},
};

use super::{Relay, action_doc::ActionDoc, on_chain::is_stale, shared::Shared};
use crate::{chain::Block, error::ApiError};

/// The permissions of a patient that messages have ended, although the chain may not hold these messages yet.
#[derive(Debug, Default)]
pub(crate) struct Revocations {
    /// Whether a RevokeAll is pending.
    pub(crate) all: bool,
    /// The grants that a pending Revoke ends.
    pub(crate) grants: BTreeSet<GrantId>,
    /// The records that a pending tombstone closes.
    pub(crate) records: BTreeSet<RecordId>,
}

impl Revocations {
    /// Returns whether no grant is being ended.
    pub(crate) fn is_empty(&self) -> bool {
        !self.all && self.grants.is_empty()
    }

    /// Collects what these actions end.
    pub(super) fn of<'a>(actions: impl IntoIterator<Item = &'a ActionDoc>) -> Self {
        let mut ended = Self::default();
        for action in actions {
            ended.all |= action.kind == "revoke_all";
            ended.grants.extend(&action.revokes);
            ended.records.extend(action.tombstones);
        }
        ended
    }
}

impl Relay {
    /// Returns, for each of these patients, the revocations that are durable in the queue but not yet in the mirror up
    /// to block `head`. For lists: it makes one query for any number of patients.
    ///
    /// # Errors
    /// Returns an error when the database does not answer.
    pub(crate) async fn revocations_of(
        &self,
        patients: &BTreeSet<Address>,
        head: u64,
    ) -> Result<BTreeMap<Address, Revocations>, Error> {
        let mut by_patient: BTreeMap<Address, Vec<ActionDoc>> = BTreeMap::new();
        for action in self.shared.open_revocations(patients).await? {
            if action.mined_by(head).is_none() {
                by_patient.entry(action.signer).or_default().push(action);
            }
        }
        Ok(by_patient.into_iter().map(|(patient, actions)| (patient, Revocations::of(&actions))).collect())
    }

    /// Returns the patient's revocations that are durable in the queue but not in the chain that ends with `head`: not
    /// mined yet, mined later than `head`, or mined in a block that is not part of this chain (a reorg). For permission
    /// checks.
    ///
    /// # Errors
    /// Returns `unavailable` when the database or the chain node does not answer.
    pub(crate) async fn revocations_at(&self, patient: Address, head: &Block) -> Result<Revocations, ApiError> {
        let open = self.shared.open_revocations(&BTreeSet::from([patient])).await?;
        // A final revocation cannot leave the chain. For the others this very block is asked, by its hash. A node that
        // lags behind may also return a head from before the revocation.
        let asked = try_join_all(open.iter().map(async |action| match action.mined_by(head.number) {
            Some(true) => Ok::<_, ApiError>(None),
            Some(false) => Ok((!self.is_carried_out(action, head).await?).then_some(action)),
            None => Ok((!is_stale(&self.shared, action, head.id()).await?).then_some(action)),
        }));
        Ok(Revocations::of(asked.await?.into_iter().flatten()))
    }

    /// Returns whether the message has taken effect, or can never be mined, in the chain that ends with `head`: its
    /// nonce is used there, or it is stale. It does not matter who sent it.
    async fn is_carried_out(&self, action: &ActionDoc, head: &Block) -> Result<bool, ApiError> {
        let Some(message) = action.signed().map(|signed| signed.action) else { return Ok(false) };
        Ok(self.shared.chain_view.is_nonce_used(&message, head.id()).await?
            || is_stale(&self.shared, action, head.id()).await?)
    }
}

impl ActionDoc {
    /// Returns `None` if it was not mined in a block up to `number`, otherwise whether it is final.
    fn mined_by(&self, number: u64) -> Option<bool> {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        let is_mined =
            self.state == ActionState::Mined && self.mined.as_ref().is_some_and(|mined| mined.block_number <= number);
        is_mined.then_some(self.is_final)
    }
}

impl Shared {
    /// Returns the revocations of these patients that are still valid and that may not be final on chain yet. Only
    /// these are read, however many were ever relayed.
    pub(super) async fn open_revocations(&self, patients: &BTreeSet<Address>) -> Result<Vec<ActionDoc>, Error> {
        let patients: Vec<String> = patients.iter().map(|patient| format!("{patient:#x}")).collect();
        let open = doc! { "open_revocation_of": { "$in": patients } };
        let found: Vec<ActionDoc> = self.actions.find(open).await?.try_collect().await?;
        let now = self.clock.now();
        // A mined revocation counts beyond its deadline, until it is final.
        let is_valid = |action: &ActionDoc| action.state == ActionState::Mined || !action.has_expired(now);
        Ok(found.into_iter().filter(is_valid).collect())
    }
}
