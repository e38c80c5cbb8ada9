//! One relayed action as the queue keeps it. `_id` is its [`ActionId`], so that the same action is queued once.

use alloy::primitives::{Address, B256, Bytes};
use mongodb::{Collection, Database, IndexModel, bson::doc, error::Error, options::IndexOptions};
use protocol::{
    bodies::relay::{ActionState, ActionView},
    error_code::{ErrorCode, Problem},
    hex_text,
    ids::{ActionId, GrantId},
    messages::{Action, SignedAction},
};
use serde::{Deserialize, Serialize};

use super::RelayError;
use crate::store::{collection, index};

/// A relayed action.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ActionDoc {
    #[serde(rename = "_id")]
    pub(crate) id: ActionId,
    /// [`Action::name`].
    pub(crate) kind: String,
    /// Who signed it.
    #[serde(with = "hex_text")]
    pub(crate) signer: Address,
    /// Whose session brought it; the gas budget is theirs.
    #[serde(with = "hex_text")]
    pub(crate) submitter: Address,
    /// The signed message, as JSON text.
    pub(crate) signed: String,
    /// The contract.
    #[serde(with = "hex_text")]
    pub(crate) to: Address,
    /// The calldata.
    #[serde(with = "hex_text")]
    pub(crate) data: Bytes,
    pub(crate) gas_limit: i64,
    pub(crate) state: ActionState,
    /// What a Revoke ends; reads are refused from the moment it stands here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) revokes: Vec<GrantId>,
    /// The transaction that carries it, once it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) transaction: Option<TransactionDoc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mined: Option<MinedDoc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<FailureDoc>,
    /// Unix milliseconds.
    pub(crate) accepted_at: i64,
    /// Whether everything that follows from the outcome has been done (feed, pins, answered request).
    pub(crate) is_followed_up: bool,
    /// Whether the outcome lies deep enough in the chain that nobody looks again.
    pub(crate) is_final: bool,
}

/// The transaction of an action. Written before it is sent for the first time.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct TransactionDoc {
    /// The relayer's address, so that a changed key does not mix up nonces.
    #[serde(with = "hex_text")]
    pub(crate) relayer: Address,
    pub(crate) nonce: i64,
    /// Every hash it has had; the last one is current. They differ in fees only.
    pub(crate) hashes: Vec<String>,
    /// The signed bytes, hex.
    #[serde(with = "hex_text")]
    pub(crate) raw: Bytes,
    /// Wei per gas, as text: it does not fit BSON's integers.
    pub(crate) max_fee: String,
    /// Wei per gas, as text.
    pub(crate) max_priority_fee: String,
    /// Unix milliseconds of the last signature.
    pub(crate) signed_at: i64,
}

impl TransactionDoc {
    /// Every hash, the current one first.
    pub(crate) fn hashes(&self) -> impl Iterator<Item = B256> + '_ {
        self.hashes.iter().rev().filter_map(|hash| hash.parse().ok())
    }
}

/// Where the transaction was mined.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct MinedDoc {
    #[serde(with = "hex_text")]
    pub(crate) tx_hash: B256,
    pub(crate) block_number: i64,
    #[serde(with = "hex_text")]
    pub(crate) block_hash: B256,
    pub(crate) gas_used: i64,
    /// Unix milliseconds, by this server's clock.
    pub(crate) seen_at: i64,
}

/// Why an action failed.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct FailureDoc {
    pub(crate) code: ErrorCode,
    pub(crate) detail: String,
}

impl ActionDoc {
    /// Whether its outcome is known.
    pub(crate) const fn is_settled(&self) -> bool {
        matches!(self.state, ActionState::Mined | ActionState::Failed)
    }

    /// The signed message; `None` for what the server itself relays.
    pub(crate) fn signed(&self) -> Option<SignedAction> {
        serde_json::from_str(&self.signed).ok()
    }

    /// What its signer may see of it.
    pub(crate) fn view(&self) -> ActionView {
        ActionView {
            id: self.id,
            state: self.state,
            tx_hash: self
                .mined
                .as_ref()
                .map(|mined| mined.tx_hash)
                .or_else(|| self.transaction.as_ref().and_then(|transaction| transaction.hashes().next())),
            block_number: self.mined.as_ref().and_then(|mined| mined.block_number.try_into().ok()),
            problem: self.failure.as_ref().map(|failure| Problem {
                kind: format!("urn:medlock:error:{}", failure.code),
                status: failure.code.status(),
                code: failure.code.to_string(),
                detail: failure.detail.clone(),
                hint: failure.code.hint().to_owned(),
                request_id: String::new(),
            }),
        }
    }
}

/// The grants that a Revoke ends; empty for every other action.
pub(super) fn revoked_by(action: &Action) -> Vec<GrantId> {
    let Action::Revoke(revoke) = action else { return Vec::new() };
    let mut ids: Vec<GrantId> = revoke
        .grants
        .iter()
        .filter_map(|grant| {
            let kind = protocol::codes::ScopeKind::from_code(grant.kind)?;
            Some(GrantId::derive(revoke.patient, grant.tag.into(), kind, grant.id))
        })
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Creates the indexes that the queue's queries use.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn create_indexes(database: &Database) -> Result<(), Error> {
    let actions: Collection<ActionDoc> = database.collection(collection::ACTIONS);
    // Two actions never share a nonce of the relayer, whatever replicas believe about their lease.
    let one_per_nonce = IndexModel::builder()
        .keys(doc! { "transaction.relayer": 1, "transaction.nonce": 1 })
        .options(
            IndexOptions::builder()
                .unique(true)
                .partial_filter_expression(doc! { "transaction.nonce": { "$exists": true } })
                .build(),
        )
        .build();
    let by_state = index(doc! { "state": 1, "accepted_at": 1 });
    let unfinished = index(doc! { "is_final": 1, "state": 1, "accepted_at": 1 });
    let to_follow_up = index(doc! { "is_followed_up": 1, "state": 1, "accepted_at": 1 });
    let revocations = index(doc! { "signer": 1, "kind": 1, "state": 1, "mined.block_number": 1 });
    actions.create_indexes([one_per_nonce, by_state, unfinished, to_follow_up, revocations]).await?;
    Ok(())
}

/// Finds an action by its id.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn find(actions: &Collection<ActionDoc>, id: ActionId) -> Result<Option<ActionDoc>, RelayError> {
    Ok(actions.find_one(doc! { "_id": id.to_string() }).await?)
}
