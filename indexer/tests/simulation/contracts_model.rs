//! A model of the contracts' state and events: a second, independent implementation of the rules that the mirror
//! follows.

use std::collections::BTreeMap;

use alloy::{
    primitives::{Address, B256, Bytes, LogData, U256, Uint, keccak256},
    sol_types::SolEvent,
};
use contracts::{
    access_log::AccessLog::{Accessed, Checkpoint},
    accreditation::Accreditation::{AccreditationChanged, Accredited, AccreditorSet},
    grant_registry::GrantRegistry::{AllRevoked, Granted, Revoked},
    key_registry::KeyRegistry::KeyRegistered,
    record_registry::RecordRegistry::{NonceCancelled, RecordRegistered, RecordRetracted, RecordStatusChanged},
};
use mongodb::bson::{Document, from_document};
use protocol::{
    deployment::{ContractName, Contracts, DeployedContract, Deployment},
    ids::{GrantId, Tag},
    mirror::{
        AccessDoc, AccreditorDoc, CheckpointDoc, EventDoc, GrantDoc, KeyDoc, PatientDoc, PractitionerDoc, RecordDoc,
        VersionDoc, collection,
    },
};
use serde::de::DeserializeOwned;

use crate::dice::Dice;

/// Returns the deployment of every simulated chain. Its genesis hash is that of the chain.
pub(crate) fn deployment(genesis_hash: B256) -> Deployment {
    let at = |byte| DeployedContract { address: Address::repeat_byte(byte), code_hash: B256::ZERO };
    Deployment {
        version: protocol::deployment::DEPLOYMENT_VERSION,
        chain_id: 31_337,
        genesis_hash,
        start_block: 1,
        operator: OPERATORS[0],
        operator_keys: Vec::new(),
        contracts: Contracts {
            accreditation: at(1),
            key_registry: at(2),
            record_registry: at(3),
            grant_registry: at(4),
            access_log: at(5),
        },
    }
}

const PATIENTS: [Address; 3] = [Address::repeat_byte(0xa1), Address::repeat_byte(0xa2), Address::repeat_byte(0xa3)];
/// The deployment's operator, and another operator with a log on the same contract, which is not mirrored.
const OPERATORS: [Address; 2] = [Address::repeat_byte(0xb1), Address::repeat_byte(0xb2)];
const ACCREDITORS: [Address; 2] = [Address::repeat_byte(0xc1), Address::repeat_byte(0xc2)];
const DOCTORS: [Address; 3] = [Address::repeat_byte(0xd1), Address::repeat_byte(0xd2), Address::repeat_byte(0xd3)];

#[derive(Clone, Debug, PartialEq)]
struct Record {
    patient: Address,
    uploader: Address,
    category: u16,
    version: u16,
    status: u8,
    /// The number of tombstones and lifts, the end of the lift period, and the status after a lift.
    tombstone_epoch: u32,
    liftable_until: u64,
    before: u8,
    retracted: u16,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Grant {
    epoch: u32,
    patient_epoch: u32,
    rights: u8,
    purposes: u16,
    not_after: u64,
    is_revoked: bool,
}

/// Patient, tag, scope kind, scope id.
type GrantKey = (Address, B256, u8, B256);
/// The accreditation of a practitioner: accreditor, roles, whether suspended, epoch, the accreditor's epoch.
type Accreditation = (Address, u8, bool, u32, u32);

/// The state of the contracts after a block.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    records: BTreeMap<B256, Record>,
    grants: BTreeMap<GrantKey, Grant>,
    patients: BTreeMap<Address, u32>,
    keys: BTreeMap<(Address, u8), u32>,
    accreditors: BTreeMap<Address, (bool, u32)>,
    practitioners: BTreeMap<Address, Accreditation>,
    logs: BTreeMap<Address, u64>,
    /// The size of the log that is not the operator's.
    foreign_log: u64,
    checkpoints: u64,
    versions: u64,
    keys_published: u64,
}

/// The events of one transaction.
#[derive(Debug, Default)]
pub(crate) struct Events(pub(crate) Vec<(ContractName, LogData)>);

impl Events {
    fn emit(&mut self, contract: ContractName, event: &impl SolEvent) {
        self.0.push((contract, event.encode_log_data()));
    }
}

