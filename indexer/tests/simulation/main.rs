//! The real code with a simulated chain and a simulated database, in simulated time, for cases that take too long with
//! real ones. `scripts/simulate` runs many more seeds, and also real processes.

mod chain;
mod contracts_model;
mod dice;
mod guarantees;
mod known_failures;
mod seeds;
mod simulation;
mod store;

/// A smaller part of the seeds of `scripts/simulate`: every depth of a reorg once.
#[test]
fn a_hundred_seeds_end_with_what_a_rebuild_and_the_contracts_say() {
    let next = std::sync::atomic::AtomicU64::new(0);
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if seed >= seeds::DEEPEST {
                        return;
                    }
                    if let Err(divergence) = seeds::run(seed) {
                        panic!("seed {seed}: {divergence}\n  do: ./scripts/simulate --seed {seed}");
                    }
                }
            });
        }
    });
}
