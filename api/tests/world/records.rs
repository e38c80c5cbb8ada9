//! Records of a patient's own, with release shares that open and without the bytes of their envelopes.

use alloy::primitives::{Address, B256, Bytes};
use axum::http::StatusCode;
use mongodb::bson::{Document, doc};
use protocol::{
    bodies::records::RegisterBody,
    capsule::{Binding, Capsule},
    cid::{Cid, Codec},
    deployment::ContractName,
    ids::{RecordId, Salt},
    messages::{Action, RegisterRecord},
    secret::DataKey,
    split::RecordVersion,
};

use super::{actions::deadline, people::User, seeds, servers::Server};

/// A record, and the key that its envelope would have.
pub(crate) struct TestRecord {
    pub(crate) id: RecordId,
    pub(crate) dek: DataKey,
    pub(crate) body: RegisterBody,
}

impl TestRecord {
    /// Returns the message that registers the record.
    pub(crate) fn message(&self) -> &RegisterRecord {
        match self.body.action.as_ref().map(|signed| &signed.action) {
            Some(Action::RegisterRecord(message)) => message,
            _ => unreachable!("a record is registered by its message"),
        }
    }

    /// Returns the CID of the envelope.
    pub(crate) fn cid(&self) -> String {
        let message = self.message();
        Cid::new(Codec::from_code(message.codec).expect("a codec"), message.digest).to_string()
    }
}

/// Prepares a record: its envelope counts as uploaded, its message is signed, its release share sealed.
pub(crate) async fn prepare_record(patient: &User) -> TestRecord {
    let server = &patient.server;
    let salt = seeds::bytes();
    let id = RecordId::derive(patient.address(), Salt(salt));
    let cid = Cid::of_block(Codec::Raw, salt.as_slice());
    let pin = doc! {
        "_id": id.to_string(),
        "record": id.to_string(),
        "version": 1,
        "uploader": patient.hex(),
        "state": "stored",
        "cid": cid.to_string(),
        "size": 4_096_i64,
        "changed_at": i64::try_from(server.app.clock.now()).expect("a time of our age"),
    };
    server.app.database.collection::<Document>("api_pins").insert_one(pin).await.expect("stored");
    let message = RegisterRecord {
        uploader: patient.address(),
        patient: patient.address(),
        salt,
        category: 1,
        codec: cid.codec().code(),
        digest: cid.digest(),
        writeSalt: B256::ZERO,
        nonce: seeds::nonce(),
        deadline: deadline(server),
    };
    let dek = seeds::data_key();
    let release_share = release_capsule(server, &dek, patient.address(), id);
    let action = Some(patient.sign(Action::RegisterRecord(message)));
    let body = RegisterBody { action, record: id, version: 1, release_share, salt: None, write_salt: None };
    TestRecord { id, dek, body }
}

/// Registers a record of the patient's own.
pub(crate) async fn register_record(patient: &User) -> TestRecord {
    let record = prepare_record(patient).await;
    patient.post("/v1/records", &record.body).await.has(StatusCode::CREATED);
    record
}

/// Returns version 1 of a record on the server's chain.
pub(crate) fn record_version(server: &Server, record: RecordId) -> RecordVersion {
    RecordVersion {
        chain_id: server.app.deployment.chain_id,
        registry: server.app.deployment.address_of(ContractName::RecordRegistry),
        record,
        version: 1,
    }
}

/// Returns the release share of version 1 in a capsule for the operator.
pub(crate) fn release_capsule(server: &Server, dek: &DataKey, patient: Address, record: RecordId) -> Bytes {
    let of = record_version(server, record);
    let newest = server.app.deployment.operator_key().expect("the operator has a key");
    let binding = Binding::release_share(&of, patient, server.app.operator.address(), newest.epoch);
    Bytes::copy_from_slice(Capsule::seal(&dek.release_share(&of), &newest.key, &binding).as_bytes())
}