impl State {
    /// Makes one random transaction.
    pub(crate) fn act(&mut self, dice: &mut Dice) -> Events {
        let mut events = Events::default();
        let patient = dice.pick(&PATIENTS);
        match dice.below(16) {
            0..=3 => self.register_record(dice, patient, &mut events),
            4 => self.register_version(dice, &mut events),
            5 => self.change_status(dice, &mut events),
            6..=8 => {
                for _ in 0..dice.between(1, 4) {
                    self.grant(dice, patient, &mut events);
                }
            }
            9 => self.revoke(dice, patient, &mut events),
            10 => {
                let epoch = self.patients.entry(patient).or_default();
                *epoch += 1;
                events.emit(ContractName::GrantRegistry, &AllRevoked { patient, patientEpoch: *epoch });
            }
            11 => self.register_key(dice, patient, &mut events),
            12 => self.accredit(dice, &mut events),
            13 => {
                let event = NonceCancelled { signer: patient, nonce: U256::from(dice.next()) };
                events.emit(ContractName::RecordRegistry, &event);
            }
            _ => {
                let accesses = dice.between(1, 6);
                self.checkpoint(dice, accesses, &mut events);
            }
        }
        events
    }

    fn register_record(&mut self, dice: &mut Dice, patient: Address, events: &mut Events) {
        let id = word(dice);
        let uploader = if dice.once_in(3) { dice.pick(&DOCTORS) } else { patient };
        let category = u16::try_from(dice.below(4)).expect("small");
        let record = Record {
            patient,
            uploader,
            category,
            version: 1,
            status: 1,
            tombstone_epoch: 0,
            liftable_until: 0,
            before: 0,
            retracted: 0,
        };
        self.records.insert(id, record);
        self.versions += 1;
        let event = RecordRegistered { id, patient, category, uploader, version: 1, codec: 0x55, digest: word(dice) };
        events.emit(ContractName::RecordRegistry, &event);
    }

    fn some_record(&self, dice: &mut Dice) -> Option<B256> {
        let records: Vec<B256> = self.records.keys().copied().collect();
        (!records.is_empty()).then(|| dice.pick(&records))
    }

    fn register_version(&mut self, dice: &mut Dice, events: &mut Events) {
        let Some(id) = self.some_record(dice) else { return };
        let Some(record) = self.records.get_mut(&id) else { return };
        record.version += 1;
        self.versions += 1;
        let event = RecordRegistered {
            id,
            patient: record.patient,
            category: record.category,
            uploader: record.patient,
            version: record.version,
            codec: 0x70,
            digest: word(dice),
        };
        events.emit(ContractName::RecordRegistry, &event);
    }

    fn change_status(&mut self, dice: &mut Dice, events: &mut Events) {
        let Some(id) = self.some_record(dice) else { return };
        let Some(record) = self.records.get_mut(&id) else { return };
        match (record.status, dice.below(4)) {
            (1, 0) => record.status = 2,
            (1 | 2, 1) if record.version > record.retracted && record.uploader != record.patient => {
                record.retracted = record.version;
                let event = RecordRetracted {
                    id,
                    patient: record.patient,
                    uploader: record.uploader,
                    version: record.retracted,
                };
                events.emit(ContractName::RecordRegistry, &event);
                return;
            }
            (3, 0 | 1) => {
                (record.status, record.liftable_until) = (record.before, 0);
                record.tombstone_epoch += 1;
            }
            (3, _) => record.tombstone_epoch += 1,
            _ => {
                record.before = record.status;
                (record.status, record.liftable_until) = (3, 2_000_000_000 + dice.below(1_000));
                record.tombstone_epoch += 1;
            }
        }
        let event = RecordStatusChanged {
            id,
            patient: record.patient,
            status: record.status,
            epoch: record.tombstone_epoch,
            liftableUntil: Uint::from(record.liftable_until),
        };
        events.emit(ContractName::RecordRegistry, &event);
    }

    /// Returns a scope kind with its id, from a small set, so that several grants have the same scope.
    fn scope(&self, dice: &mut Dice) -> (u8, B256) {
        match dice.below(4) {
            0 => (2, B256::ZERO),
            1 => (1, B256::left_padding_from(&[u8::try_from(dice.below(3)).expect("small")])),
            _ => (0, self.some_record(dice).unwrap_or(B256::repeat_byte(7))),
        }
    }

    fn grant_key(&self, dice: &mut Dice, patient: Address) -> GrantKey {
        let tag = B256::repeat_byte(u8::try_from(dice.between(1, 4)).expect("small"));
        let (kind, id) = self.scope(dice);
        (patient, tag, kind, id)
    }

    fn grant(&mut self, dice: &mut Dice, patient: Address, events: &mut Events) {
        let key = self.grant_key(dice, patient);
        let patient_epoch = self.patients.get(&patient).copied().unwrap_or_default();
        let grant = self.grants.entry(key).or_default();
        let not_after = 4_000_000_000 + dice.below(1_000);
        *grant = Grant { epoch: grant.epoch + 1, patient_epoch, rights: 1, purposes: 3, not_after, is_revoked: false };
        let terms = U256::from(1)
            | U256::from(not_after) << 40
            | U256::from(grant.epoch) << 80
            | U256::from(patient_epoch) << 112
            | U256::from(3) << 144
            | U256::from(1) << 160
            | U256::from(key.2) << 168;
        let event = Granted { patient, tag: key.1, scopeId: key.3, terms, bundleHash: word(dice) };
        events.emit(ContractName::GrantRegistry, &event);
    }

