//! What people whom nobody vouches for can do to one they have nothing to do with.

use alloy::{
    primitives::{Address, B256, Bytes, U256, aliases::U40},
    signers::{SignerSync, local::PrivateKeySigner},
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
        grants::{GrantState, GrantView, RequestBody},
        log::LogEntry,
    },
    capsule::Binding,
    codes::{Purpose, Right, ScopeKind},
    deployment::ContractName,
    ids::RecordId,
    messages::Action,
    note,
    statements::{AccessRequest, SignedAccessRequest},
};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::world::{
    Answer, Api, Cast, Terms, User, World, deadline, eventually, feed_of, grant, grant_body, mirror_events,
    mirror_grant, nonce, random, register_key, register_record, vouch,
};

/// Somebody new with a published key, for whom nobody vouches.
pub(crate) async fn stranger(api: &Api) -> User {
    let user = api.login(PrivateKeySigner::random()).await;
    let done = api.post("/v1/actions", &user.token, &register_key(api, &user, 0)).await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
    user
}

/// Asks for a record, changed as the test wants; family need no accreditation.
pub(crate) async fn ask(
    api: &Api,
    requester: &User,
    patient: &User,
    record: RecordId,
    change: impl FnOnce(&mut AccessRequest),
) -> Answer {
    let registry = api.app.deployment.address_of(ContractName::GrantRegistry);
    let binding = Binding::note(api.app.deployment.chain_id, registry, patient.address(), 1);
    let key = patient.key();
    let note = note::seal("it is me", requester.address(), key.public_key(), &binding, &mut rand::rng()).unwrap();
    let mut request = AccessRequest {
        requester: requester.address(),
        patient: patient.address(),
        rights: Right::Read.bit(),
        kind: ScopeKind::Record.code(),
        scopeId: record.0,
        purposes: Purpose::FamilyRequested.bit(),
        until: U40::from(api.app.clock.now() + 3_600),
        noteHash: B256::from_slice(&Sha256::digest(&note)),
        nonce: nonce(),
        deadline: deadline(api),
    };
    change(&mut request);
    let hash = SignedAccessRequest::signing_hash(&request, &api.app.deployment);
    let signature = Bytes::copy_from_slice(&requester.signer.sign_hash_sync(&hash).unwrap().as_bytes());
    let body = RequestBody { signed: SignedAccessRequest { request, signature }, note: note.into() };
    api.post("/v1/requests", &requester.token, &body).await
}

#[tokio::test]
async fn strangers_together_place_a_few_requests_a_day_and_others_are_not_kept_out() {
    let world = World::start().await;
    let api = world.idle_api(&["--strangers-requests-per-day-max", "2"]).await;
    api::background::start(&api.app);
    let cast = Cast::on(&world, &api).await;
    let record = register_record(&api, &cast.patient).await;
    let asks = async |user: &User| ask(&api, user, &cast.patient, record.id, |_| {}).await;
    for _ in 0..2 {
        assert_eq!(asks(&stranger(&api).await).await.status, StatusCode::CREATED);
    }
    let late = stranger(&api).await;
    let refused = asks(&late).await;
    assert_eq!(refused.code(), "rate_limited");
    assert!(refused.retry_after() > 0 && refused.retry_after() <= 86_400, "{refused:?}");
    let requests = api.app.database.collection::<Document>("api_requests");
    assert_eq!(requests.count_documents(doc! {}).await.unwrap(), 2, "what is refused leaves nothing");
    // Whom somebody vouches for is no stranger, nor is whom the patient has granted something.
    assert_eq!(asks(&cast.doctor).await.status, StatusCode::CREATED);
    let given = grant_body(&api, &cast.patient, &late, &record, &Terms::now(&api));
    assert_eq!(api.post("/v1/grants", &cast.patient.token, &given).await.status, StatusCode::CREATED);
    assert_eq!(asks(&late).await.status, StatusCode::CREATED);
    // A blocked sender is told the same as one who comes too late.
    let block = format!("/v1/blocks/{:#x}", cast.doctor.address());
    assert_eq!(api.write("PUT", &block, &cast.patient.token, &json!(null)).await.status, StatusCode::NO_CONTENT);
    let blocked = asks(&cast.doctor).await;
    assert_eq!((blocked.code(), blocked.detail()), (refused.code(), refused.detail()));
    // The next day the places are free again.
    let another = stranger(&api).await;
    assert_eq!(asks(&another).await.code(), "rate_limited");
    api.app.clock.shift(86_400);
    let tomorrow = api.login(another.signer.clone()).await;
    let asked = ask(&api, &tomorrow, &cast.patient, record.id, |_| {}).await;
    assert!(asked.status == StatusCode::CREATED, "{asked:?}");
}

