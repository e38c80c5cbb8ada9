//! Reads: every refusal has its code, and nothing is handed out before the leaf is durable.

use alloy::primitives::Bytes;
use axum::http::StatusCode;
use localnet::Role;
use mongodb::bson::{Document, doc};
use protocol::{
    bodies::reads::{ReadAnswer, ReadBody},
    codes::Purpose,
    ids::{RecordId, Salt},
};
use serde_json::json;

use crate::world::{
    actions::{lift, revoke_all, suspend, tombstone, vouch},
    grants::{Terms, grant_body},
    network::Network,
    people::Cast,
    records::{record_version, register_record},
    seeds,
    waiting::eventually,
};

#[tokio::test]
async fn a_granted_reader_gets_the_share_and_a_receipt_and_the_same_request_the_same_receipt() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let (record, salt) = cast.shared_record().await;

    let body = cast.doctor.read_request(record.id, salt, Purpose::Treatment, 30);
    let first: ReadAnswer = cast.doctor.post("/v1/reads", &body).await.ok();
    let share = record.dek.release_share(&record_version(&server, record.id));
    assert_eq!(first.release_share.0, *share.expose());
    first.receipt.verify(&server.app.deployment).unwrap();
    assert_eq!(first.receipt.receipt.leaf, first.leaf.0);
    let leaves = server.app.log_database.collection::<Document>("log_leaves");
    assert_eq!(leaves.count_documents(doc! {}).await.unwrap(), 1);

    let again: ReadAnswer = cast.doctor.post("/v1/reads", &body).await.ok();
    assert_eq!(again.receipt, first.receipt);
    assert_eq!(leaves.count_documents(doc! {}).await.unwrap(), 1);

    // The same nonce for something else is refused.
    let mut other = body.request.clone();
    other.deadline += 1;
    let other = cast.doctor.sign_read(other);
    assert_eq!(cast.doctor.post("/v1/reads", &other).await.code(), "nonce_used");

    // Patient and reader see the evidence, others do not.
    let path = format!("/v1/log/leaves/{}", first.leaf);
    assert_eq!(cast.patient.get(&path).await.status, StatusCode::OK);
    assert_eq!(cast.doctor.get(&path).await.status, StatusCode::OK);
    let stranger = server.sign_in(network.signer(Role::SecondDoctor)).await;
    assert_eq!(stranger.get(&path).await.code(), "not_found");
}

#[tokio::test]
async fn every_refusal_of_a_read_has_its_code_and_leaves_no_leaf() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let record = register_record(&cast.patient).await;
    let salt = seeds::salt();
    let refused = async |body: &ReadBody| cast.doctor.post("/v1/reads", body).await.code();
    let ask = |record: RecordId, salt: Salt, purpose, seconds| cast.doctor.read_request(record, salt, purpose, seconds);
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
    assert_eq!(refused(&cast.doctor.sign_read(foreign)).await, "forbidden");
    let elsewhere = server.sign_in(network.signer(Role::Doctor)).await;
    let elsewhere = elsewhere.read_request(record.id, salt, Treatment, 30);
    assert_eq!(refused(&elsewhere).await, "not_signed_in");

    // The record.
    assert_eq!(refused(&ask(seeds::record(), salt, Treatment, 30)).await, "unknown_record");
    let mut version = ask(record.id, salt, Treatment, 30).request;
    version.version = 2;
    assert_eq!(refused(&cast.doctor.sign_read(version)).await, "unknown_record");

    // The grant.
    assert_eq!(refused(&ask(record.id, salt, Treatment, 30)).await, "no_grant");
    let now = server.app.clock.now();
    let future = Terms { not_before: now + 1_000, not_after: now + 2_000, ..Terms::now(&server) };
    let future = cast.grant(&record, future).await;
    assert_eq!(refused(&ask(record.id, future, Treatment, 30)).await, "grant_expired");
    let standing = cast.grant_now(&record).await;
    assert_eq!(refused(&ask(record.id, standing, Research, 30)).await, "no_grant");
    let ended = cast.grant_now(&record).await;
    let end = json!({ "action": cast.revoke(record.id, ended) });
    assert_eq!(cast.patient.post("/v1/grants/revoke", &end).await.status, StatusCode::OK);
    assert_eq!(refused(&ask(record.id, ended, Treatment, 30)).await, "grant_revoked");

    // The reader.
    let accreditor = server.sign_in(network.signer(Role::Accreditor)).await;
    let held_back = vouch(&accreditor, cast.doctor.address(), 1, 1);
    accreditor.carry_out(suspend(&accreditor, &cast.doctor)).await;
    assert_eq!(refused(&ask(record.id, standing, Treatment, 30)).await, "not_accredited");
    let stale = accreditor.post("/v1/actions", &held_back).await;
    assert_eq!(stale.code(), "stale_state", "what was signed before the suspension cannot end it");
    let again = vouch(&accreditor, cast.doctor.address(), 1, 2);
    assert_eq!(accreditor.post("/v1/actions", &again).await.status, StatusCode::OK);

    // The operator's own share.
    let shares = server.app.database.collection::<Document>("api_release_shares");
    let lost = shares.find_one(doc! {}).await.unwrap().unwrap();
    shares.delete_many(doc! {}).await.unwrap();
    assert_eq!(refused(&ask(record.id, standing, Treatment, 30)).await, "share_missing");
    shares.insert_one(lost).await.unwrap();

    let leaves = server.app.log_database.collection::<Document>("log_leaves");
    assert_eq!(leaves.count_documents(doc! {}).await.unwrap(), 0);
    cast.doctor.read(record.id, standing).await.unwrap();

    // A grant ends by the clock, also while no block is mined.
    server.app.clock.shift(4_000);
    let late = server.sign_in(network.signer(Role::Doctor)).await;
    assert_eq!(late.read(record.id, standing).await.err().expect("refused"), "grant_expired");
    server.app.clock.shift(-4_000);

    let tombstone = cast.patient.sign(tombstone(&cast.patient, record.id, 0));
    cast.patient.post("/v1/actions", &tombstone).await.has(StatusCode::OK);
    assert_eq!(refused(&ask(record.id, standing, Treatment, 30)).await, "record_tombstoned");

    // The patient thinks better of it: the grant counts again.
    let stale = cast.patient.sign(lift(&cast.patient, record.id, 2));
    assert_eq!(cast.patient.post("/v1/actions", &stale).await.code(), "stale_state");
    cast.patient.carry_out(lift(&cast.patient, record.id, 1)).await;
    cast.doctor.read(record.id, standing).await.unwrap();
}

