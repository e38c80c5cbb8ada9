//! The mirror: the documents that the indexer writes from chain events and the API reads. Only the indexer writes them.
//!
//! Every `_id` is computed from chain data only, so that applying an event twice changes nothing. Each document
//! contains the place of the event that last changed it. All numbers fit into BSON's signed 64-bit integers.

use alloy::primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::{
    codes::ScopeKind,
    grants::Terms,
    ids::{GrantId, LeafHash, RecordId, Tag},
};

/// The names of the mirror's collections.
pub mod collection {
    /// [`super::EventDoc`]: every event, as it is on chain.
    pub const EVENTS: &str = "events";
    /// [`super::RecordDoc`].
    pub const RECORDS: &str = "records";
    /// [`super::VersionDoc`].
    pub const VERSIONS: &str = "versions";
    /// [`super::GrantDoc`].
    pub const GRANTS: &str = "grants";
    /// [`super::PatientDoc`].
    pub const PATIENTS: &str = "patients";
    /// [`super::KeyDoc`].
    pub const KEYS: &str = "keys";
    /// [`super::AccreditorDoc`].
    pub const ACCREDITORS: &str = "accreditors";
    /// [`super::PractitionerDoc`].
    pub const PRACTITIONERS: &str = "practitioners";
    /// [`super::AccessDoc`].
    pub const ACCESSES: &str = "accesses";
    /// [`super::CheckpointDoc`].
    pub const CHECKPOINTS: &str = "checkpoints";
    /// [`super::CursorDoc`]: one document.
    pub const CURSOR: &str = "cursor";
    /// [`super::BlockDoc`]: the recent blocks. Only the indexer uses them.
    pub const BLOCKS: &str = "blocks";

    /// [`super::OrphanDoc`]: events of branches that the chain has left, kept for audit. Every reorg adds to it. A
    /// rebuild neither restores nor removes it.
    pub const ORPHANS: &str = "orphans";
    /// The indexer's lease: one document, which makes sure that at most one indexer writes. Only the indexer uses it.
    pub const LEASE: &str = "indexer_lease";

    /// The collections that a rebuild makes: all except [`ORPHANS`] and [`LEASE`]. Other collections in the same
    /// database do not belong to the mirror.
    pub const ALL: [&str; 12] = [
        EVENTS,
        RECORDS,
        VERSIONS,
        GRANTS,
        PATIENTS,
        KEYS,
        ACCREDITORS,
        PRACTITIONERS,
        ACCESSES,
        CHECKPOINTS,
        CURSOR,
        BLOCKS,
    ];
}

/// The version of the format of these documents. The indexer refuses another version until `reindex`.
pub const MIRROR_VERSION: u32 = 2;

/// The place of an event on chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The block number.
    pub block_number: u64,
    /// The block hash.
    #[serde(with = "crate::hex_text")]
    pub block_hash: B256,
    /// The block time, in Unix seconds.
    pub block_time: u64,
    /// The transaction hash.
    #[serde(with = "crate::hex_text")]
    pub tx_hash: B256,
    /// The index of the log in its block.
    pub log_index: u64,
}

/// One event. `_id`: block hash `:` log index. Events of access logs of others than the operator are not mirrored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventDoc {
    /// Block hash `:` log index, as text.
    #[serde(rename = "_id")]
    pub id: String,
    /// The place of the event on chain.
    pub place: Place,
    /// The contract that emitted it.
    #[serde(with = "crate::hex_text")]
    pub contract: Address,
    /// The Solidity name of the event.
    pub name: String,
    /// The topics, in hex.
    pub topics: Vec<String>,
    /// The data, in hex.
    #[serde(with = "crate::hex_text")]
    pub data: Bytes,
    /// The addresses, record ids and tags in the event, in hex. They decide who may be notified about it.
    pub about: Vec<String>,
}

/// An event that was in the mirror and whose block is no longer on the chain. `_id`: the same as the event's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrphanDoc {
    /// Block hash `:` log index, as text.
    #[serde(rename = "_id")]
    pub id: String,
    /// The event as it was in the mirror.
    pub event: EventDoc,
    /// The number of the last block that both branches share.
    pub forked_at: u64,
    /// The hash of the block at which the replacing branch was first mirrored.
    #[serde(with = "crate::hex_text")]
    pub replaced_by: B256,
    /// The time of that block, in Unix seconds.
    pub replaced_time: u64,
}

