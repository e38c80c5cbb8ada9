//! The program behind `scripts/simulate`: runs the indexer with faults that a seed decides.
//!
//! Seeds run in this process, in simulated time. Then some runs with real processes follow, which take seconds each. At
//! the end, deliberate faults are tested, because a simulation that does not find them proves nothing.
#![expect(clippy::print_stdout, reason = "a simulation tells what it found")]

#[path = "../../tests/simulation/chain.rs"]
mod chain;
#[path = "../../tests/simulation/contracts_model.rs"]
mod contracts_model;
#[path = "../../tests/simulation/dice.rs"]
mod dice;
mod faulty;
mod processes;
#[path = "../../tests/simulation/seeds.rs"]
mod seeds;
#[path = "../../tests/simulation/simulation.rs"]
#[expect(dead_code, reason = "the tests of the simulation use more of it")]
mod simulation;
#[path = "../../tests/simulation/store.rs"]
#[expect(dead_code, reason = "the tests of the simulation use more of it")]
mod store;
#[path = "../../tests/mirror/story.rs"]
#[expect(dead_code, reason = "the mirror's tests tell more of it")]
mod story;
#[path = "../../tests/mirror/world.rs"]
#[expect(dead_code, reason = "the mirror's tests use more of it")]
mod world;

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use clap::Parser;
use indexer::mutant::{self, Mutant};

use crate::seeds::{DEEPEST, Story};

/// The number of seeds within which a deliberate fault must be found.
const MUTANT_SEEDS: u64 = 200;

/// Runs the indexer with faults that a seed decides, and compares its mirror with a rebuild and with the contracts.
#[derive(Parser)]
struct Args {
    /// Number of seeds.
    #[arg(long, default_value_t = 2_000)]
    seeds: u64,
    /// The first seed. The next seeds are the numbers after it.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Number of runs with real processes.
    #[arg(long, default_value_t = 100)]
    processes: u64,
    /// Runs only this seed, to repeat its run.
    #[arg(long)]
    seed: Option<u64>,
    /// Tests only the deliberate faults.
    #[arg(long)]
    mutants: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    // A panic is a divergence as well. It is reported once, with its seed.
    std::panic::set_hook(Box::new(|_| {}));
    if let Some(seed) = args.seed {
        let ended = play(seed);
        println!("seed {seed}: {ended:?}");
        println!("{}", summary(1, u64::from(ended.is_err()), 0, 0));
        return if ended.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let (mut seeds, mut divergences) = (0, 0);
    if !args.mutants {
        seeds = args.seeds;
        divergences = many(args.from, args.seeds);
        if args.processes > 0 {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime can be built");
            match runtime.block_on(processes::many(args.from, args.processes)) {
                Ok(more) => divergences += more,
                Err(error) => {
                    println!("the runs with processes have failed: {error:#}");
                    divergences += 1;
                }
            }
        }
    }
    let found = Mutant::ALL.into_iter().filter(|mutant| is_found(*mutant)).count();
    println!("{}", summary(seeds, divergences, found, Mutant::ALL.len()));
    if divergences == 0 && found == Mutant::ALL.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn summary(seeds: u64, divergences: u64, mutants_found: usize, mutants: usize) -> serde_json::Value {
    serde_json::json!({
        "simulate": "indexer", "seeds": seeds, "divergences": divergences, "mutants_found": mutants_found,
        "mutants": mutants,
    })
}

/// Runs one seed. A panic is a divergence.
fn play(seed: u64) -> Result<Story, String> {
    catch_unwind(AssertUnwindSafe(|| seeds::run(seed))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("panic: {}", text.unwrap_or_default()))
    })
}

/// Runs seeds on every core until `take` returns `true`.
fn on_every_core(from: u64, seeds: u64, take: impl Fn(u64, Result<Story, String>) -> bool + Sync) {
    let (next, is_enough) = (AtomicU64::new(from), AtomicBool::new(false));
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|threads| {
        for _ in 0..cores {
            threads.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + seeds || is_enough.load(Ordering::Relaxed) {
                        return;
                    }
                    if take(seed, play(seed)) {
                        is_enough.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
}

/// Runs seeds and returns the number of those that diverged.
fn many(from: u64, seeds: u64) -> u64 {
    #[derive(Default)]
    struct Totals {
        story: Story,
        depths: BTreeSet<u64>,
        done: u64,
        divergences: u64,
    }
    let (totals, start) = (Mutex::new(Totals::default()), Instant::now());
    on_every_core(from, seeds, |seed, ended| {
        let mut totals = totals.lock().expect("no panic");
        totals.done += 1;
        match ended {
            Ok(story) => {
                totals.depths.insert(story.depth);
                let all = &mut totals.story;
                all.blocks += story.blocks;
                all.commits += story.commits;
                all.requests += story.requests;
                all.reorgs += story.reorgs;
                all.crashes += story.crashes;
                all.terms += story.terms;
            }
            Err(divergence) => {
                totals.divergences += 1;
                println!("seed {seed} DIVERGES: {divergence}\n  do: ./scripts/simulate --seed {seed}");
            }
        }
        if totals.done.is_multiple_of(250) {
            println!("{} seeds, {} divergences, {} s", totals.done, totals.divergences, start.elapsed().as_secs());
        }
        false
    });
    let Totals { story, depths, divergences, .. } = totals.into_inner().expect("no panic");
    let missing: Vec<u64> = (1..=DEEPEST).filter(|depth| !depths.contains(depth)).collect();
    println!(
        "{seeds} seeds from {from} in {} s: {} blocks, {} requests, {} commits, {} reorgs, {} crashes, {} \
         holders of the lease; {divergences} divergences",
        start.elapsed().as_secs(),
        story.blocks,
        story.requests,
        story.commits,
        story.reorgs,
        story.crashes,
        story.terms,
    );
    if missing.is_empty() {
        println!("reorgs of every depth from 1 to {DEEPEST}");
    } else {
        println!("no reorg of depth {missing:?}");
    }
    divergences
}

/// Returns whether the simulation finds this fault.
fn is_found(fault: Mutant) -> bool {
    mutant::set(Some(fault));
    let found = Mutex::new(None);
    on_every_core(0, MUTANT_SEEDS, |seed, ended| match ended {
        Ok(_) => false,
        Err(divergence) => {
            let mut found = found.lock().expect("no panic");
            if found.as_ref().is_none_or(|(other, _)| seed < *other) {
                *found = Some((seed, divergence));
            }
            true
        }
    });
    mutant::set(None);
    match found.into_inner().expect("no panic") {
        Some((seed, divergence)) => {
            let divergence: String = divergence.chars().take(160).collect();
            println!("{fault:?}: found by seed {seed}: {divergence}");
            true
        }
        None => {
            println!("{fault:?}: NOT FOUND within {MUTANT_SEEDS} seeds");
            false
        }
    }
}
