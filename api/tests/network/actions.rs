//! The relay: each signed action is mined once, or refused with its code.

use alloy::{
    primitives::{Address, U256, aliases::U40},
    providers::Provider,
    signers::SignerSync,
};
use api::at_rest::Lookup;
use axum::http::{Method, StatusCode};
use contracts::key_registry::KeyRegistry;
use localnet::Role;
use mongodb::bson::{Document, doc};
use protocol::{
    bodies::relay::{ActionState, ActionView},
    codes::{KEM_SECP256K1, KEM_X_WING},
    deployment::{ContractName, Deployment},
    messages::{
        Accredit, Action, Checkpoint, RegisterKey, RegisterRecord, Retract, SignedAction, Supersede, accesses_hash,
    },
};
use serde_json::json;

use crate::world::{
    actions::{deadline, lift, register_key, revoke_all, tombstone},
    grants::{Terms, grant_body},
    network::Network,
    people::{Cast, User},
    records::register_record,
    seeds,
    servers::Server,
    waiting::eventually,
};

async fn key_epoch(server: &Server, owner: Address) -> u32 {
    let registry =
        KeyRegistry::new(server.app.deployment.address_of(ContractName::KeyRegistry), server.app.chain.clone());
    registry.keyOf(owner, 0).call().await.unwrap().epoch
}

/// Returns how many transactions the relayers of people's actions have sent.
async fn relayer_nonce(server: &Server) -> u64 {
    let relayers = &server.app.relayers;
    let of = |address| server.app.chain.get_transaction_count(address).into_future();
    let (ordinary, urgent) = tokio::join!(of(relayers.ordinary.address()), of(relayers.urgent.address()));
    ordinary.unwrap() + urgent.unwrap()
}

async fn submit(server: &Server, user: &User, signed: &SignedAction) -> (StatusCode, Option<String>) {
    let answer = user.at(server).post("/v1/actions", signed).await;
    let code = (!answer.status.is_success()).then(|| answer.code());
    (answer.status, code)
}

/// Starts a network and a server with these settings, and stops mining.
async fn without_mining(settings: &[&str]) -> (Network, Server, User) {
    let network = Network::start().await;
    let server = network.server_with(settings).await;
    let patient = server.sign_in(network.signer(Role::Patient)).await;
    // The relay must have a leader before mining stops, or the first action waits for one.
    patient.carry_out(revoke_all(&patient)).await;
    network.rpc("evm_setAutomine", json!([false])).await;
    (network, server, patient)
}

#[tokio::test]
async fn a_signed_action_is_mined_once_and_the_same_bytes_give_the_same_answer() {
    let network = Network::start().await;
    let server = network.server().await;
    let patient = server.sign_in(network.signer(Role::Patient)).await;
    let signed = register_key(&patient, 0);

    // Twice at the same moment, then again: one transaction.
    let before = relayer_nonce(&server).await;
    let (first, second) = tokio::join!(patient.post("/v1/actions", &signed), patient.post("/v1/actions", &signed));
    let first: ActionView = first.ok();
    let second: ActionView = second.ok();
    let third: ActionView = patient.post("/v1/actions", &signed).await.ok();
    assert_eq!(first.state, ActionState::Mined);
    assert!(first.tx_hash.is_some() && first.block_number.is_some());
    assert_eq!((first.id, first.tx_hash), (second.id, second.tx_hash));
    assert_eq!((first.id, first.tx_hash, first.block_number), (third.id, third.tx_hash, third.block_number));
    assert_eq!(key_epoch(&server, patient.address()).await, 1);
    eventually("exactly one transaction", || async { (relayer_nonce(&server).await == before + 1).then_some(()) })
        .await;

    // Its signer may look it up, a stranger learns nothing.
    let again: ActionView = patient.get(&format!("/v1/actions/{}", first.id)).await.ok();
    assert_eq!(again.state, ActionState::Mined);
    let stranger = server.sign_in(network.signer(Role::SecondPatient)).await;
    assert_eq!(stranger.get(&format!("/v1/actions/{}", first.id)).await.code(), "not_found");
}

