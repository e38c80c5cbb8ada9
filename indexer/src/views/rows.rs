//! The change that each event makes in its row.

use alloy::primitives::{Address, B256};
use contracts::Terms;
use protocol::{
    codes::{RecordStatus, ScopeKind},
    ids::{GrantId, RecordId, Tag},
    mirror::{AccreditorDoc, GrantDoc, PatientDoc, Place, PractitionerDoc, RecordDoc, collection},
};

use super::Row;

/// A change of a record.
#[derive(Clone, Debug)]
pub enum RecordChange {
    /// `RecordRegistered`.
    Registered {
        /// The record.
        id: RecordId,
        /// The patient.
        patient: Address,
        /// The uploader of this version.
        uploader: Address,
        /// The category code.
        category: u16,
        /// The version, from 1.
        version: u16,
    },
    /// `RecordStatusChanged`.
    Status {
        /// The status code.
        status: u8,
        /// The number of times the record was tombstoned or its tombstone lifted.
        tombstone_epoch: u32,
        /// The time until which the tombstone can be lifted, in Unix seconds; zero unless the record is tombstoned.
        liftable_until: u64,
    },
    /// `RecordRetracted`, with the version up to which the uploader's versions are retracted.
    Retracted(u16),
}

impl Row for RecordDoc {
    type Change = RecordChange;
    const COLLECTION: &'static str = collection::RECORDS;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn apply(row: Option<Self>, change: &RecordChange, place: &Place) -> Option<Self> {
        match (row, change) {
            (None, &RecordChange::Registered { id, patient, uploader, category, version: 1 }) => Some(Self {
                id,
                patient,
                uploader,
                category,
                status: RecordStatus::Active.code(),
                tombstone_epoch: 0,
                liftable_until: 0,
                retracted: 0,
                version: 1,
                created: place.block_time,
                place: place.clone(),
            }),
            (Some(row), &RecordChange::Registered { version, .. }) if version > 1 => {
                Some(Self { version, place: place.clone(), ..row })
            }
            (Some(row), &RecordChange::Status { status, tombstone_epoch, liftable_until }) => {
                Some(Self { status, tombstone_epoch, liftable_until, place: place.clone(), ..row })
            }
            (Some(row), &RecordChange::Retracted(retracted)) => Some(Self { retracted, place: place.clone(), ..row }),
            _ => None,
        }
    }
}

/// The key of a grant.
#[derive(Clone, Copy, Debug)]
pub struct GrantKey {
    patient: Address,
    tag: Tag,
    kind: ScopeKind,
    scope_id: B256,
}

impl GrantKey {
    /// Makes the key from patient, tag, scope kind and scope id.
    #[must_use]
    pub fn new(patient: Address, tag: B256, kind: ScopeKind, scope_id: B256) -> Self {
        Self { patient, tag: Tag(tag), kind, scope_id }
    }
}

/// A change of a grant.
#[derive(Clone, Debug)]
pub enum GrantChange {
    /// `Granted`.
    Granted {
        /// The key of the grant.
        of: GrantKey,
        /// The terms of the grant.
        terms: Terms,
        /// The SHA-256 hash of the bundle.
        bundle_hash: B256,
    },
    /// `Revoked`, also when there was no grant.
    Revoked {
        /// The key of the grant.
        of: GrantKey,
        /// The grant epoch after the event.
        epoch: u32,
    },
}

