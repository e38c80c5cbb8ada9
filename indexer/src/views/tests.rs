use alloy::{
    primitives::{Bytes, U256, Uint},
    sol_types::SolEvent,
};
use contracts::{
    access_log::AccessLog::{Accessed, Checkpoint},
    accreditation::Accreditation::{AccreditationChanged, Accredited},
    grant_registry::GrantRegistry::{Granted, Revoked},
    record_registry::RecordRegistry::{RecordRetracted, RecordStatusChanged},
};
use protocol::deployment::{ContractName, Contracts as Addresses, DeployedContract, Deployment};

use super::*;

fn deployment() -> Deployment {
    let at = |byte| DeployedContract { address: Address::repeat_byte(byte), code_hash: B256::ZERO };
    Deployment {
        version: protocol::deployment::DEPLOYMENT_VERSION,
        chain_id: 1,
        genesis_hash: B256::ZERO,
        start_block: 1,
        operator: OPERATOR,
        operator_keys: Vec::new(),
        contracts: Addresses {
            accreditation: at(1),
            key_registry: at(2),
            record_registry: at(3),
            grant_registry: at(4),
            access_log: at(5),
        },
    }
}

const OPERATOR: Address = Address::repeat_byte(1);
const PATIENT: Address = Address::repeat_byte(0xaa);
const DOCTOR: Address = Address::repeat_byte(0xdd);
const ACCREDITOR: Address = Address::repeat_byte(0xcc);

/// Logs in the given order. Logs that are emitted with the same `block` are in one block.
struct Chain(Vec<MinedLog>);

impl Chain {
    fn emit(&mut self, contract: ContractName, block: u64, event: &impl SolEvent) {
        let place = Place {
            block_number: block,
            block_hash: B256::left_padding_from(&block.to_be_bytes()),
            block_time: 1_000 + block,
            tx_hash: B256::left_padding_from(&block.to_be_bytes()),
            log_index: self.0.len() as u64,
        };
        self.0.push(MinedLog { place, contract: deployment().address_of(contract), data: event.encode_log_data() });
    }

    fn batch(&self) -> Batch {
        Batch::of(&Contracts::of(&deployment()), &self.0).unwrap()
    }
}

fn registered(record: u8, version: u16) -> RecordRegistered {
    RecordRegistered {
        id: B256::repeat_byte(record),
        patient: PATIENT,
        category: 3,
        uploader: DOCTOR,
        version,
        codec: 0x55,
        digest: B256::repeat_byte(version as u8),
    }
}

fn granted(epoch: u64) -> Granted {
    let terms =
        U256::from(10) | U256::from(20) << 40 | U256::from(epoch) << 80 | U256::from(1) << 144 | U256::from(1) << 160;
    Granted {
        patient: PATIENT,
        tag: B256::repeat_byte(7),
        scopeId: B256::repeat_byte(1),
        terms,
        bundleHash: B256::repeat_byte(9),
    }
}

fn status_changed(status: u8, epoch: u32, liftable_until: u64) -> RecordStatusChanged {
    let liftable_until = Uint::from(liftable_until);
    RecordStatusChanged { id: B256::repeat_byte(1), patient: PATIENT, status, epoch, liftableUntil: liftable_until }
}

fn revoked(epoch: u32) -> Revoked {
    Revoked { patient: PATIENT, tag: B256::repeat_byte(7), scopeId: B256::repeat_byte(1), kind: 0, epoch }
}

#[test]
fn several_events_of_one_record_are_one_row_and_one_document_per_version() {
    let mut chain = Chain(Vec::new());
    chain.emit(ContractName::RecordRegistry, 1, &registered(1, 1));
    chain.emit(ContractName::RecordRegistry, 2, &registered(1, 2));
    let status = status_changed(2, 0, 0);
    chain.emit(ContractName::RecordRegistry, 3, &status);
    chain.emit(ContractName::RecordRegistry, 3, &registered(2, 1));
    let batch = chain.batch();
    assert_eq!((batch.events.len(), batch.versions.len(), batch.records.iter().count()), (4, 3, 2));
    let touched = batch.records.iter().next().unwrap();
    assert!(touched.is_new);
    let row = touched.fold(None).unwrap();
    assert_eq!((row.version, row.status, row.created, row.place.block_number), (2, 2, 1_001, 3));
    assert!(batch.versions[0].cid.starts_with("bafkrei"), "{}", batch.versions[0].cid);
}

