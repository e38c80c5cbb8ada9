//! The sequencer: the chain's log has every leaf once and in one order, also after restarts, losses and reorgs.

use std::time::{Duration, Instant};

use alloy::{primitives::B256, providers::Provider, rpc::types::Filter, sol_types::SolEvent};
use contracts::access_log::AccessLog::{self, Accessed, Checkpoint};
use localnet::Role;
use mongodb::bson::{Document, doc};
use protocol::{
    bodies::{Page, log::LogEntry},
    codes,
    deployment::ContractName,
    ids::{LeafHash, RecordId, Salt, Tag},
    log::{Frontier, Head},
    mirror::{AccessDoc, Place, RecordDoc, access_id, collection as mirror},
};
use serde_json::json;

use crate::world::{
    actions::accredit,
    network::Network,
    people::{Cast, User},
    seeds,
    servers::Server,
    waiting::eventually,
};

/// Rebuilds the log from the chain's events alone, checks every root, and returns its leaves. The node lists the events of
/// its newest block a moment after that block's state; until then the events are asked for again.
async fn log_of(server: &Server) -> Vec<LeafHash> {
    eventually("the events of the newest block", || log_at_head(server)).await
}

/// Returns the leaves of the log, read at one block, since the sequencer goes on meanwhile; `None` while the node does not
/// list all events of that block.
async fn log_at_head(server: &Server) -> Option<Vec<LeafHash>> {
    let block = server.app.chain.get_block_number().await.unwrap();
    let registry = AccessLog::new(server.app.deployment.address_of(ContractName::AccessLog), server.app.chain.clone());
    let on_chain: B256 = registry.headOf(server.app.deployment.operator).block(block.into()).call().await.unwrap();
    let filter =
        Filter::new().address(server.app.deployment.address_of(ContractName::AccessLog)).from_block(0).to_block(block);
    let mut frontier = Frontier::default();
    let mut head = Head::EMPTY;
    let mut leaves = Vec::new();
    for log in server.app.chain.get_logs(&filter).await.unwrap() {
        if let Ok(accessed) = Accessed::decode_log(&log.inner) {
            frontier.push(LeafHash(accessed.leaf));
            leaves.push(LeafHash(accessed.leaf));
        } else if let Ok(checkpoint) = Checkpoint::decode_log(&log.inner) {
            head = head.next(frontier.size(), frontier.root());
            assert_eq!((checkpoint.size, checkpoint.root), (frontier.size(), frontier.root()));
            assert_eq!(checkpoint.head, head.hash());
        }
    }
    (on_chain == head.hash()).then_some(leaves)
}

/// Waits until the log has so many leaves and checks that none comes twice.
async fn log_with(server: &Server, count: usize) -> Vec<LeafHash> {
    let leaves = eventually(&format!("{count} leaves on chain"), || async {
        let leaves = log_of(server).await;
        (leaves.len() >= count).then_some(leaves)
    })
    .await;
    assert_eq!(leaves.len(), count);
    let mut once = leaves.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), count, "a leaf was anchored twice");
    leaves
}

async fn shared_record(network: &Network, server: &Server) -> (Cast, RecordId, Salt) {
    let cast = Cast::on(network, server).await;
    let (record, salt) = cast.shared_record().await;
    (cast, record.id, salt)
}

/// Returns the size of the log at each of its checkpoints.
async fn checkpoints_of(server: &Server) -> Vec<u64> {
    let filter = Filter::new().address(server.app.deployment.address_of(ContractName::AccessLog)).from_block(0);
    let logs = server.app.chain.get_logs(&filter).await.unwrap();
    logs.iter().filter_map(|log| Checkpoint::decode_log(&log.inner).ok()).map(|checkpoint| checkpoint.size).collect()
}

