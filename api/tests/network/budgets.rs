//! The gas budgets of the relayers: for an account, for a network, and in all.

use alloy::primitives::{Address, Bytes, U256};
use axum::http::StatusCode;
use localnet::Role;
use mongodb::bson::{Document, doc};
use protocol::{
    codes::KEM_X_WING,
    messages::{Action, RegisterKey, RevokeAll, SignedAction},
};
use serde_json::json;

use crate::world::{
    actions::{accredit, deadline, register_key, revoke_all},
    network::Network,
    people::{Cast, User},
    seeds,
    servers::Server,
};

/// Sends an action and returns the code of a refusal, or `None` when the action is accepted.
async fn submit(server: &Server, user: &User, signed: &SignedAction) -> Option<String> {
    let answer = user.at(server).post("/v1/actions", signed).await;
    (!answer.status.is_success()).then(|| answer.code())
}

/// Publishes the key of a new account; returns the same.
async fn newcomer(server: &Server) -> Option<String> {
    let stranger = server.newcomer().await;
    submit(server, &stranger, &register_key(&stranger, 0)).await
}

const EXCEEDED: Option<&str> = Some("budget_exceeded");

#[tokio::test]
async fn new_accounts_of_one_network_share_a_budget_and_others_have_theirs() {
    let network = Network::start().await;
    let settings = ["--forwarded-header", "x-forwarded-for", "--gas-per-day-network", "300000"];
    let server = network.server_with(&settings).await;
    let (crowd, other) = (server.from("2001:db8:1:2::5"), server.from("2001:db8:1:3::5"));
    assert_eq!(newcomer(&crowd).await, None);
    assert_eq!(newcomer(&server.from("2001:db8:1:2:ffff::1")).await, None, "the same /64");
    assert_eq!(newcomer(&crowd).await.as_deref(), EXCEEDED);
    assert_eq!(newcomer(&other).await, None);
    // An accreditor vouches for the laboratory behind the same address.
    let lab = server.sign_in(network.signer(Role::Lab)).await;
    accredit(&network, &crowd, lab.address(), protocol::codes::Role::Lab.bit()).await;
    for epoch in 0..4 {
        assert_eq!(submit(&crowd, &lab, &register_key(&lab, epoch)).await, None, "{epoch}");
    }
}

#[tokio::test]
async fn accounts_for_whom_nobody_vouches_never_use_up_what_is_there_in_all() {
    let network = Network::start().await;
    let server = network.server_with(&["--gas-per-day-total", "1000000"]).await;
    let doctor = server.sign_in(network.signer(Role::Doctor)).await;
    accredit(&network, &server, doctor.address(), 1).await;
    let mut taken = 0;
    while newcomer(&server).await.is_none() {
        taken += 1;
        assert!(taken < 10, "half of what is there in all has an end");
    }
    assert!(taken > 0);
    assert_eq!(submit(&server, &doctor, &register_key(&doctor, 0)).await, None);
    let refused = 'taken: {
        for epoch in 1..10 {
            if let Some(code) = submit(&server, &doctor, &register_key(&doctor, epoch)).await {
                break 'taken Some(code);
            }
        }
        None
    };
    assert_eq!(refused.as_deref(), EXCEEDED, "what is there in all has an end for everybody");
    // Taking away has a budget of its own.
    assert_eq!(submit(&server, &doctor, &doctor.sign(revoke_all(&doctor))).await, None);
}

#[tokio::test]
async fn an_accredited_account_has_a_large_budget_and_a_known_one_a_medium_one() {
    let network = Network::start().await;
    let settings = ["--gas-per-day-new", "150000", "--gas-per-day-max", "300000"];
    let server = network.server_with(&settings).await;
    let (lab, patient) =
        (server.sign_in(network.signer(Role::Lab)).await, server.sign_in(network.signer(Role::Patient)).await);
    accredit(&network, &server, lab.address(), protocol::codes::Role::Lab.bit()).await;
    let mut taken = [0_u32; 2];
    for (taken, user) in taken.iter_mut().zip([&lab, &patient]) {
        while *taken < 8 && submit(&server, user, &register_key(user, *taken)).await.is_none() {
            *taken += 1;
        }
    }
    assert_eq!(taken[0], 8);
    assert!((2..4).contains(&taken[1]), "{taken:?}");
    let late = patient.post("/v1/actions", &register_key(&patient, taken[1])).await;
    assert_eq!(late.status, StatusCode::TOO_MANY_REQUESTS);
    assert!((1..=86_400).contains(&late.retry_after()));
}

