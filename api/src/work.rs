//! Work on input that takes long: off the async threads, and only so much of it at once.

use std::sync::OnceLock;

use tokio::sync::Semaphore;

use crate::error::ApiError;

/// Work on less than this stays where it is: handing it over would take longer.
const SMALL_BYTES: usize = 32 << 10;

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
    // As many at once as there are processors: more would only take memory and time from everybody else.
    static PLACES: OnceLock<Semaphore> = OnceLock::new();
    let count = || std::thread::available_parallelism().map_or(1, usize::from);
    let place = PLACES.get_or_init(|| Semaphore::new(count())).acquire().await.map_err(ApiError::internal)?;
    tokio::task::spawn_blocking(move || {
        let outcome = work();
        drop(place);
        outcome
    })
    .await
    .map_err(ApiError::internal)?
}
