//! Records, requests and grants that have ended or soon will: closed records, requests of practitioners who lost their
//! accreditation, grants that are over.

use axum::http::StatusCode;
use localnet::Role;
use protocol::{
    bodies::{
        Page,
        feed::FeedKind,
        grants::{RequestState, RequestView},
    },
    codes,
    mirror::{PractitionerDoc, collection as mirror},
};
use serde_json::json;

use crate::world::{
    actions::{register_key, revoke_all, suspend, tombstone, vouch},
    grants::{Terms, grant_body},
    mirror::{accreditor_doc, mirror_grant, mirror_record, practitioner_doc},
    mirrored_chain::mirror_events,
    network::Network,
    opened::feed_of,
    people::{Cast, User},
    records::register_record,
    servers::Server,
    statements::denial,
    waiting::eventually,
};

#[tokio::test]
async fn an_accepted_tombstone_closes_the_envelope_before_it_is_mined() {
    let network = Network::start().await;
    let server = network.server_with(&["--relay-wait-seconds", "1"]).await;
    let replica = network.idle_server(&[]).await;
    let cast = Cast::on(&network, &server).await;
    let (closed, other) = (register_record(&cast.patient).await, register_record(&cast.patient).await);
    for record in [&closed, &other] {
        let salt = cast.grant_now(record).await;
        mirror_record(&cast.patient, record).await;
        mirror_grant(&cast.patient, &cast.doctor, record.id, salt, |_| {}).await;
    }
    let blob = format!("/v1/blobs/{}", closed.cid());
    let beside = format!("/v1/blobs/{}", other.cid());
    assert_eq!(cast.doctor.head(&blob).await.status, StatusCode::OK);

    network.rpc("evm_setAutomine", json!([false])).await;
    let tombstone = cast.patient.sign(tombstone(&cast.patient, closed.id, 0));
    assert_eq!(cast.patient.post("/v1/actions", &tombstone).await.status, StatusCode::ACCEPTED);
    for server in [&server, &replica] {
        assert_eq!(cast.doctor.at(server).get(&blob).await.code(), "not_found");
        assert_eq!(cast.doctor.at(server).head(&blob).await.status, StatusCode::NOT_FOUND);
        assert_eq!(cast.patient.at(server).head(&blob).await.status, StatusCode::OK, "it is the patient's");
        assert_eq!(cast.doctor.at(server).head(&beside).await.status, StatusCode::OK, "another record is not closed");
    }
}

/// Mirrors the doctor's accreditation.
async fn mirror_practitioner(server: &Server, doctor: &User, accreditor: &User, suspended: bool) {
    let standing = practitioner_doc(doctor.address(), accreditor.address(), &[codes::Role::Doctor]);
    server.replace(mirror::PRACTITIONERS, &PractitionerDoc { suspended, ..standing }).await;
    server.replace(mirror::ACCREDITORS, &accreditor_doc(accreditor.address(), true, 1)).await;
}

