//! Only one indexer writes; another one takes over when it ends.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use indexer::{
    chain::{Chain, Header, Rpc, logs_in_order},
    decode::Contracts,
    mirror::{Commit, Mirror, MirrorError, Watch},
    reorg::BlockRef,
    views::Batch,
};
use mongodb::bson::{Bson, Document, doc};
use protocol::mirror::collection;

use crate::{
    story::{Seed, Story},
    world::World,
};

const TAKEOVER: Duration = Duration::from_secs(10);

#[tokio::test]
async fn an_indexer_killed_at_work_is_replaced_within_ten_seconds() {
    let mut world = World::start().await;
    // The default value.
    world.settings.pace.lease_ms = 3_000;
    let mut story = Story::new(&world, Seed::printed("an_indexer_killed_at_work"));
    let mut active = world.spawn();
    world.caught_up().await;
    for round in 0..4 {
        let standby = world.spawn();
        // The active indexer is busy with transactions when it is killed.
        story.act_in_one_block(10).await;
        let more = story.seed.below(10);
        story.act(more).await;
        active.kill().await.unwrap();
        let killed = Instant::now();
        story.act(3).await;
        world.caught_up().await;
        eprintln!("round {round}: taken over after {:?}", killed.elapsed());
        assert!(killed.elapsed() < TAKEOVER, "{:?}", killed.elapsed());
        active = standby;
    }
    world.assert_mirror_is_true("after changes of the indexer").await;
    active.kill().await.unwrap();
}

/// MongoDB keeps the documents of an open transaction locked for a minute after its client has died.
#[tokio::test]
async fn locks_of_an_indexer_that_died_inside_a_transaction_do_not_hold_up_the_next_one() {
    let world = World::start().await;
    let mut story = Story::new(&world, Seed::printed("locks_of_an_indexer_that_died"));
    let running = world.follow();
    story.act(5).await;
    world.caught_up().await;
    running.stop().await.unwrap();

    // The state that a killed indexer leaves: its name in the lease, and an open transaction.
    let db = world.db();
    let mut session = db.client().start_session().await.unwrap();
    let lease = db.collection::<Document>(collection::LEASE);
    let of_the_dead = doc! { "$set": { "holder": "dead", "session": Bson::Document(session.id().clone()) } };
    lease.update_one(doc! {}, of_the_dead).await.unwrap();
    session.start_transaction().await.unwrap();
    lease.update_one(doc! {}, doc! { "$inc": { "beat": 1_i64 } }).session(&mut session).await.unwrap();
    let cursor = db.collection::<Document>(collection::CURSOR);
    cursor.update_one(doc! {}, doc! { "$set": { "block_number": -1_i64 } }).session(&mut session).await.unwrap();

    story.act(3).await;
    let start = Instant::now();
    let running = world.follow();
    world.assert_mirror_is_true("after the death").await;
    eprintln!("taken over after {:?}, with the time to compare", start.elapsed());
    assert!(start.elapsed() < TAKEOVER, "{:?}", start.elapsed());
    running.stop().await.unwrap();
    assert!(session.commit_transaction().await.is_err(), "the dead one's transaction is gone");
}

/// The frozen indexer continues with a block that the new holder of the lease has already written.
#[tokio::test]
async fn an_indexer_that_was_frozen_learns_that_it_has_lost_the_lease() {
    let world = World::start().await;
    let mut story = Story::new(&world, Seed::printed("an_indexer_that_was_frozen"));
    let running = world.follow();
    story.begin().await;
    world.caught_up().await;
    running.stop().await.unwrap();

    let connect = || async { Mirror::connect(&world.settings.mongodb_uri, "medlock").await.unwrap() };
    let (frozen, successor) = (connect().await, connect().await);
    assert!(frozen.try_lease(&mut Watch::new(TAKEOVER)).await.unwrap());
    let before = frozen.progress().await.unwrap().cursor;
    story.act_in_one_block(3).await;

    let contracts = Contracts::of(&world.deployment);
    let url = world.settings.rpc_url[0].clone();
    let chain = Rpc::new(url, contracts.addresses(), TAKEOVER, Arc::default());
    let (head, _) = world.head().await;
    let numbers: Vec<u64> = (before.block_number + 1..=head).collect();
    let headers = chain.headers(&numbers).await.unwrap();
    let logs = logs_in_order(chain.logs_in(numbers[0], head).await.unwrap(), |_| None).unwrap();
    let batch = Batch::of(&contracts, &logs).unwrap();
    assert!(!batch.events.is_empty());
    let blocks: Vec<BlockRef> = headers.iter().map(Header::block).collect();
    let plan = Commit {
        expected: BlockRef { number: before.block_number, hash: before.block_hash },
        rollback_to: None,
        batch: &batch,
        tip: *blocks.last().unwrap(),
        tip_time: headers.last().unwrap().timestamp,
        remember: &blocks,
        forget_below: 0,
    };

    let mut watch = Watch::new(Duration::from_millis(50));
    assert!(!successor.try_lease(&mut watch).await.unwrap(), "the holder is alive as far as is known");
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert!(successor.try_lease(&mut watch).await.unwrap());
    let error = frozen.commit(&contracts, &plan).await.unwrap_err();
    assert!(matches!(error, MirrorError::LeaseLost), "before its successor has written: {error}");
    assert_eq!(successor.commit(&contracts, &plan).await.unwrap(), 0);
    let error = frozen.commit(&contracts, &plan).await.unwrap_err();
    assert!(matches!(error, MirrorError::LeaseLost), "after its successor has written: {error}");
    let error = successor.commit(&contracts, &plan).await.unwrap_err();
    assert!(error.is_retryable() && !matches!(error, MirrorError::LeaseLost), "twice: {error}");
    successor.release_lease().await;
    world.assert_mirror_is_true("after all of it").await;
}

#[tokio::test]
async fn a_rebuild_takes_the_place_of_the_mirror_while_an_indexer_follows_it() {
    let world = World::start().await;
    let mut story = Story::new(&world, Seed::printed("a_rebuild_takes_the_place"));
    let running = world.follow();
    story.begin().await;
    story.act(20).await;
    world.caught_up().await;
    // A fault that only a rebuild can repair.
    let records = world.db().collection::<Document>(collection::RECORDS);
    records.update_many(doc! {}, doc! { "$set": { "category": 999_i64 } }).await.unwrap();
    indexer::reindex(&world.settings, false, tokio_util::sync::CancellationToken::new()).await.unwrap();
    assert_eq!(records.count_documents(doc! { "category": 999_i64 }).await.unwrap(), 0);
    story.act(5).await;
    world.assert_mirror_is_true("after a rebuild beside the mirror").await;
    let names = world.db().list_collection_names().await.unwrap();
    assert!(names.iter().all(|name| !name.starts_with("rebuild.")), "{names:?}");
    running.stop().await.unwrap();
}
