//! The statements that people sign and that do not go on chain: access requests, denials, public profiles.

use alloy::primitives::{B256, aliases::U40};
use protocol::{
    bodies::grants::RequestBody,
    capsule::Binding,
    codes::{self, Purpose, Right, ScopeKind},
    deployment::ContractName,
    ids::{RecordId, RequestId},
    note,
    statements::{AccessRequest, DenyRequest, Profile, SignedAccessRequest, SignedDenial, SignedProfile},
};
use sha2::{Digest, Sha256};

use super::{
    actions::deadline,
    people::{Cast, User},
    seeds,
};

/// Returns a signed request to read a record, with a note for its patient, changed as the test wants.
pub(crate) fn request_body(
    requester: &User,
    patient: &User,
    record: RecordId,
    change: impl FnOnce(&mut AccessRequest),
) -> RequestBody {
    let app = &requester.server.app;
    let registry = app.deployment.address_of(ContractName::GrantRegistry);
    let binding = Binding::note(app.deployment.chain_id, registry, patient.address(), 1);
    let key = patient.key();
    let sealed = note::seal("it is me", requester.address(), key.public_key(), &binding, &mut rand::rng());
    let note = sealed.expect("a short note");
    let mut request = AccessRequest {
        requester: requester.address(),
        patient: patient.address(),
        rights: Right::Read.bit(),
        kind: ScopeKind::Record.code(),
        scopeId: record.0,
        purposes: Purpose::Treatment.bit(),
        until: U40::from(app.clock.now() + 3_600),
        noteHash: B256::from_slice(&Sha256::digest(&note)),
        nonce: seeds::nonce(),
        deadline: deadline(&requester.server),
    };
    change(&mut request);
    let signature = requester.sign_hash(&SignedAccessRequest::signing_hash(&request, &app.deployment));
    RequestBody { signed: SignedAccessRequest { request, signature }, note: note.into() }
}

impl Cast {
    /// Returns the doctor's signed request to read a record for treatment.
    pub(crate) fn request_body(&self, record: RecordId) -> RequestBody {
        request_body(&self.doctor, &self.patient, record, |_| {})
    }
}

/// Returns the denial of a request in the patient's name, signed by `signer`.
pub(crate) fn denial(patient: &User, request: RequestId, signer: &User) -> SignedDenial {
    let server = &patient.server;
    let denial = DenyRequest { patient: patient.address(), request: request.0, deadline: deadline(server) };
    let signature = signer.sign_hash(&SignedDenial::signing_hash(&denial, &server.app.deployment));
    SignedDenial { denial, signature }
}

/// Returns a doctor's public profile as the accreditor writes it.
pub(crate) fn profile(accreditor: &User, practitioner: &User) -> Profile {
    Profile {
        accreditor: accreditor.address(),
        accreditorEpoch: 1,
        practitioner: practitioner.address(),
        name: "Dr. Ada Öz".to_owned(),
        organisation: "St. Mary".to_owned(),
        specialty: "Cardiology".to_owned(),
        roles: codes::Role::Doctor.bit(),
        issued: practitioner.server.app.clock.now(),
    }
}

/// Signs a profile.
pub(crate) fn sign_profile(accreditor: &User, profile: Profile) -> SignedProfile {
    let signature = accreditor.sign_hash(&SignedProfile::signing_hash(&profile, &accreditor.server.app.deployment));
    SignedProfile { profile, signature }
}
