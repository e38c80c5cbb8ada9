//! What has ended, or is about to: closed records, requests of people for whom nobody vouches any more, grantees of grants
//! that are over.

use alloy::{primitives::B256, signers::SignerSync};
use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use localnet::Role;
use mongodb::bson::doc;
use protocol::{
    bodies::{
        Page,
        feed::FeedKind,
        grants::{RequestState, RequestView},
    },
    messages::{Action, RevokeAll, Suspend, Tombstone},
    mirror::{AccreditorDoc, Place, PractitionerDoc, collection as mirror},
    statements::{DenyRequest, SignedDenial},
};
use serde_json::json;

use super::{
    requests::request_body,
    world::{
        Api, Cast, Terms, User, World, cid_of, deadline, eventually, feed_of, grant, grant_body, mirror_events,
        mirror_grant, mirror_record, nonce, register_key, register_record, vouch,
    },
};

async fn head(api: &Api, path: &str, user: &User) -> StatusCode {
    let request = Request::head(path).header(header::AUTHORIZATION, format!("Bearer {}", user.token));
    api.raw(request.body(Body::empty()).unwrap()).await.status()
}

#[tokio::test]
async fn an_accepted_tombstone_closes_the_envelope_before_it_is_mined() {
    let world = World::start().await;
    let api = world.idle_api(&["--relay-wait-seconds", "1"]).await;
    api::background::start(&api.app);
    let replica = world.idle_api(&[]).await;
    let cast = Cast::on(&world, &api).await;
    let (closed, other) = (register_record(&api, &cast.patient).await, register_record(&api, &cast.patient).await);
    for record in [&closed, &other] {
        let salt = grant(&api, &cast, record, Terms::now(&api)).await;
        mirror_record(&api, &cast.patient, record).await;
        mirror_grant(&api, &cast, &cast.doctor, record.id, salt, |_| {}).await;
    }
    let blob = format!("/v1/blobs/{}", cid_of(&closed));
    let beside = format!("/v1/blobs/{}", cid_of(&other));
    assert_eq!(head(&api, &blob, &cast.doctor).await, StatusCode::OK);

    world.rpc("evm_setAutomine", json!([false])).await;
    let tombstone = Tombstone {
        patient: cast.patient.address(),
        record: closed.id.0,
        epoch: 0,
        nonce: nonce(),
        deadline: deadline(&api),
    };
    let tombstone = cast.patient.sign(&api, Action::Tombstone(tombstone));
    assert_eq!(api.post("/v1/actions", &cast.patient.token, &tombstone).await.status, StatusCode::ACCEPTED);
    for server in [&api, &replica] {
        assert_eq!(server.get(&blob, &cast.doctor.token).await.code(), "not_found");
        assert_eq!(head(server, &blob, &cast.doctor).await, StatusCode::NOT_FOUND);
        assert_eq!(head(server, &blob, &cast.patient).await, StatusCode::OK, "it is the patient's");
        assert_eq!(head(server, &beside, &cast.doctor).await, StatusCode::OK, "another record is not closed");
    }
}

/// What the indexer would write about the doctor's accreditation.
async fn mirror_practitioner(api: &Api, doctor: &User, accreditor: &User, suspended: bool) {
    let place = Place { block_number: 1, block_hash: B256::ZERO, block_time: 1, tx_hash: B256::ZERO, log_index: 0 };
    let practitioner = PractitionerDoc {
        address: doctor.address(),
        accreditor: accreditor.address(),
        roles: 1,
        valid_from: 0,
        valid_until: api.app.clock.now() + 86_400,
        suspended,
        epoch: 1,
        accreditor_epoch: 1,
        place: place.clone(),
    };
    let accreditor = AccreditorDoc { address: accreditor.address(), active: true, epoch: 1, place };
    let practitioners = api.app.database.collection::<PractitionerDoc>(mirror::PRACTITIONERS);
    let id = doc! { "_id": format!("{:#x}", practitioner.address) };
    practitioners.replace_one(id, practitioner).upsert(true).await.unwrap();
    let accreditors = api.app.database.collection::<AccreditorDoc>(mirror::ACCREDITORS);
    let id = doc! { "_id": format!("{:#x}", accreditor.address) };
    accreditors.replace_one(id, accreditor).upsert(true).await.unwrap();
}