#[tokio::test]
async fn an_action_that_the_contracts_would_refuse_is_refused_with_its_code_and_not_sent() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let (patient, doctor) = (&cast.patient, &cast.doctor);
    let record = register_record(patient).await;
    let before = relayer_nonce(&server).await;

    let refused = async |user: &User, action: Action| {
        submit(&server, user, &user.sign(action)).await.1.unwrap_or_else(|| "accepted".to_owned())
    };
    // Shared by all contracts.
    let mut expired = register_key(patient, 1);
    if let Action::RegisterKey(message) = &mut expired.action {
        message.deadline = U256::from(server.app.clock.now());
    }
    let expired = patient.sign(expired.action);
    assert_eq!(submit(&server, patient, &expired).await.1.unwrap(), "expired");
    let foreign = doctor.sign(register_key(patient, 1).action);
    assert_eq!(submit(&server, patient, &foreign).await.1.unwrap(), "invalid_signature");
    let message = register_key(patient, 1).action;
    let elsewhere =
        Deployment { chain_id: server.app.deployment.chain_id + 1, ..Deployment::clone(&server.app.deployment) };
    let signature = patient.signer.sign_hash_sync(&message.signing_hash(&elsewhere)).unwrap();
    let other_chain = SignedAction { action: message, signature: signature.as_bytes().into() };
    assert_eq!(submit(&server, patient, &other_chain).await.1.unwrap(), "invalid_signature");
    let mut malformed = register_key(patient, 1);
    malformed.signature = malformed.signature[..64].to_vec().into();
    assert_eq!(submit(&server, patient, &malformed).await.1.unwrap(), "invalid_signature");
    let used = record.message().nonce;
    let supersede = |nonce| Supersede {
        patient: patient.address(),
        record: record.id.0,
        version: 1,
        nonce,
        deadline: deadline(&server),
    };
    assert_eq!(refused(patient, Action::Supersede(supersede(used))).await, "nonce_used");
    // KeyRegistry.
    assert_eq!(refused(patient, register_key(patient, 0).action).await, "stale_state");
    let key = |slot, key: Vec<u8>| RegisterKey {
        owner: patient.address(),
        slot,
        epoch: 1,
        kem: if slot == 0 { KEM_X_WING } else { KEM_SECP256K1 },
        key: key.into(),
        nonce: seeds::nonce(),
        deadline: deadline(&server),
    };
    assert_eq!(refused(patient, Action::RegisterKey(key(0, vec![4; 1_215]))).await, "out_of_range");
    assert_eq!(refused(patient, Action::RegisterKey(key(9, vec![4; 1_216]))).await, "out_of_range");
    // RecordRegistry.
    let newer = Supersede { version: 2, ..supersede(seeds::nonce()) };
    assert_eq!(refused(patient, Action::Supersede(newer)).await, "stale_state");
    assert_eq!(refused(patient, tombstone(patient, seeds::record(), 0)).await, "unknown_record");
    assert_eq!(refused(doctor, tombstone(doctor, record.id, 0)).await, "forbidden");
    assert_eq!(refused(patient, tombstone(patient, record.id, 1)).await, "stale_state");
    assert_eq!(refused(patient, lift(patient, record.id, 0)).await, "stale_state");
    let retract = |uploader: &User| Retract {
        uploader: uploader.address(),
        record: record.id.0,
        version: 1,
        salt: seeds::bytes(),
        writeSalt: seeds::bytes(),
        nonce: seeds::nonce(),
        deadline: deadline(&server),
    };
    assert_eq!(refused(patient, Action::Retract(retract(patient))).await, "forbidden");
    assert_eq!(refused(doctor, Action::Retract(retract(doctor))).await, "forbidden");
    let again = record.message();
    let twice = Action::RegisterRecord(RegisterRecord { nonce: seeds::nonce(), ..again.clone() });
    assert_eq!(refused(patient, twice).await, "already_exists");
    let category = RegisterRecord { nonce: seeds::nonce(), category: 999, ..again.clone() };
    assert_eq!(refused(patient, Action::RegisterRecord(category)).await, "unknown_category");
    let upload = |uploader: &User| RegisterRecord {
        uploader: uploader.address(),
        salt: seeds::bytes(),
        nonce: seeds::nonce(),
        ..again.clone()
    };
    assert_eq!(refused(doctor, Action::RegisterRecord(upload(doctor))).await, "no_grant");
    let stranger = server.sign_in(network.signer(Role::SecondDoctor)).await;
    assert_eq!(refused(&stranger, Action::RegisterRecord(upload(&stranger))).await, "not_accredited");
    // GrantRegistry.
    let grant = |terms: Terms| grant_body(patient, doctor, &record, &terms).action.unwrap().action;
    assert_eq!(refused(patient, grant(Terms { epoch: 7, ..Terms::now(&server) })).await, "stale_state");
    assert_eq!(refused(patient, grant(Terms { patient_epoch: 7, ..Terms::now(&server) })).await, "stale_state");
    assert_eq!(refused(patient, grant(Terms { purposes: 0, ..Terms::now(&server) })).await, "out_of_range");
    // Accreditation.
    let vouch = Accredit {
        accreditor: doctor.address(),
        practitioner: patient.address(),
        roles: 1,
        validFrom: U40::from(1_u8),
        validUntil: U40::from(2_u8),
        epoch: 0,
        accreditorEpoch: 1,
        nonce: seeds::nonce(),
        deadline: deadline(&server),
    };
    assert_eq!(refused(doctor, Action::Accredit(vouch)).await, "forbidden");
    // The operator's own.
    let checkpoint = Checkpoint {
        operator: patient.address(),
        previousHead: Default::default(),
        size: 1,
        root: seeds::bytes(),
        accessesHash: accesses_hash(&[]),
        nonce: seeds::nonce(),
        deadline: deadline(&server),
    };
    assert_eq!(refused(patient, Action::Checkpoint(checkpoint)).await, "forbidden");

    assert_eq!(relayer_nonce(&server).await, before);
}

