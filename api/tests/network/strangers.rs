//! Strangers, for whom nobody vouches, can do little to a person: their requests, grants and events are counted.

use alloy::{
    primitives::{Address, B256, Bytes, U256, aliases::U40},
    sol_types::SolCall,
};
use api::at_rest::Lookup;
use axum::http::StatusCode;
use contracts::access_log::AccessLog;
use localnet::Role;
use mongodb::bson::{Document, doc};
use protocol::{
    bodies::{
        Page,
        feed::FeedKind,
        grants::{GrantState, GrantView},
        log::LogEntry,
    },
    codes::Purpose,
    deployment::ContractName,
    ids::RecordId,
    messages::Action,
    statements::AccessRequest,
};
use serde_json::json;

use crate::world::{
    actions::{register_key, vouch},
    answers::Answer,
    grants::{Terms, grant_body},
    mirror::mirror_grant,
    mirrored_chain::mirror_events,
    network::Network,
    opened::feed_of,
    people::{Cast, User},
    records::register_record,
    seeds,
    servers::Server,
    statements::request_body,
    waiting::eventually,
};

/// Signs in a stranger and publishes their key.
pub(crate) async fn stranger(server: &Server) -> User {
    let user = server.newcomer().await;
    user.post("/v1/actions", &register_key(&user, 0)).await.has(StatusCode::OK);
    user
}

/// Asks for a record as family, who need no accreditation; the request is changed as the test wants.
pub(crate) async fn ask(
    server: &Server,
    requester: &User,
    patient: &User,
    record: RecordId,
    change: impl FnOnce(&mut AccessRequest),
) -> Answer {
    let body = request_body(&requester.at(server), patient, record, |request| {
        request.purposes = Purpose::FamilyRequested.bit();
        change(request);
    });
    requester.at(server).post("/v1/requests", &body).await
}

#[tokio::test]
async fn strangers_together_place_a_few_requests_a_day_and_others_are_not_kept_out() {
    let network = Network::start().await;
    let server = network.server_with(&["--strangers-requests-per-day-max", "2"]).await;
    let cast = Cast::on(&network, &server).await;
    let record = register_record(&cast.patient).await;
    let asks = async |user: &User| ask(&server, user, &cast.patient, record.id, |_| {}).await;
    for _ in 0..2 {
        assert_eq!(asks(&stranger(&server).await).await.status, StatusCode::CREATED);
    }
    let late = stranger(&server).await;
    let refused = asks(&late).await;
    assert_eq!(refused.code(), "rate_limited");
    assert!(refused.retry_after() > 0 && refused.retry_after() <= 86_400, "{refused:?}");
    let requests = server.app.database.collection::<Document>("api_requests");
    assert_eq!(requests.count_documents(doc! {}).await.unwrap(), 2, "what is refused leaves nothing");
    // An accredited person is no stranger, and neither is a grantee of the patient.
    assert_eq!(asks(&cast.doctor).await.status, StatusCode::CREATED);
    let given = grant_body(&cast.patient, &late, &record, &Terms::now(&server));
    assert_eq!(cast.patient.post("/v1/grants", &given).await.status, StatusCode::CREATED);
    assert_eq!(asks(&late).await.status, StatusCode::CREATED);
    // A blocked sender gets the same answer as one who comes too late.
    let block = format!("/v1/blocks/{:#x}", cast.doctor.address());
    assert_eq!(cast.patient.put(&block, &json!(null)).await.status, StatusCode::NO_CONTENT);
    let blocked = asks(&cast.doctor).await;
    assert_eq!((blocked.code(), blocked.detail()), (refused.code(), refused.detail()));
    // The next day the places are free again.
    let another = stranger(&server).await;
    assert_eq!(asks(&another).await.code(), "rate_limited");
    server.app.clock.shift(86_400);
    let tomorrow = server.sign_in(another.signer.clone()).await;
    let asked = ask(&server, &tomorrow, &cast.patient, record.id, |_| {}).await;
    assert!(asked.status == StatusCode::CREATED, "{asked:?}");
}

#[tokio::test]
async fn one_stranger_asks_a_bounded_number_of_people_a_day() {
    let network = Network::start().await;
    let server = network.server_with(&["--stranger-requests-per-day-max", "2"]).await;
    let busy = stranger(&server).await;
    let mut codes = Vec::new();
    for _ in 0..3 {
        let patient = stranger(&server).await;
        codes.push(ask(&server, &busy, &patient, seeds::record(), |_| {}).await.status.as_u16());
    }
    assert_eq!(codes, [201, 201, 429]);
}

