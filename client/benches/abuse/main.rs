//! Measures ordinary people while others attack, compared with quiet times in the same run, on a chain with two-second
//! blocks.
//!
//! `./scripts/bench abuse` runs all attacks at the same time. `-- --attack NAME` runs one (may repeat; `none` shows the
//! noise of the machine), and `-- --seconds N` limits the duration of the measurement. It needs Linux: attackers use
//! 127.0.0.2 onwards and a low priority, and the system must list the connections and the memory of a process.
//!
//! Reading order: `ordinary` (the measured people), `attacks` (the attacks), `raid` (runs the attacks), `receipts` (the
//! operator's promises), `report`.
#![expect(clippy::print_stdout, reason = "a measurement prints what it does")]

mod attacker;
mod attacks;
mod memory;
mod ordinary;
#[path = "../people.rs"]
mod people;
mod purse;
mod raid;
mod receipts;
mod report;
mod sockets;
mod tally;
mod wishes;
mod world;

use std::{sync::Arc, time::Duration};

use anyhow::ensure;
use ordinary::{Ordinary, Watched};
use raid::Raid;
use report::round2;
use tokio_util::sync::CancellationToken;
use wishes::Wishes;
use world::World;

/// The duration of a measurement in quiet times, and the shortest one under attack.
const SHORTEST: Duration = Duration::from_secs(30);
/// The time before a measurement, in which connections are opened and caches filled.
const WARM_UP: Duration = Duration::from_secs(3);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let wishes = Wishes::read()?;
    sockets::self_check().await?;
    receipts::self_check()?;
    let world = World::start().await?;
    println!("preparing {}", if wishes.attacks.is_empty() { "no attack".into() } else { wishes.attacks.join(", ") });
    let purse = Arc::new(world.purse()?);
    let prepared = attacks::prepare(&world, &purse, &wishes.attacks).await?;
    let ordinary = Ordinary::new(&world, &purse).await?;
    watch_for(&ordinary, WARM_UP).await;

    println!("watching ordinary people in quiet times; {}", load());
    let quiet = watch_for(&ordinary, SHORTEST).await;
    let quiet_peak = memory::peak_mib(world.api_pid())?;
    ensure!(quiet.refusals.is_empty(), "somebody was refused in quiet times: {:?}", quiet.refusals);

    println!("watching them while they are attacked; {}", load());
    let raid = Raid::begin(prepared)?;
    let over = CancellationToken::new();
    let longest = wishes.longest.max(SHORTEST) - SHORTEST;
    let ends = async {
        tokio::time::sleep(SHORTEST).await;
        let _ = tokio::time::timeout(longest, raid.spent()).await;
        over.cancel();
    };
    let (attacked, ()) = tokio::join!(ordinary.watch(&over), ends);
    let outcomes = raid.end().await?;
    let peak = memory::peak_mib(world.api_pid())?;

    let promises: Vec<_> = quiet.promises.iter().chain(&attacked.promises).copied().collect();
    let kept = receipts::settle(&world, &promises).await?;
    let (worst, revoke) = report::people(&quiet, &attacked);
    report::attackers(&outcomes);
    report::promises(&kept);
    println!("the API held {quiet_peak:.0} MiB at most in quiet times, {peak:.0} MiB in all");
    world.stack.stop().await;
    report::figures(&serde_json::json!({
        "bench": "abuse",
        "p99_vs_quiet_worst": round2(worst),
        "revoke_p99_vs_quiet": round2(revoke),
        "anchored_late": kept.late,
        "api_peak_mib": (peak * 10.0).round() / 10.0,
    }));
    Ok(())
}

/// Returns the load of the machine in the last minute. If other programs run, the figures are not reliable.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    format!("load {}, {processors} processors", text.split(' ').next().unwrap_or("unknown"))
}

/// Lets the people act for some time.
async fn watch_for(ordinary: &Ordinary<'_>, time: Duration) -> Watched {
    let over = CancellationToken::new();
    let ends = async {
        tokio::time::sleep(time).await;
        over.cancel();
    };
    tokio::join!(ordinary.watch(&over), ends).0
}