#[tokio::test]
async fn a_request_ends_with_the_accreditation_that_it_needs() {
    let world = World::start().await;
    let api = world.api().await;
    let cast = Cast::on(&world, &api).await;
    let (patient, doctor) = (&cast.patient, &cast.doctor);
    let accreditor = api.login(world.signer(Role::Accreditor)).await;
    let record = register_record(&api, patient).await;
    let body = request_body(&api, &cast, record.id);
    let asked: RequestView = api.post("/v1/requests", &doctor.token, &body).await.ok();
    mirror_practitioner(&api, doctor, &accreditor, false).await;
    let path = format!("/v1/requests/{}", asked.id);
    let shown = async || {
        let mut states = Vec::new();
        for user in [patient, doctor] {
            states.push(api.get(&path, &user.token).await.ok::<RequestView>().state);
            let page: Page<RequestView> = api.get("/v1/requests", &user.token).await.ok();
            states.extend(page.items.iter().map(|request| request.state));
        }
        states.push(api.post("/v1/requests", &doctor.token, &body).await.ok::<RequestView>().state);
        states
    };
    assert_eq!(shown().await, [RequestState::Open; 5]);

    let suspend = Suspend {
        accreditor: accreditor.address(),
        practitioner: doctor.address(),
        nonce: nonce(),
        deadline: deadline(&api),
    };
    let suspended = accreditor.sign(&api, Action::Suspend(suspend));
    assert_eq!(api.post("/v1/actions", &accreditor.token, &suspended).await.status, StatusCode::OK);
    // The mirror need not know it yet.
    let mut approval = grant_body(&api, patient, doctor, &record, &Terms::now(&api));
    approval.request = Some(asked.id);
    assert_eq!(api.post("/v1/grants", &patient.token, &approval).await.code(), "stale_state");
    mirror_practitioner(&api, doctor, &accreditor, true).await;
    assert_eq!(shown().await, [RequestState::Lapsed; 5]);
    let denial = DenyRequest { patient: patient.address(), request: asked.id.0, deadline: deadline(&api) };
    let hash = SignedDenial::signing_hash(&denial, &api.app.deployment);
    let signature = patient.signer.sign_hash_sync(&hash).unwrap().as_bytes().into();
    let denial = SignedDenial { denial, signature };
    assert_eq!(api.post(&format!("{path}/deny"), &patient.token, &denial).await.code(), "stale_state");

    // Whoever is vouched for again may be answered again.
    let again = vouch(&api, &accreditor, doctor.address(), 1, 2);
    assert_eq!(api.post("/v1/actions", &accreditor.token, &again).await.status, StatusCode::OK);
    mirror_practitioner(&api, doctor, &accreditor, false).await;
    assert_eq!(shown().await, [RequestState::Open; 5]);
    assert_eq!(api.post("/v1/grants", &patient.token, &approval).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_request_whose_time_is_over_takes_no_answer() {
    let world = World::start().await;
    let api = world.api().await;
    let cast = Cast::on(&world, &api).await;
    let record = register_record(&api, &cast.patient).await;
    let body = request_body(&api, &cast, record.id);
    let asked: RequestView = api.post("/v1/requests", &cast.doctor.token, &body).await.ok();
    // It waits for an hour, as long as sessions last.
    api.app.clock.shift(3_700);
    let patient = api.login(cast.patient.signer.clone()).await;
    let mut approval = grant_body(&api, &patient, &cast.doctor, &record, &Terms::now(&api));
    approval.request = Some(asked.id);
    assert_eq!(api.post("/v1/grants", &patient.token, &approval).await.code(), "stale_state");
    // The same grant for no request is the patient's to give.
    approval.request = None;
    assert_eq!(api.post("/v1/grants", &patient.token, &approval).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_feed_tells_nobody_of_a_record_whose_grant_is_over() {
    let world = World::start().await;
    let api = world.api().await;
    let cast = Cast::on(&world, &api).await;
    let (patient, doctor) = (&cast.patient, &cast.doctor);
    let former = api.login(world.signer(Role::SecondDoctor)).await;
    let done = api.post("/v1/actions", &former.token, &register_key(&api, &former, 0)).await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
    let record = register_record(&api, patient).await;
    let salt = grant(&api, &cast, &record, Terms::now(&api)).await;
    mirror_grant(&api, &cast, doctor, record.id, salt, |_| {}).await;
    let terms = Terms::now(&api);
    let body = grant_body(&api, patient, &former, &record, &terms);
    assert_eq!(api.post("/v1/grants", &patient.token, &body).await.status, StatusCode::CREATED);
    mirror_grant(&api, &cast, &former, record.id, terms.salt, |grant| {
        (grant.revoked, grant.rights) = (true, 0);
    })
    .await;

    // The record's own event is told after both grants were given, and one of them was taken back.
    eventually("the grantee hears of the record", || async {
        mirror_events(&api).await;
        (feed_of(&api, doctor, FeedKind::RecordRegistered).await == 1).then_some(())
    })
    .await;
    let all = RevokeAll { patient: patient.address(), nonce: nonce(), deadline: deadline(&api) };
    let all = json!({ "action": patient.sign(&api, Action::RevokeAll(all)) });
    assert_eq!(api.post("/v1/grants/revoke", &patient.token, &all).await.status, StatusCode::OK);
    eventually("the grantee hears of the end of everything", || async {
        mirror_events(&api).await;
        (feed_of(&api, doctor, FeedKind::Revoked).await == 1).then_some(())
    })
    .await;
    for kind in [FeedKind::RecordRegistered, FeedKind::Revoked] {
        assert_eq!(feed_of(&api, &former, kind).await, 0, "{kind:?}");
    }
    // What is told of the record afterwards reaches the patient alone.
    let close = Tombstone {
        patient: patient.address(),
        record: record.id.0,
        epoch: 0,
        nonce: nonce(),
        deadline: deadline(&api),
    };
    let close = patient.sign(&api, Action::Tombstone(close));
    assert_eq!(api.post("/v1/actions", &patient.token, &close).await.status, StatusCode::OK);
    eventually("the patient hears of it", || async {
        mirror_events(&api).await;
        (feed_of(&api, patient, FeedKind::RecordStatusChanged).await == 1).then_some(())
    })
    .await;
    for grantee in [doctor, &former] {
        assert_eq!(feed_of(&api, grantee, FeedKind::RecordStatusChanged).await, 0);
    }
}