#[tokio::test]
async fn one_stranger_asks_a_bounded_number_of_people_a_day() {
    let world = World::start().await;
    let api = world.idle_api(&["--stranger-requests-per-day-max", "2"]).await;
    api::background::start(&api.app);
    let busy = stranger(&api).await;
    let mut codes = Vec::new();
    for _ in 0..3 {
        let patient = stranger(&api).await;
        codes.push(ask(&api, &busy, &patient, RecordId(random()), |_| {}).await.status.as_u16());
    }
    assert_eq!(codes, [201, 201, 429]);
}

#[tokio::test]
async fn nothing_is_asked_or_granted_without_an_end() {
    let world = World::start().await;
    let api = world.api().await;
    let cast = Cast::on(&world, &api).await;
    let record = register_record(&api, &cast.patient).await;
    let (doctor, patient) = (&cast.doctor, &cast.patient);
    let now = api.app.clock.now();
    for days in [91, 1 << 20] {
        let late = |request: &mut AccessRequest| request.deadline = U256::from(now + days * 86_400);
        assert_eq!(ask(&api, doctor, patient, record.id, late).await.code(), "out_of_range");
    }
    let never = |request: &mut AccessRequest| request.deadline = U256::MAX;
    assert_eq!(ask(&api, doctor, patient, record.id, never).await.code(), "out_of_range");
    let for_ever = |request: &mut AccessRequest| request.until = U40::MAX;
    assert_eq!(ask(&api, doctor, patient, record.id, for_ever).await.code(), "out_of_range");
    let long = |request: &mut AccessRequest| {
        request.deadline = U256::from(now + 89 * 86_400);
        request.until = U40::from(now + 19 * 365 * 86_400);
    };
    assert_eq!(ask(&api, doctor, patient, record.id, long).await.status, StatusCode::CREATED);
    let terms = Terms { not_after: now + 21 * 366 * 86_400, ..Terms::now(&api) };
    let body = grant_body(&api, patient, doctor, &record, &terms);
    assert_eq!(api.post("/v1/grants", &patient.token, &body).await.code(), "out_of_range");
    // By whatever way it comes, and whatever else has an end.
    let grant = body.action.as_ref().expect("it is signed");
    assert_eq!(api.post("/v1/actions", &patient.token, grant).await.code(), "out_of_range");
    let accreditor = api.login(world.signer(Role::Accreditor)).await;
    let vouched = vouch(&api, &accreditor, doctor.address(), 1, 1);
    for valid_until in [U40::MAX, U40::from(now + 21 * 366 * 86_400)] {
        let Action::Accredit(mut accredit) = vouched.action.clone() else { unreachable!("vouch signs an Accredit") };
        accredit.validUntil = valid_until;
        let signed = accreditor.sign(&api, Action::Accredit(accredit));
        assert_eq!(api.post("/v1/actions", &accreditor.token, &signed).await.code(), "out_of_range");
    }
    assert_eq!(api.post("/v1/actions", &accreditor.token, &vouched).await.status, StatusCode::OK);
    for (filter, code) in [("until=1099511627776", "out_of_range"), ("from=18446744073709551615", "out_of_range")] {
        assert_eq!(api.get(&format!("/v1/log?{filter}"), &patient.token).await.code(), code);
    }
    assert!(api.get("/v1/log?until=1099511627775", &patient.token).await.status.is_success());
}

#[tokio::test]
async fn a_grant_without_an_end_that_went_past_the_server_is_shown_and_counts_as_it_is() {
    let world = World::start().await;
    let api = world.api().await;
    let cast = Cast::on(&world, &api).await;
    let record = register_record(&api, &cast.patient).await;
    let terms = Terms::now(&api);
    let mut body = grant_body(&api, &cast.patient, &cast.doctor, &record, &terms);
    let Some(Action::Grant(mut message)) = body.action.take().map(|signed| signed.action) else {
        unreachable!("a grant is signed")
    };
    (message.notAfter, message.deadline) = (U40::MAX, U256::MAX);
    let signed = cast.patient.sign(&api, Action::Grant(message));
    let (to, data) = contracts::call_of(&signed, &api.app.deployment).expect("people submit it");
    let sender = Address::repeat_byte(0x7e);
    world.rpc("anvil_setBalance", json!([sender, "0xde0b6b3a7640000"])).await;
    world.rpc("anvil_impersonateAccount", json!([sender])).await;
    let sent = world.rpc("eth_sendTransaction", json!([{ "from": sender, "to": to, "data": data }])).await;
    let status = eventually("it is mined", || async {
        world.rpc("eth_getTransactionReceipt", json!([sent])).await["status"].as_str().map(str::to_owned)
    })
    .await;
    assert_eq!(status, "0x1");

    // Its capsules are kept, it opens the record, and lists show its end.
    assert_eq!(api.post("/v1/grants", &cast.patient.token, &body).await.status, StatusCode::OK);
    let read = cast.doctor.read(&api, record.id, terms.salt).await.expect("it counts");
    let end = U40::MAX.to::<u64>();
    // The doctor's accreditation ends first.
    assert!((terms.not_after + 1..end).contains(&read.allowed_until), "{}", read.allowed_until);
    mirror_grant(&api, &cast, &cast.doctor, record.id, terms.salt, |grant| grant.not_after = end).await;
    let received = format!("received&patient={:#x}", cast.patient.address());
    for (user, side) in [(&cast.patient, "given"), (&cast.doctor, received.as_str())] {
        let listed: Page<GrantView> = api.get(&format!("/v1/grants?side={side}"), &user.token).await.ok();
        let found: Vec<(u64, GrantState)> = listed.items.iter().map(|grant| (grant.not_after, grant.state)).collect();
        assert_eq!(found, [(end, GrantState::Active)], "{side}");
    }
}

