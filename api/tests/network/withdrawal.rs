//! A record that is withdrawn: nothing of it is destroyed while its patient can take that back, everything afterwards. And
//! an uploader whose authority has ended.

use alloy::primitives::{B256, aliases::U40};
use axum::http::StatusCode;
use localnet::Role;
use mongodb::bson::doc;
use protocol::{
    bodies::{
        records::RegisterBody,
        relay::{ActionState, ActionView},
    },
    cid::{Cid, Codec},
    codes::ScopeKind,
    ids::{RecordId, Salt, Tag},
    messages::{Action, Grant, RegisterRecord, RegisterVersion, Retract, Scope},
    mirror::{RecordDoc, collection as mirror},
    secret::DataKey,
};
use serde_json::json;

use crate::world::{
    actions::{accredit, deadline, lift, revoke_all, suspend, tombstone},
    feed::capsules,
    mirror::record_doc,
    mirrored_chain::mirror_events,
    network::Network,
    people::{Cast, User},
    records::{register_record, release_capsule},
    seeds,
    servers::Server,
    waiting::eventually,
};

/// Returns how many capsules of the doctor's grant over a record are kept.
async fn capsules_of(cast: &Cast, record: RecordId, salt: Salt) -> usize {
    capsules(&cast.patient.server, cast.grant_of(record, salt)).await.into_values().sum()
}

#[tokio::test]
async fn a_withdrawn_record_is_destroyed_only_once_its_patient_can_no_longer_take_that_back() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let patient = &cast.patient;
    let (record, other) = (register_record(patient).await, register_record(patient).await);
    let salt = cast.grant_now(&record).await;
    let ended = cast.grant_now(&other).await;
    let shares = || server.count_of("api_release_shares", doc! { "record": record.id.to_string() });

    patient.carry_out(tombstone(patient, record.id, 0)).await;
    assert_eq!(cast.doctor.read(record.id, salt).await.err().expect("refused"), "record_tombstoned");
    // Another end, told later, shows that what is due was destroyed meanwhile.
    let end = json!({ "action": cast.revoke(other.id, ended) });
    assert_eq!(patient.post("/v1/grants/revoke", &end).await.status, StatusCode::OK);
    network.rpc("anvil_mine", json!(["0x4"])).await;
    eventually("the ended grant's capsules are destroyed", || async {
        mirror_events(&server).await;
        (capsules_of(&cast, other.id, ended).await == 0).then_some(())
    })
    .await;
    assert_eq!(
        (shares().await, capsules_of(&cast, record.id, salt).await),
        (1, 1),
        "the patient can still take it back"
    );

    patient.carry_out(lift(patient, record.id, 1)).await;
    cast.doctor.read(record.id, salt).await.expect("the grant counts again");

    // Withdrawn again; the first withdrawal's time comes, and the record was opened in between.
    patient.carry_out(tombstone(patient, record.id, 2)).await;
    mirror_from_chain(&server, record.id).await;
    api::blobs::sweeper::sweep_once(&server.app).await.unwrap();
    assert_eq!(server.count_of("api_pins", doc! { "record": record.id.to_string() }).await, 1, "the pin waits as well");
    network.rpc("evm_increaseTime", json!([86_401])).await;
    network.rpc("anvil_mine", json!(["0x1"])).await;
    let late = patient.post("/v1/actions", &patient.sign(lift(patient, record.id, 3))).await;
    assert_eq!(late.code(), "lift_period_over");
    // The block behind which nothing falls out has to be late enough, too.
    network.rpc("anvil_mine", json!(["0x4"])).await;
    eventually("share and capsules are destroyed", || async {
        mirror_events(&server).await;
        (shares().await == 0 && capsules_of(&cast, record.id, salt).await == 0).then_some(())
    })
    .await;
    mirror_from_chain(&server, record.id).await;
    api::blobs::sweeper::sweep_once(&server.app).await.unwrap();
    assert_eq!(server.count_of("api_pins", doc! { "record": record.id.to_string() }).await, 0, "and the pin");
    assert_eq!(server.count_of("api_release_shares", doc! { "record": other.id.to_string() }).await, 1);
}

/// Carries out an action past every server, as its signer's own transaction.
async fn sent_directly(network: &Network, server: &Server, action: &Action) {
    let (to, data) = contracts::direct_call_of(action, &server.app.deployment).expect("an action of a person");
    let from = action.signer();
    network.rpc("anvil_impersonateAccount", json!([from])).await;
    let hash = network.rpc("eth_sendTransaction", json!([{ "from": from, "to": to, "data": data }])).await;
    // Anvil mines at once, but tells of the hash before.
    let receipt = eventually("the transaction is mined", || async {
        let receipt = network.rpc("eth_getTransactionReceipt", json!([hash])).await;
        receipt.is_object().then_some(receipt)
    })
    .await;
    assert_eq!(receipt["status"], "0x1", "{} is carried out", action.name());
}