#[test]
fn a_tombstone_a_lift_and_a_retraction_are_in_the_row() {
    let retracted = RecordRetracted { id: B256::repeat_byte(1), patient: PATIENT, uploader: DOCTOR, version: 2 };
    let mut chain = Chain(Vec::new());
    chain.emit(ContractName::RecordRegistry, 1, &registered(1, 1));
    chain.emit(ContractName::RecordRegistry, 2, &registered(1, 2));
    chain.emit(ContractName::RecordRegistry, 3, &retracted);
    chain.emit(ContractName::RecordRegistry, 4, &status_changed(3, 1, 5_000));
    let fold = |chain: &Chain| chain.batch().records.iter().next().unwrap().fold(None).unwrap();
    let row = fold(&chain);
    assert_eq!((row.status, row.tombstone_epoch, row.liftable_until, row.retracted), (3, 1, 5_000, 2));
    chain.emit(ContractName::RecordRegistry, 5, &status_changed(1, 1, 0));
    chain.emit(ContractName::RecordRegistry, 6, &registered(1, 3));
    let row = fold(&chain);
    assert_eq!((row.status, row.tombstone_epoch, row.liftable_until, row.retracted, row.version), (1, 1, 0, 2, 3));
    assert_eq!(chain.batch().events[2].about.len(), 3, "the record, its patient, and who retracted");
}

#[test]
fn a_later_version_needs_the_row_that_is_stored() {
    let mut chain = Chain(Vec::new());
    chain.emit(ContractName::RecordRegistry, 5, &registered(1, 2));
    let touched = chain.batch();
    let touched = touched.records.iter().next().unwrap();
    assert!(!touched.is_new);
    assert_eq!(touched.fold(None), None, "the contract emits no version 2 without a version 1");
}

#[test]
fn folding_at_once_or_one_by_one_gives_the_same_row() {
    let mut chain = Chain(Vec::new());
    chain.emit(ContractName::GrantRegistry, 1, &granted(1));
    chain.emit(ContractName::GrantRegistry, 2, &revoked(2));
    chain.emit(ContractName::GrantRegistry, 3, &granted(3));
    chain.emit(ContractName::GrantRegistry, 4, &revoked(4));
    let at_once = chain.batch().grants.iter().next().unwrap().fold(None);
    let one_by_one = chain.0.iter().fold(None, |row, log| {
        let batch = Batch::of(&Contracts::of(&deployment()), [log]).unwrap();
        batch.grants.iter().next().unwrap().fold(row)
    });
    assert_eq!(at_once, one_by_one);
    let row = at_once.unwrap();
    assert_eq!((row.rights, row.epoch, row.revoked, row.not_after), (0, 4, true, 20));
}

#[test]
fn a_revocation_without_a_grant_is_kept() {
    let mut chain = Chain(Vec::new());
    chain.emit(ContractName::GrantRegistry, 1, &revoked(1));
    let batch = chain.batch();
    let touched = batch.grants.iter().next().unwrap();
    assert!(touched.is_new);
    let row = touched.fold(None).unwrap();
    assert_eq!((row.rights, row.purposes, row.epoch, row.revoked), (0, 0, 1, true));
    assert_eq!(row.id.to_string(), touched.id);
}

#[test]
fn a_new_accreditation_ends_a_suspension() {
    let accredited = Accredited {
        accreditor: ACCREDITOR,
        practitioner: DOCTOR,
        roles: 1,
        validFrom: Uint::from(1_u64),
        validUntil: Uint::from(9_u64),
        epoch: 1,
        accreditorEpoch: 1,
    };
    let suspended = AccreditationChanged { accreditor: ACCREDITOR, practitioner: DOCTOR, suspended: true, epoch: 2 };
    let mut chain = Chain(Vec::new());
    chain.emit(ContractName::Accreditation, 1, &accredited);
    chain.emit(ContractName::Accreditation, 2, &suspended);
    assert!(chain.batch().practitioners.iter().next().unwrap().fold(None).unwrap().suspended);
    chain.emit(ContractName::Accreditation, 3, &Accredited { epoch: 3, accreditorEpoch: 1, ..accredited });
    let row = chain.batch().practitioners.iter().next().unwrap().fold(None).unwrap();
    assert_eq!((row.suspended, row.epoch, row.valid_until, row.place.block_number), (false, 3, 9, 3));
}

fn accessed(operator: Address, leaf: u8) -> Accessed {
    Accessed {
        operator,
        record: B256::repeat_byte(1),
        tag: B256::repeat_byte(7),
        purposes: 1,
        leaf: B256::repeat_byte(leaf),
    }
}

fn checkpoint(operator: Address, size: u64) -> Checkpoint {
    Checkpoint { operator, size, root: B256::repeat_byte(1), head: B256::repeat_byte(2) }
}