#[tokio::test]
async fn an_accepted_tombstone_stops_reads_before_it_is_mined() {
    let network = Network::start().await;
    let server = network.server_with(&["--relay-wait-seconds", "1"]).await;
    let replica = network.idle_server(&[]).await;
    let cast = Cast::on(&network, &server).await;
    let (one, two) = (register_record(&cast.patient).await, register_record(&cast.patient).await);
    let (salt_one, salt_two) = (cast.grant_now(&one).await, cast.grant_now(&two).await);
    cast.doctor.read(one.id, salt_one).await.unwrap();
    eventually("the first read is anchored", || async {
        let leaves = server.app.log_database.collection::<Document>("log_leaves");
        leaves.find_one(doc! { "is_placed": true }).await.unwrap()
    })
    .await;

    network.rpc("evm_setAutomine", json!([false])).await;
    let tombstone = cast.patient.sign(tombstone(&cast.patient, one.id, 0));
    assert_eq!(cast.patient.post("/v1/actions", &tombstone).await.status, StatusCode::ACCEPTED);
    for server in [&server, &replica] {
        assert_eq!(cast.doctor.at(server).read(one.id, salt_one).await.err().expect("refused"), "record_tombstoned");
        cast.doctor.at(server).read(two.id, salt_two).await.expect("another record is not closed");
    }
}

#[tokio::test]
async fn an_accepted_revocation_stops_reads_before_it_is_mined() {
    let network = Network::start().await;
    let server = network.server_with(&["--relay-wait-seconds", "1"]).await;
    let replica = network.idle_server(&[]).await;
    let cast = Cast::on(&network, &server).await;
    let record = register_record(&cast.patient).await;
    let one = cast.grant_now(&record).await;
    let two = cast.grant_now(&record).await;
    cast.doctor.read(record.id, one).await.unwrap();
    eventually("the first read is anchored", || async {
        let leaves = server.app.log_database.collection::<Document>("log_leaves");
        leaves.find_one(doc! { "is_placed": true }).await.unwrap()
    })
    .await;

    network.rpc("evm_setAutomine", json!([false])).await;
    let end = json!({ "action": cast.revoke(record.id, one) });
    assert_eq!(cast.patient.post("/v1/grants/revoke", &end).await.status, StatusCode::ACCEPTED);
    assert_eq!(cast.doctor.read(record.id, one).await.err().expect("refused"), "grant_revoked");
    // On every replica, and only that grant.
    assert_eq!(cast.doctor.at(&replica).read(record.id, one).await.err().expect("refused"), "grant_revoked");
    cast.doctor.at(&replica).read(record.id, two).await.unwrap();

    let all = json!({ "action": cast.patient.sign(revoke_all(&cast.patient)) });
    assert_eq!(cast.patient.post("/v1/grants/revoke", &all).await.status, StatusCode::ACCEPTED);
    assert_eq!(cast.doctor.read(record.id, two).await.err().expect("refused"), "grant_revoked");
    network.rpc("evm_setAutomine", json!([true])).await;
    network.rpc("evm_mine", json!([])).await;
    assert_eq!(cast.doctor.read(record.id, two).await.err().expect("refused"), "grant_revoked");
}

