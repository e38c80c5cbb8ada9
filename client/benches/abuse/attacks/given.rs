//! Grants of attackers: correctly signed, over their own records, with capsules that no key opens.

use alloy::primitives::{Address, B256, U256, aliases::U40};
use client::{act::new_nonce, chain::unix_now};
use protocol::{
    bodies::grants::{BundleBody, GrantBody, VersionCapsule},
    bundle::Bundle,
    capsule::{Binding, Capsule},
    cid::Codec,
    codes::{Category, Purpose, Right, ScopeKind},
    deployment::{ContractName, Deployment},
    identity::IdentityKey,
    ids::{RecordId, Salt, Tag},
    messages::{Action, Grant, RegisterRecord, Scope, SignedAction},
    secret::ReaderShare,
    split::RecordVersion,
};

use crate::attacker::Account;

/// The validity of an attacker's messages, in seconds.
pub(super) const VALID_SECONDS: u64 = 3_600;

/// Returns a capsule that is well-formed but that no key opens. A server accepts it, because it cannot open any.
pub(super) fn any_capsule(deployment: &Deployment) -> Capsule {
    let of = RecordVersion {
        chain_id: deployment.chain_id,
        registry: deployment.address_of(ContractName::RecordRegistry),
        record: RecordId(B256::new(rand::random())),
        version: 1,
    };
    let nobody = IdentityKey::derive(&rand::random());
    let binding = Binding::reader_share(&of, Address::ZERO, Address::ZERO, 1, 1);
    Capsule::seal(&ReaderShare::from_bytes(rand::random()), nobody.public_key(), &binding)
}

/// Returns the bundle of a record: this capsule, for the given number of versions.
pub(super) fn bundle_of(record: RecordId, capsule: &Capsule, versions: usize) -> Bundle {
    let capsules = (1..).take(versions).map(|version| (version, capsule.clone())).collect();
    Bundle::new(record, capsules).expect("versions ascend from 1")
}

/// Returns the same bundle as the body of a request.
pub(super) fn body_of(record: RecordId, capsule: &Capsule, versions: usize) -> BundleBody {
    let capsule = alloy::primitives::Bytes::from(capsule.as_bytes().to_vec());
    let capsules = (1..).take(versions).map(|version| VersionCapsule { version, capsule: capsule.clone() }).collect();
    BundleBody { kind: ScopeKind::Record, scope_id: record.0, capsules }
}

/// Returns a signed READ grant over records.
pub(super) fn sign_grant(
    patient: &Account,
    deployment: &Deployment,
    grantee: Address,
    salt: Salt,
    records: &[(RecordId, B256)],
) -> SignedAction {
    let scope = |(record, bundle_hash): &(RecordId, B256)| Scope {
        kind: ScopeKind::Record.code(),
        id: record.0,
        epoch: 0,
        bundleHash: *bundle_hash,
    };
    let grant = Grant {
        patient: patient.address(),
        tag: Tag::derive(grantee, salt).0,
        rights: Right::Read.bit(),
        purposes: Purpose::Treatment.bit(),
        notBefore: U40::from(1),
        notAfter: U40::from(unix_now() + 86_400),
        patientEpoch: 0,
        scopes: records.iter().map(scope).collect(),
        nonce: new_nonce(),
        deadline: U256::from(unix_now() + VALID_SECONDS),
    };
    patient.sign(Action::Grant(grant), deployment)
}

/// Returns the signed registration of the patient's own record, whose envelope was never uploaded.
pub(super) fn register(patient: &Account, salt: Salt, deployment: &Deployment) -> SignedAction {
    let registration = RegisterRecord {
        uploader: patient.address(),
        patient: patient.address(),
        salt: salt.0,
        category: Category::Laboratory.code(),
        codec: Codec::Raw.code(),
        digest: B256::new(rand::random()),
        writeSalt: B256::ZERO,
        nonce: new_nonce(),
        deadline: U256::from(unix_now() + VALID_SECONDS),
    };
    patient.sign(Action::RegisterRecord(registration), deployment)
}

/// Returns the request that sends bundles to the server; without an action if the grant is already on chain.
pub(super) fn request_body(
    action: Option<SignedAction>,
    grantee: Address,
    salt: Salt,
    bundles: Vec<BundleBody>,
) -> Vec<u8> {
    let body = GrantBody { action, grantee, salt, right: Right::Read, bundles, request: None };
    serde_json::to_vec(&body).expect("a body has only text keys")
}

/// Returns a random salt.
pub(super) fn any_salt() -> Salt {
    Salt(B256::new(rand::random()))
}
