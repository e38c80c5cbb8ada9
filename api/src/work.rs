//! Long work on input. It runs outside the async threads, with limited parallelism and low priority.

use std::{io, sync::LazyLock, thread::available_parallelism};

use tokio::runtime::{Builder, Runtime};

use crate::{error::ApiError, request_turns};

/// Work on fewer bytes runs on the calling thread, because passing it to another thread would take longer.
const SMALL_BYTES: usize = 32 << 10;
/// The `nice` value of threads for long work. On idle processors it costs nothing.
const NICE: i32 = 10;

/// Runs `work` on `bytes` of input. The length must be bounded and the cost linear, because the work runs to its end
/// even if the request is abandoned.
///
/// # Errors
/// Returns the errors of `work`, or `internal` when it panics.
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

/// One thread per processor: more threads would only take memory and time from other work. They belong to the process,
/// like the processors. Of the runtime only the blocking threads are used.
static WORKERS: LazyLock<io::Result<Runtime>> = LazyLock::new(|| {
    let threads = available_parallelism().map_or(1, usize::from);
    let stand_back = || {
        // On Linux each thread has its own priority. Where setting it is not allowed, long work runs with normal
        // priority.
        let _ = rustix::process::nice(NICE);
    };
    Builder::new_current_thread()
        .max_blocking_threads(threads)
        .thread_name("long-work")
        .on_thread_start(stand_back)
        .build()
});
