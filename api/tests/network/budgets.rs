//! Whom the relayers pay for, and how much: for an account, a network, and in all.

use alloy::{
    primitives::{Address, Bytes, U256},
    signers::local::PrivateKeySigner,
};
use axum::http::StatusCode;
use localnet::Role;
use protocol::messages::{Action, RegisterKey, RevokeAll, SignedAction};
use serde_json::json;

use super::world::{
    Api, Cast, Terms, User, World, accredit, deadline, grant, nonce, register_key, register_record, revoke,
};

/// The code of a refusal; `None` for an action that was taken.
async fn submit(api: &Api, user: &User, signed: &SignedAction) -> Option<String> {
    let answer = api.post("/v1/actions", &user.token, signed).await;
    (!answer.status.is_success()).then(|| answer.code())
}

/// Somebody new publishes a key.
async fn newcomer(api: &Api) -> Option<String> {
    let stranger = api.login(PrivateKeySigner::random()).await;
    submit(api, &stranger, &register_key(api, &stranger, 0)).await
}

fn end_everything(api: &Api, user: &User) -> SignedAction {
    let message = RevokeAll { patient: user.address(), nonce: nonce(), deadline: deadline(api) };
    user.sign(api, Action::RevokeAll(message))
}

async fn running(world: &World, settings: &[&str]) -> Api {
    let api = world.idle_api(settings).await;
    api::background::start(&api.app);
    api
}

const EXCEEDED: Option<&str> = Some("budget_exceeded");

#[tokio::test]
async fn new_accounts_of_one_network_share_a_budget_and_others_have_theirs() {
    let world = World::start().await;
    let settings = ["--forwarded-header", "x-forwarded-for", "--gas-per-day-network", "300000"];
    let api = running(&world, &settings).await;
    let (crowd, other) = (api.at_network("2001:db8:1:2::5"), api.at_network("2001:db8:1:3::5"));
    assert_eq!(newcomer(&crowd).await, None);
    assert_eq!(newcomer(&api.at_network("2001:db8:1:2:ffff::1")).await, None, "the same /64");
    assert_eq!(newcomer(&crowd).await.as_deref(), EXCEEDED);
    assert_eq!(newcomer(&other).await, None);
    // An accreditor vouches for the laboratory behind the same address.
    let lab = api.login(world.signer(Role::Lab)).await;
    accredit(&world, &crowd, lab.address(), protocol::codes::Role::Lab.bit()).await;
    for epoch in 0..4 {
        assert_eq!(submit(&crowd, &lab, &register_key(&api, &lab, epoch)).await, None, "{epoch}");
    }
}

#[tokio::test]
async fn accounts_for_whom_nobody_vouches_never_use_up_what_is_there_in_all() {
    let world = World::start().await;
    let api = running(&world, &["--gas-per-day-total", "1000000"]).await;
    let doctor = api.login(world.signer(Role::Doctor)).await;
    accredit(&world, &api, doctor.address(), 1).await;
    let mut taken = 0;
    while newcomer(&api).await.is_none() {
        taken += 1;
        assert!(taken < 10, "half of what is there in all has an end");
    }
    assert!(taken > 0);
    assert_eq!(submit(&api, &doctor, &register_key(&api, &doctor, 0)).await, None);
    let refused = 'taken: {
        for epoch in 1..10 {
            if let Some(code) = submit(&api, &doctor, &register_key(&api, &doctor, epoch)).await {
                break 'taken Some(code);
            }
        }
        None
    };
    assert_eq!(refused.as_deref(), EXCEEDED, "what is there in all has an end for everybody");
    // Taking away has a budget of its own.
    assert_eq!(submit(&api, &doctor, &end_everything(&api, &doctor)).await, None);
}

#[tokio::test]
async fn who_is_vouched_for_has_a_large_budget_and_who_is_known_a_middling_one() {
    let world = World::start().await;
    let settings = ["--gas-per-day-new", "150000", "--gas-per-day-max", "300000"];
    let api = running(&world, &settings).await;
    let (lab, patient) = (api.login(world.signer(Role::Lab)).await, api.login(world.signer(Role::Patient)).await);
    accredit(&world, &api, lab.address(), protocol::codes::Role::Lab.bit()).await;
    let mut taken = [0_u32; 2];
    for (taken, user) in taken.iter_mut().zip([&lab, &patient]) {
        while *taken < 8 && submit(&api, user, &register_key(&api, user, *taken)).await.is_none() {
            *taken += 1;
        }
    }
    assert_eq!(taken[0], 8);
    assert!((2..4).contains(&taken[1]), "{taken:?}");
    let late = api.post("/v1/actions", &patient.token, &register_key(&api, &patient, taken[1])).await;
    assert_eq!(late.status, StatusCode::TOO_MANY_REQUESTS);
    assert!((1..=86_400).contains(&late.retry_after()));
}

