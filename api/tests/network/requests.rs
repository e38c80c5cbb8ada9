//! Access requests and the event feed.

use alloy::primitives::{Bytes, U256, aliases::U40};
use alloy::signers::SignerSync;
use api::at_rest::{Lookup, Use};
use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use futures::StreamExt;
use localnet::Role;
use protocol::{
    bodies::{
        feed::{FeedEvent, FeedKind},
        grants::{RequestBody, RequestState, RequestView},
    },
    capsule::Binding,
    codes::{Purpose, Right, ScopeKind},
    deployment::ContractName,
    ids::{GrantId, RecordId, Salt, Tag},
    note,
    statements::{AccessRequest, DenyRequest, SignedAccessRequest, SignedDenial},
};
use sha2::{Digest, Sha256};

use super::world::{
    Api, Cast, Terms, User, World, capsules, deadline, eventually, feed_of, grant, grant_body, grant_of, mirror_events,
    nonce, random, register_record, revoke,
};

/// The doctor asks for a record, with a note for its patient.
pub(crate) fn request_body(api: &Api, cast: &Cast, record: RecordId) -> RequestBody {
    let registry = api.app.deployment.address_of(ContractName::GrantRegistry);
    let binding = Binding::note(api.app.deployment.chain_id, registry, cast.patient.address(), 1);
    let patient_key = cast.patient.key();
    let author = cast.doctor.address();
    let note = note::seal("second opinion", author, patient_key.public_key(), &binding, &mut rand::rng()).unwrap();
    let request = AccessRequest {
        requester: cast.doctor.address(),
        patient: cast.patient.address(),
        rights: Right::Read.bit(),
        kind: ScopeKind::Record.code(),
        scopeId: record.0,
        purposes: Purpose::Treatment.bit(),
        until: U40::from(api.app.clock.now() + 3_600),
        noteHash: alloy::primitives::B256::from_slice(&Sha256::digest(&note)),
        nonce: nonce(),
        deadline: deadline(api),
    };
    let hash = SignedAccessRequest::signing_hash(&request, &api.app.deployment);
    let signature = Bytes::copy_from_slice(&cast.doctor.signer.sign_hash_sync(&hash).unwrap().as_bytes());
    RequestBody { signed: SignedAccessRequest { request, signature }, note: note.into() }
}

/// The next `count` events of somebody's feed.
async fn events(api: &Api, user: &User, after: Option<&str>, count: usize) -> Vec<FeedEvent> {
    let mut request = Request::get("/v1/events").header(header::AUTHORIZATION, format!("Bearer {}", user.token));
    if let Some(id) = after {
        request = request.header("last-event-id", id);
    }
    let response = api.raw(request.body(Body::empty()).unwrap()).await;
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
    let world = World::start().await;
    let api = world.api().await;
    let cast = Cast::on(&world, &api).await;
    let record = register_record(&api, &cast.patient).await;
    let body = request_body(&api, &cast, record.id);

    assert_eq!(api.post("/v1/requests", &cast.patient.token, &body).await.code(), "forbidden");
    let mut other_note = body.clone();
    other_note.note = Bytes::from(vec![0; note::NOTE_LEN]);
    assert_eq!(api.post("/v1/requests", &cast.doctor.token, &other_note).await.code(), "invalid_request");
    let mut forged = body.clone();
    forged.signed.signature = Bytes::from(vec![27; 65]);
    assert_eq!(api.post("/v1/requests", &cast.doctor.token, &forged).await.code(), "invalid_signature");
    let mut changed = body.clone();
    changed.signed.request.nonce = U256::ZERO;
    assert_eq!(api.post("/v1/requests", &cast.doctor.token, &changed).await.code(), "invalid_signature");

    let opened: RequestView = api.post("/v1/requests", &cast.doctor.token, &body).await.ok();
    let again: RequestView = api.post("/v1/requests", &cast.doctor.token, &body).await.ok();
    assert_eq!((opened.id, opened.state), (again.id, RequestState::Open));
    let path = format!("/v1/requests/{}", opened.id);
    let stranger = api.login(world.signer(Role::SecondDoctor)).await;
    assert_eq!(api.get(&path, &stranger.token).await.code(), "not_found");

    // Approve: the grant names the request.
    let mut approval = grant_body(&api, &cast.patient, &cast.doctor, &record, &Terms::now(&api));
    approval.request = Some(opened.id);
    assert_eq!(api.post("/v1/grants", &cast.patient.token, &approval).await.status, StatusCode::CREATED);
    eventually("the request is approved", || async {
        let view: RequestView = api.get(&path, &cast.doctor.token).await.ok();
        (view.state == RequestState::Approved).then_some(())
    })
    .await;

    // Deny another one.
    let second: RequestView =
        api.post("/v1/requests", &cast.doctor.token, &request_body(&api, &cast, record.id)).await.ok();
    let denial = DenyRequest { patient: cast.patient.address(), request: second.id.0, deadline: deadline(&api) };
    let hash = SignedDenial::signing_hash(&denial, &api.app.deployment);
    let sign = |user: &User| SignedDenial {
        denial: denial.clone(),
        signature: Bytes::copy_from_slice(&user.signer.sign_hash_sync(&hash).unwrap().as_bytes()),
    };
    let path = format!("/v1/requests/{}/deny", second.id);
    assert_eq!(api.post(&path, &cast.doctor.token, &sign(&cast.doctor)).await.code(), "forbidden");
    assert_eq!(api.post(&path, &cast.patient.token, &sign(&cast.doctor)).await.code(), "invalid_signature");
    assert_eq!(api.post(&path, &cast.patient.token, &sign(&cast.patient)).await.status, StatusCode::NO_CONTENT);
    let view: RequestView = api.get(&format!("/v1/requests/{}", second.id), &cast.doctor.token).await.ok();
    assert_eq!(view.state, RequestState::Denied);

    // The doctor's key was settled, then both requests were answered; the patient was asked twice.
    let told = events(&api, &cast.doctor, Some("0000000000000000"), 3).await;
    let answered: Vec<&str> = subjects(&told, FeedKind::RequestAnswered);
    assert_eq!(answered, [opened.id.to_string(), second.id.to_string()]);
    let told = events(&api, &cast.patient, Some("0000000000000000"), 5).await;
    assert_eq!(subjects(&told, FeedKind::RequestOpened), [opened.id.to_string(), second.id.to_string()]);
}

