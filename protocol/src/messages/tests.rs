use alloy::primitives::{aliases::U40, keccak256};

use super::*;

#[test]
fn accesses_are_hashed_as_four_words_each_in_a_row() {
    let access = |byte: u8| Access {
        record: B256::repeat_byte(byte),
        tag: B256::repeat_byte(byte + 1),
        purposes: 0x0102,
        leaf: B256::repeat_byte(byte + 2),
    };
    let mut words = Vec::new();
    for first in [0x10_u8, 0x20] {
        words.extend([first; 32]);
        words.extend([first + 1; 32]);
        words.extend([0_u8; 30]);
        words.extend([1, 2]);
        words.extend([first + 2; 32]);
    }
    assert_eq!(accesses_hash(&[access(0x10), access(0x20)]), keccak256(&words));
    assert_ne!(accesses_hash(&[access(0x20), access(0x10)]), keccak256(&words), "their order counts");
    assert_eq!(accesses_hash(&[]), keccak256([]));
}

/// An account in the form in which addresses are shown: with its checksum.
const ADA: Address = alloy::primitives::address!("0x70997970C51812dc3A010C7d01b50e0d17dc79C8");
const RECORD: B256 = B256::repeat_byte(0x5c);

fn nonce() -> U256 {
    U256::from(7)
}

fn deadline() -> U256 {
    U256::from(1_777_852_800)
}

fn grant(right: Right, purposes: &[Purpose], scopes: Vec<Scope>) -> Action {
    Action::Grant(Grant {
        patient: Address::repeat_byte(1),
        tag: B256::repeat_byte(2),
        rights: right.bit(),
        purposes: Purpose::mask(purposes),
        notBefore: U40::ZERO,
        notAfter: U40::from(1_777_852_800_u64),
        patientEpoch: 0,
        scopes,
        nonce: nonce(),
        deadline: deadline(),
    })
}

fn scope(kind: ScopeKind, id: B256) -> Scope {
    Scope { kind: kind.code(), id, epoch: 0, bundleHash: B256::ZERO }
}

