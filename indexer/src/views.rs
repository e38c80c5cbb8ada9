//! Computes documents from events, as pure functions.
//!
//! A *fact* is a document that follows from one event alone (a version, a key, an access, a checkpoint, the event
//! itself). A *row* is the present state of one thing (a record, a grant, a patient, an accreditor, a practitioner),
//! computed from all its events in the order of the chain. A [`Batch`] collects both for a run of whole blocks. Several
//! events of one row become one write.

mod rows;

pub use rows::{AccreditorChange, GrantChange, PatientChange, PractitionerChange, RecordChange};

use std::collections::HashMap;

use alloy::primitives::{Address, B256};
use contracts::{
    ChainEvent, Terms,
    access_log::AccessLog::AccessLogEvents as Log,
    accreditation::Accreditation::AccreditationEvents as Accreditation,
    grant_registry::GrantRegistry::GrantRegistryEvents as Grant,
    key_registry::KeyRegistry::{KeyRegistered, KeyRegistryEvents as Key},
    record_registry::RecordRegistry::{RecordRegistered, RecordRegistryEvents as Record},
};
use protocol::{
    cid::{Cid, Codec},
    codes::ScopeKind,
    ids::{GrantId, LeafHash, RecordId, Tag},
    mirror::{
        AccessDoc, AccreditorDoc, CheckpointDoc, EventDoc, GrantDoc, KeyDoc, PatientDoc, Place, PractitionerDoc,
        RecordDoc, VersionDoc, access_id, checkpoint_id, key_id, version_id,
    },
};
use serde::{Serialize, de::DeserializeOwned};

use crate::decode::{Contracts, DecodeError, MinedLog, event_doc};

/// The present state of one thing, computed from its events.
pub trait Row: Serialize + DeserializeOwned + Clone + Send + Sync + Unpin + 'static {
    /// The change that one event makes.
    type Change: Clone + std::fmt::Debug + Send + Sync;
    /// The collection of the row.
    const COLLECTION: &'static str;

    /// Returns the `_id` of the row.
    fn id(&self) -> String;

    /// Returns the state after a change; `None` when the contracts would never emit this change in such a state.
    #[must_use]
    fn apply(row: Option<Self>, change: &Self::Change, place: &Place) -> Option<Self>;
}

/// The events of one row in a batch.
#[derive(Clone, Debug)]
pub struct Touched<R: Row> {
    /// The row's `_id`.
    pub id: String,
    /// The one of the events' subjects ([`EventDoc::about`]) that all events of the row have.
    pub subject: String,
    /// Whether the first change must be the first of all, so that the mirror has no such row.
    pub is_new: bool,
    /// The changes, in the order of the chain.
    pub changes: Vec<(R::Change, Place)>,
}

impl<R: Row> Touched<R> {
    /// Returns the state after the changes.
    #[must_use]
    pub fn fold(&self, before: Option<R>) -> Option<R> {
        self.changes.iter().try_fold(before, |row, (change, place)| R::apply(row, change, place).map(Some)).flatten()
    }
}

/// The touched rows of one view, in the order in which they were first touched.
#[derive(Clone, Debug)]
pub struct Rows<R: Row> {
    touched: Vec<Touched<R>>,
    by_id: HashMap<String, usize>,
}

impl<R: Row> Default for Rows<R> {
    fn default() -> Self {
        Self { touched: Vec::new(), by_id: HashMap::new() }
    }
}

impl<R: Row> Rows<R> {
    fn touch(&mut self, id: String, subject: String, is_new: bool, change: R::Change, place: &Place) {
        let index = *self.by_id.entry(id).or_insert_with_key(|id| {
            self.touched.push(Touched { id: id.clone(), subject, is_new, changes: Vec::new() });
            self.touched.len() - 1
        });
        self.touched[index].changes.push((change, place.clone()));
    }

    /// Returns the touched rows.
    pub fn iter(&self) -> impl Iterator<Item = &Touched<R>> {
        self.touched.iter()
    }

    /// Returns one of the touched rows.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Touched<R>> {
        self.by_id.get(id).map(|index| &self.touched[*index])
    }
}

/// The changes that a run of whole blocks makes in the mirror.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Every event.
    pub events: Vec<EventDoc>,
    /// New record versions (facts).
    pub versions: Vec<VersionDoc>,
    /// New keys (facts).
    pub keys: Vec<KeyDoc>,
    /// New accesses (facts).
    pub accesses: Vec<AccessDoc>,
    /// New checkpoints (facts).
    pub checkpoints: Vec<CheckpointDoc>,
    /// Changed records (rows).
    pub records: Rows<RecordDoc>,
    /// Changed grants (rows).
    pub grants: Rows<GrantDoc>,
    /// Changed patients (rows).
    pub patients: Rows<PatientDoc>,
    /// Changed accreditors (rows).
    pub accreditors: Rows<AccreditorDoc>,
    /// Changed practitioners (rows).
    pub practitioners: Rows<PractitionerDoc>,
    /// Accesses whose checkpoint, which determines their index, was not read yet.
    open: HashMap<Address, Vec<AccessDoc>>,
}

