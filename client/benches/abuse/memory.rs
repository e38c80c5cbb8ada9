//! The memory that a process has used.

use anyhow::Context;

/// Returns the peak memory of a running process (`VmHWM`), in MiB.
///
/// # Errors
/// Returns an error when the process has ended. Under attack, this is a result by itself.
pub(crate) fn peak_mib(pid: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("the API has ended")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("the API has ended")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse::<f64>()? / 1_024.0)
}