/// Gives the relayer of what takes away this much ether, and waits until the server knows.
async fn urgent_purse_becomes(network: &Network, server: &Server, wei: &str) {
    network.rpc("anvil_setBalance", json!([server.app.relayers.urgent.address(), wei])).await;
    eventually("the purse is known", || async {
        let metrics = server.anon().get("/metrics").await.text();
        let poor = u8::from(wei == "0x0");
        metrics.contains(&format!("medlock_api_relayer_poor{{line=\"urgent\"}} {poor}")).then_some(())
    })
    .await;
}

/// The code with which a relayed action fails.
async fn failure_of(user: &User, action: &ActionView) -> String {
    eventually("the action fails", || async {
        let view: ActionView = user.get(&format!("/v1/actions/{}", action.id)).await.ok();
        assert_ne!(view.state, ActionState::Mined, "it must not land");
        view.problem.filter(|_| view.state == ActionState::Failed).map(|problem| problem.code)
    })
    .await
}

#[tokio::test]
async fn a_tombstone_that_waits_never_lands_after_its_patient_has_closed_and_opened_the_record() {
    let network = Network::start().await;
    let server = network.server_with(&["--relay-wait-seconds", "0"]).await;
    // The record and its grant come through a server that waits for the chain.
    let other = network.server().await;
    let cast = Cast::on(&network, &other).await;
    let record = register_record(&cast.patient).await;
    let salt = cast.grant_now(&record).await;
    let Cast { patient, doctor } = &cast.at(&server);
    let withdraw = async |epoch| {
        let signed = patient.sign(tombstone(patient, record.id, epoch));
        let sent = patient.post("/v1/actions", &signed).await;
        assert_eq!(sent.status, StatusCode::ACCEPTED, "{sent:?}");
        assert_eq!(doctor.read(record.id, salt).await.err().expect("refused"), "record_tombstoned");
        sent.ok::<ActionView>()
    };

    // The server has it and cannot pay; the patient closes the record directly, and opens it again.
    urgent_purse_becomes(&network, &server, "0x0").await;
    let first = withdraw(0).await;
    sent_directly(&network, &server, &tombstone(patient, record.id, 0)).await;
    assert_eq!(doctor.read(record.id, salt).await.err().expect("refused"), "record_tombstoned");
    sent_directly(&network, &server, &lift(patient, record.id, 1)).await;
    doctor.read(record.id, salt).await.expect("what waits can no longer land, so the grant counts again");
    urgent_purse_becomes(&network, &server, "0x56bc75e2d63100000").await;
    assert_eq!(failure_of(patient, &first).await, "stale_state");
    doctor.read(record.id, salt).await.expect("the record stays open");

    // Once the mirror has seen it, what is stale is told while it still waits.
    urgent_purse_becomes(&network, &server, "0x0").await;
    let second = withdraw(2).await;
    sent_directly(&network, &server, &tombstone(patient, record.id, 0)).await;
    sent_directly(&network, &server, &lift(patient, record.id, 3)).await;
    mirror_from_chain(&server, record.id).await;
    assert_eq!(failure_of(patient, &second).await, "stale_state");
    doctor.read(record.id, salt).await.expect("the record stays open");

    // And it can be closed once more.
    urgent_purse_becomes(&network, &server, "0x56bc75e2d63100000").await;
    withdraw(4).await;
    eventually("the record is closed", || async {
        mirror_from_chain(&server, record.id).await;
        (server.count_of(mirror::RECORDS, doc! { "status": 3 }).await == 1).then_some(())
    })
    .await;
}

/// What the indexer would write about a record of its patient's own making, and how far it has come.
async fn mirror_from_chain(server: &Server, record: RecordId) {
    let registry = server.app.deployment.address_of(protocol::deployment::ContractName::RecordRegistry);
    let registry = contracts::record_registry::RecordRegistry::new(registry, server.app.chain.clone());
    let known = registry.recordOf(record.0).call().await.unwrap();
    let stored = registry.tombstoneOf(record.0).call().await.unwrap();
    let doc = RecordDoc {
        category: known.category,
        status: known.status,
        tombstone_epoch: stored.epoch,
        liftable_until: stored.liftableUntil.to(),
        ..record_doc(record, known.patient, known.patient, 1, 1)
    };
    server.replace(mirror::RECORDS, &doc).await;
    server.mirror_is_at_head().await;
}

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
        // Past the server, so that no share is here yet.
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

    /// What the laboratory sends to deposit the release share of its version.
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
    // From the moment that the server has the revocation, mined or not.
    network.rpc("evm_setAutomine", json!([false])).await;
    let signed = patient.sign(revoke_all(&patient));
    assert_eq!(patient.post("/v1/actions", &signed).await.status, StatusCode::ACCEPTED);
    let deposit = uploaded.lab.post("/v1/records", &uploaded.deposit(&server, &patient)).await;
    assert_eq!(deposit.code(), "grant_revoked");
    // Past /v1/records the rule is the same.
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
    let done = lab.post("/v1/records", &uploaded.deposit(&server, &patient)).await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
    assert_eq!(server.count_of("api_release_shares", doc! { "record": uploaded.record.to_string() }).await, 1);
    lab.carry_out(uploaded.retraction(&server)).await;
    let again = lab.post("/v1/actions", &lab.sign(uploaded.retraction(&server))).await;
    assert_eq!(again.code(), "stale_state");
}
