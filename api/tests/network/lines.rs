//! The three lines of the relay when blocks are full or rare, fees are high, or a relayer is poor.

use std::time::Duration;

use alloy::{
    primitives::{Address, U256},
    providers::Provider,
};
use axum::http::StatusCode;
use localnet::Role;
use mongodb::bson::{Document, doc};
use protocol::{
    bodies::relay::{ActionState, ActionView, Waiting},
    messages::Action,
};
use serde_json::{Value, json};

use crate::world::{
    actions::{register_key, revoke_all, tombstone},
    network::Network,
    people::{Cast, User},
    records::register_record,
    servers::Server,
    waiting::eventually,
};

/// Returns whether a relayer has a transaction that is not mined.
async fn has_pending(server: &Server, relayer: Address) -> bool {
    let count = || server.app.chain.get_transaction_count(relayer);
    count().pending().await.unwrap() > count().latest().await.unwrap()
}

async fn action(server: &Server, user: &User, known: &ActionView) -> ActionView {
    user.at(server).get(&format!("/v1/actions/{}", known.id)).await.ok()
}

async fn mined(server: &Server, user: &User, known: &ActionView) -> ActionView {
    eventually("the action is mined", || async {
        let view = action(server, user, known).await;
        (view.state == ActionState::Mined).then_some(view)
    })
    .await
}

async fn ready(server: &Server) -> (StatusCode, Value) {
    let answer = server.anon().get("/readyz").await;
    (answer.status, answer.json())
}

/// Returns the part of `/readyz` about one line.
async fn line(server: &Server, name: &str) -> Value {
    let (_, readiness) = ready(server).await;
    let lines = readiness["lines"].as_array().unwrap();
    lines.iter().find(|line| line["line"] == name).unwrap().clone()
}