#[tokio::test]
async fn nobody_keeps_a_grant_over_a_record_of_somebody_else() {
    let world = World::start().await;
    let api = world.api().await;
    let cast = Cast::on(&world, &api).await;
    let record = register_record(&api, &cast.patient).await;
    let thief = stranger(&api).await;
    let body = grant_body(&api, &thief, &cast.doctor, &record, &Terms::now(&api));
    assert_eq!(api.post("/v1/grants", &thief.token, &body).await.code(), "forbidden");
    let mut unknown = register_record(&api, &cast.patient).await;
    unknown.id = RecordId(random());
    let body = grant_body(&api, &thief, &cast.doctor, &unknown, &Terms::now(&api));
    assert_eq!(api.post("/v1/grants", &thief.token, &body).await.code(), "unknown_record");
    for name in ["api_received", "api_bundles"] {
        let kept = api.app.database.collection::<Document>(name).count_documents(doc! {}).await.unwrap();
        assert_eq!(kept, 0, "{name}");
    }
}

#[tokio::test]
async fn a_feed_tells_a_few_things_a_day_that_strangers_have_done() {
    let world = World::start().await;
    let api = world.idle_api(&["--strangers-events-per-day-max", "2"]).await;
    api::background::start(&api.app);
    let cast = Cast::on(&world, &api).await;
    let record = register_record(&api, &cast.patient).await;
    for _ in 0..4 {
        grant(&api, &cast, &record, Terms::now(&api)).await;
    }
    // The patient's own feed shows when all four have been told.
    eventually("all grants are told", || async {
        mirror_events(&api).await;
        (feed_of(&api, &cast.patient, FeedKind::Granted).await == 4).then_some(())
    })
    .await;
    let doctor = api.app.at_rest.find(Lookup::Feed, cast.doctor.address());
    let feed = api.app.database.collection::<Document>("api_feed");
    assert_eq!(feed.count_documents(doc! { "to": doctor, "strangers_day": { "$exists": true } }).await.unwrap(), 2);
    let granted = feed_of(&api, &cast.doctor, FeedKind::Granted).await;
    assert_eq!(granted + feed_of(&api, &cast.doctor, FeedKind::RecordRegistered).await, 2);
}

#[tokio::test]
async fn a_log_that_somebody_else_keeps_reaches_no_feed_and_no_list() {
    let world = World::start().await;
    let api = world.api().await;
    let cast = Cast::on(&world, &api).await;
    let record = register_record(&api, &cast.patient).await;
    let salt = grant(&api, &cast, &record, Terms::now(&api)).await;
    // A stranger anchors a log of their own, in which this record was read a hundred times.
    let log = api.app.deployment.address_of(ContractName::AccessLog);
    let thief = format!("{:#x}", PrivateKeySigner::random().address());
    world.rpc("anvil_setBalance", json!([thief, "0xde0b6b3a7640000"])).await;
    world.rpc("anvil_impersonateAccount", json!([thief])).await;
    let accesses =
        (0..100).map(|_| AccessLog::Access { record: record.id.0, tag: random(), purposes: 1, leaf: random() });
    let current = AccessLog::Head { previous: B256::ZERO, size: 0, root: B256::ZERO };
    let call = AccessLog::checkpointCall { current, root: random(), accesses: accesses.collect() };
    let data = Bytes::from(call.abi_encode());
    let sent =
        world.rpc("eth_sendTransaction", json!([{ "from": thief, "to": log, "data": data, "gas": "0x1000000" }])).await;
    let receipt = eventually("it is mined", || async {
        let receipt = world.rpc("eth_getTransactionReceipt", json!([sent])).await;
        (!receipt.is_null()).then_some(receipt)
    })
    .await;
    assert_eq!(receipt["status"], "0x1");
    assert_eq!(receipt["logs"].as_array().expect("logs").len(), 101);

    // One true read, which is told after the false ones.
    cast.doctor.read(&api, record.id, salt).await.unwrap();
    let told = async || feed_of(&api, &cast.patient, FeedKind::Accessed).await;
    eventually("the true read is told", || async {
        mirror_events(&api).await;
        (told().await > 0).then_some(())
    })
    .await;
    assert_eq!(told().await, 1);
    let page: Page<LogEntry> = api.get("/v1/log", &cast.patient.token).await.ok();
    assert_eq!(page.items.len(), 1);
}
