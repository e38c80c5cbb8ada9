//! Reorgs: branches that replace each other.

use indexer::{
    RunError,
    error::Refusal,
    settings::{Pace, Settings},
};
use serde_json::json;

use crate::{
    story::{Seed, Story},
    world::World,
};

#[tokio::test]
async fn reorgs_of_several_depths_leave_what_a_rebuild_yields() {
    let world = World::start().await;
    let mut story = Story::new(&world, Seed::printed("reorgs_of_several_depths"));
    let running = world.follow();
    story.begin().await;
    story.act(30).await;
    for depth in [1, 2, 3, 7, 15, 40] {
        let snapshot = world.rpc("evm_snapshot", json!([])).await;
        story.act(depth).await;
        world.caught_up().await;
        world.rpc("evm_revert", json!([snapshot])).await;
        // The new branch may be shorter, as long, or longer.
        let growth = 1 + story.seed.below(depth + 3);
        story.act(growth).await;
        world.assert_mirror_is_true(&format!("after a reorg of depth {depth}, regrown by {growth}")).await;
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn anvils_own_reorgs_are_followed() {
    let world = World::start().await;
    let mut story = Story::new(&world, Seed::printed("anvils_own_reorgs_are_followed"));
    let running = world.follow();
    story.begin().await;
    story.act(40).await;
    world.caught_up().await;
    for depth in [1, 5, 20] {
        let (_, before) = world.head().await;
        world.rpc("anvil_reorg", json!([depth, []])).await;
        assert_ne!(world.head().await.1, before, "Anvil replaces its blocks");
        world.assert_mirror_is_true(&format!("after anvil_reorg of depth {depth}")).await;
        story.act(3).await;
    }
    world.assert_mirror_is_true("at the end").await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_reorg_over_blocks_without_events_is_noticed() {
    let world = World::start().await;
    let mut story = Story::new(&world, Seed::printed("a_reorg_over_blocks_without_events"));
    let running = world.follow();
    story.act(5).await;
    world.mine(10).await;
    world.caught_up().await;
    world.rpc("anvil_reorg", json!([6, []])).await;
    world.assert_mirror_is_true("after a reorg of empty blocks").await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_second_reorg_during_the_first_is_followed() {
    let world = World::start().await;
    let mut story = Story::new(&world, Seed::printed("a_second_reorg_during_the_first"));
    let running = world.follow();
    story.begin().await;
    story.act(25).await;
    world.caught_up().await;
    for _ in 0..6 {
        let depth = 1 + story.seed.below(10);
        world.rpc("anvil_reorg", json!([depth, []])).await;
        let pause = story.seed.below(12);
        tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
        world.rpc("anvil_reorg", json!([1 + story.seed.below(10), []])).await;
        story.act(2).await;
    }
    world.assert_mirror_is_true("after reorgs in quick succession").await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_reorg_while_the_indexer_is_down_is_noticed() {
    let world = World::start().await;
    let mut story = Story::new(&world, Seed::printed("a_reorg_while_the_indexer_is_down"));
    let running = world.follow();
    story.begin().await;
    story.act(20).await;
    world.caught_up().await;
    running.stop().await.unwrap();
    world.rpc("anvil_reorg", json!([8, []])).await;
    // So far ahead that the next start would fetch in bulk.
    world.mine(300).await;
    let running = world.follow();
    world.assert_mirror_is_true("after a reorg meanwhile").await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_chain_that_got_shorter_is_followed_back_within_the_window() {
    let world = World::start().await;
    let mut story = Story::new(&world, Seed::printed("a_chain_that_got_shorter"));
    let running = world.follow();
    story.begin().await;
    story.act(20).await;
    world.caught_up().await;
    world.rpc("anvil_rollback", json!([7])).await;
    world.assert_mirror_is_true("after the chain was cut").await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_reorg_deeper_than_the_window_stops_loudly_and_reindex_mends() {
    let mut world = World::start().await;
    world.settings.pace.window = 5;
    let mut story = Story::new(&world, Seed::printed("a_reorg_deeper_than_the_window"));
    let running = world.follow();
    story.act(20).await;
    world.caught_up().await;
    world.rpc("anvil_reorg", json!([9, []])).await;
    let error = running.ended().await.unwrap_err();
    assert!(matches!(error, RunError::Refused(Refusal::TooDeep { window: 5 })), "{error}");
    assert!(error.remedy().contains("medlock-indexer reindex"));
    assert_eq!(error.exit_code(), 3);
    indexer::reindex(&world.settings, false, tokio_util::sync::CancellationToken::new()).await.unwrap();
    world.assert_mirror_is_true("after reindex").await;
}

#[tokio::test]
async fn a_chain_far_behind_the_mirror_stops_loudly() {
    let world = World::start().await;
    let mut story = Story::new(&world, Seed::printed("a_chain_far_behind"));
    let settings = Settings { pace: Pace { window: 4, ..world.settings.pace }, ..world.settings.clone() };
    let running = world.follow_with(settings);
    story.act(20).await;
    world.caught_up().await;
    world.rpc("anvil_rollback", json!([12])).await;
    let error = running.ended().await.unwrap_err();
    assert!(matches!(error, RunError::Refused(Refusal::ChainBehind { .. })), "{error}");
    assert!(error.remedy().contains("medlock-indexer reindex"));
}
