//! The guarantees in the readme, with one test each, in simulated time.

use std::time::Duration;

use indexer::{
    error::Refusal,
    settings::Pace,
    time::{Instant, sleep},
};
use protocol::mirror::collection;

use crate::{
    chain::{Content, Faults},
    known_failures::{mine, pace, simulated, world},
    simulation::Simulation,
    store,
};

#[test]
fn reorgs_of_every_depth_from_1_to_100_are_followed() {
    simulated(async {
        let mut world = world(120, pace());
        world.start();
        for depth in 1..=100 {
            world.settle().await.unwrap();
            // As long, shorter by one, or longer.
            world.tree().reorg(depth, depth + depth % 3 - u64::from(depth > 1));
            mine(&world, 1);
        }
        world.finish().await.unwrap();
        assert!(!world.database().documents(collection::ORPHANS).is_empty(), "orphans are kept");
    });
}

#[test]
fn a_reorg_deeper_than_the_window_stops_with_the_command_that_mends_it() {
    simulated(async {
        let mut world = world(60, Pace { window: 10, ..pace() });
        world.start();
        world.settle().await.unwrap();
        world.tree().reorg(10, 12);
        let refusal = world.ended(0).await.unwrap_err();
        assert!(matches!(refusal, Refusal::TooDeep { window: 10 }), "{refusal}");
        assert!(refusal.remedy().contains("medlock-indexer reindex"));
    });
}

#[test]
fn another_indexer_takes_over_within_ten_seconds_also_from_one_killed_inside_a_transaction() {
    simulated(async {
        for step in 1..=40 {
            let mut world = world(20, pace());
            world.start();
            world.settle().await.unwrap();
            world.start();
            sleep(Duration::from_millis(500)).await;
            world.indexers[0].client.crash_in(step);
            world.tree().mine(Content::Transactions(8));
            let killed = Instant::now();
            world.settle().await.unwrap();
            // The commit itself takes only a few milliseconds, so this is the time until another indexer takes over.
            assert!(killed.elapsed() < Duration::from_secs(10), "step {step}: {:?}", killed.elapsed());
            world.finish().await.unwrap();
        }
    });
}

#[test]
fn an_indexer_that_stops_in_good_order_is_followed_at_once() {
    simulated(async {
        let mut world = world(20, pace());
        world.start();
        world.settle().await.unwrap();
        world.start();
        sleep(Duration::from_secs(2)).await;
        world.stop(0).await.unwrap();
        mine(&world, 1);
        let stopped = Instant::now();
        world.settle().await.unwrap();
        assert!(stopped.elapsed() < Duration::from_secs(1), "{:?}", stopped.elapsed());
        world.finish().await.unwrap();
    });
}

#[test]
fn never_two_writers_while_the_holder_loses_its_connection_again_and_again() {
    simulated(async {
        let mut world = world(20, Pace { lease_ms: 1_000, ..pace() });
        world.start();
        world.start();
        for round in 0..40_usize {
            sleep(Duration::from_millis(900)).await;
            world.indexers[round % 2].client.set_down(true);
            mine(&world, 2);
            sleep(Duration::from_millis(1_900)).await;
            world.indexers[round % 2].client.set_down(false);
            mine(&world, 2);
        }
        world.finish().await.unwrap();
        assert_eq!(world.database().violations, [] as [String; 0]);
    });
}

#[test]
fn an_hour_without_chain_or_database_is_waited_out_and_readiness_says_so() {
    simulated(async {
        let mut world = world(20, pace());
        world.start();
        world.settle().await.unwrap();
        assert!(world.indexers[0].status.readiness().ready);
        world.endpoints[0].set_down(true);
        sleep(Duration::from_secs(3_600)).await;
        let reason = world.indexers[0].status.readiness().reason.unwrap();
        assert!(reason.contains("RPC endpoint"), "{reason}");
        mine(&world, 50);
        world.endpoints[0].set_down(false);
        world.settle().await.unwrap();
        world.indexers[0].client.set_down(true);
        mine(&world, 50);
        sleep(Duration::from_secs(3_600)).await;
        let reason = world.indexers[0].status.readiness().reason.unwrap();
        assert!(reason.contains("database"), "{reason}");
        world.indexers[0].client.set_down(false);
        world.settle().await.unwrap();
        sleep(Duration::from_secs(3)).await;
        assert!(world.indexers[0].status.readiness().ready);
        world.finish().await.unwrap();
    });
}

#[test]
fn another_endpoint_answers_when_the_first_one_fails() {
    simulated(async {
        let mut world = Simulation::new(7, 3, pace());
        mine(&world, 30);
        world.start();
        for round in 0..9 {
            world.endpoints[round % 3].set_down(true);
            world.endpoints[(round + 1) % 3].set_down(true);
            mine(&world, 3);
            world.settle().await.unwrap();
            world.endpoints[round % 3].set_down(false);
            world.endpoints[(round + 1) % 3].set_down(false);
        }
        world.finish().await.unwrap();
    });
}

