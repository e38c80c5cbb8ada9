//! Runs one seed, which decides everything that happens.

use std::time::Duration;

use indexer::{settings::Pace, time::sleep};
use protocol::mirror::collection;

use crate::{
    chain::{self, Content},
    dice::Dice,
    simulation::Simulation,
    store,
};

/// The deepest reorg of a run. Consecutive seeds cover every depth up to it.
pub(crate) const DEEPEST: u64 = 100;

/// The events of a run, as numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Story {
    pub(crate) blocks: u64,
    pub(crate) commits: u64,
    pub(crate) requests: u64,
    pub(crate) reorgs: u64,
    pub(crate) crashes: u64,
    /// The number of changes of the lease's holder.
    pub(crate) terms: u64,
    /// The depth of the one reorg that follows from the seed's number.
    pub(crate) depth: u64,
}

/// Runs a seed in simulated time, on this thread.
///
/// # Errors
/// The difference at the end, or the violated invariant.
pub(crate) fn run(seed: u64) -> Result<Story, String> {
    let mut dice = Dice::of(seed, "order");
    indexer::time::run(play(seed), |count| usize::try_from(dice.below(count as u64)).expect("smaller"))
}

fn pace(dice: &mut Dice, depth: u64) -> Pace {
    let windows = [depth + 1, depth + 10, DEEPEST + 1, 256];
    Pace {
        poll_ms: dice.pick(&[20, 100, 500]),
        window: dice.pick(&windows),
        batch_events: dice.pick(&[3, 20, 200, 2_000]),
        batch_blocks: dice.pick(&[7, 100, 10_000]),
        requests: dice.between(1, 4),
        check_blooms: dice.once_in(3),
        behind_ms: dice.pick(&[1_000, 3_000]),
        lease_ms: dice.pick(&[1_000, 3_000, 8_000]),
        ..Pace::default()
    }
}

fn rpc_faults(dice: &mut Dice, endpoint: usize, pace: &Pace, endpoints: u64) -> chain::Faults {
    if dice.once_in(5) {
        return chain::Faults::default();
    }
    // Logs that are left out of a range can be detected only with the headers, or with another endpoint.
    let may_thin = pace.check_blooms || (endpoint == 1 && endpoints > 1);
    chain::Faults {
        stalls: dice.pick(&[0, 100, 400]),
        fails: dice.pick(&[0, 6, 30]),
        stale_head: dice.pick(&[0, 8, 30]),
        missing_blocks: dice.pick(&[0, 10, 50]),
        missing_logs: dice.pick(&[0, 3, 20]),
        missing_in_ranges: if may_thin { dice.pick(&[0, 3, 30]) } else { 0 },
        odd_logs: dice.pick(&[0, 2, 10]),
        forgets_orphans: dice.pick(&[0, 2]),
    }
}

async fn play(seed: u64) -> Result<Story, String> {
    let mut dice = Dice::of(seed, "story");
    let depth = 1 + seed % DEEPEST;
    let pace = pace(&mut dice, depth);
    let endpoints = dice.pick(&[1, 1, 2]);
    let mut world = Simulation::new(seed, endpoints, pace);
    let before = dice.pick(&[0, 5, 30, 150, 400]).max(depth + 2);
    for _ in 0..before {
        world.tree().mine(Content::Drawn);
    }
    for (index, endpoint) in world.endpoints.iter().enumerate() {
        endpoint.set_faults(rpc_faults(&mut dice, index, &pace, endpoints));
    }
    if !dice.once_in(4) {
        world.store_faults = store::Faults {
            cuts: dice.pick(&[0, 60, 400]),
            unknown_commits: dice.pick(&[0, 10, 50]),
            stalls: dice.pick(&[0, 60]),
        };
    }
    world.start();

    let mut story = Story { depth, ..Story::default() };
    let mut peak = world.tree().height();
    let steps = dice.between(8, 24);
    // The mirror may or may not have reached the head by then.
    let deep_at = dice.below(steps);
    for step in 0..steps {
        sleep(Duration::from_millis(dice.pick(&[0, 1, 10, 100, 500, 2_000]))).await;
        world.reap().await?;
        if world.indexers.is_empty() || (world.indexers.len() < 3 && dice.once_in(6)) {
            world.start();
        }
        // No reorg reaches the blocks that an indexer may treat as final: those below the window, counted from the
        // highest head.
        if step == deep_at {
            while world.tree().height() < peak {
                world.tree().mine(Content::Drawn);
            }
        }
        let height = world.tree().height();
        let allowed = height.saturating_sub((peak + 1).saturating_sub(pace.window)).min(height.saturating_sub(1));
        if step == deep_at || dice.once_in(5) {
            let depth = if step == deep_at { depth.min(allowed) } else { dice.between(0, allowed.min(12)) };
            story.reorgs += u64::from(depth > 0);
            debug_assert!(step != deep_at || depth == story.depth, "the reorg that the seed decides takes place");
            let growth = match dice.below(4) {
                0 => dice.between(0, depth),
                1 => depth,
                _ => depth + dice.between(1, 4),
            };
            if dice.once_in(6) {
                world.tree().reorg_to_empty(depth, growth);
            } else {
                world.tree().reorg(depth, growth);
            }
        } else {
            for _ in 0..dice.pick(&[0, 1, 1, 2, 6, 20]) {
                world.tree().mine(if dice.once_in(40) { Content::Transactions(60) } else { Content::Drawn });
            }
        }
        peak = peak.max(world.tree().height());
        if dice.once_in(2) {
            world.bell.notify_one();
        }
        let endpoint = usize::try_from(dice.below(endpoints)).expect("small");
        let indexer = usize::try_from(dice.below(world.indexers.len() as u64)).expect("small");
        match dice.below(12) {
            0 => world.endpoints[endpoint].set_stuck(true),
            1 | 2 => world.endpoints[endpoint].set_stuck(false),
            3 => world.endpoints[endpoint].set_down(true),
            4 | 5 => world.endpoints[endpoint].set_down(false),
            6 => world.indexers[indexer].client.set_down(true),
            7 => world.indexers[indexer].client.set_down(false),
            8 | 9 => {
                world.indexers[indexer].client.crash_in(dice.between(1, 60));
                story.crashes += 1;
            }
            10 if dice.once_in(2) => {
                world.kill(indexer).await;
                story.crashes += 1;
            }
            11 if dice.once_in(2) => world.stop(indexer).await?,
            _ => {}
        }
    }
    world.tree().mine(Content::Drawn);
    world.finish().await?;
    story.blocks = world.tree().height();
    let lease = world.database().documents(collection::LEASE);
    let terms = lease.first().and_then(|lease| lease.get_i64("term").ok()).unwrap_or_default();
    story.terms = u64::try_from(terms).unwrap_or_default();
    story.commits = world.database().commits;
    let requests =
        |endpoint: &std::sync::Arc<chain::Endpoint>| endpoint.requests.load(std::sync::atomic::Ordering::Relaxed);
    story.requests = world.endpoints.iter().map(requests).sum();
    Ok(story)
}
