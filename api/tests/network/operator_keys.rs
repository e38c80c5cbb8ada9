//! The operator's encryption keys and secrets, and their rotation.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, Bytes};
use axum::http::StatusCode;
use localnet::Role;
use mongodb::bson::{Bson, Document, doc};
use protocol::{
    bodies::{feed::FeedKind, reads::ReadAnswer},
    capsule::{Binding, Capsule},
    codes::Purpose,
    deployment::Deployment,
    operator_keys,
};
use serde_json::{Value, json};

use super::strangers::{ask, stranger};
use crate::world::{
    grants::{Terms, grant_body},
    mirrored_chain::mirror_events,
    network::Network,
    opened::feed_of,
    people::{Cast, User},
    records::{TestRecord, prepare_record, record_version, register_record},
    seeds,
    servers::Server,
    waiting::eventually,
};

/// Returns the release share of a record, sealed to the operator's key of an epoch under a binding that names another.
fn sealed_to(server: &Server, record: &TestRecord, patient: Address, key: u32, named: u32) -> Bytes {
    let keys = operator_keys::check(&server.app.deployment).unwrap();
    let key = keys.into_iter().find(|listed| listed.epoch == key).unwrap().key;
    let of = record_version(server, record.id);
    let binding = Binding::release_share(&of, patient, server.app.operator.address(), named);
    Bytes::copy_from_slice(Capsule::seal(&record.dek.release_share(&of), &key, &binding).as_bytes())
}

