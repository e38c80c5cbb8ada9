//! What a receipt promises follows from what waits, and holds.

use alloy::{providers::Provider, rpc::types::Filter, sol_types::SolEvent};
use axum::http::StatusCode;
use contracts::access_log::AccessLog::Accessed;
use mongodb::bson::{Document, doc};
use protocol::{codes::Purpose, deployment::ContractName, ids::LeafHash};
use serde_json::json;

use super::world::{Api, Cast, Terms, World, eventually, grant, register_record};

/// The time of the block in which a leaf stands on chain.
async fn anchored_at(api: &Api, leaf: LeafHash) -> Option<u64> {
    let filter = Filter::new().address(api.app.deployment.address_of(ContractName::AccessLog)).from_block(0);
    let logs = api.app.chain.get_logs(&filter).await.unwrap();
    let is_ours =
        |log: &&alloy::rpc::types::Log| Accessed::decode_log(&log.inner).is_ok_and(|accessed| accessed.leaf == leaf.0);
    let number = logs.iter().find(is_ours)?.block_number?;
    Some(api.app.chain.get_block_by_number(number.into()).await.unwrap()?.header.timestamp)
}

#[tokio::test]
async fn every_promise_holds_on_blocks_of_twelve_seconds() {
    let world = World::start().await;
    let api = world.idle_api(&["--anchor-seconds-min", "1"]).await;
    api::background::start(&api.app);
    let cast = Cast::on(&world, &api).await;
    let record = register_record(&api, &cast.patient).await;
    let salt = grant(&api, &cast, &record, Terms { not_after: api.app.clock.now() + 86_400, ..Terms::now(&api) }).await;
    world.rpc("evm_setAutomine", json!([false])).await;
    let block = async || {
        world.rpc("evm_increaseTime", json!([12])).await;
        world.rpc("evm_mine", json!([])).await;
    };
    // The pace of the chain is seen.
    for _ in 0..10 {
        block().await;
    }
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    let relayer = api.app.relayers.checkpoint.address();
    let mut promised = Vec::new();
    for round in 0..6 {
        for _ in 0..=round {
            let answer = cast.doctor.read(&api, record.id, salt).await.unwrap();
            let evidence: protocol::bodies::log::LogEvidence =
                api.get(&format!("/v1/log/leaves/{}", answer.leaf), &cast.doctor.token).await.ok();
            assert_eq!(evidence.leaf.anchor_by, answer.receipt.receipt.anchorBy, "the leaf says the same");
            assert!(evidence.leaf.is_promised_in_time());
            let ahead = evidence.leaf.anchor_by - evidence.leaf.time;
            assert!(ahead >= 24, "two blocks, as one checkpoint may be on its way: {ahead}");
            promised.push((answer.leaf, answer.receipt.receipt.anchorBy));
        }
        eventually("a checkpoint is on its way", || async {
            let count = || api.app.chain.get_transaction_count(relayer);
            (count().pending().await.unwrap() > count().latest().await.unwrap()).then_some(())
        })
        .await;
        // Reads that come while it is on its way wait for the next.
        block().await;
    }
    for (leaf, anchor_by) in promised {
        let at = eventually("the leaf is anchored", || async {
            let at = anchored_at(&api, leaf).await;
            if at.is_none() {
                world.rpc("evm_mine", json!([])).await;
            }
            at
        })
        .await;
        assert!(at <= anchor_by, "anchored {} s late", at - anchor_by);
    }
}

#[tokio::test]
async fn a_log_that_is_behind_refuses_reads_before_it_writes_a_leaf() {
    let world = World::start().await;
    let api = world.api().await;
    let cast = Cast::on(&world, &api).await;
    let record = register_record(&api, &cast.patient).await;
    let salt = grant(&api, &cast, &record, Terms::now(&api)).await;
    // Nobody sequences.
    api.stop().await;
    let idle = world.idle_api(&[]).await;
    let first = cast.doctor.read_request(&idle, record.id, salt, Purpose::Treatment, 50);
    let answered: protocol::bodies::reads::ReadAnswer = idle.post("/v1/reads", &cast.doctor.token, &first).await.ok();

    let leaves = api.app.log_database.collection::<Document>("log_leaves");
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
        let replica = world.idle_api(&[]).await;
        let body = cast.doctor.read_request(&replica, record.id, salt, Purpose::Treatment, 50);
        let refused = replica.post("/v1/reads", &cast.doctor.token, &body).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (StatusCode::SERVICE_UNAVAILABLE, "log_behind"),
            "{what}"
        );
        assert!(refused.retry_after() > 0);
        assert_eq!(leaves.count_documents(doc! {}).await.unwrap(), before, "{what}");
        // What was promised for the same request before stands.
        let again: protocol::bodies::reads::ReadAnswer =
            replica.post("/v1/reads", &cast.doctor.token, &first).await.ok();
        assert_eq!(again.receipt, answered.receipt);
        leaves.delete_many(doc! { "session": "s" }).await.unwrap();
    };
    behind("too many wait", waiting(30_000, now).collect()).await;
    behind("one waits for too long", waiting(1, now - 400_000).collect()).await;
    let replica = world.idle_api(&[]).await;
    cast.doctor.read(&replica, record.id, salt).await.unwrap();
}