#[tokio::test]
async fn an_accepted_action_survives_a_restart_and_a_dropped_transaction() {
    let (network, server, patient) = without_mining(&["--relay-wait-seconds", "1"]).await;
    let signed = register_key(&patient, 0);
    let answer = patient.post("/v1/actions", &signed).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let view: ActionView = answer.ok();
    assert_eq!(view.state, ActionState::Sent);
    let hash = view.tx_hash.unwrap();

    // The node forgets it, and the server goes away.
    network.rpc("anvil_dropTransaction", json!([hash])).await;
    server.stop().await;
    drop(server);
    network.rpc("evm_setAutomine", json!([true])).await;

    let server = network.server().await;
    let patient = patient.at(&server);
    let settled = eventually("the action is mined after the restart", || async {
        let view: ActionView = patient.get(&format!("/v1/actions/{}", view.id)).await.ok();
        (view.state == ActionState::Mined).then_some(view)
    })
    .await;
    assert_eq!(settled.tx_hash, Some(hash), "the stored transaction was sent again, not a new one");
    assert_eq!(key_epoch(&server, patient.address()).await, 1);
}

#[tokio::test]
async fn a_client_that_hangs_up_and_asks_again_learns_the_outcome() {
    let (network, server, patient) = without_mining(&[]).await;
    let signed = register_key(&patient, 0);
    let ask = || patient.call_with(Method::POST, "/v1/actions", &signed, &[("idempotency-key", "k")]);
    // The client is there until its action is on its way, and goes.
    let sent = async {
        eventually("the action is sent", || async {
            let path = format!("/v1/actions/{}", signed.action.id(&server.app.deployment));
            let answer = patient.get(&path).await;
            (answer.status == StatusCode::OK && answer.ok::<ActionView>().state == ActionState::Sent).then_some(())
        })
        .await;
    };
    tokio::select! {
        _ = ask() => panic!("nothing is mined yet"),
        () = sent => {}
    }
    // It asks again while the first request still waits, and is answered with its outcome.
    let mined = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        network.rpc("evm_setAutomine", json!([true])).await;
        network.rpc("evm_mine", json!([])).await;
    };
    let (again, ()) = tokio::join!(ask(), mined);
    again.has(StatusCode::OK);
    assert_eq!(again.header("idempotency-replayed"), "true");
    let view: ActionView = again.json();
    assert_eq!(view.state, ActionState::Mined);
    assert_eq!(key_epoch(&server, patient.address()).await, 1);
}

