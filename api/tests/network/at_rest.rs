//! What the API's own collections show to whoever copies the database; and what the operator's keys open.

use std::collections::BTreeSet;

use alloy::primitives::{Address, Bytes};
use axum::http::StatusCode;
use futures::TryStreamExt;
use localnet::Role;
use mongodb::{
    Database,
    bson::{Document, RawDocumentBuf, doc},
};
use protocol::{
    bodies::{log::LogEvidence, reads::ReadAnswer, relay::ActionView},
    capsule::{Binding, Capsule},
    codes::Purpose,
    ids::Salt,
    operator_keys,
};

use crate::world::{
    Api, Cast, Terms, TestRecord, User, World, grant, prepare_record, random, record_version, register_key,
    register_record,
};

/// Where our own collections may name the patient: who a record is about, and who stored it, stands on chain.
const MAY_NAME_THE_PATIENT: [&str; 3] = ["log_leaves", "api_release_shares", "api_received"];

/// What is sealed by now.
const SEALED: [&str; 12] = [
    "log_leaves",
    "log_positions",
    "api_sessions",
    "api_private_blobs",
    "api_release_shares",
    "api_bundles",
    "api_received",
    "api_requests",
    "api_relations",
    "api_blocks",
    "api_daily",
    "api_feed",
];

/// The forms in which bytes may stand in a document.
fn forms(bytes: &[u8]) -> Vec<Vec<u8>> {
    let hex = hex::encode(bytes);
    vec![bytes.to_vec(), hex.clone().into_bytes(), hex.to_uppercase().into_bytes()]
}

fn address_forms(address: Address) -> Vec<Vec<u8>> {
    let checksummed = address.to_checksum(None).split_off(2).into_bytes();
    [forms(address.as_slice()), vec![checksummed]].concat()
}

/// The API's own collections of a database with all their bytes.
async fn own_collections(database: &Database) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for name in database.list_collection_names().await.unwrap() {
        if SEALED.contains(&name.as_str()) {
            let found = database.collection::<RawDocumentBuf>(&name).find(doc! {}).await.unwrap();
            let documents: Vec<RawDocumentBuf> = found.try_collect().await.unwrap();
            all.push((name, documents.iter().flat_map(|document| document.as_bytes().to_vec()).collect()));
        }
    }
    all
}

fn contains(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|part| part == needle)
}

/// What is secret of a life cycle, with the forms that it may have.
fn secrets(cast: &Cast, salt: Salt) -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let session_key = |user: &User| hex::decode(user.login_message().rsplit_once("p256:").unwrap().1).unwrap();
    vec![
        ("salt of a tag", forms(salt.0.as_slice())),
        ("reader and grantee", address_forms(cast.doctor.address())),
        ("patient's session key", forms(&session_key(&cast.patient))),
        ("doctor's session key", forms(&session_key(&cast.doctor))),
        ("login message", vec![b"wants you to sign in".to_vec()]),
    ]
}

/// Everything secret that stands readable in the API's collections, as `collection: what`.
async fn readable(api: &Api, cast: &Cast, salt: Salt) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let collections = [own_collections(&api.app.database).await, own_collections(&api.app.log_database).await].concat();
    assert!(collections.iter().any(|(name, bytes)| name == "log_leaves" && bytes.len() > 300));
    for (name, bytes) in collections {
        let mut look = |what: &str, forms: &[Vec<u8>]| {
            if forms.iter().any(|form| contains(&bytes, form)) {
                found.insert(format!("{name}: {what}"));
            }
        };
        for (what, forms) in secrets(cast, salt) {
            look(what, &forms);
        }
        if !MAY_NAME_THE_PATIENT.contains(&name.as_str()) {
            look("patient", &address_forms(cast.patient.address()));
        }
    }
    found
}

#[tokio::test]
async fn a_copied_database_opens_no_tag_and_names_no_reader() {
    let world = World::start().await;
    let api = world.api().await;
    let cast = Cast::on(&world, &api).await;
    let record = register_record(&api, &cast.patient).await;
    let salt = grant(&api, &cast, &record, Terms::now(&api)).await;
    let body = cast.doctor.read_request(&api, record.id, salt, Purpose::Treatment, 30);
    let read: ReadAnswer = api.post("/v1/reads", &cast.doctor.token, &body).await.ok();

    assert_eq!(readable(&api, &cast, salt).await, BTreeSet::new());

    // Those whom it concerns are told.
    for user in [&cast.patient, &cast.doctor] {
        let evidence: LogEvidence = api.get(&format!("/v1/log/leaves/{}", read.leaf), &user.token).await.ok();
        assert_eq!(evidence.leaf.request.salt, salt);
        assert_eq!(evidence.leaf.login_message, cast.doctor.login_message());
        assert_eq!(evidence.leaf.hash(&api.app.deployment), read.leaf);
    }
}