impl Row for GrantDoc {
    type Change = GrantChange;
    const COLLECTION: &'static str = collection::GRANTS;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn apply(row: Option<Self>, change: &GrantChange, place: &Place) -> Option<Self> {
        Some(match *change {
            GrantChange::Granted { of: GrantKey { patient, tag, kind, scope_id }, terms, bundle_hash } => Self {
                id: GrantId::derive(patient, tag, kind, scope_id),
                patient,
                tag,
                kind,
                scope_id,
                rights: terms.rights,
                purposes: terms.purposes,
                not_before: terms.not_before,
                not_after: terms.not_after,
                epoch: terms.epoch,
                patient_epoch: terms.patient_epoch,
                bundle_hash,
                revoked: false,
                place: place.clone(),
            },
            // The terms stay readable, so that a person sees what has ended.
            GrantChange::Revoked { of: GrantKey { patient, tag, kind, scope_id }, epoch } => match row {
                Some(row) => Self { rights: 0, epoch, revoked: true, place: place.clone(), ..row },
                None => Self {
                    id: GrantId::derive(patient, tag, kind, scope_id),
                    patient,
                    tag,
                    kind,
                    scope_id,
                    rights: 0,
                    purposes: 0,
                    not_before: 0,
                    not_after: 0,
                    epoch,
                    patient_epoch: 0,
                    bundle_hash: B256::ZERO,
                    revoked: true,
                    place: place.clone(),
                },
            },
        })
    }
}

/// `AllRevoked`: the new epoch of a patient.
#[derive(Clone, Debug)]
pub struct PatientChange {
    /// The patient.
    pub address: Address,
    /// The patient's epoch after the event.
    pub patient_epoch: u32,
}

impl Row for PatientDoc {
    type Change = PatientChange;
    const COLLECTION: &'static str = collection::PATIENTS;

    fn id(&self) -> String {
        format!("{:#x}", self.address)
    }

    fn apply(_: Option<Self>, change: &PatientChange, place: &Place) -> Option<Self> {
        Some(Self { address: change.address, patient_epoch: change.patient_epoch, place: place.clone() })
    }
}

/// `AccreditorSet`: the new state of an accreditor.
#[derive(Clone, Debug)]
pub struct AccreditorChange {
    /// The accreditor.
    pub address: Address,
    /// Whether it may vouch.
    pub active: bool,
    /// The accreditor's epoch.
    pub epoch: u32,
}

impl Row for AccreditorDoc {
    type Change = AccreditorChange;
    const COLLECTION: &'static str = collection::ACCREDITORS;

    fn id(&self) -> String {
        format!("{:#x}", self.address)
    }

    fn apply(_: Option<Self>, change: &AccreditorChange, place: &Place) -> Option<Self> {
        Some(Self { address: change.address, active: change.active, epoch: change.epoch, place: place.clone() })
    }
}

/// A change of a practitioner.
#[derive(Clone, Debug)]
pub enum PractitionerChange {
    /// `Accredited`: replaces the accreditation before, and ends a suspension.
    Accredited {
        /// The practitioner.
        address: Address,
        /// The accreditor who vouches.
        accreditor: Address,
        /// The bit set of roles.
        roles: u8,
        /// The first second of the accreditation, in Unix seconds.
        valid_from: u64,
        /// The first second after the accreditation, in Unix seconds.
        valid_until: u64,
        /// The practitioner's epoch.
        epoch: u32,
        /// The accreditor's epoch.
        accreditor_epoch: u32,
    },
    /// `AccreditationChanged`.
    Suspended {
        /// Whether it is suspended now.
        suspended: bool,
        /// The practitioner's epoch.
        epoch: u32,
    },
}

impl Row for PractitionerDoc {
    type Change = PractitionerChange;
    const COLLECTION: &'static str = collection::PRACTITIONERS;

    fn id(&self) -> String {
        format!("{:#x}", self.address)
    }

    fn apply(row: Option<Self>, change: &PractitionerChange, place: &Place) -> Option<Self> {
        match *change {
            PractitionerChange::Accredited {
                address,
                accreditor,
                roles,
                valid_from,
                valid_until,
                epoch,
                accreditor_epoch,
            } => Some(Self {
                address,
                accreditor,
                roles,
                valid_from,
                valid_until,
                suspended: false,
                epoch,
                accreditor_epoch,
                place: place.clone(),
            }),
            PractitionerChange::Suspended { suspended, epoch } => {
                row.map(|row| Self { suspended, epoch, place: place.clone(), ..row })
            }
        }
    }
}
