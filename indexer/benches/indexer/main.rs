//! Compares our indexer with Ponder and with the limits of the machine: in one run, on the same chains, in turns.
//!
//! `./scripts/bench indexer` runs everything. `-- --rounds N` repeats the backfills and reports medians, `-- --only
//! PART` runs one of `backfill`, `live`, `growth`.
#![expect(clippy::print_stdout, reason = "a measurement prints its table")]

mod chains;
mod limits;
mod live;
mod measure;
mod network;
mod ours;
mod ponder;
mod postgres;
mod rows;

use std::time::Duration;

use anyhow::{Context, ensure};
use chains::{Chain, Crowd, Shape};
use measure::{Backfilled, load, quantile, round2};
use network::{Anvil, Network};
use ours::Ours;
use ponder::{Ponder, Store, Watcher};
use postgres::Postgres;
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// The longest time for a backfill with Ponder. On PGlite it does not finish a sparse chain.
const PATIENCE: Duration = Duration::from_secs(300);
/// Seed of the people who act while latencies are measured.
const LIVE_SEED: u64 = 11;

/// The goals: the name of a figure, whether the goal is its least or its greatest value, and the goal.
const GOALS: [(&str, bool, f64); 7] = [
    ("backfill_vs_ponder_pglite", true, 10.0),
    ("backfill_vs_ponder_postgres", true, 6.0),
    ("sparse_vs_ponder_postgres", true, 20.0),
    ("backfill_vs_limit", true, 0.7),
    ("live_p50_vs_ponder", false, 0.5),
    ("live_p99_vs_ponder", false, 0.5),
    ("peak_mib", false, 150.0),
];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let wishes = Wishes::read()?;
    let mut network = Network::start().await?;
    let mut result = json!({
        "bench": "indexer", "backfill_vs_ponder_pglite": null, "backfill_vs_ponder_postgres": null,
        "sparse_vs_ponder_postgres": null, "backfill_vs_limit": null, "live_p50_ms": null, "live_p99_ms": null,
        "live_p50_vs_ponder": null, "live_p99_vs_ponder": null, "peak_mib": null,
    });
    let mut peak = 0.0_f64;
    if wishes.wants("backfill") {
        let mut shapes = Vec::new();
        for shape in [Shape::Dense, Shape::Mixed, Shape::Sparse] {
            shapes.push(backfills(&mut network, shape, wishes.rounds).await?);
        }
        let least = |of: fn(&Outcome) -> Option<f64>, among: &[Outcome]| {
            among.iter().filter_map(of).min_by(f64::total_cmp).map(round2)
        };
        result["backfill_vs_ponder_pglite"] = json!(least(Outcome::vs_pglite, &shapes[..2]));
        result["backfill_vs_ponder_postgres"] = json!(least(Outcome::vs_postgres, &shapes[..2]));
        result["sparse_vs_ponder_postgres"] = json!(least(Outcome::vs_postgres, &shapes[2..]));
        result["backfill_vs_limit"] = json!(least(|shape| Some(shape.vs_limit()), &shapes));
        peak = shapes.iter().flat_map(|shape| &shape.ours).map(|run| run.usage.peak_mib).fold(peak, f64::max);
    }
    if wishes.wants("live") {
        let live = latencies(&mut network).await?;
        result["live_p50_ms"] = json!(round2(live.ours.0));
        result["live_p99_ms"] = json!(round2(live.ours.1));
        result["live_p50_vs_ponder"] = json!(round2(live.ours.0 / live.pglite.0.min(live.postgres.0)));
        result["live_p99_vs_ponder"] = json!(round2(live.ours.1 / live.pglite.1.min(live.postgres.1)));
    }
    if wishes.wants("growth") {
        peak = peak.max(growth(&mut network).await?);
    }
    // Latencies are measured without it.
    if peak > 0.0 {
        result["peak_mib"] = json!((peak * 10.0).round() / 10.0);
    }
    for (name, is_least, goal) in GOALS {
        if let Some(value) = result[name].as_f64() {
            let is_met = if is_least { value >= goal } else { value <= goal };
            let (word, at) = (if is_met { "met" } else { "missed" }, if is_least { "at least" } else { "at most" });
            println!("{name:<30} {value:>8.2}   goal {at} {goal:<6} {word}");
        }
    }
    println!("{result}");
    Ok(())
}