/// A record. `_id`: its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordDoc {
    /// The record.
    #[serde(rename = "_id")]
    pub id: RecordId,
    /// The patient.
    #[serde(with = "crate::hex_text")]
    pub patient: Address,
    /// The uploader of version 1.
    #[serde(with = "crate::hex_text")]
    pub uploader: Address,
    /// The category code.
    pub category: u16,
    /// The status code.
    pub status: u8,
    /// The number of times the record was tombstoned or its tombstone lifted.
    pub tombstone_epoch: u32,
    /// The time from which the tombstone is final, in Unix seconds; zero when there is none.
    pub liftable_until: u64,
    /// The version up to which the first uploader has retracted its versions; zero for none.
    pub retracted: u16,
    /// The newest version.
    pub version: u16,
    /// The time of version 1, in Unix seconds.
    pub created: u64,
    /// The event that last changed it.
    pub place: Place,
}

/// A version of a record. `_id`: record `:` version (five digits).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionDoc {
    /// record `:` version, as text; see [`version_id`].
    #[serde(rename = "_id")]
    pub id: String,
    /// The record.
    pub record: RecordId,
    /// The version, from 1.
    pub version: u16,
    /// The patient.
    #[serde(with = "crate::hex_text")]
    pub patient: Address,
    /// The uploader of this version.
    #[serde(with = "crate::hex_text")]
    pub uploader: Address,
    /// The CID codec.
    pub codec: u8,
    /// The SHA-256 digest of the CID.
    #[serde(with = "crate::hex_text")]
    pub digest: B256,
    /// The CID as text.
    pub cid: String,
    /// The event.
    pub place: Place,
}

/// Returns the `_id` of a version.
#[must_use]
pub fn version_id(record: RecordId, version: u16) -> String {
    format!("{record}:{version:05}")
}

/// A grant, current or revoked. `_id`: its storage key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantDoc {
    /// Its storage key.
    #[serde(rename = "_id")]
    pub id: GrantId,
    /// The patient who gave the grant.
    #[serde(with = "crate::hex_text")]
    pub patient: Address,
    /// The tag of the grantee.
    pub tag: Tag,
    /// The kind of scope.
    pub kind: ScopeKind,
    /// The record id, the category, or zero.
    #[serde(with = "crate::hex_text")]
    pub scope_id: B256,
    /// The bit set of rights; zero when revoked.
    pub rights: u8,
    /// The bit set of purposes.
    pub purposes: u16,
    /// The first second of the period, in Unix seconds.
    pub not_before: u64,
    /// The first second after the period, in Unix seconds.
    pub not_after: u64,
    /// The grant epoch.
    pub epoch: u32,
    /// The patient's epoch at the time of the grant. When it is lower than the patient's present epoch, the grant is
    /// revoked.
    pub patient_epoch: u32,
    /// The SHA-256 hash of the bundle.
    #[serde(with = "crate::hex_text")]
    pub bundle_hash: B256,
    /// Whether a `Revoked` event ended the grant.
    pub revoked: bool,
    /// The event that last changed it.
    pub place: Place,
}

impl GrantDoc {
    /// Returns the terms as the contract stores them.
    #[must_use]
    pub const fn terms(&self) -> Terms {
        Terms {
            not_before: self.not_before,
            not_after: self.not_after,
            epoch: self.epoch,
            patient_epoch: self.patient_epoch,
            purposes: self.purposes,
            rights: if self.revoked { 0 } else { self.rights },
            kind: Some(self.kind),
        }
    }
}

/// A patient's epoch. `_id`: address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatientDoc {
    /// The patient.
    #[serde(rename = "_id", with = "crate::hex_text")]
    pub address: Address,
    /// The patient's epoch, which every RevokeAll raises.
    pub patient_epoch: u32,
    /// The event that last changed it.
    pub place: Place,
}

/// A published key. Keys of old epochs are kept. `_id`: owner `:` slot `:` epoch (ten digits).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyDoc {
    /// owner `:` slot `:` epoch, as text.
    #[serde(rename = "_id")]
    pub id: String,
    /// The owner of the key.
    #[serde(with = "crate::hex_text")]
    pub owner: Address,
    /// The slot.
    pub slot: u8,
    /// The epoch, from 1.
    pub epoch: u32,
    /// The HPKE KEM id.
    pub kem: u16,
    /// The keccak256 hash of the key bytes.
    #[serde(with = "crate::hex_text")]
    pub key_hash: B256,
    /// The key bytes.
    #[serde(with = "crate::hex_text")]
    pub key: Bytes,
    /// The event.
    pub place: Place,
}

/// Returns the `_id` of a key.
#[must_use]
pub fn key_id(owner: Address, slot: u8, epoch: u32) -> String {
    format!("{owner:#x}:{slot}:{epoch:010}")
}

/// An accreditor. `_id`: address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccreditorDoc {
    /// The accreditor.
    #[serde(rename = "_id", with = "crate::hex_text")]
    pub address: Address,
    /// Whether it may vouch.
    pub active: bool,
    /// The epoch, which is raised whenever the accreditor is named or removed.
    pub epoch: u32,
    /// The event that last changed it.
    pub place: Place,
}