#[tokio::test]
async fn nothing_is_asked_or_granted_without_an_end() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let record = register_record(&cast.patient).await;
    let (doctor, patient) = (&cast.doctor, &cast.patient);
    let now = server.app.clock.now();
    for days in [91, 1 << 20] {
        let late = |request: &mut AccessRequest| request.deadline = U256::from(now + days * 86_400);
        assert_eq!(ask(&server, doctor, patient, record.id, late).await.code(), "out_of_range");
    }
    let never = |request: &mut AccessRequest| request.deadline = U256::MAX;
    assert_eq!(ask(&server, doctor, patient, record.id, never).await.code(), "out_of_range");
    let for_ever = |request: &mut AccessRequest| request.until = U40::MAX;
    assert_eq!(ask(&server, doctor, patient, record.id, for_ever).await.code(), "out_of_range");
    let long = |request: &mut AccessRequest| {
        request.deadline = U256::from(now + 89 * 86_400);
        request.until = U40::from(now + 19 * 365 * 86_400);
    };
    assert_eq!(ask(&server, doctor, patient, record.id, long).await.status, StatusCode::CREATED);
    let terms = Terms { not_after: now + 21 * 366 * 86_400, ..Terms::now(&server) };
    let body = grant_body(patient, doctor, &record, &terms);
    assert_eq!(patient.post("/v1/grants", &body).await.code(), "out_of_range");
    // The same holds for a message sent to /v1/actions, and for accreditations.
    let grant = body.action.as_ref().expect("it is signed");
    assert_eq!(patient.post("/v1/actions", grant).await.code(), "out_of_range");
    let accreditor = server.sign_in(network.signer(Role::Accreditor)).await;
    let vouched = vouch(&accreditor, doctor.address(), 1, 1);
    for valid_until in [U40::MAX, U40::from(now + 21 * 366 * 86_400)] {
        let Action::Accredit(mut accredit) = vouched.action.clone() else { unreachable!("vouch signs an Accredit") };
        accredit.validUntil = valid_until;
        let signed = accreditor.sign(Action::Accredit(accredit));
        assert_eq!(accreditor.post("/v1/actions", &signed).await.code(), "out_of_range");
    }
    assert_eq!(accreditor.post("/v1/actions", &vouched).await.status, StatusCode::OK);
    for (filter, code) in [("until=1099511627776", "out_of_range"), ("from=18446744073709551615", "out_of_range")] {
        assert_eq!(patient.get(&format!("/v1/log?{filter}")).await.code(), code);
    }
    assert!(patient.get("/v1/log?until=1099511627775").await.status.is_success());
}

#[tokio::test]
async fn a_grant_without_an_end_that_went_past_the_server_is_shown_and_counts_as_it_is() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let record = register_record(&cast.patient).await;
    let terms = Terms::now(&server);
    let mut body = grant_body(&cast.patient, &cast.doctor, &record, &terms);
    let Some(Action::Grant(mut message)) = body.action.take().map(|signed| signed.action) else {
        unreachable!("a grant is signed")
    };
    (message.notAfter, message.deadline) = (U40::MAX, U256::MAX);
    let signed = cast.patient.sign(Action::Grant(message));
    let (to, data) = contracts::call_of(&signed, &server.app.deployment).expect("people submit it");
    let sender = Address::repeat_byte(0x7e);
    network.rpc("anvil_setBalance", json!([sender, "0xde0b6b3a7640000"])).await;
    network.rpc("anvil_impersonateAccount", json!([sender])).await;
    let sent = network.rpc("eth_sendTransaction", json!([{ "from": sender, "to": to, "data": data }])).await;
    let status = eventually("it is mined", || async {
        network.rpc("eth_getTransactionReceipt", json!([sent])).await["status"].as_str().map(str::to_owned)
    })
    .await;
    assert_eq!(status, "0x1");

    // Its capsules are kept, it opens the record, and lists show its end.
    assert_eq!(cast.patient.post("/v1/grants", &body).await.status, StatusCode::OK);
    let read = cast.doctor.read(record.id, terms.salt).await.expect("it counts");
    let end = U40::MAX.to::<u64>();
    // The doctor's accreditation ends first.
    assert!((terms.not_after + 1..end).contains(&read.allowed_until), "{}", read.allowed_until);
    mirror_grant(&cast.patient, &cast.doctor, record.id, terms.salt, |grant| grant.not_after = end).await;
    let received = format!("received&patient={:#x}", cast.patient.address());
    for (user, side) in [(&cast.patient, "given"), (&cast.doctor, received.as_str())] {
        let listed: Page<GrantView> = user.get(&format!("/v1/grants?side={side}")).await.ok();
        let found: Vec<(u64, GrantState)> = listed.items.iter().map(|grant| (grant.not_after, grant.state)).collect();
        assert_eq!(found, [(end, GrantState::Active)], "{side}");
    }
}