#[tokio::test]
async fn a_stranger_needs_an_invitation_where_the_operator_says_so() {
    let world = World::start().await;
    let api = running(&world, &["--new-accounts", "invited"]).await;
    let stranger = api.login(PrivateKeySigner::random()).await;
    let not_invited = Some("not_invited".to_owned());
    assert_eq!(submit(&api, &stranger, &register_key(&api, &stranger, 0)).await, not_invited);
    // Whoever sends it itself is free to; and so is whoever takes away.
    assert_eq!(submit(&api, &stranger, &end_everything(&api, &stranger)).await, None);
    let path = format!("/v1/invitations/{:#x}", stranger.address());
    assert_eq!(api.write("PUT", &path, &stranger.token, &json!(null)).await.code(), "forbidden");
    let other = api.login(world.signer(Role::Doctor)).await;
    assert_eq!(submit(&api, &other, &register_key(&api, &other, 0)).await, not_invited);
    let owner = api.login(world.signer(Role::Owner)).await;
    assert_eq!(api.write("PUT", &path, &owner.token, &json!(null)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(submit(&api, &stranger, &register_key(&api, &stranger, 0)).await, None);
    // The doctor is accredited: nobody need invite it.
    accredit(&world, &api, other.address(), 1).await;
    assert_eq!(submit(&api, &other, &register_key(&api, &other, 0)).await, None);
    // The operator's database does not say who was invited.
    let invitations = api.app.database.collection::<mongodb::bson::Document>("api_invitations");
    let kept = invitations.find_one(mongodb::bson::doc! {}).await.unwrap().unwrap().to_string();
    assert!(!kept.contains(&format!("{:x}", stranger.address())), "{kept}");
}

#[tokio::test]
async fn an_empty_budget_keeps_nobody_from_ending_what_stands() {
    let world = World::start().await;
    let api = running(&world, &["--gas-per-day-urgent", "0"]).await;
    let cast = Cast::on(&world, &api).await;
    let record = register_record(&api, &cast.patient).await;
    let salt = grant(&api, &cast, &record, Terms::now(&api)).await;
    assert_eq!(submit(&api, &cast.patient, &end_everything(&api, &cast.patient)).await.as_deref(), EXCEEDED);
    let end = || json!({ "action": revoke(&api, &cast, record.id, salt) });
    assert_eq!(api.post("/v1/grants/revoke", &cast.patient.token, &end()).await.status, StatusCode::OK);
    assert_eq!(api.post("/v1/grants/revoke", &cast.patient.token, &end()).await.code(), "budget_exceeded");
    assert_eq!(cast.doctor.read(&api, record.id, salt).await.err().expect("refused"), "grant_revoked");
}

#[tokio::test]
async fn a_contract_account_is_charged_what_it_can_burn_and_burns_no_more() {
    let world = World::start().await;
    // A plain account's key fits easily, a contract's does not.
    let api = running(&world, &["--gas-per-day-new", "400000"]).await;
    let submitter = api.login(PrivateKeySigner::random()).await;
    let contract = |byte| Address::repeat_byte(byte);
    // Accepts every signature: returns the magic word.
    let magic = format!("0x7f1626ba7e{}60005260206000f3", "00".repeat(28));
    world.rpc("anvil_setCode", json!([contract(0xc1), magic])).await;
    // Runs for ever.
    world.rpc("anvil_setCode", json!([contract(0xc2), "0x5b600056"])).await;
    let key = |owner| {
        let key = Bytes::copy_from_slice(submitter.key().public_key().as_bytes());
        let (nonce, deadline) = (nonce(), deadline(&api));
        let message = RegisterKey { owner, slot: 0, epoch: 0, kem: 0x16, key, nonce, deadline };
        SignedAction { action: Action::RegisterKey(message), signature: Bytes::from_static(&[7; 65]) }
    };
    assert_eq!(submit(&api, &submitter, &key(contract(0xc1))).await.as_deref(), EXCEEDED);
    assert_eq!(submit(&api, &submitter, &register_key(&api, &submitter, 0)).await, None);
    assert_eq!(submit(&api, &submitter, &key(contract(0xc2))).await.as_deref(), Some("invalid_signature"));
    // With room for it, it is taken.
    let richer = running(&world, &[]).await;
    assert_eq!(submit(&richer, &submitter, &key(contract(0xc1))).await, None);
    let long = SignedAction { signature: vec![7; 5_000].into(), ..key(contract(0xc1)) };
    assert_eq!(submit(&richer, &submitter, &long).await.as_deref(), Some("invalid_signature"));
}

#[tokio::test]
async fn a_deadline_without_an_end_is_refused() {
    let world = World::start().await;
    let api = running(&world, &[]).await;
    let patient = api.login(world.signer(Role::Patient)).await;
    let end = |deadline| {
        let message = RevokeAll { patient: patient.address(), nonce: nonce(), deadline };
        patient.sign(&api, Action::RevokeAll(message))
    };
    let now = api.app.clock.now();
    assert_eq!(submit(&api, &patient, &end(U256::MAX)).await.as_deref(), Some("out_of_range"));
    assert_eq!(submit(&api, &patient, &end(U256::from(now + 32 * 86_400))).await.as_deref(), Some("out_of_range"));
    assert_eq!(submit(&api, &patient, &end(U256::from(now + 30 * 86_400))).await, None);
}