    fn revoke(&mut self, dice: &mut Dice, patient: Address, events: &mut Events) {
        let key = self.grant_key(dice, patient);
        let grant = self.grants.entry(key).or_default();
        grant.epoch += 1;
        grant.rights = 0;
        grant.is_revoked = true;
        let event = Revoked { patient, tag: key.1, scopeId: key.3, kind: key.2, epoch: grant.epoch };
        events.emit(ContractName::GrantRegistry, &event);
    }

    fn register_key(&mut self, dice: &mut Dice, owner: Address, events: &mut Events) {
        let slot = u8::try_from(dice.below(2)).expect("small");
        let epoch = self.keys.entry((owner, slot)).or_default();
        *epoch += 1;
        self.keys_published += 1;
        let key = Bytes::from([word(dice).as_slice(), word(dice).as_slice()].concat());
        let event = KeyRegistered {
            owner,
            keyHash: keccak256(&key),
            slot,
            epoch: *epoch,
            kem: protocol::codes::KEM_X_WING,
            key,
        };
        events.emit(ContractName::KeyRegistry, &event);
    }

    fn accredit(&mut self, dice: &mut Dice, events: &mut Events) {
        let (accreditor, practitioner) = (dice.pick(&ACCREDITORS), dice.pick(&DOCTORS));
        match (dice.below(4), self.practitioners.get_mut(&practitioner)) {
            (0, _) => {
                let stored = self.accreditors.entry(accreditor).or_default();
                *stored = (!dice.once_in(4), stored.1 + 1);
                let event = AccreditorSet { accreditor, active: stored.0, epoch: stored.1 };
                events.emit(ContractName::Accreditation, &event);
            }
            (1, Some((accreditor, _, is_suspended, epoch, _))) => {
                *is_suspended = true;
                *epoch += 1;
                let event =
                    AccreditationChanged { accreditor: *accreditor, practitioner, suspended: true, epoch: *epoch };
                events.emit(ContractName::Accreditation, &event);
            }
            (_, before) => {
                let epoch = before.map_or(0, |before| before.3) + 1;
                let roles = u8::try_from(dice.between(1, 127)).expect("small");
                let accreditor_epoch = self.accreditors.get(&accreditor).map_or(0, |accreditor| accreditor.1);
                self.practitioners.insert(practitioner, (accreditor, roles, false, epoch, accreditor_epoch));
                let event = Accredited {
                    accreditor,
                    practitioner,
                    roles,
                    validFrom: Uint::from(1_u64),
                    validUntil: Uint::from(4_000_000_000_u64),
                    epoch,
                    accreditorEpoch: accreditor_epoch,
                };
                events.emit(ContractName::Accreditation, &event);
            }
        }
    }

    /// Makes this number of accesses of one operator, and the checkpoint that contains them.
    pub(crate) fn checkpoint(&mut self, dice: &mut Dice, accesses: u64, events: &mut Events) {
        let operator = dice.pick(&OPERATORS);
        for _ in 0..accesses {
            let event = Accessed {
                operator,
                record: self.some_record(dice).unwrap_or_default(),
                tag: B256::repeat_byte(u8::try_from(dice.between(1, 4)).expect("small")),
                purposes: 1,
                leaf: word(dice),
            };
            events.emit(ContractName::AccessLog, &event);
        }
        let is_ours = operator == OPERATORS[0];
        let size = if is_ours { self.logs.entry(operator).or_default() } else { &mut self.foreign_log };
        *size += accesses;
        self.checkpoints += u64::from(is_ours);
        let event = Checkpoint { operator, size: *size, root: word(dice), head: word(dice) };
        events.emit(ContractName::AccessLog, &event);
    }

