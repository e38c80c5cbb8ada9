//! Uploaders can deposit and retract their versions while their authority stands, and not afterwards.

use alloy::primitives::{B256, aliases::U40};
use axum::http::StatusCode;
use localnet::Role;
use mongodb::bson::doc;
use protocol::{
    bodies::records::RegisterBody,
    cid::{Cid, Codec},
    codes::ScopeKind,
    ids::{RecordId, Salt, Tag},
    messages::{Action, Grant, RegisterRecord, RegisterVersion, Retract, Scope},
    secret::DataKey,
};
use serde_json::json;

use crate::world::{
    actions::{accredit, deadline, revoke_all, suspend, tombstone},
    network::Network,
    people::User,
    records::release_capsule,
    seeds,
    servers::Server,
    waiting::eventually,
};

/// A laboratory that the patient lets write laboratory records, and a record of its making.
struct Uploaded {
    lab: User,
    record: RecordId,
    salt: Salt,
    write_salt: Salt,
    dek: DataKey,
}

impl Uploaded {
    async fn on(network: &Network, server: &Server, patient: &User) -> Self {
        let lab = server.sign_in(network.signer(Role::Lab)).await;
        accredit(network, server, lab.address(), 4).await;
        let write_salt = seeds::salt();
        let now = server.app.clock.now();
        let scope = Scope {
            kind: ScopeKind::Category.code(),
            id: B256::left_padding_from(&[1]),
            epoch: 0,
            bundleHash: B256::ZERO,
        };
        let write = Grant {
            patient: patient.address(),
            tag: Tag::derive(lab.address(), write_salt).0,
            rights: 2,
            purposes: 0,
            notBefore: U40::from(now - 10),
            notAfter: U40::from(now + 86_400),
            patientEpoch: 0,
            scopes: vec![scope],
            nonce: seeds::nonce(),
            deadline: deadline(server),
        };
        patient.carry_out(Action::Grant(write)).await;
        let salt = seeds::salt();
        let record = RecordId::derive(lab.address(), salt);
        let uploaded = Self { lab, record, salt, write_salt, dek: seeds::data_key() };
        // The registration does not go through the server, so the server has no share yet.
        uploaded.lab.carry_out(uploaded.registration(server, patient, salt)).await;
        uploaded
    }

    fn registration(&self, server: &Server, patient: &User, salt: Salt) -> Action {
        let cid = Cid::of_block(Codec::Raw, salt.0.as_slice());
        Action::RegisterRecord(RegisterRecord {
            uploader: self.lab.address(),
            patient: patient.address(),
            salt: salt.0,
            category: 1,
            codec: cid.codec().code(),
            digest: cid.digest(),
            writeSalt: self.write_salt.0,
            nonce: seeds::nonce(),
            deadline: deadline(server),
        })
    }

    /// Another record of the laboratory's.
    fn another(&self, server: &Server, patient: &User) -> Action {
        self.registration(server, patient, seeds::salt())
    }

    fn next_version(&self, server: &Server) -> Action {
        let cid = Cid::of_block(Codec::Raw, b"corrected");
        Action::RegisterVersion(RegisterVersion {
            uploader: self.lab.address(),
            record: self.record.0,
            version: 1,
            codec: cid.codec().code(),
            digest: cid.digest(),
            salt: self.salt.0,
            writeSalt: self.write_salt.0,
            nonce: seeds::nonce(),
            deadline: deadline(server),
        })
    }

    /// Returns the laboratory's deposit of the release share of its version.
    fn deposit(&self, server: &Server, patient: &User) -> RegisterBody {
        RegisterBody {
            action: None,
            record: self.record,
            version: 1,
            release_share: release_capsule(server, &self.dek, patient.address(), self.record),
            salt: Some(self.salt),
            write_salt: Some(self.write_salt),
        }
    }

    fn retraction(&self, server: &Server) -> Action {
        Action::Retract(Retract {
            uploader: self.lab.address(),
            record: self.record.0,
            version: 1,
            salt: self.salt.0,
            writeSalt: self.write_salt.0,
            nonce: seeds::nonce(),
            deadline: deadline(server),
        })
    }