#[test]
fn accesses_get_their_index_from_the_checkpoint_that_closes_them() {
    let mut chain = Chain(Vec::new());
    chain.emit(ContractName::AccessLog, 1, &accessed(OPERATOR, 1));
    chain.emit(ContractName::AccessLog, 1, &accessed(OPERATOR, 2));
    chain.emit(ContractName::AccessLog, 1, &checkpoint(OPERATOR, 12));
    chain.emit(ContractName::AccessLog, 2, &accessed(OPERATOR, 3));
    chain.emit(ContractName::AccessLog, 2, &checkpoint(OPERATOR, 13));
    let accesses = chain.batch().accesses;
    let found: Vec<_> = accesses.iter().map(|access| (access.operator, access.index)).collect();
    assert_eq!(found, [(OPERATOR, 10), (OPERATOR, 11), (OPERATOR, 12)]);
    assert_eq!(accesses[0].id, access_id(OPERATOR, 10));
}

#[test]
fn a_log_that_somebody_else_keeps_leaves_no_trace() {
    let stranger = Address::repeat_byte(2);
    let mut chain = Chain(Vec::new());
    for leaf in 0..100 {
        chain.emit(ContractName::AccessLog, 1, &accessed(stranger, leaf));
    }
    chain.emit(ContractName::AccessLog, 1, &checkpoint(stranger, 100));
    // Emitted inside the operator's own batch, and without its own checkpoint.
    chain.emit(ContractName::AccessLog, 2, &accessed(OPERATOR, 1));
    chain.emit(ContractName::AccessLog, 2, &accessed(stranger, 1));
    chain.emit(ContractName::AccessLog, 2, &checkpoint(OPERATOR, 1));
    let cancelled = contracts::access_log::AccessLog::NonceCancelled { signer: stranger, nonce: U256::from(1) };
    chain.emit(ContractName::AccessLog, 3, &cancelled);
    let batch = chain.batch();
    let names: Vec<&str> = batch.events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["Accessed", "Checkpoint"]);
    assert_eq!((batch.accesses.len(), batch.checkpoints.len()), (1, 1));
    assert_eq!(batch.accesses[0].operator, OPERATOR);
}

#[test]
fn accesses_that_do_not_fit_their_checkpoint_are_refused() {
    let operator = OPERATOR;
    let mut open = Chain(Vec::new());
    open.emit(ContractName::AccessLog, 1, &accessed(operator, 1));
    let mut too_many = Chain(open.0.clone());
    too_many.emit(ContractName::AccessLog, 1, &checkpoint(operator, 0));
    let mut apart = Chain(open.0.clone());
    apart.emit(ContractName::AccessLog, 2, &checkpoint(operator, 1));
    for chain in [open, too_many, apart] {
        let result = Batch::of(&Contracts::of(&deployment()), &chain.0);
        assert!(matches!(result, Err(DecodeError::Accesses { .. })));
    }
}

#[test]
fn a_log_of_a_stranger_or_of_no_known_event_is_refused() {
    let mut chain = Chain(Vec::new());
    chain.emit(ContractName::RecordRegistry, 1, &registered(1, 1));
    let contracts = Contracts::of(&deployment());
    let foreign = MinedLog { contract: Address::repeat_byte(0xee), ..chain.0[0].clone() };
    assert!(matches!(Batch::of(&contracts, [&foreign]), Err(DecodeError::Foreign(_))));
    let misplaced = MinedLog { contract: Address::repeat_byte(5), ..chain.0[0].clone() };
    assert!(matches!(Batch::of(&contracts, [&misplaced]), Err(DecodeError::Event(_))));
    let mut cut = chain.0[0].clone();
    cut.data.data = Bytes::from(cut.data.data[..40].to_vec());
    assert!(matches!(Batch::of(&contracts, [&cut]), Err(DecodeError::Event(_))));
}

#[test]
fn an_event_survives_being_stored() {
    let mut chain = Chain(Vec::new());
    chain.emit(ContractName::GrantRegistry, 1, &granted(1));
    chain.emit(ContractName::RecordRegistry, 2, &registered(1, 1));
    for (log, event) in chain.0.iter().zip(chain.batch().events) {
        let stored = mongodb::bson::to_vec(&event).unwrap();
        let event: EventDoc = mongodb::bson::from_slice(&stored).unwrap();
        assert_eq!(&crate::decode::mined_log(event).unwrap(), log);
    }
}

#[test]
fn an_event_is_about_everybody_it_names_once() {
    let mut chain = Chain(Vec::new());
    chain.emit(ContractName::RecordRegistry, 1, &RecordRegistered { uploader: PATIENT, ..registered(1, 1) });
    let about = &chain.batch().events[0].about;
    assert_eq!(about, &[format!("{:#x}", B256::repeat_byte(1)), format!("{PATIENT:#x}")]);
}

#[test]
fn the_index_of_row_events_has_all_of_them_and_no_access() {
    assert!(ROW_EVENTS.iter().all(|name| *name > BEFORE_ROW_EVENTS));
    assert!(!ROW_EVENTS.contains(&BEFORE_ROW_EVENTS));
}
