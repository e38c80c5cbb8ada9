//! Prints the results: a table for people, and figures for comparing runs.
#![expect(clippy::print_stdout, reason = "a measurement prints its table")]

use std::time::Duration;

use crate::{
    ordinary::{Deed, Watched},
    raid::Outcome,
    receipts::Kept,
};

/// The goals: the name of a figure and its largest allowed value.
const GOALS: [(&str, f64); 4] =
    [("p99_vs_quiet_worst", 5.0), ("revoke_p99_vs_quiet", 3.0), ("anchored_late", 0.0), ("api_peak_mib", 256.0)];

/// Prints the durations for ordinary people, compared with quiet times. Returns the worst ratio of all operations, and
/// that of revoking.
pub(crate) fn people(quiet: &Watched, attacked: &Watched) -> (f64, f64) {
    println!("\nordinary people, in milliseconds; what is refused counts as 60 s");
    println!(
        "{:<24} {:>6} {:>9} {:>9}   {:>6} {:>9} {:>9}   {:>7}",
        "", "quiet", "P50", "P99", "attack", "P50", "P99", "P99 x"
    );
    let (mut worst, mut revoke) = (0.0_f64, 0.0);
    for deed in Deed::ALL {
        let (before, during) = (times(quiet, deed), times(attacked, deed));
        let ratio = quantile(during, 99) / quantile(before, 99);
        println!(
            "{:<24} {:>6} {:>9.1} {:>9.1}   {:>6} {:>9.1} {:>9.1}   {ratio:>7.2}",
            deed.name(),
            before.len(),
            quantile(before, 50),
            quantile(before, 99),
            during.len(),
            quantile(during, 50),
            quantile(during, 99),
        );
        // A row without figures is a failure.
        worst = if ratio.is_finite() { worst.max(ratio) } else { f64::INFINITY };
        if deed == Deed::Revoke {
            revoke = ratio;
        }
    }
    for (when, watched) in [("quiet", quiet), ("attack", attacked)] {
        for ((deed, code), count) in &watched.refusals {
            println!("{when}: {} was refused with {code} ×{count}", deed.name());
        }
    }
    (worst, revoke)
}

/// Prints what the attackers did, and the answers that they got.
pub(crate) fn attackers(outcomes: &[Outcome]) {
    println!("\nattackers");
    for outcome in outcomes {
        let counts = &outcome.counts;
        println!(
            "{:<14} {:<10} {:>5.0} s   {}",
            outcome.name,
            outcome.address.to_string(),
            outcome.lasted.as_secs_f64(),
            counts.line()
        );
        let mut notes = counts.notes.clone();
        if counts.bytes > 0 {
            notes.push(format!(
                "slowest answer {:.0} ms, {:.1} MB of answers",
                counts.slowest.as_secs_f64() * 1_000.0,
                counts.bytes as f64 / 1e6
            ));
        }
        for note in notes {
            println!("{:<35} {note}", "");
        }
    }
}

/// Prints the operator's promises and whether they were kept.
pub(crate) fn promises(kept: &Kept) {
    println!(
        "\n{} receipts: the furthest promise of anchorBy was {} s ahead, the slowest leaf took {} s, {} late",
        kept.promises, kept.furthest, kept.slowest, kept.late
    );
}

/// Prints the goals, and then the figures.
pub(crate) fn figures(result: &serde_json::Value) {
    println!();
    for (name, goal) in GOALS {
        let value = result[name].as_f64().unwrap_or(f64::INFINITY);
        let word = if value <= goal { "met" } else { "missed" };
        println!("{name:<24} {value:>8.2}   goal at most {goal:<6} {word}");
    }
    println!("{result}");
}

pub(crate) fn round2(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn times(watched: &Watched, deed: Deed) -> &[Duration] {
    watched.times.get(&deed).map_or(&[], Vec::as_slice)
}

/// Returns the quantile of the durations in milliseconds, or NaN if nothing was measured.
fn quantile(times: &[Duration], percent: usize) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).map_or(f64::NAN, |time| time.as_secs_f64() * 1_000.0)
}