#[tokio::test]
async fn a_request_ends_with_the_accreditation_that_it_needs() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let (patient, doctor) = (&cast.patient, &cast.doctor);
    let accreditor = server.sign_in(network.signer(Role::Accreditor)).await;
    let record = register_record(patient).await;
    let body = cast.request_body(record.id);
    let asked: RequestView = doctor.post("/v1/requests", &body).await.ok();
    mirror_practitioner(&server, doctor, &accreditor, false).await;
    let path = format!("/v1/requests/{}", asked.id);
    let shown = async || {
        let mut states = Vec::new();
        for user in [patient, doctor] {
            states.push(user.get(&path).await.ok::<RequestView>().state);
            let page: Page<RequestView> = user.get("/v1/requests").await.ok();
            states.extend(page.items.iter().map(|request| request.state));
        }
        states.push(doctor.post("/v1/requests", &body).await.ok::<RequestView>().state);
        states
    };
    assert_eq!(shown().await, [RequestState::Open; 5]);

    accreditor.carry_out(suspend(&accreditor, doctor)).await;
    // The mirror need not know it yet.
    let mut approval = grant_body(patient, doctor, &record, &Terms::now(&server));
    approval.request = Some(asked.id);
    assert_eq!(patient.post("/v1/grants", &approval).await.code(), "stale_state");
    mirror_practitioner(&server, doctor, &accreditor, true).await;
    assert_eq!(shown().await, [RequestState::Lapsed; 5]);
    let denial = denial(patient, asked.id, patient);
    assert_eq!(patient.post(&format!("{path}/deny"), &denial).await.code(), "stale_state");

    // After a new accreditation the request is open again.
    let again = vouch(&accreditor, doctor.address(), 1, 2);
    assert_eq!(accreditor.post("/v1/actions", &again).await.status, StatusCode::OK);
    mirror_practitioner(&server, doctor, &accreditor, false).await;
    assert_eq!(shown().await, [RequestState::Open; 5]);
    assert_eq!(patient.post("/v1/grants", &approval).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_request_whose_time_is_over_takes_no_answer() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let record = register_record(&cast.patient).await;
    let body = cast.request_body(record.id);
    let asked: RequestView = cast.doctor.post("/v1/requests", &body).await.ok();
    // It waits for an hour, as long as sessions last.
    server.app.clock.shift(3_700);
    let patient = server.sign_in(cast.patient.signer.clone()).await;
    let mut approval = grant_body(&patient, &cast.doctor, &record, &Terms::now(&server));
    approval.request = Some(asked.id);
    assert_eq!(patient.post("/v1/grants", &approval).await.code(), "stale_state");
    // The patient may give the same grant without a request.
    approval.request = None;
    assert_eq!(patient.post("/v1/grants", &approval).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_feed_tells_nobody_of_a_record_whose_grant_is_over() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let (patient, doctor) = (&cast.patient, &cast.doctor);
    let former = server.sign_in(network.signer(Role::SecondDoctor)).await;
    former.post("/v1/actions", &register_key(&former, 0)).await.has(StatusCode::OK);
    let (record, salt) = cast.shared_record().await;
    mirror_grant(patient, doctor, record.id, salt, |_| {}).await;
    let terms = Terms::now(&server);
    let body = grant_body(patient, &former, &record, &terms);
    assert_eq!(patient.post("/v1/grants", &body).await.status, StatusCode::CREATED);
    mirror_grant(patient, &former, record.id, terms.salt, |grant| {
        (grant.revoked, grant.rights) = (true, 0);
    })
    .await;

    // The record's own event is told after both grants were given, and one of them was taken back.
    eventually("the grantee hears of the record", || async {
        mirror_events(&server).await;
        (feed_of(doctor, FeedKind::RecordRegistered).await == 1).then_some(())
    })
    .await;
    let all = json!({ "action": patient.sign(revoke_all(patient)) });
    assert_eq!(patient.post("/v1/grants/revoke", &all).await.status, StatusCode::OK);
    eventually("the grantee hears of the end of everything", || async {
        mirror_events(&server).await;
        (feed_of(doctor, FeedKind::Revoked).await == 1).then_some(())
    })
    .await;
    for kind in [FeedKind::RecordRegistered, FeedKind::Revoked] {
        assert_eq!(feed_of(&former, kind).await, 0, "{kind:?}");
    }
    // Later events of the record reach only the patient.
    let close = patient.sign(tombstone(patient, record.id, 0));
    assert_eq!(patient.post("/v1/actions", &close).await.status, StatusCode::OK);
    eventually("the patient hears of it", || async {
        mirror_events(&server).await;
        (feed_of(patient, FeedKind::RecordStatusChanged).await == 1).then_some(())
    })
    .await;
    for grantee in [doctor, &former] {
        assert_eq!(feed_of(grantee, FeedKind::RecordStatusChanged).await, 0);
    }
}
