//! A copy of the API's own collections names no reader and opens no tag.

use std::collections::BTreeSet;

use alloy::primitives::Address;
use api::at_rest::Lookup;
use axum::http::StatusCode;
use futures::TryStreamExt;
use localnet::Role;
use mongodb::{
    Database,
    bson::{Bson, Document, RawDocumentBuf, doc},
};
use protocol::{
    bodies::{grants::RequestView, log::LogEvidence, reads::ReadAnswer, relay::ActionView},
    codes::Purpose,
    ids::Salt,
};
use serde_json::{Value, json};

use crate::world::{
    actions::register_key,
    mirrored_chain::mirror_events,
    network::Network,
    people::{Cast, User},
    servers::Server,
};

/// Collections that may name the patient, because the chain has the patient and the uploader of a record.
const MAY_NAME_THE_PATIENT: [&str; 2] = ["log_leaves", "api_release_shares"];

/// Collections with sealed values.
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

/// Returns the forms in which bytes can be in a document.
pub(crate) fn forms(bytes: &[u8]) -> Vec<Vec<u8>> {
    let hex = hex::encode(bytes);
    vec![bytes.to_vec(), hex.clone().into_bytes(), hex.to_uppercase().into_bytes()]
}

fn address_forms(address: Address) -> Vec<Vec<u8>> {
    let checksummed = address.to_checksum(None).split_off(2).into_bytes();
    [forms(address.as_slice()), vec![checksummed]].concat()
}

/// Returns the API's own collections of a database with all their bytes.
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

pub(crate) fn contains(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|part| part == needle)
}

/// Returns the secrets of a life cycle with their possible forms.
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

/// Returns the secrets that are readable in the API's collections, as `collection: secret`.
async fn readable(server: &Server, cast: &Cast, salt: Salt) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let collections =
        [own_collections(&server.app.database).await, own_collections(&server.app.log_database).await].concat();
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
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let (record, salt) = cast.shared_record().await;
    let body = cast.doctor.read_request(record.id, salt, Purpose::Treatment, 30);
    let read: ReadAnswer = cast.doctor.post("/v1/reads", &body).await.ok();

    assert_eq!(readable(&server, &cast, salt).await, BTreeSet::new());

    // Those whom it concerns are told.
    for user in [&cast.patient, &cast.doctor] {
        let evidence: LogEvidence = user.get(&format!("/v1/log/leaves/{}", read.leaf)).await.ok();
        assert_eq!(evidence.leaf.request.salt, salt);
        assert_eq!(evidence.leaf.login_message, cast.doctor.login_message());
        assert_eq!(evidence.leaf.hash(&server.app.deployment), read.leaf);
    }
}

#[tokio::test]
async fn a_leaf_that_was_changed_or_moved_is_not_shown_and_the_rest_of_the_log_is() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let (record, salt) = cast.shared_record().await;
    let mut reads = Vec::new();
    for _ in 0..2 {
        reads.push(cast.doctor.read(record.id, salt).await.unwrap());
    }
    let leaves = server.app.log_database.collection::<Document>("log_leaves");
    let other = leaves.find_one(doc! { "_id": reads[1].leaf.to_string() }).await.unwrap().unwrap();
    let moved = doc! { "$set": { "sealed": other.get("sealed").unwrap().clone() } };
    leaves.update_one(doc! { "_id": reads[0].leaf.to_string() }, moved).await.unwrap();

    let refused = cast.patient.get(&format!("/v1/log/leaves/{}", reads[0].leaf)).await;
    assert_eq!(refused.code(), "internal");
    let whole = cast.patient.get(&format!("/v1/log/leaves/{}", reads[1].leaf)).await;
    assert_eq!(whole.status, StatusCode::OK);
    assert_eq!(cast.patient.get("/v1/log").await.status, StatusCode::OK);
}

/// Changes one field of every document of a collection.
async fn exchange(database: &Database, collection: &str, field: &str, value: impl Into<Bson>) {
    let all = database.collection::<Document>(collection);
    let changed = all.update_many(doc! {}, doc! { "$set": { field: value.into() } }).await.unwrap();
    assert!(changed.modified_count > 0, "{collection} has something");
}