#[tokio::test]
async fn an_action_that_was_not_mined_yet_is_asked_for_anew_under_the_same_key() {
    let (network, server, patient) = without_mining(&["--relay-wait-seconds", "1"]).await;
    let signed = register_key(&patient, 0);
    let ask = async || {
        let answer = patient.call_with(Method::POST, "/v1/actions", &signed, &[("idempotency-key", "k")]).await;
        let head = (answer.status, answer.headers.contains_key("idempotency-replayed"));
        (head, answer.json::<ActionView>())
    };
    assert_eq!(ask().await.0, (StatusCode::ACCEPTED, false));
    assert_eq!(ask().await.0, (StatusCode::ACCEPTED, false));
    network.rpc("evm_setAutomine", json!([true])).await;
    network.rpc("evm_mine", json!([])).await;
    let mined = eventually("the same request says that it is mined", || async {
        let (head, view) = ask().await;
        (view.state == ActionState::Mined).then_some(head)
    });
    assert_eq!(mined.await.0, StatusCode::OK);
    // That is the last word, and is kept.
    assert_eq!(ask().await.0, (StatusCode::OK, true));
    assert_eq!(key_epoch(&server, patient.address()).await, 1);
}

#[tokio::test]
async fn a_stuck_transaction_is_replaced_by_one_that_pays_more() {
    let (network, server, patient) =
        without_mining(&["--relay-wait-seconds", "1", "--relay-replace-seconds", "1"]).await;
    let view: ActionView = patient.post("/v1/actions", &register_key(&patient, 0)).await.ok();
    let first = view.tx_hash.unwrap();
    let replaced = eventually("another transaction takes the nonce", || async {
        let view: ActionView = patient.get(&format!("/v1/actions/{}", view.id)).await.ok();
        (view.tx_hash != Some(first)).then_some(())
    })
    .await;
    let () = replaced;
    network.rpc("evm_setAutomine", json!([true])).await;
    network.rpc("evm_mine", json!([])).await;
    eventually("it is mined", || async {
        let view: ActionView = patient.get(&format!("/v1/actions/{}", view.id)).await.ok();
        (view.state == ActionState::Mined).then_some(())
    })
    .await;
    assert_eq!(key_epoch(&server, patient.address()).await, 1);
}

#[tokio::test]
async fn two_replicas_share_one_queue_and_never_a_nonce() {
    let network = Network::start().await;
    let (one, two) = (network.server().await, network.server().await);
    let patient = one.sign_in(network.signer(Role::Patient)).await;
    let doctor = one.sign_in(network.signer(Role::Doctor)).await;
    let before = relayer_nonce(&one).await;
    let end = |user: &User| user.sign(revoke_all(user));
    let rounds = (0..10).map(|_| async {
        let (first, second) = (end(&patient), end(&doctor));
        let (first, second) = tokio::join!(submit(&one, &patient, &first), submit(&two, &doctor, &second));
        assert_eq!((first.0, second.0), (StatusCode::OK, StatusCode::OK), "{first:?} {second:?}");
    });
    futures::future::join_all(rounds).await;
    assert_eq!(relayer_nonce(&one).await, before + 20);
}

