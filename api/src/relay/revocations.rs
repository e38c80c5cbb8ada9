//! Revocations that this server has accepted: they count for reads at once, before the chain has seen them.

use std::collections::BTreeSet;

use alloy::primitives::Address;
use futures::TryStreamExt;
use mongodb::{
    bson::{doc, to_bson},
    error::Error,
};
use protocol::{bodies::relay::ActionState, ids::GrantId};

use super::{ActionDoc, Relay};

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
}

impl Relay {
    /// The patient's revocations that stand durably in the queue, but not yet in the chain up to block `head`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn revocations(&self, patient: Address, head: u64) -> Result<Revocations, Error> {
        let [accepted, sent, mined] =
            [ActionState::Accepted, ActionState::Sent, ActionState::Mined].map(|state| to_bson(&state));
        let mined = mined?;
        let revocations = doc! {
            "signer": format!("{patient:#x}"),
            "kind": { "$in": ["revoke", "revoke_all"] },
            "state": { "$in": [accepted?, sent?, mined.clone()] },
            // A node that lags behind answers for a block before the one in which it was mined.
            "$or": [
                { "state": { "$ne": mined } },
                { "mined.block_number": { "$gt": i64::try_from(head).unwrap_or(i64::MAX) } },
            ],
        };
        let mut ended = Revocations::default();
        let mut found = self.shared.actions.find(revocations).await?;
        while let Some(ActionDoc { kind, revokes, .. }) = found.try_next().await? {
            ended.all |= kind == "revoke_all";
            ended.grants.extend(revokes);
        }
        Ok(ended)
    }
}
