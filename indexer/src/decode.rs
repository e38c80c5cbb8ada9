//! Decodes a log on chain into an event document.

use alloy::primitives::{Address, B256, LogData};
use contracts::{
    ChainEvent, EventError, access_log::AccessLog::AccessLogEvents as Log,
    accreditation::Accreditation::AccreditationEvents as Accreditation,
    grant_registry::GrantRegistry::GrantRegistryEvents as Grant, key_registry::KeyRegistry::KeyRegistryEvents as Key,
    record_registry::RecordRegistry::RecordRegistryEvents as Record,
};
use protocol::{
    codes::ScopeKind,
    deployment::{ContractName, Deployment},
    mirror::{EventDoc, Place},
};

/// A log of one of our contracts, with its place on chain.
#[derive(Clone, Debug, PartialEq)]
pub struct MinedLog {
    /// The place on chain.
    pub place: Place,
    /// The contract that emitted it.
    pub contract: Address,
    /// The topics and data.
    pub data: LogData,
}

/// The reason why a log cannot be applied. Trying again does not help: the program does not match the contracts, or the
/// endpoint returns invented logs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The log is not one of the contract's events.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The log comes from a contract that is not part of the deployment.
    #[error("a log comes from {0}, which is not a contract of the deployment")]
    Foreign(Address),
    /// The event contains a code that this program does not know.
    #[error("event {event} of block {block} has an unknown {what}")]
    UnknownCode {
        /// The name of the event.
        event: &'static str,
        /// The block of the event.
        block: u64,
        /// The field with the code.
        what: &'static str,
    },
    /// The accesses and the checkpoint of an operator do not match.
    #[error("the accesses of block {block} do not match its checkpoint")]
    Accesses {
        /// The block of the accesses.
        block: u64,
    },
    /// A stored event is damaged.
    #[error("event {0} in the mirror is damaged")]
    Stored(String),
}

/// The contracts of a deployment by address, and the operator whose log is mirrored.
#[derive(Clone, Debug)]
pub struct Contracts {
    by_address: [(Address, ContractName); 5],
    operator: Address,
}

impl Contracts {
    /// Returns the contracts of the deployment.
    #[must_use]
    pub fn of(deployment: &Deployment) -> Self {
        use ContractName::{AccessLog, Accreditation, GrantRegistry, KeyRegistry, RecordRegistry};
        let order = [Accreditation, KeyRegistry, RecordRegistry, GrantRegistry, AccessLog];
        Self { by_address: order.map(|name| (deployment.address_of(name), name)), operator: deployment.operator }
    }

    /// Returns the addresses, in the order of the deployment file.
    #[must_use]
    pub fn addresses(&self) -> Vec<Address> {
        self.by_address.iter().map(|(address, _)| *address).collect()
    }

    /// Returns the operator whose log is mirrored.
    #[must_use]
    pub const fn operator(&self) -> Address {
        self.operator
    }

    /// Returns whether an event belongs to the log of another account on `AccessLog`. Anybody may write such a log,
    /// about any records. Its events mean nothing in this deployment. They are not mirrored, so that they need no space
    /// and no reader has to skip them.
    #[must_use]
    pub fn is_foreign(&self, event: &ChainEvent) -> bool {
        let by = match event {
            ChainEvent::Log(Log::Accessed(event)) => event.operator,
            ChainEvent::Log(Log::Checkpoint(event)) => event.operator,
            ChainEvent::Log(Log::NonceCancelled(event)) => event.signer,
            _ => return false,
        };
        by != self.operator
    }

    /// Decodes a log.
    ///
    /// # Errors
    /// [`DecodeError::Foreign`] or [`DecodeError::Event`].
    pub fn decode(&self, log: &MinedLog) -> Result<ChainEvent, DecodeError> {
        let found = self.by_address.iter().find(|(address, _)| *address == log.contract);
        let (_, name) = found.ok_or(DecodeError::Foreign(log.contract))?;
        Ok(ChainEvent::decode(*name, &log.data)?)
    }
}

/// Returns the `_id` of an event.
#[must_use]
pub fn event_id(place: &Place) -> String {
    format!("{:#x}:{}", place.block_hash, place.log_index)
}

