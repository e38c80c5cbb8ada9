//! Failures that other indexers have had, with one test each, in simulated time.

use std::time::Duration;

use indexer::{error::Refusal, settings::Pace, time::sleep};
use protocol::mirror::collection;

use crate::{
    chain::{Content, Faults},
    dice::Dice,
    simulation::Simulation,
    store,
};

/// Runs a future in simulated time.
pub(crate) fn simulated<T>(main: impl Future<Output = T>) -> T {
    let mut dice = Dice::new(5);
    indexer::time::run(main, |count| usize::try_from(dice.below(count as u64)).expect("smaller"))
}

pub(crate) fn pace() -> Pace {
    Pace { poll_ms: 50, behind_ms: 2_000, ..Pace::default() }
}

/// Returns a healthy world with one endpoint and this number of blocks.
pub(crate) fn world(blocks: u64, pace: Pace) -> Simulation {
    let world = Simulation::new(7, 1, pace);
    mine(&world, blocks);
    world
}

pub(crate) fn mine(world: &Simulation, blocks: u64) {
    for _ in 0..blocks {
        world.tree().mine(Content::Drawn);
    }
}

#[test]
fn the_last_block_of_the_backfill_is_not_applied_again_by_following() {
    simulated(async {
        for batch_blocks in [1, 3, 10, 1_000] {
            let mut world = world(60, Pace { window: 10, batch_blocks, ..pace() });
            // Every log that can occur twice occurs twice here.
            world.endpoints[0].set_faults(Faults { odd_logs: 1, ..Faults::default() });
            world.start();
            for _ in 0..40 {
                sleep(Duration::from_millis(3)).await;
                world.tree().mine(Content::Transactions(1));
                world.bell.notify_one();
            }
            world.finish().await.unwrap();
        }
    });
}

#[test]
fn a_reorg_over_blocks_without_events_is_followed() {
    simulated(async {
        let mut world = world(20, pace());
        for _ in 0..12 {
            world.tree().mine(Content::Empty);
        }
        world.start();
        world.settle().await.unwrap();
        world.tree().reorg_to_empty(8, 8);
        world.settle().await.unwrap();
        // Then a reorg from blocks with events to blocks without.
        world.tree().reorg_to_empty(25, 26);
        world.finish().await.unwrap();
    });
}

#[test]
fn a_second_reorg_during_a_rollback_is_followed() {
    simulated(async {
        let mut world = world(80, pace());
        world.start();
        world.settle().await.unwrap();
        for pause in 0..60 {
            world.tree().reorg(6, 6);
            world.bell.notify_one();
            sleep(Duration::from_millis(pause)).await;
            world.tree().reorg(9, 10);
            world.settle().await.unwrap();
        }
        world.finish().await.unwrap();
    });
}

#[test]
fn headers_of_the_old_fork_are_not_taken_for_the_new_one() {
    simulated(async {
        let mut world = Simulation::new(7, 2, pace());
        mine(&world, 60);
        world.start();
        world.settle().await.unwrap();
        for round in 0..20 {
            // One endpoint stays on the old branch for a while, and each endpoint leads in turn.
            world.endpoints[round % 2].set_stuck(true);
            world.tree().reorg(5, 7);
            sleep(Duration::from_millis(300)).await;
            world.endpoints[(round + 1) % 2].set_down(true);
            sleep(Duration::from_millis(300)).await;
            world.endpoints[(round + 1) % 2].set_down(false);
            world.endpoints[round % 2].set_stuck(false);
            world.settle().await.unwrap();
        }
        world.finish().await.unwrap();
    });
}

#[test]
fn an_endpoint_that_flaps_causes_no_reorg() {
    simulated(async {
        let mut world = world(60, Pace { behind_ms: 5_000, ..pace() });
        world.start();
        world.settle().await.unwrap();
        world.endpoints[0].set_faults(Faults { stale_head: 2, ..Faults::default() });
        for _ in 0..100 {
            sleep(Duration::from_millis(200)).await;
            mine(&world, 1);
        }
        world.finish().await.unwrap();
        assert_eq!(world.database().documents(collection::ORPHANS).len(), 0, "nothing was undone");
    });
}

