//! How much memory a process has needed.

use anyhow::Context;

/// The most memory that a running process ever held (`VmHWM`), in MiB.
///
/// # Errors
/// When the process has ended, which under attack is a finding of its own.
pub(crate) fn peak_mib(pid: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("the API has ended")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("the API has ended")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse::<f64>()? / 1_024.0)
}