#[tokio::test]
async fn a_document_that_is_moved_to_another_person_is_not_shown_to_them() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let thief = server.sign_in(network.signer(Role::SecondDoctor)).await;
    let (record, salt) = cast.shared_record().await;
    let read = cast.doctor.read(record.id, salt).await.unwrap();
    let ask = cast.request_body(record.id);
    let asked: RequestView = cast.doctor.post("/v1/requests", &ask).await.ok();
    let path = format!("/v1/blocks/{:#x}", Address::repeat_byte(7));
    assert_eq!(cast.doctor.put(&path, &json!(null)).await.status, StatusCode::NO_CONTENT);
    mirror_events(&server).await;
    let items = async |path: &str, user: &User| {
        let page: Value = user.get(path).await.ok();
        page["items"].as_array().unwrap().len()
    };
    // Shown to whom it concerns, before somebody changes the database.
    for path in ["/v1/grants?side=received", "/v1/requests", "/v1/blocks"] {
        assert_eq!(items(path, &cast.doctor).await, 1, "{path}");
    }

    let (database, at_rest) = (&server.app.database, &server.app.at_rest);
    let name = |of| at_rest.blind(of, thief.address());
    exchange(database, "api_received", "grantee", name(Lookup::Reader)).await;
    exchange(database, "api_requests", "requester", name(Lookup::Requester)).await;
    exchange(database, "api_blocks", "owner", name(Lookup::Blocker)).await;
    exchange(&server.app.log_database, "log_leaves", "patient", format!("{:#x}", thief.address())).await;
    for path in ["/v1/grants?side=received", "/v1/records", "/v1/requests", "/v1/blocks"] {
        assert_eq!(items(path, &thief).await, 0, "{path}");
    }
    let bundle = format!("/v1/grants/{}/bundle", cast.grant_of(record.id, salt));
    assert_eq!(thief.get(&bundle).await.code(), "not_found");
    assert_eq!(thief.get(&format!("/v1/requests/{}", asked.id)).await.code(), "not_found");
    assert_eq!(thief.get(&format!("/v1/log/leaves/{}", read.leaf)).await.code(), "internal");
    let log: Value = thief.get("/v1/log").await.ok();
    assert!(!log.to_string().contains(&format!("{:x}", cast.doctor.address())), "no reader is named: {log}");

    // A share that counts as deposited by somebody else.
    let shares = database.collection::<Document>("api_release_shares");
    let mut share = shares.find_one(doc! {}).await.unwrap().unwrap();
    let id = share.get_str("_id").unwrap().to_owned();
    let moved = id.replace(&format!("{:x}", cast.patient.address()), &format!("{:x}", thief.address()));
    assert_ne!(id, moved);
    share.insert("_id", moved);
    share.insert("depositor", format!("{:#x}", thief.address()));
    shares.insert_one(share).await.unwrap();
    shares.delete_one(doc! { "_id": id }).await.unwrap();
    assert_eq!(cast.doctor.read(record.id, salt).await.err().expect("refused"), "internal");

    // A session does not last longer because the database says so.
    let never = mongodb::bson::DateTime::from_millis(i64::MAX / 2);
    exchange(database, "api_sessions", "delete_at", never).await;
    exchange(database, "api_sessions", "expires_at", i64::MAX).await;
    server.app.clock.shift(3_700);
    assert_eq!(thief.get("/v1/me").await.code(), "not_signed_in");
}

#[tokio::test]
async fn a_copied_queue_does_not_say_who_brought_an_action_for_somebody_else() {
    let network = Network::start().await;
    let server = network.server().await;
    let patient = server.sign_in(network.signer(Role::Patient)).await;
    let courier = server.sign_in(network.signer(Role::SecondPatient)).await;
    let action = register_key(&patient, 0);
    let done: ActionView = courier.post("/v1/actions", &action).await.ok();
    let found = server.app.database.collection::<RawDocumentBuf>("api_actions").find(doc! {}).await.unwrap();
    let documents: Vec<RawDocumentBuf> = found.try_collect().await.unwrap();
    let bytes: Vec<u8> = documents.iter().flat_map(|document| document.as_bytes().to_vec()).collect();
    assert!(address_forms(patient.address()).iter().any(|form| contains(&bytes, form)), "its signer is on chain");
    assert!(!address_forms(courier.address()).iter().any(|form| contains(&bytes, form)));
    // Both may ask how it stands, and nobody else.
    let path = format!("/v1/actions/{}", done.id);
    for user in [&patient, &courier] {
        assert_eq!(user.get(&path).await.ok::<ActionView>().id, done.id);
    }
    let stranger = server.sign_in(network.signer(Role::SecondDoctor)).await;
    assert_eq!(stranger.get(&path).await.code(), "not_found");
}
