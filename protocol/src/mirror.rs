//! The mirror: the documents that the indexer writes from chain events and the API reads. Nobody else writes them.
//!
//! Every `_id` follows from the chain alone, so that applying an event twice changes nothing. Each document carries
//! the place of the event that last changed it. Numbers fit BSON's signed 64-bit integers.

use alloy::primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::{
    codes::ScopeKind,
    grants::Terms,
    ids::{GrantId, LeafHash, RecordId, Tag},
};

/// Names of the mirror's collections.
pub mod collection {
    /// [`super::EventDoc`]: every event as it stands on chain.
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
    /// [`super::BlockDoc`]: the indexer's own memory of recent blocks. Of no use to anybody else.
    pub const BLOCKS: &str = "blocks";

    /// [`super::OrphanDoc`]: events of branches that were left, kept for audit. Grows with every reorg; no rebuild brings
    /// it back, and none removes it.
    pub const ORPHANS: &str = "orphans";
    /// The indexer's lease: one document, by which at most one indexer writes. Of no use to anybody else.
    pub const LEASE: &str = "indexer_lease";

    /// What a rebuild yields: all of them but [`ORPHANS`] and [`LEASE`]. Other collections of the same database are not
    /// the mirror's.
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

/// The version of these documents' form; another one is refused until `reindex`.
pub const MIRROR_VERSION: u32 = 2;

/// Where an event stands on chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Block number.
    pub block_number: u64,
    /// Block hash.
    #[serde(with = "crate::hex_text")]
    pub block_hash: B256,
    /// Block time, unix seconds.
    pub block_time: u64,
    /// Transaction hash.
    #[serde(with = "crate::hex_text")]
    pub tx_hash: B256,
    /// Index of the log in its block.
    pub log_index: u64,
}

/// One event. `_id`: block hash `:` log index. Access logs that others than the operator keep are not mirrored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventDoc {
    /// Block hash `:` log index, as text.
    #[serde(rename = "_id")]
    pub id: String,
    /// Where it stands.
    pub place: Place,
    /// The contract that emitted it.
    #[serde(with = "crate::hex_text")]
    pub contract: Address,
    /// Its Solidity name.
    pub name: String,
    /// Topics, hex.
    pub topics: Vec<String>,
    /// Data, hex.
    #[serde(with = "crate::hex_text")]
    pub data: Bytes,
    /// The addresses, record ids and tags it names, hex: who may be told about it.
    pub about: Vec<String>,
}

/// An event that was in the mirror and whose block has left the chain. `_id`: as the event's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrphanDoc {
    /// Block hash `:` log index, as text.
    #[serde(rename = "_id")]
    pub id: String,
    /// The event as it stood.
    pub event: EventDoc,
    /// Number of the last block that both branches share.
    pub forked_at: u64,
    /// Hash of the block at which the branch that took its place was first mirrored.
    #[serde(with = "crate::hex_text")]
    pub replaced_by: B256,
    /// Time of that block, unix seconds.
    pub replaced_time: u64,
}

/// A record. `_id`: its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordDoc {
    /// The record.
    #[serde(rename = "_id")]
    pub id: RecordId,
    /// Whose it is.
    #[serde(with = "crate::hex_text")]
    pub patient: Address,
    /// Who uploaded version 1.
    #[serde(with = "crate::hex_text")]
    pub uploader: Address,
    /// Category code.
    pub category: u16,
    /// Status code.
    pub status: u8,
    /// How often it was tombstoned or its tombstone lifted.
    pub tombstone_epoch: u32,
    /// Unix seconds from which on its tombstone is final; zero where none stands.
    pub liftable_until: u64,
    /// The first uploader says not to rely on its versions up to this one; zero for none.
    pub retracted: u16,
    /// The newest version.
    pub version: u16,
    /// Unix seconds of version 1.
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
    /// From 1.
    pub version: u16,
    /// Whose it is.
    #[serde(with = "crate::hex_text")]
    pub patient: Address,
    /// Who uploaded this version.
    #[serde(with = "crate::hex_text")]
    pub uploader: Address,
    /// CID codec.
    pub codec: u8,
    /// SHA-256 digest of the CID.
    #[serde(with = "crate::hex_text")]
    pub digest: B256,
    /// The CID as text.
    pub cid: String,
    /// The event.
    pub place: Place,
}

