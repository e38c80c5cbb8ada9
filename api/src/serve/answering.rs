//! What one connection is answering: whether the next request may be read, and whether nobody has asked for a while.

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
    /// HTTP/1: between a head that was let through and the end of its answer.
    is_taken: AtomicBool,
    /// Whoever waits for that end.
    waiting: AtomicWaker,
    /// Requests at work, and how many there have ever been.
    count: watch::Sender<(usize, u64)>,
    /// HTTP/1: how the newest answer is taken.
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

    /// How the newest answer is taken; on HTTP/2 each stream has its own ([`super::streams`]).
    pub(super) fn pace(&self) -> Arc<Pace> {
        Arc::clone(&self.pace.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The same for an answer that begins.
    pub(super) fn new_pace(&self) -> Arc<Pace> {
        let pace = Arc::<Pace>::default();
        *self.pace.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&pace);
        pace
    }

    /// A head was let through.
    pub(super) fn begin(&self) {
        self.is_taken.store(true, Ordering::Release);
    }

    /// Returns whether the next head may be let through.
    pub(super) fn poll_is_free(&self, cx: &Context<'_>) -> Poll<()> {
        self.waiting.register(cx.waker());
        if self.is_taken.load(Ordering::Acquire) { Poll::Pending } else { Poll::Ready(()) }
    }

    /// Counts a request until what this gives is dropped.
    pub(super) fn request(self: &Arc<Self>) -> Request {
        self.count.send_modify(|(now, ever)| {
            *now += 1;
            *ever += 1;
        });
        Request(Arc::clone(self))
    }

    /// Resolves when there has been no request for this time.
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

/// A request at work.
pub(super) struct Request(Arc<Answering>);

impl Drop for Request {
    fn drop(&mut self) {
        self.0.count.send_modify(|(now, _)| *now -= 1);
        self.0.is_taken.store(false, Ordering::Release);
        self.0.waiting.wake();
    }
}