    /// The codes with which the laboratory is refused: to deposit, to retract, to close.
    async fn refusals(&self, server: &Server, patient: &User) -> [String; 3] {
        let lab = &self.lab;
        let deposit = lab.post("/v1/records", &self.deposit(server, patient)).await;
        let retract = lab.post("/v1/actions", &lab.sign(self.retraction(server))).await;
        let close = lab.sign(tombstone(lab, self.record, 0));
        let close = lab.post("/v1/actions", &close).await;
        [deposit.code(), retract.code(), close.code()]
    }
}

#[tokio::test]
async fn a_suspended_uploader_can_change_nothing_about_a_record() {
    let network = Network::start().await;
    let server = network.server().await;
    let patient = server.sign_in(network.signer(Role::Patient)).await;
    let uploaded = Uploaded::on(&network, &server, &patient).await;
    let accreditor = server.sign_in(network.signer(Role::Accreditor)).await;
    accreditor.carry_out(suspend(&accreditor, &uploaded.lab)).await;
    assert_eq!(uploaded.refusals(&server, &patient).await, ["not_accredited", "not_accredited", "forbidden"]);
    assert_eq!(server.count_of("api_release_shares", doc! {}).await, 0);
}

#[tokio::test]
async fn an_uploader_whose_grant_was_revoked_can_change_nothing_about_a_record() {
    let network = Network::start().await;
    let server = network.server_with(&["--relay-wait-seconds", "1"]).await;
    let patient = server.sign_in(network.signer(Role::Patient)).await;
    let uploaded = Uploaded::on(&network, &server, &patient).await;
    // The revocation counts from the moment at which the server accepts it.
    network.rpc("evm_setAutomine", json!([false])).await;
    let signed = patient.sign(revoke_all(&patient));
    assert_eq!(patient.post("/v1/actions", &signed).await.status, StatusCode::ACCEPTED);
    let deposit = uploaded.lab.post("/v1/records", &uploaded.deposit(&server, &patient)).await;
    assert_eq!(deposit.code(), "grant_revoked");
    // The rule is the same for actions that do not go through /v1/records.
    for action in [uploaded.retraction(&server), uploaded.another(&server, &patient), uploaded.next_version(&server)] {
        let name = action.name();
        let sent = uploaded.lab.post("/v1/actions", &uploaded.lab.sign(action)).await;
        assert_eq!(sent.code(), "grant_revoked", "{name}");
    }
    network.rpc("evm_setAutomine", json!([true])).await;
    network.rpc("evm_mine", json!([])).await;
    eventually("the revocation is mined", || async {
        let deposit = uploaded.lab.post("/v1/records", &uploaded.deposit(&server, &patient)).await;
        (deposit.code() == "no_grant").then_some(())
    })
    .await;
    assert_eq!(uploaded.refusals(&server, &patient).await, ["no_grant", "no_grant", "forbidden"]);
    assert_eq!(server.count_of("api_release_shares", doc! {}).await, 0);
}

#[tokio::test]
async fn an_uploader_that_may_deposits_once_shows_how_and_retracts() {
    let network = Network::start().await;
    let server = network.server().await;
    let patient = server.sign_in(network.signer(Role::Patient)).await;
    let uploaded = Uploaded::on(&network, &server, &patient).await;
    let lab = &uploaded.lab;
    let unproven = RegisterBody { write_salt: None, ..uploaded.deposit(&server, &patient) };
    assert_eq!(lab.post("/v1/records", &unproven).await.code(), "no_grant");
    let guessed = RegisterBody { write_salt: Some(seeds::salt()), ..uploaded.deposit(&server, &patient) };
    assert_eq!(lab.post("/v1/records", &guessed).await.code(), "no_grant");
    lab.post("/v1/records", &uploaded.deposit(&server, &patient)).await.has(StatusCode::OK);
    assert_eq!(server.count_of("api_release_shares", doc! { "record": uploaded.record.to_string() }).await, 1);
    lab.carry_out(uploaded.retraction(&server)).await;
    let again = lab.post("/v1/actions", &lab.sign(uploaded.retraction(&server))).await;
    assert_eq!(again.code(), "stale_state");
}
