//! Reads: every refusal has its code, and nothing is handed out before the leaf is durable.

use alloy::primitives::Bytes;
use axum::http::StatusCode;
use localnet::Role;
use mongodb::bson::{Document, doc};
use protocol::{
    bodies::reads::ReadAnswer,
    codes::Purpose,
    ids::{RecordId, Salt},
    messages::{Action, LiftTombstone, RevokeAll, Suspend, Tombstone},
};
use serde_json::json;

use super::world::{
    Cast, Terms, World, deadline, eventually, grant, grant_body, nonce, random, record_version, register_record,
    revoke, vouch,
};

#[tokio::test]
async fn a_granted_reader_gets_the_share_and_a_receipt_and_the_same_request_the_same_receipt() {
    let world = World::start().await;
    let api = world.api().await;
    let cast = Cast::on(&world, &api).await;
    let record = register_record(&api, &cast.patient).await;
    let salt = grant(&api, &cast, &record, Terms::now(&api)).await;

    let body = cast.doctor.read_request(&api, record.id, salt, Purpose::Treatment, 30);
    let first: ReadAnswer = api.post("/v1/reads", &cast.doctor.token, &body).await.ok();
    let share = record.dek.release_share(&record_version(&api, record.id));
    assert_eq!(first.release_share.0, *share.expose());
    first.receipt.verify(&api.app.deployment).unwrap();
    assert_eq!(first.receipt.receipt.leaf, first.leaf.0);
    let leaves = api.app.log_database.collection::<Document>("log_leaves");
    assert_eq!(leaves.count_documents(doc! {}).await.unwrap(), 1);

    let again: ReadAnswer = api.post("/v1/reads", &cast.doctor.token, &body).await.ok();
    assert_eq!(again.receipt, first.receipt);
    assert_eq!(leaves.count_documents(doc! {}).await.unwrap(), 1);

    // The same nonce for something else is refused.
    let mut other = body.request.clone();
    other.deadline += 1;
    let other = cast.doctor.signed(&api, other);
    assert_eq!(api.post("/v1/reads", &cast.doctor.token, &other).await.code(), "nonce_used");

    // Patient and reader see the evidence, others do not.
    let path = format!("/v1/log/leaves/{}", first.leaf);
    assert_eq!(api.get(&path, &cast.patient.token).await.status, StatusCode::OK);
    assert_eq!(api.get(&path, &cast.doctor.token).await.status, StatusCode::OK);
    let stranger = api.login(world.signer(Role::SecondDoctor)).await;
    assert_eq!(api.get(&path, &stranger.token).await.code(), "not_found");
}