#[tokio::test]
async fn the_ordinary_actions_of_300_accounts_delay_neither_a_revocation_nor_a_checkpoint() {
    let network = Network::start().await;
    let settings = ["--relay-wait-seconds", "0", "--relay-replace-seconds", "600", "--confirmations", "20"];
    let server = network.server_with(&settings).await;
    let slow = network.server().await;
    let cast = Cast::on(&network, &slow).await;
    let record = register_record(&cast.patient).await;
    let (kept, ended) = (cast.grant_now(&record).await, cast.grant_now(&record).await);

    network.rpc("evm_setAutomine", json!([false])).await;
    network.rpc("evm_setBlockGasLimit", json!(["0x1e8480"])).await; // 2,000,000
    network.rpc("evm_mine", json!([])).await;
    // The relay has seen how small blocks are.
    tokio::time::sleep(Duration::from_secs(4)).await;
    for _ in 0..300 {
        let stranger = server.newcomer().await;
        stranger.post("/v1/actions", &register_key(&stranger, 0)).await.has(StatusCode::ACCEPTED);
    }
    cast.doctor.at(&server).read(record.id, kept).await.unwrap();
    let end = json!({ "action": cast.revoke(record.id, ended) });
    let revoked = cast.patient.at(&server).post("/v1/grants/revoke", &end).await;
    assert_eq!(revoked.status, StatusCode::ACCEPTED);
    let revoked: ActionView = revoked.ok();
    let relayers = &server.app.relayers;
    eventually("revocation and checkpoint are on their way", || async {
        let (urgent, checkpoint) = (relayers.urgent.address(), relayers.checkpoint.address());
        (has_pending(&server, urgent).await && has_pending(&server, checkpoint).await).then_some(())
    })
    .await;

    // One block contains both. Ordinary actions fill at most half of it.
    network.rpc("evm_mine", json!([])).await;
    mined(&server, &cast.patient, &revoked).await;
    assert!(!has_pending(&server, relayers.checkpoint.address()).await);
    let actions = server.app.database.collection::<Document>("api_actions");
    let ordinary = |state: &str| doc! { "line": "ordinary", "state": state, "kind": "register_key" };
    assert!(actions.count_documents(ordinary("accepted")).await.unwrap() > 280);
    let block = network.rpc("eth_getBlockByNumber", json!(["latest", false])).await;
    let used = u64::from_str_radix(block["gasUsed"].as_str().unwrap().trim_start_matches("0x"), 16).unwrap();
    assert!(used < 1_500_000, "{used}");
    // The others follow, block by block, and nobody is lost.
    let waiting = actions.find_one(ordinary("accepted")).await.unwrap().unwrap();
    assert_eq!(waiting.get_str("waiting"), Ok("room"));
    network.rpc("evm_setBlockGasLimit", json!(["0x3938700"])).await; // 60,000,000
    network.rpc("evm_setAutomine", json!([true])).await;
    network.rpc("evm_mine", json!([])).await;
    eventually("all are mined", || async {
        (actions.count_documents(ordinary("accepted")).await.unwrap() == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn above_the_fee_ceiling_an_action_waits_and_says_so() {
    let network = Network::start().await;
    let settings = ["--relay-wait-seconds", "1", "--fee-gwei-max", "20", "--relay-replace-seconds", "600"];
    let server = network.server_with(&settings).await;
    let patient = server.sign_in(network.signer(Role::Patient)).await;
    let answer = patient.post("/v1/actions", &patient.sign(revoke_all(&patient))).await;
    assert_eq!(answer.status, StatusCode::OK);

    network.rpc("anvil_setNextBlockBaseFeePerGas", json!(["0xba43b7400"])).await; // 50 gwei
    network.rpc("evm_mine", json!([])).await;
    eventually("readiness says so", || async {
        (line(&server, "ordinary").await["is_at_fee_ceiling"] == json!(true)).then_some(())
    })
    .await;
    assert_eq!(ready(&server).await.0, StatusCode::SERVICE_UNAVAILABLE);
    let text = server.anon().get("/metrics").await.text();
    assert!(text.contains("medlock_api_relayer_at_fee_ceiling{line=\"urgent\"} 1"), "{text}");
    let view: ActionView = patient.post("/v1/actions", &register_key(&patient, 0)).await.ok();
    assert_eq!((view.state, view.waiting, view.tx_hash), (ActionState::Accepted, Some(Waiting::Fees), None));

    network.rpc("anvil_setNextBlockBaseFeePerGas", json!(["0x3b9aca00"])).await; // 1 gwei
    network.rpc("evm_mine", json!([])).await;
    let view = mined(&server, &patient, &view).await;
    assert_eq!(view.waiting, None);
    let sent = network.rpc("eth_getTransactionByHash", json!([view.tx_hash.unwrap()])).await;
    let fee: U256 = sent["maxFeePerGas"].as_str().unwrap().parse().unwrap();
    assert!(fee <= U256::from(20_000_000_000_u64), "{fee}");
    assert_eq!(ready_parts(&server).await, json!(true));
}

/// Returns the part of `/readyz` about all relayers. The whole is never ready here, because no indexer runs.
async fn ready_parts(server: &Server) -> Value {
    ready(server).await.1["relayers"].clone()
}

#[tokio::test]
async fn a_nonce_whose_action_has_expired_is_given_up_by_a_plain_transfer() {
    let network = Network::start().await;
    let settings = ["--relay-wait-seconds", "1", "--relay-replace-seconds", "1"];
    let server = network.server_with(&settings).await;
    let patient = server.sign_in(network.signer(Role::Patient)).await;
    let doctor = server.sign_in(network.signer(Role::Doctor)).await;
    let warm = register_key(&doctor, 0);
    assert_eq!(doctor.post("/v1/actions", &warm).await.status, StatusCode::OK);

    network.rpc("evm_setAutomine", json!([false])).await;
    let mut message = register_key(&patient, 0).action;
    if let Action::RegisterKey(message) = &mut message {
        message.deadline = U256::from(server.app.clock.now() + 4);
    }
    let view: ActionView = patient.post("/v1/actions", &patient.sign(message)).await.ok();
    assert_eq!(view.state, ActionState::Sent);
    let behind: ActionView = doctor.post("/v1/actions", &register_key(&doctor, 1)).await.ok();

    let relayer = server.app.relayers.ordinary.address();
    let transfer = eventually("a transfer to itself takes the nonce", || async {
        let hash = action(&server, &patient, &view).await.tx_hash.unwrap();
        let sent = network.rpc("eth_getTransactionByHash", json!([hash])).await;
        (sent["gas"] == json!("0x5208")).then_some(sent)
    })
    .await;
    assert_eq!(transfer["to"].as_str().unwrap().parse::<Address>().unwrap(), relayer);
    assert_eq!((&transfer["value"], &transfer["input"]), (&json!("0x0"), &json!("0x")));
    network.rpc("evm_setAutomine", json!([true])).await;
    network.rpc("evm_mine", json!([])).await;
    let failed = eventually("the action has failed", || async {
        let view = action(&server, &patient, &view).await;
        (view.state == ActionState::Failed).then_some(view)
    })
    .await;
    assert_eq!(failed.problem.unwrap().code, "expired");
    mined(&server, &doctor, &behind).await;
}

#[tokio::test]
async fn a_nonce_whose_action_can_no_longer_succeed_is_given_up() {
    let network = Network::start().await;
    let settings = ["--relay-wait-seconds", "1", "--relay-replace-seconds", "2"];
    let server = network.server_with(&settings).await;
    let patient = server.sign_in(network.signer(Role::Patient)).await;
    let answer = patient.post("/v1/actions", &patient.sign(revoke_all(&patient))).await;
    assert_eq!(answer.status, StatusCode::OK);
    network.rpc("evm_setAutomine", json!([false])).await;
    let view: ActionView = patient.post("/v1/actions", &register_key(&patient, 0)).await.ok();
    let ours = network.rpc("eth_getTransactionByHash", json!([view.tx_hash.unwrap()])).await;
    // Ours does not get into the block, but the same call of somebody else does.
    network.rpc("anvil_dropTransaction", json!([view.tx_hash.unwrap()])).await;
    let thief = Address::repeat_byte(0x7e);
    network.rpc("anvil_setBalance", json!([thief, "0xde0b6b3a7640000"])).await;
    network.rpc("anvil_impersonateAccount", json!([thief])).await;
    let copy = json!({ "from": thief, "to": ours["to"], "data": ours["input"], "gas": ours["gas"] });
    network.rpc("eth_sendTransaction", json!([copy])).await;
    network.rpc("evm_mine", json!([])).await;
    eventually("the action is over", || async {
        network.rpc("evm_mine", json!([])).await;
        (action(&server, &patient, &view).await.state == ActionState::Failed).then_some(())
    })
    .await;
    // The relayer paid for a transfer, or for at most one refused attempt.
    assert!(!has_pending(&server, server.app.relayers.ordinary.address()).await);
}

#[tokio::test]
async fn a_poor_relayer_says_so_and_a_revocation_that_waits_for_funds_stops_reads() {
    let network = Network::start().await;
    let server = network.server_with(&["--relay-wait-seconds", "1"]).await;
    let cast = Cast::on(&network, &server).await;
    let (record, salt) = cast.shared_record().await;
    let other = cast.grant_now(&record).await;
    cast.doctor.read(record.id, salt).await.unwrap();
    let relayers = server.app.relayers.clone();
    let becomes = async |name: &str, wei: &str| {
        let key = match name {
            "ordinary" => &relayers.ordinary,
            "urgent" => &relayers.urgent,
            _ => &relayers.checkpoint,
        };
        network.rpc("anvil_setBalance", json!([key.address(), wei])).await;
        eventually("readiness knows", || async {
            (line(&server, name).await["has_funds"] == json!(wei != "0x0")).then_some(())
        })
        .await;
    };

    // Grants are refused and revocations are accepted.
    becomes("ordinary", "0x0").await;
    assert_eq!(ready(&server).await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ready_parts(&server).await, json!(false));
    let text = server.anon().get("/metrics").await.text();
    assert!(text.contains("medlock_api_relayer_poor{line=\"ordinary\"} 1"), "{text}");
    assert!(text.contains("medlock_api_relayer_poor{line=\"urgent\"} 0"), "{text}");
    let refused = cast.patient.post("/v1/actions", &register_key(&cast.patient, 1)).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "relayer_poor"));
    assert!(refused.retry_after() > 0);
    let end = json!({ "action": cast.revoke(record.id, other) });
    assert_eq!(cast.patient.post("/v1/grants/revoke", &end).await.status, StatusCode::OK);

    // A revocation is accepted all the same, waits, and stops reads.
    becomes("urgent", "0x0").await;
    let end = json!({ "action": cast.revoke(record.id, salt) });
    let waiting = cast.patient.post("/v1/grants/revoke", &end).await;
    assert_eq!(waiting.status, StatusCode::ACCEPTED);
    let waiting: ActionView = waiting.ok();
    assert_eq!((waiting.state, waiting.waiting), (ActionState::Accepted, Some(Waiting::Funds)));
    assert_eq!(cast.doctor.read(record.id, salt).await.err().expect("refused"), "grant_revoked");
    becomes("urgent", "0x56bc75e2d63100000").await;
    mined(&server, &cast.patient, &waiting).await;
    becomes("ordinary", "0x56bc75e2d63100000").await;

    // When the relayer for checkpoints has no money, reads are refused.
    let again = cast.grant_now(&record).await;
    becomes("checkpoint", "0x0").await;
    let leaves = server.app.log_database.collection::<Document>("log_leaves");
    let before = leaves.count_documents(doc! {}).await.unwrap();
    assert_eq!(cast.doctor.read(record.id, again).await.err().expect("refused"), "log_behind");
    assert_eq!(leaves.count_documents(doc! {}).await.unwrap(), before);
    becomes("checkpoint", "0x56bc75e2d63100000").await;
    cast.doctor.read(record.id, again).await.unwrap();
}

#[tokio::test]
async fn reads_stay_refused_for_a_revocation_until_its_deadline_and_no_longer() {
    let network = Network::start().await;
    let server = network.server_with(&["--relay-wait-seconds", "0"]).await;
    let slow = network.server().await;
    let cast = Cast::on(&network, &slow).await;
    let (record, salt) = cast.shared_record().await;
    // Its transaction is never mined: the purse is empty.
    network.rpc("anvil_setBalance", json!([server.app.relayers.urgent.address(), "0x0"])).await;
    eventually("the purse is known to be empty", || async {
        (line(&server, "urgent").await["has_funds"] == json!(false)).then_some(())
    })
    .await;
    let mut end = cast.revoke(record.id, salt).action;
    if let Action::Revoke(message) = &mut end {
        message.deadline = U256::from(server.app.clock.now() + 6);
    }
    let end = json!({ "action": cast.patient.sign(end) });
    let accepted = cast.patient.at(&server).post("/v1/grants/revoke", &end).await;
    assert_eq!(accepted.status, StatusCode::ACCEPTED);
    let accepted: ActionView = accepted.ok();
    let actions = server.app.database.collection::<Document>("api_actions");
    let turn = async || {
        let action = actions.find_one(doc! { "_id": accepted.id.to_string() }).await.unwrap().expect("stored");
        action.get_str("turn").unwrap().to_owned()
    };
    assert_ne!(turn().await, "", "it waits for its turn");
    for server in [&server, &slow] {
        assert_eq!(cast.doctor.at(server).read(record.id, salt).await.err().expect("refused"), "grant_revoked");
    }
    eventually("the deadline ends it", || async { cast.doctor.at(&server).read(record.id, salt).await.ok() }).await;
    let failed = eventually("it has failed", || async {
        let view = action(&server, &cast.patient, &accepted).await;
        (view.state == ActionState::Failed).then_some(view)
    })
    .await;
    assert_eq!(failed.problem.unwrap().code, "expired");
    assert_eq!(turn().await, "", "nothing tells any longer whose turn it was");
    eventually("nothing is open", || async {
        let open = doc! { "open_revocation_of": { "$exists": true } };
        (actions.count_documents(open).await.unwrap() == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_tombstone_that_is_accepted_stops_reads_before_it_is_mined() {
    let network = Network::start().await;
    let server = network.server_with(&["--relay-wait-seconds", "1"]).await;
    let cast = Cast::on(&network, &server).await;
    let (record, salt) = cast.shared_record().await;
    network.rpc("evm_setAutomine", json!([false])).await;
    let tombstone = cast.patient.sign(tombstone(&cast.patient, record.id, 0));
    assert_eq!(cast.patient.post("/v1/actions", &tombstone).await.status, StatusCode::ACCEPTED);
    assert_eq!(cast.doctor.read(record.id, salt).await.err().expect("refused"), "record_tombstoned");
    assert!(has_pending(&server, server.app.relayers.urgent.address()).await, "it goes on the urgent line");
}