#[tokio::test]
async fn enough_reads_are_anchored_at_once_before_their_time() {
    let network = Network::start().await;
    // Time alone would anchor nothing while this test runs; a receipt can still promise it.
    let settings = ["--checkpoint-ms-max", "120000", "--lease-seconds", "60", "--checkpoint-reads-max", "3"];
    let server = network.server_with(&settings).await;
    let (cast, record, salt) = shared_record(&network, &server).await;
    for round in 1..=2_u64 {
        for _ in 0..2 {
            cast.doctor.read(record, salt).await.unwrap();
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(log_of(&server).await.len() as u64, 3 * (round - 1), "two reads wait for a third");
        cast.doctor.read(record, salt).await.unwrap();
        log_with(&server, usize::try_from(3 * round).unwrap()).await;
    }
    assert_eq!(checkpoints_of(&server).await, [3, 6], "three in one checkpoint");
    server.stop().await;
}

#[tokio::test]
async fn a_single_read_is_anchored_after_two_seconds() {
    let network = Network::start().await;
    let server = network.server_as_shipped().await;
    let limits = &server.app.settings.limits;
    assert_eq!((limits.checkpoint_ms_max, limits.checkpoint_reads_max), (2_000, 100));
    let (cast, record, salt) = shared_record(&network, &server).await;
    for size in 1..=2 {
        let start = Instant::now();
        cast.doctor.read(record, salt).await.unwrap();
        log_with(&server, size).await;
        // Twice the time, and some for a busy machine.
        assert!(start.elapsed() < Duration::from_secs(8), "anchored after {:?}", start.elapsed());
    }
    assert_eq!(checkpoints_of(&server).await, [1, 2]);
    server.stop().await;
}

#[tokio::test]
async fn two_replicas_append_and_one_order_is_anchored() {
    let network = Network::start().await;
    let (one, two) = (network.server().await, network.server().await);
    let (cast, record, salt) = shared_record(&network, &one).await;
    let reads = (0..30).map(|number| {
        let server = if number % 2 == 0 { &one } else { &two };
        let doctor = cast.doctor.at(server);
        async move { doctor.read(record, salt).await }
    });
    let answers = futures::future::join_all(reads).await;
    let mut promised: Vec<LeafHash> = answers.into_iter().map(|answer| answer.unwrap().leaf).collect();
    let mut anchored = log_with(&one, 30).await;
    promised.sort_unstable();
    anchored.sort_unstable();
    assert_eq!(anchored, promised);
}

#[tokio::test]
async fn the_sequencer_goes_on_after_a_restart_and_after_losing_its_positions() {
    let network = Network::start().await;
    let server = network.server().await;
    let (cast, record, salt) = shared_record(&network, &server).await;
    for _ in 0..3 {
        cast.doctor.read(record, salt).await.unwrap();
    }
    let before = log_with(&server, 3).await;
    server.stop().await;

    // Leaves that come while nobody sequences wait.
    let idle = network.idle_server(&[]).await;
    cast.doctor.at(&idle).read(record, salt).await.unwrap();
    let positions = server.app.log_database.collection::<Document>("log_positions");
    assert!(positions.count_documents(doc! {}).await.unwrap() > 0);
    positions.delete_many(doc! {}).await.unwrap();

    let server = network.server().await;
    cast.doctor.at(&server).read(record, salt).await.unwrap();
    let after = log_with(&server, 5).await;
    assert_eq!(after[..3], before[..]);
}

#[tokio::test]
async fn a_chain_that_was_set_back_gets_the_same_leaves_again() {
    let network = Network::start().await;
    let server = network.server().await;
    let (cast, record, salt) = shared_record(&network, &server).await;
    cast.doctor.read(record, salt).await.unwrap();
    let first = log_with(&server, 1).await;
    let snapshot = network.rpc("evm_snapshot", json!([])).await;
    cast.doctor.read(record, salt).await.unwrap();
    cast.doctor.read(record, salt).await.unwrap();
    let before = log_with(&server, 3).await;
    assert_eq!(before[..1], first[..]);

    network.rpc("evm_revert", json!([snapshot])).await;
    let after = log_with(&server, 3).await;
    assert_eq!(after, before, "the order of leaves never changes");
    cast.doctor.read(record, salt).await.unwrap();
    log_with(&server, 4).await;
}

#[tokio::test]
async fn the_log_goes_on_from_the_chain_when_the_evidence_was_lost() {
    let network = Network::start().await;
    let server = network.server().await;
    let (cast, record, salt) = shared_record(&network, &server).await;
    cast.doctor.read(record, salt).await.unwrap();
    log_with(&server, 1).await;
    for name in ["log_leaves", "log_positions"] {
        server.app.log_database.collection::<Document>(name).delete_many(doc! {}).await.unwrap();
    }
    cast.doctor.read(record, salt).await.unwrap();
    log_with(&server, 2).await;
}

#[tokio::test]
async fn an_auditor_turns_every_page_of_this_operators_log_and_a_patient_those_of_own_records() {
    let network = Network::start().await;
    let server = network.server().await;
    let auditor = server.sign_in(network.signer(Role::Auditor)).await;
    accredit(&network, &server, auditor.address(), codes::Role::Auditor.bit()).await;
    let patient = server.sign_in(network.signer(Role::Patient)).await;
    let (own, other) = (seeds::bytes(), seeds::bytes());
    let place =
        Place { block_number: 1, block_hash: seeds::bytes(), block_time: 1, tx_hash: seeds::bytes(), log_index: 0 };
    let record = RecordDoc {
        id: RecordId(own),
        patient: patient.address(),
        uploader: patient.address(),
        category: 1,
        status: 1,
        tombstone_epoch: 0,
        liftable_until: 0,
        retracted: 0,
        version: 1,
        created: 1,
        place: place.clone(),
    };
    server.app.database.collection(mirror::RECORDS).insert_one(record).await.unwrap();
    let operator = server.app.deployment.operator;
    let accesses: Vec<AccessDoc> = [operator, patient.address()]
        .into_iter()
        .flat_map(|operator| (0..25_u64).map(move |index| (operator, index)))
        .map(|(operator, index)| AccessDoc {
            id: access_id(operator, index),
            operator,
            index,
            record: RecordId(if index % 5 == 0 { own } else { other }),
            tag: Tag(seeds::bytes()),
            purposes: 1,
            leaf: LeafHash(seeds::bytes()),
            place: place.clone(),
        })
        .collect();
    server.app.database.collection(mirror::ACCESSES).insert_many(accesses).await.unwrap();

    let indexes = async |user: &User, query: &str| {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/v1/log?limit=10{query}{cursor}");
            let page: Page<LogEntry> = user.get(&path).await.ok();
            seen.extend(page.items.into_iter().map(|entry| entry.index.expect("anchored")));
            match page.next {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return seen,
            }
        }
    };
    let all: Vec<u64> = (0..25).rev().collect();
    assert_eq!(indexes(&auditor, "").await, all);
    assert_eq!(indexes(&auditor, "&purpose=ETREAT").await, [0; 0]);
    assert_eq!(indexes(&auditor, &format!("&record={}", RecordId(own))).await, [20, 15, 10, 5, 0]);
    assert_eq!(indexes(&patient, "").await, [20, 15, 10, 5, 0]);
    assert_eq!(indexes(&patient, &format!("&record={}", RecordId(other))).await, [0; 0]);
    for cursor in ["0", "9223372036854775807"] {
        let page: Page<LogEntry> = auditor.get(&format!("/v1/log?limit=10&cursor={cursor}")).await.ok();
        assert_eq!(page.items.len(), if cursor.len() > 2 { 10 } else { 0 }, "{cursor}");
    }
}
