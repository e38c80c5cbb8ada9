//! Access requests and the event feed.

use alloy::primitives::{Bytes, U256};
use api::at_rest::{Lookup, Use};
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use futures::StreamExt;
use localnet::Role;
use mongodb::bson::{Document, doc};
use protocol::{
    bodies::{
        feed::{FeedEvent, FeedKind},
        grants::{RequestState, RequestView},
    },
    codes::ScopeKind,
    ids::{GrantId, Salt, Tag},
    note,
};
use serde_json::json;

use crate::world::{
    calls::request,
    grants::{Terms, grant_body},
    mirrored_chain::mirror_events,
    network::Network,
    opened::{capsules, feed_of},
    people::{Cast, User},
    records::register_record,
    seeds,
    statements::denial,
    waiting::eventually,
};

/// Returns the next `count` events of somebody's feed.
async fn events(user: &User, after: &str, count: usize) -> Vec<FeedEvent> {
    let request = request(Method::GET, "/v1/events", &[("last-event-id", after)], Body::empty());
    let response = user.respond(request).await;
    assert_eq!(response.status(), StatusCode::OK);
    let mut stream = response.into_body().into_data_stream();
    let (mut text, mut found) = (String::new(), Vec::new());
    while found.len() < count {
        let piece = tokio::time::timeout(std::time::Duration::from_secs(20), stream.next()).await;
        text += std::str::from_utf8(&piece.expect("an event within 20 s").unwrap().unwrap()).unwrap();
        found = text
            .split_inclusive("\n\n")
            .filter(|block| block.ends_with("\n\n"))
            .filter_map(|block| block.lines().find_map(|line| line.strip_prefix("data: ")))
            .map(|data| serde_json::from_str(data).unwrap())
            .collect();
    }
    found
}

#[tokio::test]
async fn a_request_is_asked_answered_by_a_grant_or_denied_and_both_sides_hear_of_it() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let record = register_record(&cast.patient).await;
    let body = cast.request_body(record.id);

    assert_eq!(cast.patient.post("/v1/requests", &body).await.code(), "forbidden");
    let mut other_note = body.clone();
    other_note.note = Bytes::from(vec![0; note::NOTE_LEN]);
    assert_eq!(cast.doctor.post("/v1/requests", &other_note).await.code(), "invalid_request");
    let mut forged = body.clone();
    forged.signed.signature = Bytes::from(vec![27; 65]);
    assert_eq!(cast.doctor.post("/v1/requests", &forged).await.code(), "invalid_signature");
    let mut changed = body.clone();
    changed.signed.request.nonce = U256::ZERO;
    assert_eq!(cast.doctor.post("/v1/requests", &changed).await.code(), "invalid_signature");

    let opened: RequestView = cast.doctor.post("/v1/requests", &body).await.ok();
    let again: RequestView = cast.doctor.post("/v1/requests", &body).await.ok();
    assert_eq!((opened.id, opened.state), (again.id, RequestState::Open));
    let path = format!("/v1/requests/{}", opened.id);
    let stranger = server.sign_in(network.signer(Role::SecondDoctor)).await;
    assert_eq!(stranger.get(&path).await.code(), "not_found");

    // Approve: the grant names the request.
    let mut approval = grant_body(&cast.patient, &cast.doctor, &record, &Terms::now(&server));
    approval.request = Some(opened.id);
    assert_eq!(cast.patient.post("/v1/grants", &approval).await.status, StatusCode::CREATED);
    eventually("the request is approved", || async {
        let view: RequestView = cast.doctor.get(&path).await.ok();
        (view.state == RequestState::Approved).then_some(())
    })
    .await;

    // Deny another one.
    let second: RequestView = cast.doctor.post("/v1/requests", &cast.request_body(record.id)).await.ok();
    let sign = |user: &User| denial(&cast.patient, second.id, user);
    let path = format!("/v1/requests/{}/deny", second.id);
    assert_eq!(cast.doctor.post(&path, &sign(&cast.doctor)).await.code(), "forbidden");
    assert_eq!(cast.patient.post(&path, &sign(&cast.doctor)).await.code(), "invalid_signature");
    assert_eq!(cast.patient.post(&path, &sign(&cast.patient)).await.status, StatusCode::NO_CONTENT);
    let view: RequestView = cast.doctor.get(&format!("/v1/requests/{}", second.id)).await.ok();
    assert_eq!(view.state, RequestState::Denied);

    // The doctor's key was settled, then both requests were answered; the patient was asked twice.
    let told = events(&cast.doctor, "0000000000000000", 3).await;
    let answered: Vec<&str> = subjects(&told, FeedKind::RequestAnswered);
    assert_eq!(answered, [opened.id.to_string(), second.id.to_string()]);
    let told = events(&cast.patient, "0000000000000000", 5).await;
    assert_eq!(subjects(&told, FeedKind::RequestOpened), [opened.id.to_string(), second.id.to_string()]);
}

fn subjects(events: &[FeedEvent], kind: FeedKind) -> Vec<&str> {
    events.iter().filter(|event| event.kind == kind).map(|event| event.subject.as_str()).collect()
}

