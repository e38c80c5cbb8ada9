//! Work on input that takes long: off the async threads, only so much of it at once, and after everything else.

use std::{io, sync::LazyLock, thread::available_parallelism};

use tokio::runtime::{Builder, Runtime};

use crate::{error::ApiError, request_turns};

/// Work on less than this stays where it is: handing it over would take longer.
const SMALL_BYTES: usize = 32 << 10;
/// How far long work stands back for everything else, as `nice` counts it. Where processors are idle it costs nothing.
const NICE: i32 = 10;

/// Runs `work` over `bytes` of input. Its length must be bounded and its cost linear: a request that is given up leaves it
/// running to its end.
///
/// # Errors
/// Those of `work`; `internal` when it panics.
pub(crate) async fn run<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    if bytes < SMALL_BYTES {
        return work();
    }
    let workers = WORKERS.as_ref().map_err(ApiError::internal)?;
    request_turns::give_back();
    workers.spawn_blocking(work).await.map_err(ApiError::internal)?
}

/// As many threads as there are processors: more would only take memory and time from everybody else. They are the
/// process's, as the processors are; only the runtime's threads for long work are used.
static WORKERS: LazyLock<io::Result<Runtime>> = LazyLock::new(|| {
    let threads = available_parallelism().map_or(1, usize::from);
    let stand_back = || {
        // On Linux each thread has a priority of its own. Where that is not allowed, long work only stands back less.
        let _ = rustix::process::nice(NICE);
    };
    Builder::new_current_thread()
        .max_blocking_threads(threads)
        .thread_name("long-work")
        .on_thread_start(stand_back)
        .build()
});
