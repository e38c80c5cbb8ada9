//! Waiting for what happens in the background.

use std::time::Duration;

/// Asks again and again until there is an answer, and returns it.
///
/// Panics with `what` after 20 seconds.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    for _ in 0..400 {
        if let Some(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("did not happen in 20 s: {what}");
}