#[tokio::test]
async fn nobody_keeps_a_grant_over_a_record_of_somebody_else() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let record = register_record(&cast.patient).await;
    let thief = stranger(&server).await;
    let body = grant_body(&thief, &cast.doctor, &record, &Terms::now(&server));
    assert_eq!(thief.post("/v1/grants", &body).await.code(), "forbidden");
    let mut unknown = register_record(&cast.patient).await;
    unknown.id = seeds::record();
    let body = grant_body(&thief, &cast.doctor, &unknown, &Terms::now(&server));
    assert_eq!(thief.post("/v1/grants", &body).await.code(), "unknown_record");
    for name in ["api_received", "api_bundles"] {
        let kept = server.app.database.collection::<Document>(name).count_documents(doc! {}).await.unwrap();
        assert_eq!(kept, 0, "{name}");
    }
}

#[tokio::test]
async fn a_feed_tells_a_few_things_a_day_that_strangers_have_done() {
    let network = Network::start().await;
    let server = network.server_with(&["--strangers-events-per-day-max", "2"]).await;
    let cast = Cast::on(&network, &server).await;
    let record = register_record(&cast.patient).await;
    for _ in 0..4 {
        cast.grant_now(&record).await;
    }
    // The patient's own feed shows when all four have been told.
    eventually("all grants are told", || async {
        mirror_events(&server).await;
        (feed_of(&cast.patient, FeedKind::Granted).await == 4).then_some(())
    })
    .await;
    let doctor = server.app.at_rest.find(Lookup::Feed, cast.doctor.address());
    let feed = server.app.database.collection::<Document>("api_feed");
    assert_eq!(feed.count_documents(doc! { "to": doctor, "strangers_day": { "$exists": true } }).await.unwrap(), 2);
    let granted = feed_of(&cast.doctor, FeedKind::Granted).await;
    assert_eq!(granted + feed_of(&cast.doctor, FeedKind::RecordRegistered).await, 2);
}

#[tokio::test]
async fn a_log_that_somebody_else_keeps_reaches_no_feed_and_no_list() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let (record, salt) = cast.shared_record().await;
    // A stranger anchors a log of their own, in which this record was read a hundred times.
    let log = server.app.deployment.address_of(ContractName::AccessLog);
    let thief = format!("{:#x}", seeds::address());
    network.rpc("anvil_setBalance", json!([thief, "0xde0b6b3a7640000"])).await;
    network.rpc("anvil_impersonateAccount", json!([thief])).await;
    let accesses = (0..100).map(|_| AccessLog::Access {
        record: record.id.0,
        tag: seeds::bytes(),
        purposes: 1,
        leaf: seeds::bytes(),
    });
    let current = AccessLog::Head { previous: B256::ZERO, size: 0, root: B256::ZERO };
    let call = AccessLog::checkpointCall { current, root: seeds::bytes(), accesses: accesses.collect() };
    let data = Bytes::from(call.abi_encode());
    let sent = network
        .rpc("eth_sendTransaction", json!([{ "from": thief, "to": log, "data": data, "gas": "0x1000000" }]))
        .await;
    let receipt = eventually("it is mined", || async {
        let receipt = network.rpc("eth_getTransactionReceipt", json!([sent])).await;
        (!receipt.is_null()).then_some(receipt)
    })
    .await;
    assert_eq!(receipt["status"], "0x1");
    assert_eq!(receipt["logs"].as_array().expect("logs").len(), 101);

    // One true read, which is told after the false ones.
    cast.doctor.read(record.id, salt).await.unwrap();
    let told = async || feed_of(&cast.patient, FeedKind::Accessed).await;
    eventually("the true read is told", || async {
        mirror_events(&server).await;
        (told().await > 0).then_some(())
    })
    .await;
    assert_eq!(told().await, 1);
    let page: Page<LogEntry> = cast.patient.get("/v1/log").await.ok();
    assert_eq!(page.items.len(), 1);
}
