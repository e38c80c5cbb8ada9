//! HTTP/2 streams. A stream whose answer the client does not read is reset.
//!
//! On a connection with many streams the socket is never idle, so the socket's own limit does not help.

use std::sync::Arc;

use hyper::rt::Executor;

use super::pace::{Pace, Pacing};

tokio::task_local! {
    static CURRENT: Arc<Pace>;
}

/// Returns the progress of the answer of the stream that this task serves, or `None` on HTTP/1.
pub(super) fn current() -> Option<Arc<Pace>> {
    CURRENT.try_with(Arc::clone).ok()
}

/// Runs the task that hyper starts for each stream, until it ends or its client is too slow.
#[derive(Clone, Copy)]
pub(super) struct Streams(pub(super) Pacing);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, work: F) {
        let (pace, pacing) = (Arc::<Pace>::default(), self.0);
        tokio::spawn(async move {
            tokio::select! {
                () = CURRENT.scope(Arc::clone(&pace), work) => {}
                // Dropping the task resets the stream, and discards the queued part of its answer.
                () = pace.late(&pacing) => {}
            }
        });
    }
}