/// The options of the command line.
struct Wishes {
    rounds: usize,
    only: Option<String>,
}

impl Wishes {
    fn read() -> anyhow::Result<Self> {
        let mut wishes = Self { rounds: 3, only: None };
        // Cargo adds its own argument.
        let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
        while let Some(argument) = arguments.next() {
            let value = arguments.next().with_context(|| format!("{argument} needs a value"))?;
            match argument.as_str() {
                "--rounds" => wishes.rounds = value.parse().context("--rounds needs a number")?,
                "--only" => wishes.only = Some(value),
                other => anyhow::bail!("there is no {other}\n  do: use --rounds N or --only backfill|live|growth"),
            }
        }
        ensure!(wishes.rounds > 0, "--rounds must be at least 1");
        Ok(wishes)
    }

    fn wants(&self, part: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == part)
    }
}

/// All backfills of one shape.
struct Outcome {
    shape: Shape,
    ours: Vec<Backfilled>,
    pglite: Vec<Backfilled>,
    postgres: Vec<Backfilled>,
    null_sink: Vec<Duration>,
    bare_write: Vec<Duration>,
}

impl Outcome {
    fn vs_pglite(&self) -> Option<f64> {
        Some(median_time(&self.pglite)? / median_time(&self.ours)?)
    }

    fn vs_postgres(&self) -> Option<f64> {
        Some(median_time(&self.postgres)? / median_time(&self.ours)?)
    }

    /// Returns the ratio to the limit, which is the slower of the two.
    fn vs_limit(&self) -> f64 {
        let limit = median(&self.null_sink).max(median(&self.bare_write));
        limit.as_secs_f64() / median_time(&self.ours).unwrap_or(f64::NAN)
    }

    fn print(&self) {
        let events = self.shape.events();
        println!("\n{} chain: {events} events, medians of {} rounds", self.shape.name(), self.ours.len());
        println!(
            "{:<44} {:>8} {:>9} {:>9} {:>9} {:>9} {:>10}",
            "", "s", "events/s", "peak MiB", "CPU s", "DB CPU s", "RPC calls"
        );
        for (name, runs) in [
            ("medlock-indexer", &self.ours),
            ("Ponder 0.16.10 on PGlite", &self.pglite),
            ("Ponder 0.16.10 on PostgreSQL", &self.postgres),
        ] {
            let Some(time) = median_time(runs) else {
                println!("{name:<44} did not finish within {} s", PATIENCE.as_secs());
                continue;
            };
            let middle = |of: fn(&Backfilled) -> f64| middle(runs.iter().map(of).collect());
            println!(
                "{name:<44} {time:>8.2} {:>9.0} {:>9.1} {:>9.2} {:>9.2} {:>10.0}",
                events as f64 / time,
                middle(|run| run.usage.peak_mib),
                middle(|run| run.usage.cpu.as_secs_f64()),
                middle(|run| run.usage.database_cpu.as_secs_f64()),
                middle(|run| run.rpc_calls as f64),
            );
        }
        // These lines show the limits of the database. No indexer that writes to it can be faster.
        for (name, times) in [
            ("limit: logs fetched, decoded, thrown away", &self.null_sink),
            ("limit: the same documents, bare bulk writes", &self.bare_write),
        ] {
            let time = median(times).as_secs_f64();
            let vs = |peer: &[Backfilled]| median_time(peer).map_or("-".into(), |peer| format!("{:.1}", peer / time));
            println!(
                "{name:<44} {time:>8.2} {:>9.0}   times as fast as Ponder: PGlite {}, PostgreSQL {}",
                events as f64 / time,
                vs(&self.pglite),
                vs(&self.postgres)
            );
        }
    }
}

fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn median(times: &[Duration]) -> Duration {
    Duration::from_secs_f64(middle(times.iter().map(Duration::as_secs_f64).collect()))
}

fn median_time(runs: &[Backfilled]) -> Option<f64> {
    (!runs.is_empty()).then(|| middle(runs.iter().map(|run| run.time.as_secs_f64()).collect()))
}