#[test]
fn endpoints_that_disagree_are_reported_and_the_mirror_stays_on_its_branch() {
    simulated(async {
        let mut world = Simulation::new(7, 2, pace());
        mine(&world, 40);
        world.start();
        world.settle().await.unwrap();
        let before = world.database().documents(collection::CURSOR);
        // One endpoint stays on the mirror's branch; the leading endpoint moves to another branch.
        world.endpoints[1].set_stuck(true);
        world.tree().reorg(5, 5);
        sleep(Duration::from_secs(60)).await;
        assert_eq!(world.database().documents(collection::CURSOR), before, "no answer settles it");
        let readiness = world.indexers[0].status.readiness();
        assert!(!readiness.ready && readiness.reason.clone().unwrap().contains("disagree"), "{readiness:?}");
        let metrics = world.indexers[0].status.metrics();
        assert!(metrics.contains("medlock_indexer_rpc_disagreement 1"), "{metrics}");
        // An endpoint that does not answer does not settle the disagreement either.
        world.endpoints[1].set_down(true);
        sleep(Duration::from_secs(60)).await;
        assert_eq!(world.database().documents(collection::CURSOR), before, "silence is no agreement");
        world.endpoints[1].set_down(false);
        world.endpoints[1].set_stuck(false);
        world.settle().await.unwrap();
        sleep(Duration::from_secs(10)).await;
        assert!(world.indexers[0].status.readiness().ready, "{:?}", world.indexers[0].status.readiness());
        world.finish().await.unwrap();
    });
}

#[test]
fn of_three_endpoints_two_decide() {
    simulated(async {
        let mut world = Simulation::new(7, 3, pace());
        mine(&world, 40);
        world.start();
        world.settle().await.unwrap();
        world.endpoints[2].set_stuck(true);
        world.tree().reorg(5, 6);
        world.settle().await.unwrap();
        world.finish().await.unwrap();
    });
}

#[test]
fn logs_that_a_range_leaves_out_are_noticed_with_bloom_filters_or_a_second_endpoint() {
    simulated(async {
        let thin = Faults { missing_in_ranges: 2, ..Faults::default() };
        let window = 8;
        let mut checked = world(200, Pace { window, check_blooms: true, ..pace() });
        checked.endpoints[0].set_faults(thin);
        checked.start();
        checked.settle().await.unwrap();
        checked.finish().await.unwrap();

        let mut two = Simulation::new(7, 2, Pace { window, ..pace() });
        mine(&two, 200);
        two.endpoints[0].set_faults(thin);
        two.start();
        two.settle().await.unwrap();
        two.finish().await.unwrap();
    });
}

#[test]
fn a_subscription_that_is_dead_costs_time_and_nothing_else() {
    simulated(async {
        // Nothing notifies the bell in this world.
        let mut world = world(5, pace());
        world.start();
        for _ in 0..20 {
            mine(&world, 1);
            let mined = Instant::now();
            world.settle().await.unwrap();
            assert!(mined.elapsed() < Duration::from_secs(1), "{:?}", mined.elapsed());
        }
        world.finish().await.unwrap();
    });
}

#[test]
fn it_stops_within_five_seconds_whatever_it_waits_for() {
    simulated(async {
        for wait in 0..20 {
            let mut world = world(300, Pace { window: 8, batch_blocks: 5, ..pace() });
            world.endpoints[0].set_faults(Faults { stalls: 3, fails: 3, ..Faults::default() });
            world.start();
            sleep(Duration::from_millis(wait * 111)).await;
            world.indexers[0].client.set_down(wait % 3 == 0);
            // Fails when stopping takes longer.
            world.stop(0).await.unwrap();
            world.start();
            world.finish().await.unwrap();
        }
    });
}

#[test]
fn a_rebuild_takes_the_place_of_the_mirror_while_an_indexer_follows_it() {
    simulated(async {
        let mut world = world(60, Pace { window: 20, ..pace() });
        world.start();
        world.settle().await.unwrap();
        for _ in 0..3 {
            let rebuild = world.rebuild();
            mine(&world, 4);
            rebuild.await.unwrap();
            mine(&world, 4);
            world.settle().await.unwrap();
            let left = world.database().collections_beside();
            assert_eq!(left, [] as [String; 0], "nothing is left beside the mirror");
        }
        world.finish().await.unwrap();
    });
}

/// A swap is repeated when its connection is cut, and a repeated swap does not undo the work of the earlier one.
#[test]
fn a_swap_that_is_repeated_after_failures_ends_with_a_mirror_that_serves() {
    simulated(async {
        for seed in 0..30 {
            let mut failures = 0;
            let mut world = Simulation::new(seed, 1, Pace { window: 20, ..pace() });
            mine(&world, 40);
            world.start();
            world.settle().await.unwrap();
            world.stop(0).await.unwrap();
            world.store_faults = store::Faults { cuts: 20, unknown_commits: 4, ..store::Faults::default() };
            // Repeated until it succeeds, as a person would do.
            while world.rebuild().await.is_err() {
                failures += 1;
                assert!(failures < 40, "seed {seed}: a rebuild never succeeds");
            }
            world.store_faults = store::Faults::default();
            let left = world.database().collections_beside();
            assert_eq!(left, [] as [String; 0], "seed {seed}: nothing is left beside the mirror");
            world.start();
            mine(&world, 2);
            world.finish().await.unwrap_or_else(|divergence| panic!("seed {seed}: {divergence}"));
        }
    });
}