#[tokio::test]
async fn a_revocation_that_a_reorg_drops_still_stops_reads() {
    let network = Network::start().await;
    let leader = network.server_with(&["--confirmations", "20"]).await;
    let replica = network.idle_server(&["--confirmations", "20"]).await;
    let cast = Cast::on(&network, &leader).await;
    let (record, salt) = cast.shared_record().await;
    let end = json!({ "action": cast.revoke(record.id, salt) });
    assert_eq!(cast.patient.post("/v1/grants/revoke", &end).await.status, StatusCode::OK);
    // Now nobody leads, and the chain goes on without the block of the revocation.
    leader.stop().await;
    network.rpc("anvil_rollback", json!([1])).await;
    network.rpc("anvil_mine", json!(["0x3"])).await;
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
    assert_eq!(cast.doctor.at(&replica).read(record.id, salt).await.err().expect("refused"), "grant_revoked");
    // The next leader sends it again.
    replica.start();
    eventually("the revocation is mined again", || async { (rights().await == 0).then_some(()) }).await;
    assert_eq!(cast.doctor.at(&replica).read(record.id, salt).await.err().expect("refused"), "grant_revoked");
    // And a grant that is given after it counts, also while the revocation is not final.
    let renewed = Terms { salt, epoch: 2, ..Terms::now(&replica) };
    cast.at(&replica).grant(&record, renewed).await;
    cast.doctor.at(&replica).read(record.id, salt).await.unwrap();
}

#[tokio::test]
async fn reads_are_refused_when_the_head_is_older_than_the_setting_allows() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let (record, salt) = cast.shared_record().await;
    let strict = network.idle_server(&["--head-age-seconds-max", "100"]).await;
    cast.doctor.at(&strict).read(record.id, salt).await.unwrap();
    strict.app.clock.shift(200);
    assert_eq!(cast.doctor.at(&strict).read(record.id, salt).await.err().expect("refused"), "unavailable");
}

#[tokio::test]
async fn a_grant_is_kept_only_with_the_bundle_that_its_message_names() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let record = register_record(&cast.patient).await;
    let good = grant_body(&cast.patient, &cast.doctor, &record, &Terms::now(&server));
    let refused = async |change: &dyn Fn(&mut protocol::bodies::grants::GrantBody)| {
        let mut body = good.clone();
        change(&mut body);
        cast.patient.post("/v1/grants", &body).await.code()
    };
    assert_eq!(refused(&|body| body.salt = seeds::salt()).await, "invalid_request");
    assert_eq!(refused(&|body| body.bundles.clear()).await, "invalid_request");
    assert_eq!(refused(&|body| body.right = protocol::codes::Right::Write).await, "invalid_request");
    let shorten = |body: &mut protocol::bodies::grants::GrantBody| {
        let capsule = &mut body.bundles[0].capsules[0].capsule;
        *capsule = capsule[..116].to_vec().into();
    };
    assert_eq!(refused(&shorten).await, "invalid_capsule");
    assert_eq!(refused(&|body| body.bundles[0].capsules.clear()).await, "invalid_request");
    assert_eq!(refused(&|body| body.request = Some(protocol::ids::RequestId(seeds::bytes()))).await, "not_found");
    assert_eq!(cast.doctor.post("/v1/grants", &good).await.code(), "forbidden");
    let keyless = server.sign_in(network.signer(Role::SecondDoctor)).await;
    let to_keyless = grant_body(&cast.patient, &keyless, &record, &Terms::now(&server));
    assert_eq!(cast.patient.post("/v1/grants", &to_keyless).await.code(), "key_not_registered");
    assert_eq!(cast.patient.post("/v1/grants", &good).await.status, StatusCode::CREATED);

    // The same bundle without the message is kept, because its grant is on chain. Without such a grant it is refused.
    let mut again = good.clone();
    again.action = None;
    assert_eq!(cast.patient.post("/v1/grants", &again).await.status, StatusCode::OK);
    again.salt = seeds::salt();
    assert_eq!(cast.patient.post("/v1/grants", &again).await.code(), "no_grant");
}
