//! A relayed action as the queue stores it. `_id` is its [`ActionId`], so the same action is queued once.

use alloy::primitives::{Address, B256, Bytes};
use mongodb::{Collection, Database, IndexModel, bson::doc, error::Error, options::IndexOptions};
use protocol::{
    bodies::relay::{ActionState, ActionView, Waiting},
    codes::ScopeKind,
    error_code::{ErrorCode, Problem},
    hex_text,
    ids::{ActionId, GrantId, RecordId},
    messages::{Action, SignedAction, Tombstone},
};
use serde::{Deserialize, Serialize};

use super::{error::RelayError, line::Line};
use crate::{
    at_rest::{AtRest, Sealed, Use},
    store::{collection, index},
};

/// A relayed action.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ActionDoc {
    #[serde(rename = "_id")]
    pub(crate) id: ActionId,
    /// [`Action::name`].
    pub(crate) kind: String,
    /// The relayer that sends it.
    pub(crate) line: Line,
    /// Who signed it.
    #[serde(with = "hex_text")]
    pub(crate) signer: Address,
    /// The account whose session submitted it, and whose gas budget pays. The chain does not show it.
    pub(crate) submitter: Sealed,
    /// While it waits: the pseudonym under which it takes turns, of the submitter's network or of the submitter.
    pub(crate) turn: String,
    /// The signed message, as JSON text.
    pub(crate) signed: String,
    /// The contract.
    #[serde(with = "hex_text")]
    pub(crate) to: Address,
    /// The calldata.
    #[serde(with = "hex_text")]
    pub(crate) data: Bytes,
    pub(crate) gas_limit: i64,
    /// Unix seconds of the message's deadline.
    pub(crate) deadline: i64,
    pub(crate) state: ActionState,
    /// The reason why it is not sent, or not mined, for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) waiting: Option<Waiting>,
    /// The patient whose reads it stops, as long as the chain may not hold it yet: from the moment it is stored until
    /// it is final on chain or its deadline has passed. Absent for actions that stop no reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) open_revocation_of: Option<String>,
    /// The grants that a Revoke ends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) revokes: Vec<GrantId>,
    /// The record that a tombstone closes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tombstones: Option<RecordId>,
    /// Number of times that it reverted although it could have succeeded.
    #[serde(default)]
    pub(crate) reverts: i32,
    /// The transaction that carries it, once it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) transaction: Option<TransactionDoc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mined: Option<MinedDoc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<FailureDoc>,
    /// Unix milliseconds.
    pub(crate) accepted_at: i64,
    /// Whether all consequences of the outcome are done (feed, pins, answered request).
    pub(crate) is_followed_up: bool,
    /// Whether the outcome is deep enough in the chain that it is not checked again.
    pub(crate) is_final: bool,
}

/// The transaction of an action. Written before it is sent for the first time.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct TransactionDoc {
    /// The relayer's address, so that nonces of an earlier key are not mixed with those of the current one.
    #[serde(with = "hex_text")]
    pub(crate) relayer: Address,
    pub(crate) nonce: i64,
    /// All its hashes; the last one is current. The transactions differ only in their fees, and from `cancelled` on
    /// they do nothing.
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
    /// Set when a transfer that does nothing uses up the nonce.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cancelled: Option<CancelDoc>,
}

/// The replacement of a transaction by one that does nothing: its reason, and the first such hash.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct CancelDoc {
    /// Index of the first hash that does nothing.
    pub(crate) from: i32,
    pub(crate) why: FailureDoc,
}

impl TransactionDoc {
    /// Returns every hash, the current one first.
    pub(crate) fn hashes(&self) -> impl Iterator<Item = B256> + '_ {
        self.hashes.iter().rev().filter_map(|hash| hash.parse().ok())
    }

    /// Returns the reason why the action was given up, if this is the hash of a transaction that does nothing.
    pub(super) fn cancelled_by(&self, hash: B256) -> Option<&FailureDoc> {
        let cancel = self.cancelled.as_ref()?;
        let from = usize::try_from(cancel.from).ok()?;
        let is_cancel = self.hashes.iter().skip(from).any(|other| other.parse() == Ok(hash));
        is_cancel.then_some(&cancel.why)
    }
}

/// The block and transaction in which it was mined.
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

/// The reason why an action failed.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct FailureDoc {
    pub(crate) code: ErrorCode,
    pub(crate) detail: String,
}

