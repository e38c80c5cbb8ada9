//! Registering a record: its envelope, its share, and the sweeper.

use axum::http::StatusCode;
use mongodb::bson::{Document, doc};
use protocol::{
    bodies::records::RegisterBody,
    cid::{Cid, Codec},
    mirror::collection as mirror,
};
use serde_json::json;

use crate::world::{
    mirror::version_doc,
    network::Network,
    people::{Cast, User},
    records::{TestRecord, prepare_record, register_record},
};

#[tokio::test]
async fn the_sweeper_waits_for_the_mirror_before_it_lets_go_of_what_the_chain_has() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let record = register_record(&cast.patient).await;
    let pins = server.app.database.collection::<Document>("api_pins");
    let old = doc! { "$set": { "state": "stored", "changed_at": 1_i64 } };
    pins.update_one(doc! { "_id": record.id.to_string() }, old).await.unwrap();
    server.mirror_is_at_head().await;
    let row = async || pins.find_one(doc! { "_id": record.id.to_string() }).await.unwrap();

    api::blobs::sweeper::sweep_once(&server.app).await.unwrap();
    assert_eq!(row().await.expect("kept").get_str("state"), Ok("stored"), "it may be what the chain has");
    // The mirror says that another blob was registered: this one belongs to nobody.
    let owner = cast.patient.address();
    server.mirror(mirror::VERSIONS, &version_doc(record.id, 1, owner, owner, "another")).await;
    api::blobs::sweeper::sweep_once(&server.app).await.unwrap();
    assert!(row().await.is_none());
}

#[tokio::test]
async fn the_sweeper_leaves_an_old_envelope_whose_registration_has_begun() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let (begun, forgotten) = (prepare_record(&cast.patient).await, prepare_record(&cast.patient).await);
    let pins = server.app.database.collection::<Document>("api_pins");
    let old = doc! { "$set": { "changed_at": 1_i64 } };
    pins.update_many(doc! {}, old).await.unwrap();
    server.mirror_is_at_head().await;
    let is_there =
        async |record: &TestRecord| pins.find_one(doc! { "_id": record.id.to_string() }).await.unwrap().is_some();

    // It gets as far as the share, whose form is wrong: by then the envelope counts as wanted.
    let mut body = begun.body.clone();
    body.release_share = body.release_share[..116].to_vec().into();
    assert_eq!(cast.patient.post("/v1/records", &body).await.code(), "invalid_capsule");
    api::blobs::sweeper::sweep_once(&server.app).await.unwrap();
    assert!(is_there(&begun).await);
    assert!(!is_there(&forgotten).await);
    assert_eq!(cast.patient.post("/v1/records", &begun.body).await.status, StatusCode::CREATED);
    assert_eq!(cast.patient.post("/v1/records", &forgotten.body).await.code(), "not_found");
}

#[tokio::test]
async fn a_record_is_registered_only_with_its_own_envelope_and_share() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let record = prepare_record(&cast.patient).await;
    let code = async |body: &RegisterBody, user: &User| user.post("/v1/records", body).await.code();
    let with = |change: &dyn Fn(&mut RegisterBody)| {
        let mut body = record.body.clone();
        change(&mut body);
        body
    };
    let short = with(&|body| body.release_share = body.release_share[..116].to_vec().into());
    assert_eq!(code(&short, &cast.patient).await, "invalid_capsule");
    let other = prepare_record(&cast.patient).await;
    let swapped = with(&|body| body.release_share = other.body.release_share.clone());
    assert_eq!(code(&swapped, &cast.patient).await, "invalid_capsule");
    assert_eq!(code(&with(&|body| body.version = 2), &cast.patient).await, "invalid_request");
    assert_eq!(code(&record.body, &cast.doctor).await, "forbidden");

    let pins = server.app.database.collection::<Document>("api_pins");
    let id = doc! { "_id": record.id.to_string() };
    let pin = pins.find_one(id.clone()).await.unwrap().unwrap();
    pins.update_one(id.clone(), doc! { "$set": { "record": other.id.to_string() } }).await.unwrap();
    assert_eq!(code(&record.body, &cast.patient).await, "invalid_envelope");
    let other_cid = Cid::of_block(Codec::Raw, b"another envelope of this version").to_string();
    let changed = doc! { "record": record.id.to_string(), "cid": other_cid };
    pins.update_one(id.clone(), doc! { "$set": changed }).await.unwrap();
    assert_eq!(code(&record.body, &cast.patient).await, "cid_mismatch");
    pins.delete_one(id).await.unwrap();
    assert_eq!(code(&record.body, &cast.patient).await, "not_found");
    pins.insert_one(pin).await.unwrap();
    assert_eq!(cast.patient.post("/v1/records", &record.body).await.status, StatusCode::CREATED);
    // Only the patient can replace a share.
    let path = format!("/v1/records/{}/versions/1/release-share", record.id);
    let again = json!({ "release_share": record.body.release_share });
    assert_eq!(cast.doctor.put(&path, &again).await.code(), "forbidden");
    assert_eq!(cast.patient.put(&path, &again).await.status, StatusCode::NO_CONTENT);
}