/// Returns one of each action, and the different kinds of grants, each with its sentence.
fn sentences() -> Vec<(Action, &'static str)> {
    let (me, nonce, deadline) = (Address::repeat_byte(1), nonce(), deadline());
    let vouch = |roles: &[Role]| {
        Action::Accredit(Accredit {
            accreditor: me,
            practitioner: ADA,
            roles: Role::mask(roles),
            validFrom: U40::ZERO,
            validUntil: U40::from(1_777_852_800_u64),
            epoch: 0,
            accreditorEpoch: 1,
            nonce,
            deadline,
        })
    };
    let reference = GrantRef { tag: B256::ZERO, kind: ScopeKind::Record.code(), id: RECORD };
    vec![
        (
            Action::AddAccreditor(AddAccreditor { owner: me, accreditor: ADA, epoch: 0, nonce, deadline }),
            "Let 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 vouch for practitioners.",
        ),
        (
            Action::RemoveAccreditor(RemoveAccreditor { owner: me, accreditor: ADA, nonce, deadline }),
            "Remove 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 as an accreditor, and end all accreditations that it gave.",
        ),
        (
            vouch(&[Role::Doctor, Role::Lab]),
            "Vouch for 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 as doctor, lab until second 1777852800.",
        ),
        (vouch(&[]), "Vouch for 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 as nothing until second 1777852800."),
        (
            Action::Suspend(Suspend { accreditor: me, practitioner: ADA, nonce, deadline }),
            "Suspend 0x70997970C51812dc3A010C7d01b50e0d17dc79C8.",
        ),
        (
            Action::RegisterKey(RegisterKey {
                owner: me,
                slot: 0,
                epoch: 0,
                kem: crate::codes::KEM_X_WING,
                key: Bytes::new(),
                nonce,
                deadline,
            }),
            "Publish encryption key number 1 for my address.",
        ),
        (
            Action::RegisterRecord(RegisterRecord {
                uploader: me,
                patient: ADA,
                salt: B256::ZERO,
                category: Category::Laboratory.code(),
                codec: 0x55,
                digest: B256::ZERO,
                writeSalt: B256::ZERO,
                nonce,
                deadline,
            }),
            "Add a record of category laboratory for patient 0x70997970C51812dc3A010C7d01b50e0d17dc79C8.",
        ),
        (
            Action::RegisterVersion(RegisterVersion {
                uploader: me,
                record: RECORD,
                version: 1,
                codec: 0x55,
                digest: B256::ZERO,
                salt: B256::ZERO,
                writeSalt: B256::ZERO,
                nonce,
                deadline,
            }),
            "Add version 2 to record 0x5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c.",
        ),
        (
            Action::Supersede(Supersede { patient: me, record: RECORD, version: 1, nonce, deadline }),
            "Mark record 0x5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c as replaced by a newer one; it stays readable.",
        ),
        (
            Action::Tombstone(Tombstone { patient: me, record: RECORD, epoch: 0, nonce, deadline }),
            "Close record 0x5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c for everybody; it is destroyed unless I open it again in time.",
        ),
        (
            Action::LiftTombstone(LiftTombstone { patient: me, record: RECORD, epoch: 1, nonce, deadline }),
            "Open record 0x5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c again for the people that I share it with.",
        ),
        (
            Action::Retract(Retract {
                uploader: me,
                record: RECORD,
                version: 2,
                salt: B256::ZERO,
                writeSalt: B256::ZERO,
                nonce,
                deadline,
            }),
            "Warn everybody not to rely on my versions up to 2 of record 0x5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c.",
        ),
        (
            grant(
                Right::Read,
                &[Purpose::Treatment],
                vec![scope(ScopeKind::Record, RECORD), scope(ScopeKind::Record, B256::ZERO)],
            ),
            "Allow one person to read 2 record(s) for TREAT until second 1777852800.",
        ),
        (
            grant(
                Right::Write,
                &[Purpose::Treatment],
                vec![
                    scope(ScopeKind::Category, Category::Laboratory.scope_id()),
                    scope(ScopeKind::Category, Category::Imaging.scope_id()),
                ],
            ),
            "Allow one person to write records of laboratory, imaging for TREAT until second 1777852800.",
        ),
        (
            grant(
                Right::Read,
                &[Purpose::Treatment, Purpose::EmergencyTreatment],
                vec![scope(ScopeKind::Record, RECORD), scope(ScopeKind::All, B256::ZERO)],
            ),
            "Allow one person to read everything for TREAT, ETREAT until second 1777852800.",
        ),
        (
            Action::Revoke(Revoke { patient: me, grants: vec![reference.clone(), reference], nonce, deadline }),
            "End 2 permission(s) that I gave.",
        ),
        (Action::RevokeAll(RevokeAll { patient: me, nonce, deadline }), "End every permission I ever gave."),
        (
            Action::Checkpoint(Checkpoint {
                operator: me,
                previousHead: B256::ZERO,
                size: 12,
                root: B256::ZERO,
                accessesHash: B256::ZERO,
                nonce,
                deadline,
            }),
            "Anchor the log at 12 entries.",
        ),
    ]
}

#[test]
fn every_action_says_in_exactly_one_sentence_what_it_allows() {
    let sentences = sentences();
    for (action, expected) in &sentences {
        assert_eq!(action.sentence(), *expected, "{}", action.name());
    }
    let mut named: Vec<&str> = sentences.iter().map(|(action, _)| action.name()).collect();
    named.dedup();
    let all = [
        "add_accreditor",
        "remove_accreditor",
        "accredit",
        "suspend",
        "register_key",
        "register_record",
        "register_version",
        "supersede",
        "tombstone",
        "lift_tombstone",
        "retract",
        "grant",
        "revoke",
        "revoke_all",
        "checkpoint",
    ];
    assert_eq!(named, all, "an action is missing");
}