#[tokio::test]
async fn a_rotated_operator_key_opens_what_was_sealed_to_earlier_ones() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let before = register_record(&cast.patient).await;
    let salt = cast.grant_now(&before).await;
    server.stop().await;

    // Another secret first, so that the old one does not give the new key.
    rotate(&network);
    assert_eq!(network.add_operator_key(), 2);
    let server = network.server().await;
    let cast = cast.at(&server);
    assert_eq!(server.app.deployment.operator_key().unwrap().epoch, 2);

    // The session, the share and the grant were stored under the first secret and still open.
    let read = cast.doctor.read(before.id, salt).await.unwrap();
    assert_eq!(read.release_share.0, *before.dek.release_share(&record_version(&server, before.id)).expose());

    let patient = cast.patient.address();
    let mut after = prepare_record(&cast.patient).await;
    for (key, named) in [(1, 2), (2, 1), (2, 3)] {
        after.body.release_share = sealed_to(&server, &after, patient, key, named);
        let refused = cast.patient.post("/v1/records", &after.body).await;
        assert_eq!(refused.code(), "invalid_capsule", "sealed to key {key} as if it were {named}");
    }
    // A client that has not heard of the rotation seals to the first key.
    after.body.release_share = sealed_to(&server, &after, patient, 1, 1);
    cast.patient.post("/v1/records", &after.body).await.has(StatusCode::CREATED);
    let again = sealed_to(&server, &after, patient, 2, 2);
    let path = format!("/v1/records/{}/versions/1/release-share", after.id);
    let body = serde_json::json!({ "release_share": again });
    assert_eq!(cast.patient.put(&path, &body).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_server_without_the_secrets_of_its_keys_does_not_start() {
    let network = Network::start().await;
    let secret = network.stack.secrets().join("operator.secret");
    let right = std::fs::read_to_string(&secret).unwrap();
    let deployment = Deployment::clone(&network.server().await.app.deployment);
    let open = |deployment: &Deployment| {
        let key = network.stack.secrets().join("operator.key");
        api::operator::Operator::open(&key, &secret, deployment).map(drop).map_err(|error| format!("{error:#}"))
    };
    assert_eq!(open(&deployment), Ok(()));
    let mut none = deployment.clone();
    none.operator_keys.clear();
    assert!(open(&none).unwrap_err().contains("add-operator-key"));
    let mut unsigned = deployment.clone();
    unsigned.operator_keys[0].signature = Bytes::from(vec![0x1b; 65]);
    assert!(open(&unsigned).is_err());
    std::fs::write(&secret, "11".repeat(32)).unwrap();
    let refused = open(&deployment).unwrap_err();
    assert!(refused.contains("encryption key 1") && !refused.contains("1111"), "{refused}");
    std::fs::write(&secret, format!("{}\n{}", "11".repeat(32), right.trim())).unwrap();
    assert_eq!(open(&deployment), Ok(()), "the secret is one of several");
}

/// Appends a secret to the operator's file.
fn rotate(network: &Network) {
    let file = network.stack.secrets().join("operator.secret");
    let old = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{}\n{}\n", old.trim(), hex::encode(seeds::bytes()))).unwrap();
}

#[tokio::test]
async fn unique_documents_stay_unique_after_a_rotation_of_the_secret() {
    let network = Network::start().await;
    let extra = ["--stranger-requests-per-day-max", "1"];
    let server = network.server_with(&extra).await;
    let cast = Cast::on(&network, &server).await;
    let record = register_record(&cast.patient).await;
    let body = grant_body(&cast.patient, &cast.doctor, &record, &Terms::now(&server));
    assert_eq!(cast.patient.post("/v1/grants", &body).await.status, StatusCode::CREATED);
    let request = cast.doctor.read_request(record.id, body.salt, Purpose::Treatment, 50);
    let first: ReadAnswer = cast.doctor.post("/v1/reads", &request).await.ok();
    let block = format!("/v1/blocks/{:#x}", Address::repeat_byte(7));
    assert_eq!(cast.patient.put(&block, &json!(null)).await.status, StatusCode::NO_CONTENT);
    let busy = stranger(&server).await;
    let others = [stranger(&server).await, stranger(&server).await];
    let asks = async |server: &Server, patient: &User| ask(server, &busy, patient, seeds::record(), |_| {}).await;
    assert_eq!(asks(&server, &others[0]).await.status, StatusCode::CREATED);
    let invite = format!("/v1/invitations/{:#x}", Address::repeat_byte(8));
    let accreditor = server.sign_in(network.signer(Role::Accreditor)).await;
    assert_eq!(accreditor.put(&invite, &json!(null)).await.status, StatusCode::NO_CONTENT);
    eventually("both are told", || async {
        mirror_events(&server).await;
        let (patient, doctor) = (&cast.patient, &cast.doctor);
        let told = (feed_of(patient, FeedKind::Accessed).await, feed_of(doctor, FeedKind::Granted).await);
        let last = feed_of(&others[1], FeedKind::KeyRegistered).await;
        (told == (1, 1) && last == 1).then_some(())
    })
    .await;
    server.stop().await;
    let once = [
        "api_received",
        "api_bundles",
        "api_requests",
        "api_relations",
        "api_blocks",
        "api_daily",
        "api_feed",
        "api_budgets",
        "api_invitations",
        "api_private_blobs",
    ];
    let counts = async |server: &Server| {
        let mut counts = BTreeMap::new();
        for name in once {
            let all = server.app.database.collection::<Document>(name);
            counts.insert(name, all.count_documents(doc! {}).await.unwrap());
        }
        let leaves = server.app.log_database.collection::<Document>("log_leaves");
        counts.insert("log_leaves", leaves.count_documents(doc! {}).await.unwrap());
        counts
    };
    let before = counts(&server).await;

    rotate(&network);
    // The place in the mirror's events is forgotten, so that they are told again.
    let cursors = server.app.database.collection::<Document>("api_feed_cursor");
    cursors.update_one(doc! { "_id": "mirror" }, doc! { "$set": { "token": Bson::Null } }).await.unwrap();
    let server = network.server_with(&extra).await;
    let (cast, accreditor) = (cast.at(&server), accreditor.at(&server));
    let again: ReadAnswer = cast.doctor.post("/v1/reads", &request).await.ok();
    assert_eq!((again.leaf, again.receipt), (first.leaf, first.receipt));
    let mut other = request.request.clone();
    other.deadline -= 1;
    let reused = cast.doctor.post("/v1/reads", &cast.doctor.sign_read(other)).await;
    assert_eq!(reused.code(), "nonce_used");
    assert_eq!(cast.patient.put(&block, &json!(null)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(accreditor.put(&invite, &json!(null)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(asks(&server, &others[1]).await.code(), "rate_limited");
    let mut kept = serde_json::to_value(&body).unwrap();
    kept["action"] = Value::Null;
    assert_eq!(cast.patient.post("/v1/grants", &kept).await.status, StatusCode::OK);
    // One action more is charged to the budgets of the day, and settled: that is told to its signer.
    let end = json!({ "action": cast.revoke(record.id, body.salt) });
    assert_eq!(cast.patient.post("/v1/grants/revoke", &end).await.status, StatusCode::OK);
    eventually("the end is told, and so everything before it was told again", || async {
        mirror_events(&server).await;
        (feed_of(&cast.doctor, FeedKind::Revoked).await == 1).then_some(())
    })
    .await;
    let mut after = counts(&server).await;
    // The end was settled, and told to patient and grantee; the urgent line has budgets of its own.
    let budgets = server.app.database.collection::<Document>("api_budgets");
    let urgent = budgets.count_documents(doc! { "_id": { "$regex": ":urgent:" } }).await.unwrap();
    *after.get_mut("api_budgets").unwrap() -= urgent;
    *after.get_mut("api_feed").unwrap() -= 3;
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_secret_file_that_is_not_the_databases_does_not_start() {
    let network = Network::start().await;
    let file = network.stack.secrets().join("operator.secret");
    rotate(&network);
    let server = network.server().await;
    server.stop().await;
    let right = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = right.lines().collect();
    let start = async |text: String| {
        std::fs::write(&file, text).unwrap();
        let started = api::serve::run(network.settings(&["--listen", "127.0.0.1:0"]), std::future::ready(())).await;
        started.map_err(|error| format!("{error:#}"))
    };
    let swapped = start(format!("{}\n{}", lines[1], lines[0])).await.unwrap_err();
    assert!(swapped.contains("line 1") && swapped.contains("same order"), "{swapped}");
    let other = start(format!("{}\n{}", lines[0], hex::encode(seeds::bytes()))).await.unwrap_err();
    assert!(other.contains("line 2"), "{other}");
    let shorter = start(lines[0].to_owned()).await.unwrap_err();
    assert!(shorter.contains("no line 2"), "{shorter}");
    // The log's database is asked as well: it may have come from another backup.
    server.app.database.collection::<Document>("api_secrets").drop().await.unwrap();
    let swapped = start(format!("{}\n{}", lines[1], lines[0])).await.unwrap_err();
    assert!(swapped.contains("line 1") && swapped.contains("_log"), "{swapped}");
    server.app.database.collection::<Document>("api_secrets").drop().await.unwrap();
    start(right.clone()).await.unwrap();
    start(format!("{}\n{}", right.trim(), hex::encode(seeds::bytes()))).await.unwrap();

    // A running server says when another database is put in the place of its own.
    let ready = server.anon().get("/readyz").await.json::<Value>();
    assert_eq!(ready["secrets"], false, "the file has a line more by now: {ready}");
}

#[tokio::test]
async fn keys_that_are_added_at_once_have_epochs_of_their_own() {
    let network = Network::start().await;
    let epochs = std::thread::scope(|scope| {
        let adding: Vec<_> = (0..4).map(|_| scope.spawn(|| network.add_operator_key())).collect();
        adding.into_iter().map(|added| added.join().unwrap()).collect::<BTreeSet<u32>>()
    });
    assert_eq!(epochs, BTreeSet::from([2, 3, 4, 5]));
    let deployment = api::store::read_deployment(network.stack.deployment()).unwrap();
    assert_eq!(operator_keys::check(&deployment).unwrap().len(), 5);
}
