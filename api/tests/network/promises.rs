//! The time that a receipt promises follows from the queue of the log, and is kept.

use alloy::{providers::Provider, rpc::types::Filter, sol_types::SolEvent};
use axum::http::StatusCode;
use contracts::access_log::AccessLog::Accessed;
use mongodb::bson::{Document, doc};
use protocol::{bodies::reads::ReadAnswer, codes::Purpose, deployment::ContractName, ids::LeafHash};
use serde_json::json;

use crate::world::{
    grants::Terms, network::Network, people::Cast, records::register_record, servers::Server, waiting::eventually,
};

/// Returns the time of the block that has a leaf.
async fn anchored_at(server: &Server, leaf: LeafHash) -> Option<u64> {
    let filter = Filter::new().address(server.app.deployment.address_of(ContractName::AccessLog)).from_block(0);
    let logs = server.app.chain.get_logs(&filter).await.unwrap();
    let is_ours =
        |log: &&alloy::rpc::types::Log| Accessed::decode_log(&log.inner).is_ok_and(|accessed| accessed.leaf == leaf.0);
    let number = logs.iter().find(is_ours)?.block_number?;
    Some(server.app.chain.get_block_by_number(number.into()).await.unwrap()?.header.timestamp)
}

#[tokio::test]
async fn every_promise_holds_on_blocks_of_twelve_seconds() {
    let network = Network::start().await;
    let server = network.server_with(&["--anchor-seconds-min", "1"]).await;
    let cast = Cast::on(&network, &server).await;
    let record = register_record(&cast.patient).await;
    let salt = cast.grant(&record, Terms { not_after: server.app.clock.now() + 86_400, ..Terms::now(&server) }).await;
    network.rpc("evm_setAutomine", json!([false])).await;
    let block = async || {
        network.rpc("evm_increaseTime", json!([12])).await;
        network.rpc("evm_mine", json!([])).await;
    };
    // The pace of the chain is seen.
    for _ in 0..10 {
        block().await;
    }
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    let relayer = server.app.relayers.checkpoint.address();
    let mut promised = Vec::new();
    for round in 0..6 {
        for _ in 0..=round {
            let answer = cast.doctor.read(record.id, salt).await.unwrap();
            let evidence: protocol::bodies::log::LogEvidence =
                cast.doctor.get(&format!("/v1/log/leaves/{}", answer.leaf)).await.ok();
            assert_eq!(evidence.leaf.anchor_by, answer.receipt.receipt.anchorBy, "the leaf says the same");
            assert!(evidence.leaf.is_promised_in_time());
            let ahead = evidence.leaf.anchor_by - evidence.leaf.time;
            assert!(ahead >= 24, "two blocks, as one checkpoint may be on its way: {ahead}");
            promised.push((answer.leaf, answer.receipt.receipt.anchorBy));
        }
        eventually("a checkpoint is on its way", || async {
            let count = || server.app.chain.get_transaction_count(relayer);
            (count().pending().await.unwrap() > count().latest().await.unwrap()).then_some(())
        })
        .await;
        // Reads that come while it is on its way wait for the next.
        block().await;
    }
    for (leaf, anchor_by) in promised {
        let at = eventually("the leaf is anchored", || async {
            let at = anchored_at(&server, leaf).await;
            if at.is_none() {
                network.rpc("evm_mine", json!([])).await;
            }
            at
        })
        .await;
        assert!(at <= anchor_by, "anchored {} s late", at - anchor_by);
    }
}

#[tokio::test]
async fn a_log_that_is_behind_refuses_reads_before_it_writes_a_leaf() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let (record, salt) = cast.shared_record().await;
    // Nobody sequences.
    server.stop().await;
    let idle = network.idle_server(&[]).await;
    let first = cast.doctor.at(&idle).read_request(record.id, salt, Purpose::Treatment, 50);
    let answered: ReadAnswer = cast.doctor.at(&idle).post("/v1/reads", &first).await.ok();

    let leaves = server.app.log_database.collection::<Document>("log_leaves");
    let now = jiff::Timestamp::now().as_millisecond();
    let waiting = |count: i64, appended_at: i64| {
        (0..count).map(move |number| {
            let name = format!("{count}:{number}");
            doc! { "_id": &name, "request": &name, "session": "s", "is_placed": false, "appended_at": appended_at }
        })
    };
    let behind = async |what: &str, docs: Vec<Document>| {
        leaves.insert_many(docs).await.unwrap();
        let before = leaves.count_documents(doc! {}).await.unwrap();
        // Another replica, which has not looked yet.
        let replica = network.idle_server(&[]).await;
        let body = cast.doctor.at(&replica).read_request(record.id, salt, Purpose::Treatment, 50);
        let refused = cast.doctor.at(&replica).post("/v1/reads", &body).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (StatusCode::SERVICE_UNAVAILABLE, "log_behind"),
            "{what}"
        );
        assert!(refused.retry_after() > 0);
        assert_eq!(leaves.count_documents(doc! {}).await.unwrap(), before, "{what}");
        // The receipt of the same request does not change.
        let again: ReadAnswer = cast.doctor.at(&replica).post("/v1/reads", &first).await.ok();
        assert_eq!(again.receipt, answered.receipt);
        leaves.delete_many(doc! { "session": "s" }).await.unwrap();
    };
    behind("too many wait", waiting(30_000, now).collect()).await;
    behind("one waits for too long", waiting(1, now - 400_000).collect()).await;
    let replica = network.idle_server(&[]).await;
    cast.doctor.at(&replica).read(record.id, salt).await.unwrap();
}
