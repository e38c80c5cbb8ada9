//! Bundles: which capsules were signed, and which were added later.

use alloy::primitives::{Address, B256};
use protocol::{
    bodies::grants::BundleBody,
    bundle::{Bundle, BundleError},
    capsule::{Binding, Capsule},
    envelope::EnvelopeContext,
    ids::RecordId,
    secret::{DataKey, ReaderShare, Seed},
};

const RECORD: RecordId = RecordId(B256::repeat_byte(1));

fn capsule(version: u16) -> Capsule {
    let of = EnvelopeContext { chain_id: 1, registry: Address::ZERO }.record_version(RECORD, version);
    let key = Seed::from_bytes([1; 32]).identity_key(1);
    let binding = Binding::reader_share(&of, Address::ZERO, Address::ZERO, 1, 1);
    Capsule::seal(&ReaderShare::from_bytes([9; 32]), key.public_key(), &binding)
}

fn bundle(versions: &[u16]) -> Bundle {
    Bundle::new(RECORD, versions.iter().map(|version| (*version, capsule(*version))).collect()).unwrap()
}

#[test]
fn later_versions_stand_behind_the_signed_ones() {
    let signed = bundle(&[1, 2]);
    assert_eq!(bundle(&[1, 2, 3]).signed_len(signed.hash()), Some(2));
    assert_eq!(signed.signed_len(signed.hash()), Some(2));
    assert_eq!(bundle(&[1, 3]).signed_len(signed.hash()), None, "a signed capsule is missing");
    assert_eq!(bundle(&[2]).signed_len(signed.hash()), None);
    assert_eq!(bundle(&[1]).signed_len(Bundle::NONE), None);
}

#[test]
fn a_bundle_survives_the_way_through_the_api() {
    let signed = bundle(&[1, 2]);
    let body = BundleBody::from(&signed);
    assert_eq!(Bundle::try_from(&body).unwrap(), signed);
    assert_eq!(signed.find(2), Some(&capsule(2)));
    assert_eq!(signed.find(3), None);

    let mut short = body.clone();
    short.capsules[0].capsule = short.capsules[0].capsule.slice(1..);
    assert_eq!(Bundle::try_from(&short), Err(BundleError::Capsule));
    let mut category = body;
    category.kind = protocol::codes::ScopeKind::Category;
    assert_eq!(Bundle::try_from(&category), Err(BundleError::Scope));
}

#[test]
fn only_reader_shares_of_ascending_versions_make_a_bundle() {
    let of = EnvelopeContext { chain_id: 1, registry: Address::ZERO }.record_version(RECORD, 1);
    let key = Seed::from_bytes([1; 32]).identity_key(1);
    let owner = Capsule::seal(&DataKey::from_bytes([9; 32]), key.public_key(), &Binding::owner(&of, Address::ZERO, 1));
    assert_eq!(Bundle::new(RECORD, vec![(1, owner)]), Err(BundleError::Capsule));
    for versions in [[0, 1], [1, 1], [2, 1]] {
        let capsules = versions.iter().map(|version| (*version, capsule(*version))).collect();
        assert_eq!(Bundle::new(RECORD, capsules), Err(BundleError::Versions));
    }
}