/// The `_id` of a version.
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
    /// Who gave it.
    #[serde(with = "crate::hex_text")]
    pub patient: Address,
    /// To whom.
    pub tag: Tag,
    /// What it covers.
    pub kind: ScopeKind,
    /// Record id, category or zero.
    #[serde(with = "crate::hex_text")]
    pub scope_id: B256,
    /// Bit set of rights; zero when revoked.
    pub rights: u8,
    /// Bit set of purposes.
    pub purposes: u16,
    /// Unix seconds.
    pub not_before: u64,
    /// Unix seconds.
    pub not_after: u64,
    /// Grant epoch.
    pub epoch: u32,
    /// Patient epoch when granted; a lower one than the patient's means revoked.
    pub patient_epoch: u32,
    /// SHA-256 of the bundle.
    #[serde(with = "crate::hex_text")]
    pub bundle_hash: B256,
    /// Whether a `Revoked` ended it.
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
    /// Raised by every RevokeAll.
    pub patient_epoch: u32,
    /// The event that last changed it.
    pub place: Place,
}

/// A published key; old epochs stay. `_id`: owner `:` slot `:` epoch (ten digits).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyDoc {
    /// owner `:` slot `:` epoch, as text.
    #[serde(rename = "_id")]
    pub id: String,
    /// Whose key.
    #[serde(with = "crate::hex_text")]
    pub owner: Address,
    /// Slot.
    pub slot: u8,
    /// From 1.
    pub epoch: u32,
    /// HPKE KEM id.
    pub kem: u16,
    /// keccak256 of the key bytes.
    #[serde(with = "crate::hex_text")]
    pub key_hash: B256,
    /// The key bytes.
    #[serde(with = "crate::hex_text")]
    pub key: Bytes,
    /// The event.
    pub place: Place,
}

/// The `_id` of a key.
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
    /// Raised whenever it is named or removed.
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
    /// Who vouches.
    #[serde(with = "crate::hex_text")]
    pub accreditor: Address,
    /// Bit set of roles.
    pub roles: u8,
    /// Unix seconds.
    pub valid_from: u64,
    /// Unix seconds.
    pub valid_until: u64,
    /// Whether the accreditor suspended it.
    pub suspended: bool,
    /// Raised whenever it is accredited or suspended.
    pub epoch: u32,
    /// The accreditor's epoch in which it vouched; counts in no other. See [`PractitionerDoc::is_vouched_for`].
    pub accreditor_epoch: u32,
    /// The event that last changed it.
    pub place: Place,
}

impl PractitionerDoc {
    /// Whether its accreditor still stands behind it: not suspended, and the accreditor is active in the very epoch in
    /// which it vouched (`Accreditation.isAccredited`, but for period and roles).
    #[must_use]
    pub fn is_vouched_for(&self, accreditor: Option<&AccreditorDoc>) -> bool {
        !self.suspended
            && accreditor.is_some_and(|accreditor| {
                accreditor.address == self.accreditor && accreditor.active && accreditor.epoch == self.accreditor_epoch
            })
    }

    /// Returns whether the accreditation counts at `time` (unix seconds), for the roles that it names
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
    /// Whose log.
    #[serde(with = "crate::hex_text")]
    pub operator: Address,
    /// Index of the leaf in that log, from 0.
    pub index: u64,
    /// Which record.
    pub record: RecordId,
    /// Whose tag.
    pub tag: Tag,
    /// The purpose's bit.
    pub purposes: u16,
    /// The leaf hash.
    pub leaf: LeafHash,
    /// The event.
    pub place: Place,
}

/// The `_id` of an access.
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
    /// Whose log.
    #[serde(with = "crate::hex_text")]
    pub operator: Address,
    /// Number of leaves.
    pub size: u64,
    /// RFC 6962 root.
    #[serde(with = "crate::hex_text")]
    pub root: B256,
    /// Chained head.
    #[serde(with = "crate::hex_text")]
    pub head: B256,
    /// The event.
    pub place: Place,
}

/// The `_id` of a checkpoint.
#[must_use]
pub fn checkpoint_id(operator: Address, size: u64) -> String {
    format!("{operator:#x}:{size:010}")
}

/// One of the last blocks of the mirror, kept to find the common ancestor after a reorg. `_id`: block number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockDoc {
    /// Block number.
    #[serde(rename = "_id")]
    pub number: u64,
    /// Block hash.
    #[serde(with = "crate::hex_text")]
    pub hash: B256,
}

/// The `_id` of the one [`CursorDoc`].
pub const CURSOR_ID: &str = "cursor";

/// How far the mirror has come, and which chain it mirrors. `_id`: `cursor`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CursorDoc {
    /// Always [`CURSOR_ID`].
    #[serde(rename = "_id")]
    pub id: String,
    /// [`MIRROR_VERSION`].
    pub mirror_version: u32,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Hash of block 0.
    #[serde(with = "crate::hex_text")]
    pub genesis_hash: B256,
    /// The five contracts' addresses, in the order of the deployment file, and the operator's, hex.
    pub contracts: Vec<String>,
    /// The last block that is fully in the mirror.
    pub block_number: u64,
    /// Its hash.
    #[serde(with = "crate::hex_text")]
    pub block_hash: B256,
    /// Its time, unix seconds.
    pub block_time: u64,
}