#[tokio::test]
async fn a_stranger_needs_an_invitation_where_the_operator_says_so() {
    let network = Network::start().await;
    let server = network.server_with(&["--new-accounts", "invited"]).await;
    let stranger = server.newcomer().await;
    let not_invited = Some("not_invited".to_owned());
    assert_eq!(submit(&server, &stranger, &register_key(&stranger, 0)).await, not_invited);
    // A revocation needs no invitation.
    assert_eq!(submit(&server, &stranger, &stranger.sign(revoke_all(&stranger))).await, None);
    let path = format!("/v1/invitations/{:#x}", stranger.address());
    assert_eq!(stranger.put(&path, &json!(null)).await.code(), "forbidden");
    let other = server.sign_in(network.signer(Role::Doctor)).await;
    assert_eq!(submit(&server, &other, &register_key(&other, 0)).await, not_invited);
    let owner = server.sign_in(network.signer(Role::Owner)).await;
    assert_eq!(owner.put(&path, &json!(null)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(submit(&server, &stranger, &register_key(&stranger, 0)).await, None);
    // The doctor is accredited: nobody need invite it.
    accredit(&network, &server, other.address(), 1).await;
    assert_eq!(submit(&server, &other, &register_key(&other, 0)).await, None);
    // The operator's database does not say who was invited.
    let invitations = server.app.database.collection::<Document>("api_invitations");
    let kept = invitations.find_one(doc! {}).await.unwrap().unwrap().to_string();
    assert!(!kept.contains(&format!("{:x}", stranger.address())), "{kept}");
}

#[tokio::test]
async fn an_empty_budget_keeps_nobody_from_ending_what_stands() {
    let network = Network::start().await;
    let server = network.server_with(&["--gas-per-day-urgent", "0"]).await;
    let cast = Cast::on(&network, &server).await;
    let (record, salt) = cast.shared_record().await;
    assert_eq!(
        submit(&server, &cast.patient, &cast.patient.sign(revoke_all(&cast.patient))).await.as_deref(),
        EXCEEDED
    );
    let end = || json!({ "action": cast.revoke(record.id, salt) });
    assert_eq!(cast.patient.post("/v1/grants/revoke", &end()).await.status, StatusCode::OK);
    assert_eq!(cast.patient.post("/v1/grants/revoke", &end()).await.code(), "budget_exceeded");
    assert_eq!(cast.doctor.read(record.id, salt).await.err().expect("refused"), "grant_revoked");
}

#[tokio::test]
async fn a_contract_account_is_charged_what_it_can_burn_and_burns_no_more() {
    let network = Network::start().await;
    // A plain account's key fits easily, a contract's does not.
    let server = network.server_with(&["--gas-per-day-new", "400000"]).await;
    let submitter = server.newcomer().await;
    let contract = |byte| Address::repeat_byte(byte);
    // Accepts every signature: returns the magic word.
    let magic = format!("0x7f1626ba7e{}60005260206000f3", "00".repeat(28));
    network.rpc("anvil_setCode", json!([contract(0xc1), magic])).await;
    // Runs for ever.
    network.rpc("anvil_setCode", json!([contract(0xc2), "0x5b600056"])).await;
    let key = |owner| {
        let key = Bytes::copy_from_slice(submitter.key().public_key().as_bytes());
        let (nonce, deadline) = (seeds::nonce(), deadline(&server));
        let message = RegisterKey { owner, slot: 0, epoch: 0, kem: KEM_X_WING, key, nonce, deadline };
        SignedAction { action: Action::RegisterKey(message), signature: Bytes::from_static(&[7; 65]) }
    };
    assert_eq!(submit(&server, &submitter, &key(contract(0xc1))).await.as_deref(), EXCEEDED);
    assert_eq!(submit(&server, &submitter, &register_key(&submitter, 0)).await, None);
    assert_eq!(submit(&server, &submitter, &key(contract(0xc2))).await.as_deref(), Some("invalid_signature"));
    // With room for it, it is taken.
    let richer = network.server_with(&[]).await;
    assert_eq!(submit(&richer, &submitter, &key(contract(0xc1))).await, None);
    let long = SignedAction { signature: vec![7; 5_000].into(), ..key(contract(0xc1)) };
    assert_eq!(submit(&richer, &submitter, &long).await.as_deref(), Some("invalid_signature"));
}

#[tokio::test]
async fn a_deadline_without_an_end_is_refused() {
    let network = Network::start().await;
    let server = network.server_with(&[]).await;
    let patient = server.sign_in(network.signer(Role::Patient)).await;
    let end = |deadline| {
        let message = RevokeAll { patient: patient.address(), nonce: seeds::nonce(), deadline };
        patient.sign(Action::RevokeAll(message))
    };
    let now = server.app.clock.now();
    assert_eq!(submit(&server, &patient, &end(U256::MAX)).await.as_deref(), Some("out_of_range"));
    assert_eq!(submit(&server, &patient, &end(U256::from(now + 32 * 86_400))).await.as_deref(), Some("out_of_range"));
    assert_eq!(submit(&server, &patient, &end(U256::from(now + 30 * 86_400))).await, None);
}