/// Starts Anvil with a chain that was built before.
async fn load_chain(network: &Network, shape: Shape) -> anyhow::Result<(Chain, Anvil, u64)> {
    let chain = chains::chain(network, shape).await?;
    let anvil = network.anvil(&[&format!("--load-state={}", chain.state.display())]).await?;
    let head = anvil.head().await?;
    Ok((chain, anvil, head))
}

async fn backfills(network: &mut Network, shape: Shape, rounds: usize) -> anyhow::Result<Outcome> {
    let (chain, anvil, head) = load_chain(network, shape).await?;
    let mut outcome = Outcome {
        shape,
        ours: Vec::new(),
        pglite: Vec::new(),
        postgres: Vec::new(),
        null_sink: Vec::new(),
        bare_write: Vec::new(),
    };
    for round in 1..=rounds {
        eprintln!("{} chain, round {round} of {rounds}, load {}", shape.name(), load());
        network.fresh_mongo().await?;
        let (ours, indexer) = ours::backfill(network, &chain, head).await?;
        let documents = limits::documents(network).await?;
        let rows = if round == 1 { Some(rows::of_mirror(indexer.db()).await?) } else { None };
        indexer.stop().await;
        eprintln!("  ours {:.2} s, load {}", ours.time.as_secs_f64(), load());
        outcome.ours.push(ours);
        outcome.null_sink.push(limits::null_sink(network, &chain, head).await?);
        network.fresh_mongo().await?;
        outcome.bare_write.push(limits::bare_write(network, &documents).await?);
        drop(documents);

        let postgres = Postgres::start(network).await?;
        // A store with which Ponder once did not finish is not tried again.
        let stores = [(Store::Pglite, "pglite"), (Store::Postgres(&postgres), "postgres")];
        for (store, name) in stores {
            let runs = if matches!(store, Store::Pglite) { &mut outcome.pglite } else { &mut outcome.postgres };
            if runs.len() + 1 < round || (shape == Shape::Sparse && matches!(store, Store::Pglite)) {
                continue;
            }
            let Some((run, ponder)) = ponder::backfill(network, &chain, store, "bench", PATIENCE).await? else {
                eprintln!("  Ponder on {name} did not finish");
                continue;
            };
            eprintln!("  Ponder on {name} {:.2} s, load {}", run.time.as_secs_f64(), load());
            runs.push(run);
            if let Some(ours) = &rows {
                let count = rows::compare(ours, &rows::of_ponder(&ponder).await?)?;
                println!("{} chain: all {count} rows of Ponder on {name} equal ours", shape.name());
            }
            ponder.stop().await;
        }
    }
    anvil.stop().await;
    outcome.print();
    Ok(outcome)
}

/// P50 and P99 of each, in milliseconds.
struct Latencies {
    ours: (f64, f64),
    pglite: (f64, f64),
    postgres: (f64, f64),
}

