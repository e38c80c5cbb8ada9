//! The CPU time and memory of a process, and quantiles.

use std::{fs, time::Duration};

use anyhow::Context;

/// The resources that a process has used since its start.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// The user and system time.
    pub(crate) cpu: Duration,
    /// The largest memory so far (`VmHWM`), in MiB.
    pub(crate) peak_mib: f64,
    /// The present memory (`VmRSS`), in MiB.
    pub(crate) now_mib: f64,
    /// The CPU time of its database server.
    pub(crate) database_cpu: Duration,
}

/// The result of a backfill.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backfilled {
    /// The time from the start of the process until all rows exist.
    pub(crate) time: Duration,
    pub(crate) usage: Usage,
    pub(crate) rpc_calls: u64,
}

impl Usage {
    /// Reads the usage of a running process.
    pub(crate) fn of(pid: u32) -> anyhow::Result<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let mib = |name: &str| -> anyhow::Result<f64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).context("the system tells memory")?;
            Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1_024.0)
        };
        Ok(Self {
            cpu: times_of(pid)?.1,
            peak_mib: mib("VmHWM:")?,
            now_mib: mib("VmRSS:")?,
            database_cpu: Duration::ZERO,
        })
    }

    /// Returns the CPU time of a process and its children.
    pub(crate) fn cpu_of_family(pid: u32) -> anyhow::Result<Duration> {
        let mut total = times_of(pid)?.1;
        for entry in fs::read_dir("/proc")?.flatten() {
            let child = entry.file_name().to_str().and_then(|name| name.parse().ok());
            // A process may end meanwhile.
            if let Some((parent, cpu)) = child.and_then(|child| times_of(child).ok())
                && parent == pid
            {
                total += cpu;
            }
        }
        Ok(total)
    }
}

/// Returns the parent of a process, and its user and system time.
fn times_of(pid: u32) -> anyhow::Result<(u32, Duration)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in brackets, may contain spaces.
    let fields: Vec<&str> = stat.rsplit(')').next().context("the system tells times")?.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    Ok((fields[1].parse()?, Duration::from_millis(ticks * 1_000 / TICKS_A_SECOND)))
}

/// The unit of times in Linux, on all machines that are used here.
const TICKS_A_SECOND: u64 = 100;

pub(crate) fn quantile(times: &[Duration], percent: usize) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let at = (sorted.len() * percent / 100).min(sorted.len() - 1);
    sorted[at].as_secs_f64() * 1_000.0
}

/// Returns the machine's load of the last minute, which is needed to judge a figure.
pub(crate) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

pub(crate) fn round2(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
