//! The requests that one connection is answering. Shows whether the next request may be read, and how long the
//! connection has been quiet.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures::task::AtomicWaker;
use tokio::sync::watch;

use super::pace::Pace;

/// The requests of one connection.
pub(super) struct Answering {
    /// HTTP/1: true from an accepted head until the end of its answer.
    is_taken: AtomicBool,
    /// The task that waits for that end.
    waiting: AtomicWaker,
    /// Number of requests in progress, and total number of requests so far.
    count: watch::Sender<(usize, u64)>,
    /// HTTP/1: the progress of the newest answer.
    pace: Mutex<Arc<Pace>>,
}

impl Answering {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            is_taken: AtomicBool::new(false),
            waiting: AtomicWaker::new(),
            count: watch::Sender::new((0, 0)),
            pace: Mutex::default(),
        })
    }

    /// Returns the progress of the newest answer. On HTTP/2 each stream has its own ([`super::streams`]).
    pub(super) fn pace(&self) -> Arc<Pace> {
        Arc::clone(&self.pace.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Starts and returns the progress of a new answer.
    pub(super) fn new_pace(&self) -> Arc<Pace> {
        let pace = Arc::<Pace>::default();
        *self.pace.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&pace);
        pace
    }

    /// Marks that a head was accepted.
    pub(super) fn begin(&self) {
        self.is_taken.store(true, Ordering::Release);
    }

    /// Returns whether the next head may be accepted.
    pub(super) fn poll_is_free(&self, cx: &Context<'_>) -> Poll<()> {
        self.waiting.register(cx.waker());
        if self.is_taken.load(Ordering::Acquire) { Poll::Pending } else { Poll::Ready(()) }
    }

    /// Counts a request until the returned value is dropped.
    pub(super) fn request(self: &Arc<Self>) -> Request {
        self.count.send_modify(|(now, ever)| {
            *now += 1;
            *ever += 1;
        });
        Request(Arc::clone(self))
    }

    /// Returns when there has been no request for this time.
    pub(super) async fn quiet(&self, wait: Duration) {
        let mut count = self.count.subscribe();
        loop {
            let Ok(seen) = count.wait_for(|(now, _)| *now == 0).await.map(|seen| *seen) else { return };
            if tokio::time::timeout(wait, count.wait_for(|count| *count != seen)).await.is_err() {
                return;
            }
        }
    }
}

/// A request in progress.
pub(super) struct Request(Arc<Answering>);

impl Drop for Request {
    fn drop(&mut self) {
        self.0.count.send_modify(|(now, _)| *now -= 1);
        self.0.is_taken.store(false, Ordering::Release);
        self.0.waiting.wake();
    }
}