/// A practitioner. `_id`: address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PractitionerDoc {
    /// The practitioner.
    #[serde(rename = "_id", with = "crate::hex_text")]
    pub address: Address,
    /// The accreditor who vouches for the practitioner.
    #[serde(with = "crate::hex_text")]
    pub accreditor: Address,
    /// The bit set of roles.
    pub roles: u8,
    /// The first second of the accreditation, in Unix seconds.
    pub valid_from: u64,
    /// The first second after the accreditation, in Unix seconds.
    pub valid_until: u64,
    /// Whether the accreditor suspended the practitioner.
    pub suspended: bool,
    /// The epoch, which is raised whenever the practitioner is accredited or suspended.
    pub epoch: u32,
    /// The accreditor's epoch at the time of the accreditation, which counts only in this epoch. See
    /// [`PractitionerDoc::is_vouched_for`].
    pub accreditor_epoch: u32,
    /// The event that last changed it.
    pub place: Place,
}

impl PractitionerDoc {
    /// Returns whether the accreditor still vouches for the practitioner: it is not suspended, and the accreditor is
    /// active and in the same epoch as when it vouched (`Accreditation.isAccredited`, without period and roles).
    #[must_use]
    pub fn is_vouched_for(&self, accreditor: Option<&AccreditorDoc>) -> bool {
        !self.suspended
            && accreditor.is_some_and(|accreditor| {
                accreditor.address == self.accreditor && accreditor.active && accreditor.epoch == self.accreditor_epoch
            })
    }

    /// Returns whether the accreditation counts at `time` (Unix seconds), for the roles that it names
    /// (`Accreditation.isAccredited`).
    #[must_use]
    pub fn counts_at(&self, time: u64, accreditor: Option<&AccreditorDoc>) -> bool {
        (self.valid_from..self.valid_until).contains(&time) && self.is_vouched_for(accreditor)
    }
}

/// One `Accessed` event of the deployment's operator. `_id`: operator `:` leaf index (ten digits).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessDoc {
    /// operator `:` index, as text.
    #[serde(rename = "_id")]
    pub id: String,
    /// The operator of the log.
    #[serde(with = "crate::hex_text")]
    pub operator: Address,
    /// The index of the leaf in that log, from 0.
    pub index: u64,
    /// The record that was read.
    pub record: RecordId,
    /// The reader's tag.
    pub tag: Tag,
    /// The purpose's bit.
    pub purposes: u16,
    /// The leaf hash.
    pub leaf: LeafHash,
    /// The event.
    pub place: Place,
}

/// Returns the `_id` of an access.
#[must_use]
pub fn access_id(operator: Address, index: u64) -> String {
    format!("{operator:#x}:{index:010}")
}

/// One `Checkpoint` event of the deployment's operator. `_id`: operator `:` size (ten digits).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointDoc {
    /// operator `:` size, as text.
    #[serde(rename = "_id")]
    pub id: String,
    /// The operator of the log.
    #[serde(with = "crate::hex_text")]
    pub operator: Address,
    /// The number of leaves.
    pub size: u64,
    /// The RFC 6962 root.
    #[serde(with = "crate::hex_text")]
    pub root: B256,
    /// The head, which includes the head before it.
    #[serde(with = "crate::hex_text")]
    pub head: B256,
    /// The event.
    pub place: Place,
}

/// Returns the `_id` of a checkpoint.
#[must_use]
pub fn checkpoint_id(operator: Address, size: u64) -> String {
    format!("{operator:#x}:{size:010}")
}

/// One of the recent blocks of the mirror, kept to find the common ancestor after a reorg. `_id`: block number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockDoc {
    /// The block number.
    #[serde(rename = "_id")]
    pub number: u64,
    /// The block hash.
    #[serde(with = "crate::hex_text")]
    pub hash: B256,
}

/// The `_id` of the one [`CursorDoc`].
pub const CURSOR_ID: &str = "cursor";

/// The last mirrored block, and the chain that is mirrored. `_id`: `cursor`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CursorDoc {
    /// Always [`CURSOR_ID`].
    #[serde(rename = "_id")]
    pub id: String,
    /// The value of [`MIRROR_VERSION`] when the mirror was made.
    pub mirror_version: u32,
    /// The EIP-155 chain id.
    pub chain_id: u64,
    /// The hash of block 0.
    #[serde(with = "crate::hex_text")]
    pub genesis_hash: B256,
    /// The addresses of the five contracts, in the order of the deployment file, and of the operator, in hex.
    pub contracts: Vec<String>,
    /// The last block whose events are all in the mirror.
    pub block_number: u64,
    /// The hash of that block.
    #[serde(with = "crate::hex_text")]
    pub block_hash: B256,
    /// The time of that block, in Unix seconds.
    pub block_time: u64,
}