impl Batch {
    /// Returns the batch for the logs of whole blocks, in the order of the chain. Of the access logs, only that of the
    /// operator is used.
    ///
    /// # Errors
    /// [`DecodeError`] when a log cannot be applied.
    pub fn of<'a>(contracts: &Contracts, logs: impl IntoIterator<Item = &'a MinedLog>) -> Result<Self, DecodeError> {
        let mut batch = Self::default();
        for log in logs {
            batch.push(contracts, log)?;
        }
        // A checkpoint is in the same transaction as its accesses, so in whole blocks every access has its checkpoint.
        match batch.open.values().find_map(|accesses| accesses.first()) {
            Some(access) => Err(DecodeError::Accesses { block: access.place.block_number }),
            None => Ok(batch),
        }
    }

    fn push(&mut self, contracts: &Contracts, log: &MinedLog) -> Result<(), DecodeError> {
        let event = contracts.decode(log)?;
        if contracts.is_foreign(&event) {
            return Ok(());
        }
        self.events.push(event_doc(log, &event));
        let place = &log.place;
        match event {
            ChainEvent::Record(Record::RecordRegistered(event)) => self.record_registered(&event, place)?,
            ChainEvent::Record(Record::RecordStatusChanged(event)) => {
                let id = hex(&event.id);
                let change = RecordChange::Status {
                    status: event.status,
                    tombstone_epoch: event.epoch,
                    liftable_until: event.liftableUntil.to(),
                };
                self.records.touch(id.clone(), id, false, change, place);
            }
            ChainEvent::Record(Record::RecordRetracted(event)) => {
                let id = hex(&event.id);
                self.records.touch(id.clone(), id, false, RecordChange::Retracted(event.version), place);
            }
            ChainEvent::Grant(Grant::Granted(event)) => {
                let terms = Terms::from(event.terms);
                let kind = terms.kind.ok_or_else(|| unknown("Granted", place, "scope kind"))?;
                let change = GrantChange::Granted {
                    of: rows::GrantKey::new(event.patient, event.tag, kind, event.scopeId),
                    terms,
                    bundle_hash: event.bundleHash,
                };
                self.grant(event.patient, event.tag, kind, event.scopeId, terms.epoch, change, place);
            }
            ChainEvent::Grant(Grant::Revoked(event)) => {
                let kind = ScopeKind::from_code(event.kind).ok_or_else(|| unknown("Revoked", place, "scope kind"))?;
                let of = rows::GrantKey::new(event.patient, event.tag, kind, event.scopeId);
                let change = GrantChange::Revoked { of, epoch: event.epoch };
                self.grant(event.patient, event.tag, kind, event.scopeId, event.epoch, change, place);
            }
            ChainEvent::Grant(Grant::AllRevoked(event)) => {
                let id = hex(&event.patient);
                let change = PatientChange { address: event.patient, patient_epoch: event.patientEpoch };
                self.patients.touch(id.clone(), id, event.patientEpoch == 1, change, place);
            }
            ChainEvent::Key(Key::KeyRegistered(event)) => self.keys.push(key_doc(event, place)),
            ChainEvent::Accreditation(Accreditation::AccreditorSet(event)) => {
                let id = hex(&event.accreditor);
                let change = AccreditorChange { address: event.accreditor, active: event.active, epoch: event.epoch };
                self.accreditors.touch(id.clone(), id, false, change, place);
            }
            ChainEvent::Accreditation(Accreditation::Accredited(event)) => {
                let id = hex(&event.practitioner);
                let change = PractitionerChange::Accredited {
                    address: event.practitioner,
                    accreditor: event.accreditor,
                    roles: event.roles,
                    valid_from: event.validFrom.to(),
                    valid_until: event.validUntil.to(),
                    epoch: event.epoch,
                    accreditor_epoch: event.accreditorEpoch,
                };
                self.practitioners.touch(id.clone(), id, false, change, place);
            }
            ChainEvent::Accreditation(Accreditation::AccreditationChanged(event)) => {
                let id = hex(&event.practitioner);
                let change = PractitionerChange::Suspended { suspended: event.suspended, epoch: event.epoch };
                self.practitioners.touch(id.clone(), id, false, change, place);
            }
            ChainEvent::Log(Log::Accessed(event)) => {
                // The id and the index are computed from the checkpoint at the end of the batch.
                self.open.entry(event.operator).or_default().push(AccessDoc {
                    id: String::new(),
                    operator: event.operator,
                    index: 0,
                    record: RecordId(event.record),
                    tag: Tag(event.tag),
                    purposes: event.purposes,
                    leaf: LeafHash(event.leaf),
                    place: place.clone(),
                });
            }
            ChainEvent::Log(Log::Checkpoint(event)) => {
                self.close_accesses(event.operator, event.size, place)?;
                self.checkpoints.push(CheckpointDoc {
                    id: checkpoint_id(event.operator, event.size),
                    operator: event.operator,
                    size: event.size,
                    root: event.root,
                    head: event.head,
                    place: place.clone(),
                });
            }
            // Known events that change no view.
            ChainEvent::Record(Record::NonceCancelled(_))
            | ChainEvent::Grant(Grant::NonceCancelled(_))
            | ChainEvent::Key(Key::NonceCancelled(_))
            | ChainEvent::Log(Log::NonceCancelled(_))
            | ChainEvent::Accreditation(
                Accreditation::NonceCancelled(_)
                | Accreditation::OwnershipTransferStarted(_)
                | Accreditation::OwnershipTransferred(_),
            ) => {}
        }
        Ok(())
    }

    fn record_registered(&mut self, event: &RecordRegistered, place: &Place) -> Result<(), DecodeError> {
        let codec = Codec::from_code(event.codec).map_err(|_| unknown("RecordRegistered", place, "codec"))?;
        let record = RecordId(event.id);
        self.versions.push(VersionDoc {
            id: version_id(record, event.version),
            record,
            version: event.version,
            patient: event.patient,
            uploader: event.uploader,
            codec: event.codec,
            digest: event.digest,
            cid: Cid::new(codec, event.digest).to_string(),
            place: place.clone(),
        });
        // An indexed uint16 is in the topic itself.
        let change = RecordChange::Registered {
            id: record,
            patient: event.patient,
            uploader: event.uploader,
            category: event.category,
            version: event.version,
        };
        let id = hex(&event.id);
        self.records.touch(id.clone(), id, event.version == 1, change, place);
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "the four parts of a grant's key, and what happened to it")]
    fn grant(
        &mut self,
        patient: Address,
        tag: B256,
        kind: ScopeKind,
        scope_id: B256,
        epoch: u32,
        change: GrantChange,
        place: &Place,
    ) {
        let id = GrantId::derive(patient, Tag(tag), kind, scope_id);
        self.grants.touch(id.to_string(), hex(&tag), epoch == 1, change, place);
    }

    /// Gives indexes to the accesses since the checkpoint before. They are the last leaves of a log with `size` leaves.
    fn close_accesses(&mut self, operator: Address, size: u64, place: &Place) -> Result<(), DecodeError> {
        let accesses = self.open.remove(&operator).unwrap_or_default();
        let mismatch = || DecodeError::Accesses { block: place.block_number };
        let first = size.checked_sub(accesses.len() as u64).ok_or_else(mismatch)?;
        if accesses.iter().any(|access| access.place.tx_hash != place.tx_hash) {
            return Err(mismatch());
        }
        self.accesses.extend(accesses.into_iter().zip(first..).map(|(access, index)| AccessDoc {
            id: access_id(operator, index),
            index,
            ..access
        }));
        Ok(())
    }
}

fn key_doc(event: KeyRegistered, place: &Place) -> KeyDoc {
    KeyDoc {
        id: key_id(event.owner, event.slot, event.epoch),
        owner: event.owner,
        slot: event.slot,
        epoch: event.epoch,
        kem: event.kem,
        key_hash: event.keyHash,
        key: event.key,
        place: place.clone(),
    }
}

fn unknown(event: &'static str, place: &Place, what: &'static str) -> DecodeError {
    DecodeError::UnknownCode { event, block: place.block_number, what }
}

fn hex(value: &impl std::fmt::LowerHex) -> String {
    format!("{value:#x}")
}

/// The names of the events that change rows; see [`Touched::subject`].
pub const ROW_EVENTS: [&str; 9] = [
    "RecordRegistered",
    "RecordStatusChanged",
    "RecordRetracted",
    "Granted",
    "Revoked",
    "AllRevoked",
    "AccreditorSet",
    "Accredited",
    "AccreditationChanged",
];

/// A name after which every name of [`ROW_EVENTS`] sorts. In this form, databases can use "only these" for an index.
pub const BEFORE_ROW_EVENTS: &str = "Accessed";

#[cfg(test)]
mod tests;