/// Returns the document of an event.
#[must_use]
pub fn event_doc(log: &MinedLog, event: &ChainEvent) -> EventDoc {
    let (name, about) = name_and_subjects(event);
    EventDoc {
        id: event_id(&log.place),
        place: log.place.clone(),
        contract: log.contract,
        name: name.into(),
        topics: log.data.topics().iter().map(|topic| format!("{topic:#x}")).collect(),
        data: log.data.data.clone(),
        about,
    }
}

/// Returns the log of a stored event.
///
/// # Errors
/// [`DecodeError::Stored`] when the stored event is damaged.
pub fn mined_log(event: EventDoc) -> Result<MinedLog, DecodeError> {
    let topics: Option<Vec<B256>> = event.topics.iter().map(|topic| topic.parse().ok()).collect();
    let data = topics.and_then(|topics| LogData::new(topics, event.data));
    let data = data.ok_or(DecodeError::Stored(event.id))?;
    Ok(MinedLog { place: event.place, contract: event.contract, data })
}

/// Returns the event's Solidity name, and the addresses, record ids and tags in it.
fn name_and_subjects(event: &ChainEvent) -> (&'static str, Vec<String>) {
    match event {
        ChainEvent::Accreditation(event) => match event {
            Accreditation::AccreditorSet(e) => ("AccreditorSet", named(&[&e.accreditor])),
            Accreditation::Accredited(e) => ("Accredited", named(&[&e.practitioner, &e.accreditor])),
            Accreditation::AccreditationChanged(e) => {
                ("AccreditationChanged", named(&[&e.practitioner, &e.accreditor]))
            }
            Accreditation::OwnershipTransferStarted(e) => {
                ("OwnershipTransferStarted", named(&[&e.owner, &e.successor]))
            }
            Accreditation::OwnershipTransferred(e) => ("OwnershipTransferred", named(&[&e.owner, &e.successor])),
            Accreditation::NonceCancelled(e) => ("NonceCancelled", named(&[&e.signer])),
        },
        ChainEvent::Key(event) => match event {
            Key::KeyRegistered(e) => ("KeyRegistered", named(&[&e.owner])),
            Key::NonceCancelled(e) => ("NonceCancelled", named(&[&e.signer])),
        },
        ChainEvent::Record(event) => match event {
            Record::RecordRegistered(e) => ("RecordRegistered", named(&[&e.id, &e.patient, &e.uploader])),
            Record::RecordStatusChanged(e) => ("RecordStatusChanged", named(&[&e.id, &e.patient])),
            Record::RecordRetracted(e) => ("RecordRetracted", named(&[&e.id, &e.patient, &e.uploader])),
            Record::NonceCancelled(e) => ("NonceCancelled", named(&[&e.signer])),
        },
        ChainEvent::Grant(event) => match event {
            Grant::Granted(e) => {
                let kind = contracts::Terms::from(e.terms).kind;
                ("Granted", grant_subjects(&e.patient, &e.tag, &e.scopeId, kind))
            }
            Grant::Revoked(e) => {
                ("Revoked", grant_subjects(&e.patient, &e.tag, &e.scopeId, ScopeKind::from_code(e.kind)))
            }
            Grant::AllRevoked(e) => ("AllRevoked", named(&[&e.patient])),
            Grant::NonceCancelled(e) => ("NonceCancelled", named(&[&e.signer])),
        },
        ChainEvent::Log(event) => match event {
            Log::Accessed(e) => ("Accessed", named(&[&e.operator, &e.record, &e.tag])),
            Log::Checkpoint(e) => ("Checkpoint", named(&[&e.operator])),
            Log::NonceCancelled(e) => ("NonceCancelled", named(&[&e.signer])),
        },
    }
}

/// Returns the subjects of a grant. The scope id is one of them only when it is a record.
fn grant_subjects(patient: &Address, tag: &B256, scope_id: &B256, kind: Option<ScopeKind>) -> Vec<String> {
    match kind {
        Some(ScopeKind::Record) => named(&[tag, patient, scope_id]),
        _ => named(&[tag, patient]),
    }
}

/// Returns each subject once, as hex text. The zero address is left out.
fn named(subjects: &[&dyn std::fmt::LowerHex]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(subjects.len());
    for subject in subjects {
        let name = format!("{subject:#x}");
        if !names.contains(&name) && name.bytes().skip(2).any(|digit| digit != b'0') {
            names.push(name);
        }
    }
    names
}
