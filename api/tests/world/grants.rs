//! Grants over one record, and their ends.

use alloy::primitives::{Bytes, aliases::U40};
use axum::http::StatusCode;
use protocol::{
    bodies::grants::{BundleBody, GrantBody, VersionCapsule},
    bundle::Bundle,
    capsule::{Binding, Capsule},
    codes::{Purpose, Right, ScopeKind},
    ids::{GrantId, RecordId, Salt, Tag},
    messages::{Action, Grant, GrantRef, Revoke, Scope, SignedAction},
};

use super::{
    actions::deadline,
    people::{Cast, User},
    records::{TestRecord, record_version, register_record},
    seeds,
    servers::Server,
};

/// The terms of a grant to read.
pub(crate) struct Terms {
    pub(crate) salt: Salt,
    pub(crate) purposes: u16,
    pub(crate) not_before: u64,
    pub(crate) not_after: u64,
    pub(crate) epoch: u32,
    pub(crate) patient_epoch: u32,
}

impl Terms {
    /// Returns terms for treatment, now and for an hour.
    pub(crate) fn now(server: &Server) -> Self {
        let now = server.app.clock.now();
        Self {
            salt: seeds::salt(),
            purposes: Purpose::Treatment.bit(),
            not_before: now - 60,
            not_after: now + 3_600,
            epoch: 0,
            patient_epoch: 0,
        }
    }
}

/// Returns a signed grant over one record with its bundle.
pub(crate) fn grant_body(patient: &User, grantee: &User, record: &TestRecord, terms: &Terms) -> GrantBody {
    let of = record_version(&patient.server, record.id);
    let binding = Binding::reader_share(&of, patient.address(), grantee.address(), 1, terms.epoch + 1);
    let share = record.dek.reader_share(&of);
    let capsule = Capsule::seal(&share, grantee.key().public_key(), &binding);
    let bundle = BundleBody {
        kind: ScopeKind::Record,
        scope_id: record.id.0,
        capsules: vec![VersionCapsule { version: 1, capsule: Bytes::copy_from_slice(capsule.as_bytes()) }],
    };
    let message = Grant {
        patient: patient.address(),
        tag: Tag::derive(grantee.address(), terms.salt).0,
        rights: Right::Read.bit(),
        purposes: terms.purposes,
        notBefore: U40::from(terms.not_before),
        notAfter: U40::from(terms.not_after),
        patientEpoch: terms.patient_epoch,
        scopes: vec![Scope {
            kind: ScopeKind::Record.code(),
            id: record.id.0,
            epoch: terms.epoch,
            bundleHash: Bundle::try_from(&bundle).expect("a bundle of one capsule").hash(),
        }],
        nonce: seeds::nonce(),
        deadline: deadline(&patient.server),
    };
    GrantBody {
        action: Some(patient.sign(Action::Grant(message))),
        grantee: grantee.address(),
        salt: terms.salt,
        right: Right::Read,
        bundles: vec![bundle],
        request: None,
    }
}

impl Cast {
    /// Registers a record of the patient's and grants it to the doctor, for treatment, now and for an hour; returns the
    /// record and the salt of the tag.
    pub(crate) async fn shared_record(&self) -> (TestRecord, Salt) {
        let record = register_record(&self.patient).await;
        let salt = self.grant_now(&record).await;
        (record, salt)
    }

    /// Grants version 1 of a record to the doctor and returns the salt of the tag.
    pub(crate) async fn grant(&self, record: &TestRecord, terms: Terms) -> Salt {
        let body = grant_body(&self.patient, &self.doctor, record, &terms);
        self.patient.post("/v1/grants", &body).await.has(StatusCode::CREATED);
        terms.salt
    }

    /// Grants version 1 of a record to the doctor, for treatment, now and for an hour; returns the salt of the tag.
    pub(crate) async fn grant_now(&self, record: &TestRecord) -> Salt {
        self.grant(record, Terms::now(&self.patient.server)).await
    }

    /// Returns the signed end of the doctor's grant over a record.
    pub(crate) fn revoke(&self, record: RecordId, salt: Salt) -> SignedAction {
        let tag = Tag::derive(self.doctor.address(), salt).0;
        self.patient.sign(Action::Revoke(Revoke {
            patient: self.patient.address(),
            grants: vec![GrantRef { tag, kind: ScopeKind::Record.code(), id: record.0 }],
            nonce: seeds::nonce(),
            deadline: deadline(&self.patient.server),
        }))
    }

    /// Returns the id of the doctor's grant over a record.
    pub(crate) fn grant_of(&self, record: RecordId, salt: Salt) -> GrantId {
        let tag = Tag::derive(self.doctor.address(), salt);
        GrantId::derive(self.patient.address(), tag, ScopeKind::Record, record.0)
    }
}