impl ActionDoc {
    /// Returns whether its outcome is known.
    pub(crate) const fn is_settled(&self) -> bool {
        matches!(self.state, ActionState::Mined | ActionState::Failed)
    }

    /// Returns the first submitter. Returns `None` when this operator did not seal it.
    pub(super) fn submitter(&self, at_rest: &AtRest) -> Option<Address> {
        at_rest.open(Use::Submitter, &self.id.to_string(), &self.submitter).ok()
    }

    /// Returns whether somebody may see its status: its signer and its first submitter may.
    pub(crate) fn may_be_seen_by(&self, at_rest: &AtRest, who: Address) -> bool {
        self.signer == who || self.submitter(at_rest) == Some(who)
    }

    /// Returns the signed message, or `None` for actions of the server itself.
    pub(crate) fn signed(&self) -> Option<SignedAction> {
        serde_json::from_str(&self.signed).ok()
    }

    /// Returns the message of a tombstone.
    pub(super) fn tombstone(&self) -> Option<Tombstone> {
        self.tombstones?;
        match self.signed()?.action {
            Action::Tombstone(message) => Some(message),
            _ => None,
        }
    }

    /// Returns the gas that its transaction may use.
    pub(super) fn gas(&self) -> u64 {
        u64::try_from(self.gas_limit).unwrap_or(0)
    }

    /// Returns whether its deadline has passed at `now` (Unix seconds).
    pub(super) fn has_expired(&self, now: u64) -> bool {
        u64::try_from(self.deadline).is_ok_and(|deadline| deadline <= now)
    }

    /// Returns the part of it that its signer may see.
    pub(crate) fn view(&self) -> ActionView {
        ActionView {
            id: self.id,
            state: self.state,
            waiting: self.waiting.filter(|_| !self.is_settled()),
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

/// Returns the grants that a Revoke ends. Empty for every other action.
pub(super) fn revoked_by(action: &Action) -> Vec<GrantId> {
    let Action::Revoke(revoke) = action else { return Vec::new() };
    let mut ids: Vec<GrantId> = revoke
        .grants
        .iter()
        .filter_map(|grant| {
            let kind = ScopeKind::from_code(grant.kind)?;
            Some(GrantId::derive(revoke.patient, grant.tag.into(), kind, grant.id))
        })
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Returns the record that an action withdraws.
pub(super) fn tombstoned_by(action: &Action) -> Option<RecordId> {
    match action {
        Action::Tombstone(message) => Some(message.record.into()),
        _ => None,
    }
}

/// Returns the signer of an action that revokes or withdraws something, because it stops reads of the signer's records.
pub(super) fn revocation_of(action: &Action) -> Option<Address> {
    match action {
        Action::Revoke(_) | Action::RevokeAll(_) => Some(action.signer()),
        _ => tombstoned_by(action).map(|_| action.signer()),
    }
}

/// Creates the indexes that the queue's queries use.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(super) async fn create_indexes(database: &Database) -> Result<(), Error> {
    let actions: Collection<ActionDoc> = database.collection(collection::ACTIONS);
    // Two actions never share a nonce of a relayer, even if two replicas both believe that they hold the lease.
    let one_per_nonce = IndexModel::builder()
        .keys(doc! { "transaction.relayer": 1, "transaction.nonce": 1 })
        .options(
            IndexOptions::builder()
                .unique(true)
                .partial_filter_expression(doc! { "transaction.nonce": { "$exists": true } })
                .build(),
        )
        .build();
    let by_state = index(doc! { "line": 1, "state": 1, "accepted_at": 1 });
    let newest = index(doc! { "line": 1, "accepted_at": -1 });
    let unfinished = index(doc! { "line": 1, "is_final": 1, "state": 1, "accepted_at": 1 });
    let to_follow_up = index(doc! { "line": 1, "is_followed_up": 1, "state": 1, "accepted_at": 1 });
    // The sweeper asks whether an uploader's registration is on its way.
    let of_signer = index(doc! { "signer": 1, "state": 1 });
    // The field has a value only in open revocations, so the index stays small.
    let revocations = index(doc! { "open_revocation_of": 1 });
    actions.create_indexes([one_per_nonce, by_state, newest, unfinished, to_follow_up, of_signer, revocations]).await?;
    Ok(())
}

/// Finds an action by its id.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(super) async fn find(actions: &Collection<ActionDoc>, id: ActionId) -> Result<Option<ActionDoc>, RelayError> {
    Ok(actions.find_one(doc! { "_id": id.to_string() }).await?)
}
