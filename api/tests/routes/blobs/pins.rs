//! Pins of blobs: the ledger, the store, and the sweeper.

use api::store::collection as ours;
use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use bytes::Bytes;
use futures::StreamExt;
use mongodb::bson::{Document, doc};
use protocol::{bodies::account::Me, mirror::collection};

use crate::world::{
    answers::Answer,
    envelopes::{cid_of, envelope, stored},
    network::Network,
    people::User,
    seeds,
    servers::Server,
};

pub(crate) async fn is_pinned(cid: &str) -> bool {
    let url = format!("{}/api/v0/pin/ls?arg={cid}", Network::shared().stack.localnet().kubo_url());
    reqwest::Client::new().post(url).send().await.expect("Kubo answers").status().is_success()
}

async fn unpin(cid: &str) {
    let url = format!("{}/api/v0/pin/rm?arg={cid}", Network::shared().stack.localnet().kubo_url());
    assert!(reqwest::Client::new().post(url).send().await.expect("Kubo answers").status().is_success());
}

#[tokio::test]
async fn a_lost_ledger_is_made_again_from_the_blobs_themselves() {
    let server = Server::new().await;
    let (patient, thief) = (server.newcomer().await, server.newcomer().await);
    let (theirs, thiefs) = (seeds::record(), seeds::record());
    let bytes = envelope(theirs, 1, 1_900);
    let cid = stored(&patient, theirs, &bytes).await.cid;
    server.register(theirs, patient.address(), patient.address(), &cid).await;
    server.register(thiefs, thief.address(), thief.address(), &cid).await;
    server.app.database.collection::<Document>(ours::PINS).drop().await.expect("dropped");
    unpin(&cid).await;
    thief.download(&cid).await.refused("not_found");
    assert!(!is_pinned(&cid).await, "asking in vain pins nothing");
    let answer = patient.download(&cid).await;
    assert!(answer.status == StatusCode::OK && answer.bytes() == bytes);
    assert!(is_pinned(&cid).await);
}

#[tokio::test]
async fn a_withdrawn_blob_is_not_pinned_again() {
    let server = Server::new().await;
    let patient = server.newcomer().await;
    let record = seeds::record();
    let cid = stored(&patient, record, &envelope(record, 1, 1_900)).await.cid;
    server.register(record, patient.address(), patient.address(), &cid).await;
    let records = server.app.database.collection::<Document>(collection::RECORDS);
    let withdraw = doc! { "$set": { "status": 3 } };
    records.update_one(doc! { "_id": record.to_string() }, withdraw).await.expect("written");
    server.app.database.collection::<Document>(ours::PINS).drop().await.expect("dropped");
    unpin(&cid).await;
    patient.download(&cid).await.refused("not_found");
    assert!(!is_pinned(&cid).await);
    assert_eq!(server.count(ours::PINS).await, 0);
}

#[tokio::test]
async fn an_upload_ends_in_time_and_leaves_no_pin_that_nobody_counts() {
    // A body whose second half comes after `meanwhile`.
    async fn send(user: &User, meanwhile: impl Future<Output = ()> + Send + 'static) -> (Answer, String) {
        let record = seeds::record();
        let bytes = envelope(record, 1, 1_900);
        let cid = cid_of(&bytes);
        let (length, halves) = (bytes.len(), (bytes[..400].to_vec(), bytes[400..].to_vec()));
        let second = futures::stream::once(async move {
            meanwhile.await;
            Ok(halves.1.into())
        });
        let pieces = futures::stream::iter([Ok::<Bytes, std::io::Error>(halves.0.into())]).chain(second);
        let request = Request::post(format!("/v1/blobs?record={record}&version=1"))
            .header("content-type", "application/octet-stream")
            .header("content-length", length)
            .body(Body::from_stream(pieces))
            .expect("a request");
        (user.send(request).await, cid)
    }

    let server = Server::new().await;
    let user = server.newcomer().await;
    let ledger = server.app.database.collection::<Document>(ours::PINS);
    let forget = async move {
        ledger.delete_many(doc! { "state": "uploading" }).await.expect("deleted");
    };
    let (answer, cid) = send(&user, forget).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text());
    assert!(!is_pinned(&cid).await, "its row was swept away, so its pin goes too");

    let server = Server::with(|settings| settings.limits.upload_seconds_max = 1).await;
    let user = server.newcomer().await;
    let (answer, cid) = send(&user, tokio::time::sleep(std::time::Duration::from_millis(1_200))).await;
    answer.refused("truncated_upload");
    assert!(!is_pinned(&cid).await);
    assert_eq!(server.count(ours::PINS).await, 0);
}

#[tokio::test]
async fn the_sweeper_lets_go_of_what_was_never_registered() {
    let server = Server::new().await;
    let (user, patient) = (server.newcomer().await, server.newcomer().await);
    let (forgotten, registered) = (seeds::record(), seeds::record());
    let forgotten_cid = stored(&user, forgotten, &envelope(forgotten, 1, 1_900)).await.cid;
    let registered_cid = stored(&user, registered, &envelope(registered, 1, 1_900)).await.cid;
    server.register(registered, patient.address(), user.address(), &registered_cid).await;
    let sweep = || async { api::blobs::sweeper::sweep_once(&server.app).await.expect("the parts answer") };

    server.mirror_is_at_head().await;
    sweep().await;
    assert!(is_pinned(&forgotten_cid).await, "a day has not passed");
    server.app.clock.shift(86_401);
    let action = doc! {
        "_id": "in flight", "signer": user.hex(), "kind": "register_record", "state": "sent",
    };
    server.mirror(ours::ACTIONS, &action).await;
    sweep().await;
    assert!(is_pinned(&forgotten_cid).await, "a relay is in flight");
    let actions = server.app.database.collection::<Document>(ours::ACTIONS);
    actions.delete_many(doc! {}).await.expect("deleted");
    sweep().await;
    assert!(!is_pinned(&forgotten_cid).await);
    assert!(is_pinned(&registered_cid).await);
    let me: Me = server.sign_in(user.signer.clone()).await.get("/v1/me").await.json();
    assert_eq!(me.stored_bytes, 1_900);

    // The mirror has a tombstone and the chain has none.
    let records = server.app.database.collection::<Document>(collection::RECORDS);
    let withdraw = doc! { "$set": { "status": 3, "liftable_until": 1_i64, "place.block_number": 0_i64 } };
    records.update_one(doc! { "_id": registered.to_string() }, withdraw).await.expect("written");
    sweep().await;
    assert!(is_pinned(&registered_cid).await, "the chain was asked");
    // An upload that somebody keeps open does not keep the withdrawn blob.
    let open = doc! {
        "_id": "open", "record": registered.to_string(), "version": 1, "uploader": patient.hex(), "state": "uploading",
        "cid": null, "size": 900_i64, "changed_at": i64::try_from(server.app.clock.now()).expect("a time of our age"),
    };
    server.mirror(ours::PINS, &open).await;
    sweep().await;
    assert!(is_pinned(&registered_cid).await, "the chain was asked again");
}
