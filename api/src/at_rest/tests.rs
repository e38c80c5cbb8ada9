use std::{collections::BTreeSet, fmt::Debug, io::Write};

use alloy::primitives::{Address, B256};
use protocol::deployment::{Contracts, DEPLOYMENT_VERSION, DeployedContract};

use super::*;

static_assertions::assert_not_impl_any!(Secrets: Debug, std::fmt::Display, Serialize);
static_assertions::assert_not_impl_any!(AtRest: Debug, std::fmt::Display, Serialize);

fn deployment(chain_id: u64) -> Deployment {
    let contract = |byte| DeployedContract { address: Address::repeat_byte(byte), code_hash: B256::ZERO };
    Deployment {
        version: DEPLOYMENT_VERSION,
        chain_id,
        genesis_hash: B256::ZERO,
        start_block: 0,
        operator: Address::repeat_byte(9),
        operator_keys: Vec::new(),
        contracts: Contracts {
            accreditation: contract(1),
            key_registry: contract(2),
            record_registry: contract(3),
            grant_registry: contract(4),
            access_log: contract(5),
        },
    }
}

fn secrets(bytes: &[u8]) -> Secrets {
    Secrets(bytes.iter().map(|byte| Zeroizing::new([*byte; 32])).collect())
}

pub(super) fn at_rest(bytes: &[u8]) -> AtRest {
    AtRest::new(&secrets(bytes), &deployment(31_337))
}

#[test]
fn a_sealed_value_opens_only_in_its_own_place() {
    let ours = at_rest(&[1]);
    let sealed = ours.seal(Use::Session, "a", &"who");
    assert_eq!(ours.open::<String>(Use::Session, "a", &sealed).unwrap(), "who");
    assert!(ours.open::<String>(Use::Session, "b", &sealed).is_err(), "another document");
    assert!(ours.open::<String>(Use::Leaf, "a", &sealed).is_err(), "another collection");
    assert!(at_rest(&[2]).open::<String>(Use::Session, "a", &sealed).is_err(), "another secret");
    let elsewhere = AtRest::new(&secrets(&[1]), &deployment(1));
    assert!(elsewhere.open::<String>(Use::Session, "a", &sealed).is_err(), "another deployment");
}

#[test]
fn a_changed_or_short_value_does_not_open() {
    let ours = at_rest(&[1, 2]);
    let sealed = ours.seal(Use::Leaf, "a", &7);
    for at in 0..sealed.0.len() {
        let mut changed = sealed.clone();
        changed.0[at] ^= 1;
        assert!(ours.open::<u8>(Use::Leaf, "a", &changed).is_err(), "byte {at}");
        assert!(ours.open::<u8>(Use::Leaf, "a", &Sealed(sealed.0[..at].to_vec())).is_err(), "cut at {at}");
    }
}

#[test]
fn sealing_the_same_value_twice_gives_different_bytes() {
    let ours = at_rest(&[1]);
    let all: BTreeSet<Vec<u8>> = (0..100).map(|_| ours.seal(Use::Leaf, "a", &"x").0).collect();
    assert_eq!(all.len(), 100);
    let nonces: BTreeSet<&[u8]> = all.iter().map(|sealed| &sealed[1..13]).collect();
    assert_eq!(nonces.len(), 100);
}

#[test]
fn a_blind_index_depends_on_value_use_secret_and_deployment() {
    let (value, other) = (Address::repeat_byte(1), Address::repeat_byte(2));
    let ours = at_rest(&[1]);
    let all = [
        ours.blind(Lookup::SessionAddress, value),
        ours.blind(Lookup::SessionAddress, other),
        ours.blind(Lookup::LeafRequest, value),
        at_rest(&[2]).blind(Lookup::SessionAddress, value),
        AtRest::new(&secrets(&[1]), &deployment(1)).blind(Lookup::SessionAddress, value),
    ];
    assert_eq!(BTreeSet::from(all.clone()).len(), all.len());
    assert_eq!(ours.blind(Lookup::SessionAddress, value), all[0]);
    assert!(all.iter().all(|blind| blind.len() == 32));
}

#[test]
fn a_new_secret_seals_new_values_and_old_values_still_open() {
    let (before, after) = (at_rest(&[1]), at_rest(&[1, 2]));
    let old = before.seal(Use::Session, "a", &1);
    let new = after.seal(Use::Session, "a", &2);
    assert_eq!((old.0[0], new.0[0]), (1, 2));
    assert_eq!(after.open::<u8>(Use::Session, "a", &old).unwrap(), 1);
    assert_eq!(after.open::<u8>(Use::Session, "a", &new).unwrap(), 2);
    assert!(before.open::<u8>(Use::Session, "a", &new).is_err());
    let (old, new) = (before.blind(Lookup::SessionAddress, [7]), after.blind(Lookup::SessionAddress, [7]));
    assert_ne!(old, new);
    assert_eq!(before.find(Lookup::SessionAddress, [7]), Bson::String(old.clone()));
    assert_eq!(after.find(Lookup::SessionAddress, [7]), Bson::Document(doc! { "$in": [&new, &old] }));
    assert_eq!(before.older(Lookup::SessionAddress, [7]), Vec::<String>::new());
    assert_eq!(after.older(Lookup::SessionAddress, [7]), [old]);
    let none = after.find_any(&[Lookup::SessionAddress], Vec::<[u8; 1]>::new());
    assert_eq!(none, Bson::Document(doc! { "$in": [] }), "an empty list matches nothing");
}

#[test]
fn no_two_uses_share_a_label() {
    let labels: Vec<&str> = Use::ALL.map(Use::label).into_iter().chain(Lookup::ALL.map(Lookup::label)).collect();
    assert_eq!(labels.iter().collect::<BTreeSet<_>>().len(), labels.len());
    assert!(labels.iter().all(|label| !label.contains('\0')));
}

#[test]
fn a_secret_file_contains_only_secrets() {
    let read = |text: &str| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        Secrets::read(file.path()).map(|secrets| secrets.0.len()).map_err(|error| error.to_string())
    };
    let [one, two] = ["11".repeat(32), "22".repeat(32)];
    assert_eq!(read(&one), Ok(1));
    assert_eq!(read(&format!("0x{one}\n\n{two}\n")), Ok(2));
    for wrong in [String::new(), "11".into(), format!("{one} {two}"), format!("{one}\n{one}"), format!("{one}\nx")] {
        let refused = read(&wrong).expect_err(&wrong);
        assert!(!refused.contains("1111"), "the message does not repeat the file");
    }
    let many: Vec<String> = (0..17_u8).map(|byte| hex::encode([byte; 32])).collect();
    assert!(read(&many.join("\n")).is_err());
}

impl AtRest {
    /// Returns keys under a public secret, for tests of other modules.
    pub(crate) fn for_tests(byte: u8) -> Self {
        at_rest(&[byte])
    }
}