#[tokio::test]
async fn every_refusal_of_a_read_has_its_code_and_leaves_no_leaf() {
    let world = World::start().await;
    let api = world.api().await;
    let cast = Cast::on(&world, &api).await;
    let record = register_record(&api, &cast.patient).await;
    let salt = Salt(random());
    let refused =
        async |body: &protocol::bodies::reads::ReadBody| api.post("/v1/reads", &cast.doctor.token, body).await.code();
    let ask =
        |record: RecordId, salt: Salt, purpose, seconds| cast.doctor.read_request(&api, record, salt, purpose, seconds);
    use Purpose::{Research, Treatment};

    // The request itself.
    assert_eq!(refused(&ask(record.id, salt, Treatment, 61)).await, "clock_skew");
    assert_eq!(refused(&ask(record.id, salt, Treatment, 0)).await, "expired");
    assert_eq!(refused(&ask(record.id, salt, Treatment, -200)).await, "clock_skew");
    let mut forged = ask(record.id, salt, Treatment, 30);
    forged.signature = Bytes::from(vec![1; 64]);
    assert_eq!(refused(&forged).await, "invalid_signature");
    let mut foreign = ask(record.id, salt, Treatment, 30).request;
    foreign.grantee = cast.patient.address();
    assert_eq!(refused(&cast.doctor.signed(&api, foreign)).await, "forbidden");
    let elsewhere = api.login(world.signer(Role::Doctor)).await;
    let elsewhere = elsewhere.read_request(&api, record.id, salt, Treatment, 30);
    assert_eq!(refused(&elsewhere).await, "not_signed_in");

    // The record.
    assert_eq!(refused(&ask(RecordId(random()), salt, Treatment, 30)).await, "unknown_record");
    let mut version = ask(record.id, salt, Treatment, 30).request;
    version.version = 2;
    assert_eq!(refused(&cast.doctor.signed(&api, version)).await, "unknown_record");

    // The grant.
    assert_eq!(refused(&ask(record.id, salt, Treatment, 30)).await, "no_grant");
    let now = api.app.clock.now();
    let future = Terms { not_before: now + 1_000, not_after: now + 2_000, ..Terms::now(&api) };
    let future = grant(&api, &cast, &record, future).await;
    assert_eq!(refused(&ask(record.id, future, Treatment, 30)).await, "grant_expired");
    let standing = grant(&api, &cast, &record, Terms::now(&api)).await;
    assert_eq!(refused(&ask(record.id, standing, Research, 30)).await, "no_grant");
    let ended = grant(&api, &cast, &record, Terms::now(&api)).await;
    let end = json!({ "action": revoke(&api, &cast, record.id, ended) });
    assert_eq!(api.post("/v1/grants/revoke", &cast.patient.token, &end).await.status, StatusCode::OK);
    assert_eq!(refused(&ask(record.id, ended, Treatment, 30)).await, "grant_revoked");

    // The reader.
    let accreditor = api.login(world.signer(Role::Accreditor)).await;
    let held_back = vouch(&api, &accreditor, cast.doctor.address(), 1, 1);
    let message = Suspend {
        accreditor: accreditor.address(),
        practitioner: cast.doctor.address(),
        nonce: nonce(),
        deadline: deadline(&api),
    };
    let suspend = accreditor.sign(&api, Action::Suspend(message));
    assert_eq!(api.post("/v1/actions", &accreditor.token, &suspend).await.status, StatusCode::OK);
    assert_eq!(refused(&ask(record.id, standing, Treatment, 30)).await, "not_accredited");
    let stale = api.post("/v1/actions", &accreditor.token, &held_back).await;
    assert_eq!(stale.code(), "stale_state", "what was signed before the suspension cannot end it");
    let again = vouch(&api, &accreditor, cast.doctor.address(), 1, 2);
    assert_eq!(api.post("/v1/actions", &accreditor.token, &again).await.status, StatusCode::OK);

    // The operator's own share.
    let shares = api.app.database.collection::<Document>("api_release_shares");
    let lost = shares.find_one(doc! {}).await.unwrap().unwrap();
    shares.delete_many(doc! {}).await.unwrap();
    assert_eq!(refused(&ask(record.id, standing, Treatment, 30)).await, "share_missing");
    shares.insert_one(lost).await.unwrap();

    let leaves = api.app.log_database.collection::<Document>("log_leaves");
    assert_eq!(leaves.count_documents(doc! {}).await.unwrap(), 0);
    cast.doctor.read(&api, record.id, standing).await.unwrap();

    // A grant ends by the clock, also while no block is mined.
    api.app.clock.shift(4_000);
    let late = api.login(world.signer(Role::Doctor)).await;
    assert_eq!(late.read(&api, record.id, standing).await.err().expect("refused"), "grant_expired");
    api.app.clock.shift(-4_000);

    let tombstone = Tombstone {
        patient: cast.patient.address(),
        record: record.id.0,
        epoch: 0,
        nonce: nonce(),
        deadline: deadline(&api),
    };
    let tombstone = cast.patient.sign(&api, Action::Tombstone(tombstone));
    assert_eq!(api.post("/v1/actions", &cast.patient.token, &tombstone).await.status, StatusCode::OK);
    assert_eq!(refused(&ask(record.id, standing, Treatment, 30)).await, "record_tombstoned");

    // The patient thinks better of it: the grant counts again.
    let lift = |epoch| LiftTombstone {
        patient: cast.patient.address(),
        record: record.id.0,
        epoch,
        nonce: nonce(),
        deadline: deadline(&api),
    };
    let stale = cast.patient.sign(&api, Action::LiftTombstone(lift(2)));
    assert_eq!(api.post("/v1/actions", &cast.patient.token, &stale).await.code(), "stale_state");
    let lifted = cast.patient.sign(&api, Action::LiftTombstone(lift(1)));
    assert_eq!(api.post("/v1/actions", &cast.patient.token, &lifted).await.status, StatusCode::OK);
    cast.doctor.read(&api, record.id, standing).await.unwrap();
}