fn subjects(events: &[FeedEvent], kind: FeedKind) -> Vec<&str> {
    events.iter().filter(|event| event.kind == kind).map(|event| event.subject.as_str()).collect()
}

#[tokio::test]
async fn a_feed_resumes_where_it_was_left_on_another_replica_and_shows_only_ones_own() {
    let world = World::start().await;
    let (one, two) = (world.api().await, world.api().await);
    let cast = Cast::on(&world, &one).await;
    let record = register_record(&one, &cast.patient).await;

    // Three actions of the patient were settled: the key and the record are two; and a third comes while connected.
    let first = events(&one, &cast.patient, Some("0000000000000000"), 2).await;
    assert!(first.iter().all(|event| event.kind == FeedKind::ActionSettled));
    assert!(first[0].id < first[1].id);
    let resumed = tokio::spawn({
        let (two, patient, after) = (two.clone(), cast.patient.clone(), first[0].id.clone());
        async move { events(&two, &patient, Some(&after), 2).await }
    });
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let opened: RequestView =
        one.post("/v1/requests", &cast.doctor.token, &request_body(&one, &cast, record.id)).await.ok();
    let resumed = resumed.await.unwrap();
    assert_eq!(resumed[0].id, first[1].id, "nothing missed, nothing twice");
    assert_eq!((resumed[1].kind, resumed[1].subject.clone()), (FeedKind::RequestOpened, opened.id.to_string()));

    let doctors = events(&two, &cast.doctor, Some("0000000000000000"), 1).await;
    assert!(doctors.iter().all(|event| event.kind == FeedKind::ActionSettled));
    let bad = Request::get("/v1/events")
        .header(header::AUTHORIZATION, format!("Bearer {}", cast.doctor.token))
        .header("last-event-id", "not ours");
    assert_eq!(two.raw(bad.body(Body::empty()).unwrap()).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn events_of_the_chain_reach_patient_and_grantee_once_and_ended_capsules_are_destroyed() {
    let world = World::start().await;
    let (one, two) = (world.api().await, world.api().await);
    let cast = Cast::on(&world, &one).await;
    let record = register_record(&one, &cast.patient).await;
    let salt = grant(&one, &cast, &record, Terms::now(&one)).await;
    // Somebody else's bundle over the same record brings nobody closer to it.
    let stranger = one.login(world.signer(Role::SecondDoctor)).await;
    let rows = one.app.database.collection::<mongodb::bson::Document>("api_received");
    let mut foreign = rows.find_one(mongodb::bson::doc! {}).await.unwrap().unwrap();
    let (of, salt_of_foreign, scope) = (stranger.address(), Salt(random()), ScopeKind::Record);
    let tag = Tag::derive(of, salt_of_foreign);
    let foreign_grant = GrantId::derive(of, tag, scope, record.id.0);
    let id = one.app.at_rest.blind(Lookup::Received, foreign_grant.0);
    let opened = serde_json::json!({
        "grant": foreign_grant, "patient": of, "grantee": of, "tag": tag, "salt": salt_of_foreign, "kind": "record",
        "scope_id": record.id, "created": 0, "newest_version": 1, "stored_at": 0,
    });
    foreign.insert("grantee", one.app.at_rest.blind(Lookup::Reader, of));
    foreign.insert("sealed", one.app.at_rest.seal(Use::Received, &id, &opened));
    foreign.insert("_id", id);
    rows.insert_one(foreign).await.unwrap();
    let kept = grant(&one, &cast, &record, Terms::now(&one)).await;
    // Whoever follows has its change stream open once it has told the first event.
    eventually("the grantee hears of both grants", || async {
        mirror_events(&one).await;
        (feed_of(&one, &cast.doctor, FeedKind::Granted).await == 2).then_some(())
    })
    .await;
    cast.doctor.read(&one, record.id, salt).await.unwrap();

    let end = serde_json::json!({ "action": revoke(&one, &cast, record.id, salt) });
    assert_eq!(two.post("/v1/grants/revoke", &cast.patient.token, &end).await.status, StatusCode::OK);
    eventually("both sides hear of the end", || async {
        mirror_events(&one).await;
        let (patient, doctor) = (&cast.patient, &cast.doctor);
        let told = (feed_of(&one, patient, FeedKind::Revoked).await, feed_of(&one, doctor, FeedKind::Revoked).await);
        (told == (1, 1)).then_some(())
    })
    .await;
    // One block on top, and the capsules of the ended grant are gone; those of the other stay.
    world.rpc("evm_mine", serde_json::json!([])).await;
    let capsules =
        async |salt: Salt| -> usize { capsules(&one, grant_of(&cast, record.id, salt)).await.into_values().sum() };
    eventually("the capsules are destroyed", || async { (capsules(salt).await == 0).then_some(()) }).await;
    assert_eq!(capsules(kept).await, 1);
    // The patient is told that somebody read, once it is anchored; nobody else is.
    eventually("the patient hears of the read", || async {
        mirror_events(&one).await;
        (feed_of(&one, &cast.patient, FeedKind::Accessed).await == 1).then_some(())
    })
    .await;
    assert_eq!(feed_of(&one, &cast.doctor, FeedKind::Accessed).await, 0);
    assert_eq!(feed_of(&one, &cast.doctor, FeedKind::Granted).await, 2, "nothing is told twice");
    for kind in [FeedKind::RecordRegistered, FeedKind::Granted, FeedKind::Revoked] {
        assert_eq!(feed_of(&one, &stranger, kind).await, 0, "{kind:?}");
    }
}

#[tokio::test]
async fn capsules_are_destroyed_only_when_the_end_of_their_own_grant_is_deep() {
    let world = World::start().await;
    let api = world.idle_api(&["--confirmations", "6"]).await;
    api::background::start(&api.app);
    let cast = Cast::on(&world, &api).await;
    let record = register_record(&api, &cast.patient).await;
    let end = async |salt| {
        let end = serde_json::json!({ "action": revoke(&api, &cast, record.id, salt) });
        assert_eq!(api.post("/v1/grants/revoke", &cast.patient.token, &end).await.status, StatusCode::OK);
    };
    // Granted, ended, granted again, ended again: the first end becomes deep while the second is shallow.
    let salt = grant(&api, &cast, &record, Terms::now(&api)).await;
    let kept = async |epoch: i64| capsules(&api, grant_of(&cast, record.id, salt)).await[&epoch];
    end(salt).await;
    world.rpc("anvil_mine", serde_json::json!(["0x3"])).await;
    grant(&api, &cast, &record, Terms { salt, epoch: 2, ..Terms::now(&api) }).await;
    end(salt).await;
    world.rpc("anvil_mine", serde_json::json!(["0x1"])).await;
    eventually("the first grant's capsules are destroyed", || async {
        mirror_events(&api).await;
        (kept(1).await == 0).then_some(())
    })
    .await;
    // Whatever that round destroys is destroyed soon after.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(kept(3).await, 1, "the second end may still fall out of the chain");
    world.rpc("anvil_mine", serde_json::json!(["0x6"])).await;
    eventually("the second grant's capsules are destroyed", || async { (kept(3).await == 0).then_some(()) }).await;
}