#[test]
fn too_many_results_for_a_single_block_are_taken_from_its_receipts() {
    simulated(async {
        let mut world = Simulation::limited(7, 5, 1_000, Pace { window: 8, ..pace() });
        mine(&world, 10);
        world.tree().mine(Content::Transactions(60));
        mine(&world, 20);
        world.start();
        world.settle().await.unwrap();
        world.tree().mine(Content::Transactions(60));
        world.finish().await.unwrap();
    });
}

#[test]
fn blocks_that_come_while_a_failure_is_retried_are_not_skipped() {
    simulated(async {
        let mut world = world(10, pace());
        world.start();
        world.settle().await.unwrap();
        for round in 0..30 {
            mine(&world, 1);
            world.bell.notify_one();
            sleep(Duration::from_millis(round)).await;
            world.endpoints[0].set_down(true);
            mine(&world, 5);
            sleep(Duration::from_millis(700)).await;
            world.endpoints[0].set_down(false);
            world.settle().await.unwrap();
        }
        world.finish().await.unwrap();
    });
}

/// The process is killed before and after each operation on the database, in a commit with and without a rollback.
#[test]
fn a_crash_at_any_step_of_a_commit_neither_loses_nor_doubles() {
    simulated(async {
        for step in 1..=70 {
            let mut world = world(40, Pace { lease_ms: 1_000, ..pace() });
            world.start();
            world.settle().await.unwrap();
            world.indexers[0].client.crash_in(step);
            world.tree().reorg(step % 7, 3 + step % 7);
            world.bell.notify_one();
            for _ in 0..200 {
                sleep(Duration::from_millis(20)).await;
                world.reap().await.unwrap();
                if world.indexers.is_empty() {
                    break;
                }
            }
            world.finish().await.unwrap_or_else(|divergence| panic!("killed at step {step}: {divergence}"));
        }
    });
}

#[test]
fn finality_does_not_move_backwards_after_a_restart_with_a_larger_window() {
    simulated(async {
        let mut world = world(60, Pace { window: 10, ..pace() });
        world.start();
        world.settle().await.unwrap();
        world.stop(0).await.unwrap();
        world.pace.window = 256;
        world.start();
        mine(&world, 3);
        world.settle().await.unwrap();
        assert_eq!(world.database().violations, [] as [String; 0]);
        world.tree().reorg(30, 31);
        let refusal = world.ended(0).await.unwrap_err();
        assert!(matches!(refusal, Refusal::TooDeep { .. }), "{refusal}");
    });
}

#[test]
fn a_chain_shorter_than_the_cursor_is_followed_back_or_refused() {
    simulated(async {
        let mut near = world(60, Pace { window: 20, ..pace() });
        near.start();
        near.settle().await.unwrap();
        near.tree().reorg(12, 0);
        near.finish().await.unwrap();

        let mut far = world(60, Pace { window: 20, ..pace() });
        far.start();
        far.settle().await.unwrap();
        far.tree().reorg(40, 0);
        let refusal = far.ended(0).await.unwrap_err();
        assert!(matches!(refusal, Refusal::ChainBehind { .. }), "{refusal}");
        assert!(refusal.remedy().contains("medlock-indexer reindex"));
    });
}

#[test]
fn a_dense_block_larger_than_the_batch_is_one_commit() {
    simulated(async {
        let mut world = world(30, Pace { batch_events: 10, window: 8, ..pace() });
        world.tree().mine(Content::Transactions(300));
        mine(&world, 20);
        world.start();
        world.settle().await.unwrap();
        let before = world.database().commits;
        world.tree().mine(Content::Transactions(300));
        world.settle().await.unwrap();
        assert_eq!(world.database().commits - before, 1);
        world.finish().await.unwrap();
    });
}

#[test]
fn a_commit_with_an_unknown_outcome_happens_once() {
    simulated(async {
        let mut world = world(10, pace());
        world.store_faults = store::Faults { unknown_commits: 2, ..store::Faults::default() };
        world.start();
        for _ in 0..60 {
            world.tree().mine(Content::Transactions(1));
            sleep(Duration::from_millis(100)).await;
        }
        world.finish().await.unwrap();
    });
}
