//! The indexer as a separate process that is killed at any moment.

use std::time::{Duration, Instant};

use crate::{
    story::{Seed, Story},
    world::World,
};

#[tokio::test]
async fn killed_at_any_moment_it_goes_on_without_a_gap_or_a_double() {
    let mut world = World::start().await;
    // Small batches give many transactions in which the process can be killed.
    world.settings.pace.batch_events = 5;
    let world = world;
    let mut story = Story::new(&world, Seed::printed("killed_at_any_moment"));
    story.begin().await;
    story.act(60).await;
    for round in 0..8 {
        let mut process = world.spawn();
        let patience = 20 + story.seed.below(400);
        eprintln!("round {round}: kill -9 after {patience} ms");
        let until = Instant::now() + Duration::from_millis(patience);
        while Instant::now() < until {
            story.act(1).await;
        }
        process.kill().await.unwrap();
        if story.seed.below(2) == 0 {
            let depth = 1 + story.seed.below(6);
            world.rpc("anvil_reorg", serde_json::json!([depth, []])).await;
        }
    }
    let mut process = world.spawn();
    world.assert_mirror_is_true("after many kills").await;
    process.kill().await.unwrap();
}

#[tokio::test]
async fn it_stops_in_good_order_within_five_seconds() {
    let world = World::start().await;
    let mut story = Story::new(&world, Seed::printed("it_stops_in_good_order"));
    let mut process = world.spawn();
    story.act(10).await;
    world.caught_up().await;
    let id = process.id().unwrap().to_string();
    let start = Instant::now();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let status =
        tokio::time::timeout(Duration::from_secs(5), process.wait()).await.expect("within five seconds").unwrap();
    assert!(status.success(), "{status}");
    eprintln!("stopped in {:?}", start.elapsed());
}