    /// Checks that a mirror matches the state of the contracts.
    pub(crate) fn check(&self, mirror: &[(&'static str, Vec<Document>)]) -> Result<(), String> {
        let records: BTreeMap<B256, Record> = rows::<RecordDoc>(mirror, collection::RECORDS)?
            .into_iter()
            .map(|row| {
                let RecordDoc { id, patient, uploader, category, version, status, retracted, .. } = row;
                let (tombstone_epoch, liftable_until) = (row.tombstone_epoch, row.liftable_until);
                // The mirror does not store the status after a lift, because the event contains it.
                let before = self.records.get(&id.0).map_or(0, |record| record.before);
                let record = Record {
                    patient,
                    uploader,
                    category,
                    version,
                    status,
                    tombstone_epoch,
                    liftable_until,
                    before,
                    retracted,
                };
                (id.0, record)
            })
            .collect();
        same("records", &records, &self.records)?;

        let grants: BTreeMap<String, Grant> = rows::<GrantDoc>(mirror, collection::GRANTS)?
            .into_iter()
            .map(|row| {
                let GrantDoc { epoch, patient_epoch, rights, purposes, not_after, revoked, .. } = row;
                (row.id.to_string(), Grant { epoch, patient_epoch, rights, purposes, not_after, is_revoked: revoked })
            })
            .collect();
        let expected = self.grants.iter().map(|((patient, tag, kind, scope), grant)| {
            let kind = protocol::codes::ScopeKind::from_code(*kind).expect("a known kind");
            (GrantId::derive(*patient, Tag(*tag), kind, *scope).to_string(), grant.clone())
        });
        same("grants", &grants, &expected.collect())?;

        let patients = rows::<PatientDoc>(mirror, collection::PATIENTS)?;
        same("patients", &patients.iter().map(|row| (row.address, row.patient_epoch)).collect(), &self.patients)?;
        let accreditors = rows::<AccreditorDoc>(mirror, collection::ACCREDITORS)?;
        let found = accreditors.iter().map(|row| (row.address, (row.active, row.epoch))).collect();
        same("accreditors", &found, &self.accreditors)?;
        let practitioners = rows::<PractitionerDoc>(mirror, collection::PRACTITIONERS)?;
        let found = practitioners
            .iter()
            .map(|row| (row.address, (row.accreditor, row.roles, row.suspended, row.epoch, row.accreditor_epoch)));
        same("practitioners", &found.collect(), &self.practitioners)?;

        let mut keys = BTreeMap::new();
        let published = rows::<KeyDoc>(mirror, collection::KEYS)?;
        for key in &published {
            let newest: &mut u32 = keys.entry((key.owner, key.slot)).or_default();
            *newest = key.epoch.max(*newest);
        }
        same("keys", &keys, &self.keys)?;
        let mut leaves: BTreeMap<Address, Vec<u64>> = BTreeMap::new();
        for access in rows::<AccessDoc>(mirror, collection::ACCESSES)? {
            leaves.entry(access.operator).or_default().push(access.index);
        }
        let sizes = leaves.iter().map(|(operator, indexes)| {
            let is_whole = indexes.iter().zip(0..).all(|(index, expected)| *index == expected);
            (*operator, if is_whole { indexes.len() as u64 } else { u64::MAX })
        });
        same("accesses", &sizes.collect(), &self.logs)?;
        let topic = format!("{:#x}", OPERATORS[1].into_word());
        if rows::<EventDoc>(mirror, collection::EVENTS)?.iter().any(|event| event.topics.get(1) == Some(&topic)) {
            return Err("an event of a log that is not the operator's is in the mirror".to_owned());
        }
        let counts = [
            ("versions", rows::<VersionDoc>(mirror, collection::VERSIONS)?.len() as u64, self.versions),
            ("keys", published.len() as u64, self.keys_published),
            ("checkpoints", rows::<CheckpointDoc>(mirror, collection::CHECKPOINTS)?.len() as u64, self.checkpoints),
        ];
        match counts.into_iter().find(|(_, found, expected)| found != expected) {
            Some((name, found, expected)) => Err(format!("{found} {name} instead of {expected}")),
            None => Ok(()),
        }
    }
}

fn rows<T: DeserializeOwned>(mirror: &[(&'static str, Vec<Document>)], name: &str) -> Result<Vec<T>, String> {
    let (_, documents) = mirror.iter().find(|(other, _)| *other == name).expect("every collection is listed");
    documents
        .iter()
        .map(|document| from_document(document.clone()).map_err(|error| format!("{name}: {error}")))
        .collect()
}

fn same<K: Ord + std::fmt::Debug, V: PartialEq + std::fmt::Debug>(
    name: &str,
    found: &BTreeMap<K, V>,
    expected: &BTreeMap<K, V>,
) -> Result<(), String> {
    for (key, value) in expected {
        match found.get(key) {
            Some(other) if other == value => {}
            other => return Err(format!("{name}: {key:?} is {other:?}, the contracts say {value:?}")),
        }
    }
    match found.keys().find(|key| !expected.contains_key(key)) {
        Some(key) => Err(format!("{name}: {key:?} is not known to the contracts")),
        None => Ok(()),
    }
}

fn word(dice: &mut Dice) -> B256 {
    keccak256(dice.next().to_be_bytes())
}