#[tokio::test]
async fn a_feed_resumes_where_it_was_left_on_another_replica_and_shows_only_ones_own() {
    let network = Network::start().await;
    let (one, two) = (network.server().await, network.server().await);
    let cast = Cast::on(&network, &one).await;
    let record = register_record(&cast.patient).await;

    // Three actions of the patient were settled: the key and the record are two; and a third comes while connected.
    let first = events(&cast.patient, "0000000000000000", 2).await;
    assert!(first.iter().all(|event| event.kind == FeedKind::ActionSettled));
    assert!(first[0].id < first[1].id);
    let resumed = tokio::spawn({
        let (patient, after) = (cast.patient.at(&two), first[0].id.clone());
        async move { events(&patient, &after, 2).await }
    });
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let opened: RequestView = cast.doctor.post("/v1/requests", &cast.request_body(record.id)).await.ok();
    let resumed = resumed.await.unwrap();
    assert_eq!(resumed[0].id, first[1].id, "nothing missed, nothing twice");
    assert_eq!((resumed[1].kind, resumed[1].subject.clone()), (FeedKind::RequestOpened, opened.id.to_string()));

    let doctors = events(&cast.doctor.at(&two), "0000000000000000", 1).await;
    assert!(doctors.iter().all(|event| event.kind == FeedKind::ActionSettled));
    let bad = cast.doctor.at(&two).get_with("/v1/events", &[("last-event-id", "not ours")]).await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn events_of_the_chain_reach_patient_and_grantee_once_and_ended_capsules_are_destroyed() {
    let network = Network::start().await;
    let (one, two) = (network.server().await, network.server().await);
    let cast = Cast::on(&network, &one).await;
    let (record, salt) = cast.shared_record().await;
    // Somebody else's bundle over the same record brings nobody closer to it.
    let stranger = one.sign_in(network.signer(Role::SecondDoctor)).await;
    let rows = one.app.database.collection::<Document>("api_received");
    let mut foreign = rows.find_one(doc! {}).await.unwrap().unwrap();
    let (of, salt_of_foreign, scope) = (stranger.address(), seeds::salt(), ScopeKind::Record);
    let tag = Tag::derive(of, salt_of_foreign);
    let foreign_grant = GrantId::derive(of, tag, scope, record.id.0);
    let id = one.app.at_rest.blind(Lookup::Received, foreign_grant.0);
    let opened = json!({
        "grant": foreign_grant, "patient": of, "grantee": of, "tag": tag, "salt": salt_of_foreign, "kind": "record",
        "scope_id": record.id, "created": 0, "newest_version": 1, "stored_at": 0,
    });
    foreign.insert("grantee", one.app.at_rest.blind(Lookup::Reader, of));
    foreign.insert("sealed", one.app.at_rest.seal(Use::Received, &id, &opened));
    foreign.insert("_id", id);
    rows.insert_one(foreign).await.unwrap();
    let kept = cast.grant_now(&record).await;
    // After the first event, the change stream is open.
    eventually("the grantee hears of both grants", || async {
        mirror_events(&one).await;
        (feed_of(&cast.doctor, FeedKind::Granted).await == 2).then_some(())
    })
    .await;
    cast.doctor.read(record.id, salt).await.unwrap();

    let end = json!({ "action": cast.revoke(record.id, salt) });
    assert_eq!(cast.patient.at(&two).post("/v1/grants/revoke", &end).await.status, StatusCode::OK);
    eventually("both sides hear of the end", || async {
        mirror_events(&one).await;
        let (patient, doctor) = (&cast.patient, &cast.doctor);
        let told = (feed_of(patient, FeedKind::Revoked).await, feed_of(doctor, FeedKind::Revoked).await);
        (told == (1, 1)).then_some(())
    })
    .await;
    // One block on top, and the capsules of the ended grant are gone; those of the other stay.
    network.rpc("evm_mine", json!([])).await;
    let capsules =
        async |salt: Salt| -> usize { capsules(&one, cast.grant_of(record.id, salt)).await.into_values().sum() };
    eventually("the capsules are destroyed", || async { (capsules(salt).await == 0).then_some(()) }).await;
    assert_eq!(capsules(kept).await, 1);
    // The patient is told that somebody read, once it is anchored; nobody else is.
    eventually("the patient hears of the read", || async {
        mirror_events(&one).await;
        (feed_of(&cast.patient, FeedKind::Accessed).await == 1).then_some(())
    })
    .await;
    assert_eq!(feed_of(&cast.doctor, FeedKind::Accessed).await, 0);
    assert_eq!(feed_of(&cast.doctor, FeedKind::Granted).await, 2, "nothing is told twice");
    for kind in [FeedKind::RecordRegistered, FeedKind::Granted, FeedKind::Revoked] {
        assert_eq!(feed_of(&stranger, kind).await, 0, "{kind:?}");
    }
}

#[tokio::test]
async fn capsules_are_destroyed_only_when_the_end_of_their_own_grant_is_deep() {
    let network = Network::start().await;
    let server = network.server_with(&["--confirmations", "6"]).await;
    let cast = Cast::on(&network, &server).await;
    let record = register_record(&cast.patient).await;
    let end = async |salt| {
        let end = json!({ "action": cast.revoke(record.id, salt) });
        assert_eq!(cast.patient.post("/v1/grants/revoke", &end).await.status, StatusCode::OK);
    };
    // Granted, ended, granted again, ended again: the first end becomes deep while the second is shallow.
    let salt = cast.grant_now(&record).await;
    let kept = async |epoch: i64| capsules(&server, cast.grant_of(record.id, salt)).await[&epoch];
    end(salt).await;
    network.rpc("anvil_mine", json!(["0x3"])).await;
    cast.grant(&record, Terms { salt, epoch: 2, ..Terms::now(&server) }).await;
    end(salt).await;
    network.rpc("anvil_mine", json!(["0x1"])).await;
    eventually("the first grant's capsules are destroyed", || async {
        mirror_events(&server).await;
        (kept(1).await == 0).then_some(())
    })
    .await;
    // Whatever that round destroys is destroyed soon after.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(kept(3).await, 1, "the second end may still fall out of the chain");
    network.rpc("anvil_mine", json!(["0x6"])).await;
    eventually("the second grant's capsules are destroyed", || async { (kept(3).await == 0).then_some(()) }).await;
}