#[tokio::test]
async fn an_account_has_a_gas_budget_for_the_day() {
    let network = Network::start().await;
    let server = network.server_with(&["--gas-per-day-max", "200000", "--gas-per-day-urgent", "1200000"]).await;
    let patient = server.sign_in(network.signer(Role::Patient)).await;
    let end = || patient.sign(revoke_all(&patient));
    let exceeded = Some("budget_exceeded".to_owned());
    let mut registered = 0;
    let refused = loop {
        match submit(&server, &patient, &register_key(&patient, registered)).await.1 {
            None => registered += 1,
            code => break code,
        }
        assert!(registered < 10, "the budget has an end");
    };
    assert_eq!((registered > 0, refused), (true, exceeded.clone()));
    // Without a budget, grants can still be ended. That has a budget of its own, which ends too.
    let mut codes = Vec::new();
    for _ in 0..12 {
        codes.push(submit(&server, &patient, &end()).await.1);
    }
    assert_eq!(codes.first(), Some(&None));
    assert_eq!(codes.last(), Some(&exceeded));
    // Another sender still has a budget, even for an action of the same signer.
    let doctor = server.sign_in(network.signer(Role::Doctor)).await;
    assert_eq!(submit(&server, &doctor, &end()).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_mined_action_that_falls_out_of_the_chain_is_mined_again() {
    let network = Network::start().await;
    let server = network.server_with(&["--confirmations", "20"]).await;
    let patient = server.sign_in(network.signer(Role::Patient)).await;
    let signed = register_key(&patient, 0);
    let mined: ActionView = patient.post("/v1/actions", &signed).await.ok();
    assert_eq!(key_epoch(&server, patient.address()).await, 1);

    network.rpc("anvil_rollback", json!([1])).await;
    assert_eq!(key_epoch(&server, patient.address()).await, 0);
    eventually("the key stands again", || async { (key_epoch(&server, patient.address()).await == 1).then_some(()) })
        .await;
    let view: ActionView = patient.get(&format!("/v1/actions/{}", mined.id)).await.ok();
    assert_eq!(view.id, mined.id);
}

#[tokio::test]
async fn a_grant_that_somebody_else_sends_first_counts_and_keeps_its_bundle() {
    let network = Network::start().await;
    let server = network.server_with(&["--relay-wait-seconds", "1"]).await;
    let cast = Cast::on(&network, &server).await;
    let record = register_record(&cast.patient).await;
    let terms = Terms::now(&server);
    let body = grant_body(&cast.patient, &cast.doctor, &record, &terms);

    network.rpc("evm_setAutomine", json!([false])).await;
    let sent: ActionView = cast.patient.post("/v1/grants", &body).await.ok();
    assert_eq!(sent.state, ActionState::Sent);
    let ours = network.rpc("eth_getTransactionByHash", json!([sent.tx_hash.unwrap()])).await;
    // Somebody copies the call from the mempool and pays more, so that the copy is mined first.
    let thief = Address::repeat_byte(0x7e);
    network.rpc("anvil_setBalance", json!([thief, "0xde0b6b3a7640000"])).await;
    network.rpc("anvil_impersonateAccount", json!([thief])).await;
    let copy = json!({
        "from": thief, "to": ours["to"], "data": ours["input"], "gas": ours["gas"],
        "maxFeePerGas": "0x174876e800", "maxPriorityFeePerGas": "0x174876e800",
    });
    let copied = network.rpc("eth_sendTransaction", json!([copy])).await;
    network.rpc("evm_mine", json!([])).await;
    network.rpc("evm_setAutomine", json!([true])).await;
    let status = async |hash: &serde_json::Value| {
        network.rpc("eth_getTransactionReceipt", json!([hash])).await["status"].as_str().map(str::to_owned)
    };
    assert_eq!(status(&copied).await.as_deref(), Some("0x1"));
    assert_eq!(status(&ours["hash"]).await.as_deref(), Some("0x0"), "ours came second");

    let settled = eventually("the grant is settled", || async {
        let view: ActionView = cast.patient.get(&format!("/v1/actions/{}", sent.id)).await.ok();
        matches!(view.state, ActionState::Mined | ActionState::Failed).then_some(view)
    })
    .await;
    assert_eq!(settled.state, ActionState::Mined);
    let rows = server.app.database.collection::<Document>("api_received");
    let grant = cast.grant_of(record.id, terms.salt);
    let kept = doc! { "_id": server.app.at_rest.find(Lookup::Received, grant.0) };
    assert_eq!(rows.count_documents(kept).await.unwrap(), 1);
    cast.doctor.read(record.id, terms.salt).await.unwrap();
}
