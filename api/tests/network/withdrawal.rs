//! A withdrawn record: nothing of it is destroyed while its patient can still lift the withdrawal, and all of it later.

use axum::http::StatusCode;
use mongodb::bson::doc;
use protocol::{
    bodies::relay::{ActionState, ActionView},
    ids::{RecordId, Salt},
    messages::Action,
    mirror::{RecordDoc, collection as mirror},
};
use serde_json::json;

use crate::world::{
    actions::{lift, tombstone},
    mirror::record_doc,
    mirrored_chain::mirror_events,
    network::Network,
    opened::capsules,
    people::{Cast, User},
    records::register_record,
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

/// Sends an action to the chain without a server, as its signer's own transaction.
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

/// Sets the balance of the urgent relayer and waits until the server knows it.
async fn urgent_purse_becomes(network: &Network, server: &Server, wei: &str) {
    network.rpc("anvil_setBalance", json!([server.app.relayers.urgent.address(), wei])).await;
    eventually("the purse is known", || async {
        let metrics = server.anon().get("/metrics").await.text();
        let poor = u8::from(wei == "0x0");
        metrics.contains(&format!("medlock_api_relayer_poor{{line=\"urgent\"}} {poor}")).then_some(())
    })
    .await;
}

/// Waits until a relayed action fails and returns the code.
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
    let (record, salt) = cast.shared_record().await;
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

    // When the mirror has seen the change, a waiting action is reported as stale at once.
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

/// Mirrors the state that a record of its patient's own has on chain, and the cursor.
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
