//! Time and tasks: tokio's. A build with the feature `simulation`, which only the simulation asks for, has simulated ones
//! beside them.

#[cfg(feature = "simulation")]
mod simulated;

#[cfg(feature = "simulation")]
pub use simulated::{Elapsed, Instant, JoinHandle, run, sleep, spawn, timeout};
#[cfg(not(feature = "simulation"))]
pub(crate) use tokio::{
    task::{JoinHandle, spawn},
    time::{Instant, sleep, timeout},
};
