//! Grants as attackers make them: rightly signed, over records of their own, sealed to nobody.

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

/// How long what an attacker signs is valid, in seconds.
pub(super) const VALID_SECONDS: u64 = 3_600;

/// A capsule that is well-formed and opens for nobody: good enough for a server, which opens none.
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

/// The bundle of a record: this capsule for so many versions.
pub(super) fn bundle_of(record: RecordId, capsule: &Capsule, versions: usize) -> Bundle {
    let capsules = (1..).take(versions).map(|version| (version, *capsule)).collect();
    Bundle::new(record, capsules).expect("versions ascend from 1")
}

/// The same as a request carries it.
pub(super) fn body_of(record: RecordId, capsule: &Capsule, versions: usize) -> BundleBody {
    let capsule = alloy::primitives::Bytes::from(capsule.as_bytes().to_vec());
    let capsules = (1..).take(versions).map(|version| VersionCapsule { version, capsule: capsule.clone() }).collect();
    BundleBody { kind: ScopeKind::Record, scope_id: record.0, capsules }
}

/// A grant of the reading of records, signed.
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

/// The registration, signed, of a record of one's own whose envelope is nowhere.
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

/// The request that gives bundles to the server; without an action when the grant stands on chain already.
pub(super) fn request_body(
    action: Option<SignedAction>,
    grantee: Address,
    salt: Salt,
    bundles: Vec<BundleBody>,
) -> Vec<u8> {
    let body = GrantBody { action, grantee, salt, right: Right::Read, bundles, request: None };
    serde_json::to_vec(&body).expect("a body has only text keys")
}

/// A salt as anybody may choose it.
pub(super) fn any_salt() -> Salt {
    Salt(B256::new(rand::random()))
}
