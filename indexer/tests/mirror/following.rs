//! Backfill, following the chain, and restarts.

use std::time::{Duration, Instant};

use indexer::settings::{Pace, Settings};
use localnet::Role;
use protocol::mirror::{EventDoc, collection};

use crate::{
    story::{Seed, Story},
    world::World,
};

#[tokio::test]
async fn backfill_equals_live() {
    let world = World::start().await;
    let mut story = Story::new(&world, Seed::printed("backfill_equals_live"));
    let running = world.follow();
    story.begin().await;
    story.act(80).await;
    for _ in 0..5 {
        story.act_in_one_block(12).await;
    }
    world.caught_up().await;
    running.stop().await.unwrap();

    let live = world.mirror().await;
    for name in collection::ALL.into_iter().filter(|name| *name != collection::BLOCKS) {
        assert!(live.collections[name].0 > 0, "the story fills {name}\n{live}");
    }
    // One by one near the head, in bulk when deep, in bulk with tiny ranges: the documents must always be the same.
    let bulk = Pace { window: 2, ..Pace::default() };
    for pace in [Pace::default(), bulk, Pace { batch_blocks: 1, batch_events: 1, ..bulk }] {
        let rebuilt = world.rebuilt_with(pace).await;
        assert!(live == rebuilt, "{pace:?}\nlive\n{live}rebuilt\n{rebuilt}");
    }
}

#[tokio::test]
async fn a_second_start_changes_nothing() {
    let world = World::start().await;
    let mut story = Story::new(&world, Seed::printed("a_second_start_changes_nothing"));
    story.begin().await;
    story.act(20).await;
    for _ in 0..2 {
        let running = world.follow();
        world.caught_up().await;
        running.stop().await.unwrap();
        world.assert_mirror_is_true("after a start").await;
    }
}

#[tokio::test]
async fn two_indexers_at_once_do_no_harm() {
    let world = World::start().await;
    let mut story = Story::new(&world, Seed::printed("two_indexers_at_once_do_no_harm"));
    let (one, two) = (world.follow(), world.follow());
    story.begin().await;
    story.act(40).await;
    world.assert_mirror_is_true("with two writers").await;
    one.stop().await.unwrap();
    two.stop().await.unwrap();
}

#[tokio::test]
async fn a_dense_block_is_one_transaction() {
    let world = World::start().await;
    let mut story = Story::new(&world, Seed::printed("a_dense_block_is_one_transaction"));
    let settings = Settings { pace: Pace { batch_events: 100, ..world.settings.pace }, ..world.settings.clone() };
    story.dense_block().await;
    let running = world.follow_with(settings.clone());
    world.caught_up().await;
    story.dense_block().await;
    world.assert_mirror_is_true("dense, live").await;
    running.stop().await.unwrap();
    let events = world.db().collection::<EventDoc>(collection::EVENTS).count_documents(mongodb::bson::doc! {}).await;
    assert!(events.unwrap() > 2_000);
    // Deep enough to be fetched in bulk.
    world.mine(300).await;
    let bulk = world.rebuilt_with(settings.pace).await;
    assert_eq!(bulk, world.rebuilt().await);
}

#[tokio::test]
async fn a_block_is_in_the_mirror_soon() {
    let world = World::start().await;
    let mut story = Story::new(&world, Seed::printed("a_block_is_in_the_mirror_soon"));
    let running = world.follow_with(Settings { pace: Pace::default(), ..world.settings.clone() });
    world.caught_up().await;
    let patient = world.net.person(Role::Patient).address;
    let mut times = Vec::new();
    for _ in 0..60 {
        story.register_record(patient).await;
        let mined = Instant::now();
        world.caught_up().await;
        times.push(mined.elapsed());
    }
    running.stop().await.unwrap();
    times.sort_unstable();
    let (half, most) = (times[times.len() / 2], times[times.len() * 95 / 100]);
    eprintln!("from mined to mirrored: P50 {half:?}, P95 {most:?}, with the time to ask for it");
    assert!(half < Duration::from_millis(500), "{half:?}");
}

#[tokio::test]
async fn an_outage_of_the_database_or_the_chain_is_waited_out() {
    use localnet::Part;
    let mut world = World::start().await;
    let running = world.follow();
    world.caught_up().await;
    for part in [Part::Mongo, Part::Anvil] {
        world.net.stop_part(part).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        world.net.start_part(part).await.unwrap();
        let mut story = Story::new(&world, Seed::printed("an_outage"));
        story.act(5).await;
        world.assert_mirror_is_true("after an outage").await;
    }
    running.stop().await.unwrap();
}