#[tokio::test]
async fn an_accepted_tombstone_stops_reads_before_it_is_mined() {
    let world = World::start().await;
    let api = world.idle_api(&["--relay-wait-seconds", "1"]).await;
    api::background::start(&api.app);
    let replica = world.idle_api(&[]).await;
    let cast = Cast::on(&world, &api).await;
    let (one, two) = (register_record(&api, &cast.patient).await, register_record(&api, &cast.patient).await);
    let (salt_one, salt_two) =
        (grant(&api, &cast, &one, Terms::now(&api)).await, grant(&api, &cast, &two, Terms::now(&api)).await);
    cast.doctor.read(&api, one.id, salt_one).await.unwrap();
    eventually("the first read is anchored", || async {
        let leaves = api.app.log_database.collection::<Document>("log_leaves");
        leaves.find_one(doc! { "is_placed": true }).await.unwrap()
    })
    .await;

    world.rpc("evm_setAutomine", json!([false])).await;
    let tombstone = Tombstone {
        patient: cast.patient.address(),
        record: one.id.0,
        epoch: 0,
        nonce: nonce(),
        deadline: deadline(&api),
    };
    let tombstone = cast.patient.sign(&api, Action::Tombstone(tombstone));
    assert_eq!(api.post("/v1/actions", &cast.patient.token, &tombstone).await.status, StatusCode::ACCEPTED);
    for server in [&api, &replica] {
        assert_eq!(cast.doctor.read(server, one.id, salt_one).await.err().expect("refused"), "record_tombstoned");
        cast.doctor.read(server, two.id, salt_two).await.expect("another record is not closed");
    }
}

#[tokio::test]
async fn an_accepted_revocation_stops_reads_before_it_is_mined() {
    let world = World::start().await;
    let api = world.idle_api(&["--relay-wait-seconds", "1"]).await;
    api::background::start(&api.app);
    let replica = world.idle_api(&[]).await;
    let cast = Cast::on(&world, &api).await;
    let record = register_record(&api, &cast.patient).await;
    let one = grant(&api, &cast, &record, Terms::now(&api)).await;
    let two = grant(&api, &cast, &record, Terms::now(&api)).await;
    cast.doctor.read(&api, record.id, one).await.unwrap();
    eventually("the first read is anchored", || async {
        let leaves = api.app.log_database.collection::<Document>("log_leaves");
        leaves.find_one(doc! { "is_placed": true }).await.unwrap()
    })
    .await;

    world.rpc("evm_setAutomine", json!([false])).await;
    let end = json!({ "action": revoke(&api, &cast, record.id, one) });
    assert_eq!(api.post("/v1/grants/revoke", &cast.patient.token, &end).await.status, StatusCode::ACCEPTED);
    assert_eq!(cast.doctor.read(&api, record.id, one).await.err().expect("refused"), "grant_revoked");
    // On every replica, and only that grant.
    assert_eq!(cast.doctor.read(&replica, record.id, one).await.err().expect("refused"), "grant_revoked");
    cast.doctor.read(&replica, record.id, two).await.unwrap();

    let all = RevokeAll { patient: cast.patient.address(), nonce: nonce(), deadline: deadline(&api) };
    let all = json!({ "action": cast.patient.sign(&api, Action::RevokeAll(all)) });
    assert_eq!(api.post("/v1/grants/revoke", &cast.patient.token, &all).await.status, StatusCode::ACCEPTED);
    assert_eq!(cast.doctor.read(&api, record.id, two).await.err().expect("refused"), "grant_revoked");
    world.rpc("evm_setAutomine", json!([true])).await;
    world.rpc("evm_mine", json!([])).await;
    assert_eq!(cast.doctor.read(&api, record.id, two).await.err().expect("refused"), "grant_revoked");
}

