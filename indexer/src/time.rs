//! Time and tasks from tokio. A build with the feature `simulation`, which only the simulation enables, also has
//! simulated ones.

#[cfg(feature = "simulation")]
mod simulated;

#[cfg(feature = "simulation")]
pub use simulated::{Elapsed, Instant, JoinHandle, run, sleep, spawn, timeout};
#[cfg(not(feature = "simulation"))]
pub(crate) use tokio::{
    task::{JoinHandle, spawn},
    time::{Instant, sleep, timeout},
};