#[tokio::test]
async fn a_leaf_that_was_changed_or_moved_is_not_shown_and_the_rest_of_the_log_is() {
    let world = World::start().await;
    let api = world.api().await;
    let cast = Cast::on(&world, &api).await;
    let record = register_record(&api, &cast.patient).await;
    let salt = grant(&api, &cast, &record, Terms::now(&api)).await;
    let mut reads = Vec::new();
    for _ in 0..2 {
        reads.push(cast.doctor.read(&api, record.id, salt).await.unwrap());
    }
    let leaves = api.app.log_database.collection::<Document>("log_leaves");
    let other = leaves.find_one(doc! { "_id": reads[1].leaf.to_string() }).await.unwrap().unwrap();
    let moved = doc! { "$set": { "sealed": other.get("sealed").unwrap().clone() } };
    leaves.update_one(doc! { "_id": reads[0].leaf.to_string() }, moved).await.unwrap();

    let refused = api.get(&format!("/v1/log/leaves/{}", reads[0].leaf), &cast.patient.token).await;
    assert_eq!(refused.code(), "internal");
    let whole = api.get(&format!("/v1/log/leaves/{}", reads[1].leaf), &cast.patient.token).await;
    assert_eq!(whole.status, StatusCode::OK);
    assert_eq!(api.get("/v1/log", &cast.patient.token).await.status, StatusCode::OK);
}

/// The release share of a record, sealed to the operator's key of an epoch under a binding that names another.
fn sealed_to(api: &Api, record: &TestRecord, patient: Address, key: u32, named: u32) -> Bytes {
    let keys = operator_keys::check(&api.app.deployment).unwrap();
    let key = keys.into_iter().find(|listed| listed.epoch == key).unwrap().key;
    let of = record_version(api, record.id);
    let binding = Binding::release_share(&of, patient, api.app.operator.address(), named);
    Bytes::copy_from_slice(Capsule::seal(&record.dek.release_share(&of), &key, &binding).as_bytes())
}

#[tokio::test]
async fn a_rotated_operator_key_opens_what_was_sealed_to_earlier_ones() {
    let world = World::start().await;
    let api = world.api().await;
    let cast = Cast::on(&world, &api).await;
    let before = register_record(&api, &cast.patient).await;
    let salt = grant(&api, &cast, &before, Terms::now(&api)).await;
    api.stop().await;

    // Another secret first, so that the old one does not give the new key.
    let secret = world.stack.secrets().join("operator.secret");
    let old = std::fs::read_to_string(&secret).unwrap();
    std::fs::write(&secret, format!("{}\n{}\n", old.trim(), hex::encode(random()))).unwrap();
    assert_eq!(world.add_operator_key(), 2);
    let api = world.api().await;
    assert_eq!(api.app.deployment.operator_key().unwrap().epoch, 2);

    // What was stored under the first secret: session, share, grant; read as ever.
    let read = cast.doctor.read(&api, before.id, salt).await.unwrap();
    assert_eq!(read.release_share.0, *before.dek.release_share(&record_version(&api, before.id)).expose());

    let patient = cast.patient.address();
    let mut after = prepare_record(&api, &cast.patient).await;
    for (key, named) in [(1, 2), (2, 1), (2, 3)] {
        after.body.release_share = sealed_to(&api, &after, patient, key, named);
        let refused = api.post("/v1/records", &cast.patient.token, &after.body).await;
        assert_eq!(refused.code(), "invalid_capsule", "sealed to key {key} as if it were {named}");
    }
    // A client that has not heard of the rotation seals to the first key.
    after.body.release_share = sealed_to(&api, &after, patient, 1, 1);
    let done = api.post("/v1/records", &cast.patient.token, &after.body).await;
    assert_eq!(done.status, StatusCode::CREATED, "{done:?}");
    let again = sealed_to(&api, &after, patient, 2, 2);
    let path = format!("/v1/records/{}/versions/1/release-share", after.id);
    let body = serde_json::json!({ "release_share": again });
    assert_eq!(api.write("PUT", &path, &cast.patient.token, &body).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_server_without_the_secrets_of_its_keys_does_not_start() {
    let world = World::start().await;
    let secret = world.stack.secrets().join("operator.secret");
    let right = std::fs::read_to_string(&secret).unwrap();
    let deployment = protocol::deployment::Deployment::clone(&world.api().await.app.deployment);
    let open = |deployment: &protocol::deployment::Deployment| {
        let key = world.stack.secrets().join("operator.key");
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

#[tokio::test]
async fn a_copied_queue_does_not_say_who_brought_an_action_for_somebody_else() {
    let world = World::start().await;
    let api = world.api().await;
    let patient = api.login(world.signer(Role::Patient)).await;
    let courier = api.login(world.signer(Role::SecondPatient)).await;
    let action = register_key(&api, &patient, 0);
    let done: ActionView = api.post("/v1/actions", &courier.token, &action).await.ok();
    let found = api.app.database.collection::<RawDocumentBuf>("api_actions").find(doc! {}).await.unwrap();
    let documents: Vec<RawDocumentBuf> = found.try_collect().await.unwrap();
    let bytes: Vec<u8> = documents.iter().flat_map(|document| document.as_bytes().to_vec()).collect();
    assert!(address_forms(patient.address()).iter().any(|form| contains(&bytes, form)), "its signer is on chain");
    assert!(!address_forms(courier.address()).iter().any(|form| contains(&bytes, form)));
    // Both may ask how it stands, and nobody else.
    let path = format!("/v1/actions/{}", done.id);
    for user in [&patient, &courier] {
        assert_eq!(api.get(&path, &user.token).await.ok::<ActionView>().id, done.id);
    }
    let stranger = api.login(world.signer(Role::SecondDoctor)).await;
    assert_eq!(api.get(&path, &stranger.token).await.code(), "not_found");
}