/// Measures from block to row, without other load, and while another backfill runs on the same machine and store.
async fn latencies(network: &mut Network) -> anyhow::Result<Latencies> {
    println!("\nfrom block to row, {} blocks of one event, in milliseconds", live::BLOCKS);
    println!("{:<44} {:>8} {:>8} {:>8} {:>8}", "", "P50", "P95", "P99", "load");
    let print = |name: &str, times: &[Duration]| {
        let (p50, p95, p99) = (quantile(times, 50), quantile(times, 95), quantile(times, 99));
        println!("{name:<44} {p50:>8.1} {p95:>8.1} {p99:>8.1} {:>8}", load());
        (p50, p99)
    };

    network.fresh_mongo().await?;
    let (chain, anvil, head) = load_chain(network, Shape::Dense).await?;
    let deployment = indexer::binding::read_deployment(&chain.deployment)?;
    let mut crowd = Crowd::new(&deployment, LIVE_SEED);
    let mut indexer = Ours::start(network, &chain, "medlock").await?;
    indexer.reaches(head).await?;
    let ours = print("medlock-indexer", &live::latencies(&anvil, &mut crowd, &mut indexer).await?);
    let (done, others) = (CancellationToken::new(), &*network);
    let again = async {
        while !done.is_cancelled() {
            let mut other = Ours::start(others, &chain, "other").await?;
            let result = tokio::select! {
                () = done.cancelled() => Ok(()),
                reached = other.reaches(head) => reached.map(drop),
            };
            other.stop().await;
            result?;
            ours::database(others, "other").await?.drop().await?;
        }
        anyhow::Ok(())
    };
    let measured = async {
        let times = live::latencies(&anvil, &mut crowd, &mut indexer).await;
        done.cancel();
        times
    };
    let (times, again) = tokio::join!(measured, again);
    again?;
    print("medlock-indexer, during a backfill", &times?);
    indexer.stop().await;
    anvil.stop().await;

    let postgres_server = Postgres::start(network).await?;
    let mut of_peers = Vec::new();
    for (store, name) in [(Store::Postgres(&postgres_server), "PostgreSQL"), (Store::Pglite, "PGlite")] {
        let (_, anvil, _) = load_chain(network, Shape::Dense).await?;
        let mut crowd = Crowd::new(&deployment, LIVE_SEED);
        let mut ponder = Ponder::start(network, &chain, store, "live")?;
        ensure!(ponder.ready(PATIENCE).await?.is_some(), "Ponder on {name} does not become ready");
        let (quiet, busy);
        match store {
            Store::Pglite => {
                quiet = live::latencies(&anvil, &mut crowd, &mut ponder).await?;
                let other = Ponder::start(network, &chain, store, "other")?;
                busy = live::latencies(&anvil, &mut crowd, &mut ponder).await?;
                other.stop().await;
            }
            Store::Postgres(server) => {
                let mut watcher = Watcher::start(server, "live")?;
                quiet = live::latencies(&anvil, &mut crowd, &mut watcher).await?;
                let other = Ponder::start(network, &chain, store, "other")?;
                busy = live::latencies(&anvil, &mut crowd, &mut watcher).await?;
                other.stop().await;
                watcher.stop()?;
            }
        }
        of_peers.push(print(&format!("Ponder 0.16.10 on {name}"), &quiet));
        print(&format!("Ponder 0.16.10 on {name}, during a backfill"), &busy);
        ponder.stop().await;
        anvil.stop().await;
    }
    Ok(Latencies { ours, postgres: of_peers[0], pglite: of_peers[1] })
}

/// Measures the cost of an event while the mirror grows. Returns the peak of memory in MiB.
async fn growth(network: &mut Network) -> anyhow::Result<f64> {
    network.fresh_mongo().await?;
    let (chain, anvil, head) = load_chain(network, Shape::Long).await?;
    let first = indexer::binding::read_deployment(&chain.deployment)?.start_block;
    // Deploying takes five blocks; each block after them has a thousand events.
    let before = head - 1_000 - 45;
    ensure!(before >= first, "the long chain has another form");
    println!("\ncost of an event while the mirror grows to {} events, load {}", chain.shape.events(), load());
    println!("{:>10} {:>10} {:>14} {:>14} {:>10}", "events", "s", "us/event", "CPU us/event", "MiB");
    let mut indexer = Ours::start(network, &chain, "medlock").await?;
    let (mut time_before, mut cpu_before, mut events_before) = (Duration::ZERO, Duration::ZERO, 0_u64);
    for events in
        [10_000, 30_000, 100_000, 200_000, 300_000, 400_000, 500_000, 600_000, 700_000, 800_000, 900_000, 1_000_000_u64]
    {
        let time = indexer.reaches(before + events / 1_000).await?;
        let block =
            indexer.block().await?.and_then(|block| u64::try_from(block).ok()).context("the mirror has a cursor")?;
        // The mirror may be further than the awaited block.
        let now = (block.saturating_sub(before) * 1_000).clamp(events, chain.shape.events());
        let usage = indexer.usage()?;
        let each = |time: Duration, before: Duration| {
            (time - before).as_secs_f64() * 1e6 / (now - events_before).max(1) as f64
        };
        println!(
            "{now:>10} {:>10.1} {:>14.1} {:>14.1} {:>10.1}",
            time.as_secs_f64(),
            each(time, time_before),
            each(usage.cpu, cpu_before),
            usage.now_mib
        );
        (time_before, cpu_before, events_before) = (time, usage.cpu, now);
    }
    let peak = indexer.usage()?.peak_mib;
    indexer.stop().await;
    anvil.stop().await;
    Ok(peak)
}