#[tokio::test]
async fn a_revocation_that_a_reorg_drops_still_stops_reads() {
    let world = World::start().await;
    let leader = world.idle_api(&["--confirmations", "20"]).await;
    api::background::start(&leader.app);
    let replica = world.idle_api(&["--confirmations", "20"]).await;
    let cast = Cast::on(&world, &leader).await;
    let record = register_record(&leader, &cast.patient).await;
    let salt = grant(&leader, &cast, &record, Terms::now(&leader)).await;
    let end = json!({ "action": revoke(&leader, &cast, record.id, salt) });
    assert_eq!(leader.post("/v1/grants/revoke", &cast.patient.token, &end).await.status, StatusCode::OK);
    // Now nobody leads, and the chain goes on without the block of the revocation.
    leader.stop().await;
    world.rpc("anvil_rollback", json!([1])).await;
    world.rpc("anvil_mine", json!(["0x3"])).await;
    let registry = contracts::grant_registry::GrantRegistry::new(
        replica.app.deployment.address_of(protocol::deployment::ContractName::GrantRegistry),
        replica.app.chain.clone(),
    );
    let tag = protocol::ids::Tag::derive(cast.doctor.address(), salt);
    let kind = protocol::codes::ScopeKind::Record.code();
    let rights = async || {
        let word = registry.termsOf(cast.patient.address(), tag.0, kind, record.id.0).call().await.unwrap();
        contracts::Terms::from(word).rights
    };
    assert_ne!(rights().await, 0, "as far as the chain goes, the grant stands again");
    assert_eq!(cast.doctor.read(&replica, record.id, salt).await.err().expect("refused"), "grant_revoked");
    // Whoever leads next carries it out again.
    api::background::start(&replica.app);
    eventually("the revocation is mined again", || async { (rights().await == 0).then_some(()) }).await;
    assert_eq!(cast.doctor.read(&replica, record.id, salt).await.err().expect("refused"), "grant_revoked");
    // And a grant that is given after it counts, also while the revocation is not final.
    let renewed = Terms { salt, epoch: 2, ..Terms::now(&replica) };
    grant(&replica, &cast, &record, renewed).await;
    cast.doctor.read(&replica, record.id, salt).await.unwrap();
}

#[tokio::test]
async fn reads_are_refused_when_the_head_is_older_than_the_setting_allows() {
    let world = World::start().await;
    let api = world.api().await;
    let cast = Cast::on(&world, &api).await;
    let record = register_record(&api, &cast.patient).await;
    let salt = grant(&api, &cast, &record, Terms::now(&api)).await;
    let strict = world.idle_api(&["--head-age-seconds-max", "100"]).await;
    cast.doctor.read(&strict, record.id, salt).await.unwrap();
    strict.app.clock.shift(200);
    assert_eq!(cast.doctor.read(&strict, record.id, salt).await.err().expect("refused"), "unavailable");
}

#[tokio::test]
async fn a_grant_is_kept_only_with_the_bundle_that_its_message_names() {
    let world = World::start().await;
    let api = world.api().await;
    let cast = Cast::on(&world, &api).await;
    let record = register_record(&api, &cast.patient).await;
    let good = grant_body(&api, &cast.patient, &cast.doctor, &record, &Terms::now(&api));
    let refused = async |change: &dyn Fn(&mut protocol::bodies::grants::GrantBody)| {
        let mut body = good.clone();
        change(&mut body);
        api.post("/v1/grants", &cast.patient.token, &body).await.code()
    };
    assert_eq!(refused(&|body| body.salt = Salt(random())).await, "invalid_request");
    assert_eq!(refused(&|body| body.bundles.clear()).await, "invalid_request");
    assert_eq!(refused(&|body| body.right = protocol::codes::Right::Write).await, "invalid_request");
    let shorten = |body: &mut protocol::bodies::grants::GrantBody| {
        let capsule = &mut body.bundles[0].capsules[0].capsule;
        *capsule = capsule[..116].to_vec().into();
    };
    assert_eq!(refused(&shorten).await, "invalid_capsule");
    assert_eq!(refused(&|body| body.bundles[0].capsules.clear()).await, "invalid_request");
    assert_eq!(refused(&|body| body.request = Some(protocol::ids::RequestId(random()))).await, "not_found");
    assert_eq!(api.post("/v1/grants", &cast.doctor.token, &good).await.code(), "forbidden");
    let keyless = api.login(world.signer(Role::SecondDoctor)).await;
    let to_keyless = grant_body(&api, &cast.patient, &keyless, &record, &Terms::now(&api));
    assert_eq!(api.post("/v1/grants", &cast.patient.token, &to_keyless).await.code(), "key_not_registered");
    assert_eq!(api.post("/v1/grants", &cast.patient.token, &good).await.status, StatusCode::CREATED);

    // The same bundle again without the message: the grant stands on chain, so it is kept; a foreign one is not.
    let mut again = good.clone();
    again.action = None;
    assert_eq!(api.post("/v1/grants", &cast.patient.token, &again).await.status, StatusCode::OK);
    again.salt = Salt(random());
    assert_eq!(api.post("/v1/grants", &cast.patient.token, &again).await.code(), "no_grant");
}
