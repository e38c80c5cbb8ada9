//! Measures how fast a client reads an answer.
//!
//! An answer is given to hyper in pieces. Each piece is counted until the socket has taken it, wherever it waits: in
//! hyper, in the queue of an HTTP/2 stream whose client gives no window, or before a full socket. A client that lets
//! pieces wait too long, or reads too slowly on average, is disconnected. Time in which there is nothing to send, as in
//! the event feed, does not count.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use futures::task::AtomicWaker;
use tokio::time::Instant;

/// The requirements on a client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pacing {
    /// Longest time without progress.
    pub(super) idle: Duration,
    /// Bytes per second that must be read on average, after the first `idle`.
    pub(super) bytes_per_second_min: u64,
    /// Longest total time for which pieces may wait.
    pub(super) total: Duration,
}

/// The progress of one answer.
#[derive(Default)]
pub(super) struct Pace {
    state: Mutex<State>,
    /// The task that waits until all pieces are taken.
    waiting: AtomicWaker,
}

#[derive(Default)]
struct State {
    /// Number of pieces that were given and not taken yet.
    pieces: usize,
    bytes_taken: u64,
    /// Total time for which pieces have waited, until `moved`.
    waited: Duration,
    /// Time at which a piece was last taken, or given while none waited. `None` while nothing waits.
    moved: Option<Instant>,
}

impl Pace {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a piece that begins to wait.
    pub(super) fn given(&self, now: Instant) {
        let mut state = self.state();
        state.pieces += 1;
        state.moved.get_or_insert(now);
    }

    /// Counts a piece of `bytes` that was taken or discarded.
    pub(super) fn taken(&self, bytes: usize, now: Instant) {
        let mut state = self.state();
        state.pieces -= 1;
        state.bytes_taken += bytes as u64;
        if let Some(moved) = state.moved {
            state.waited += now - moved;
        }
        state.moved = (state.pieces > 0).then_some(now);
        let is_over = state.pieces == 0;
        drop(state);
        if is_over {
            self.waiting.wake();
        }
    }

    /// Ready when all given pieces are taken.
    pub(super) fn poll_taken(&self, cx: &Context<'_>) -> Poll<()> {
        self.waiting.register(cx.waker());
        if self.state().pieces == 0 { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Returns the time at which the client will be too slow if it takes nothing until then. Returns `None` while
    /// nothing waits.
    pub(super) fn late_at(&self, pacing: &Pacing) -> Option<Instant> {
        let state = self.state();
        let moved = state.moved?;
        let earned = Duration::from_secs(state.bytes_taken / pacing.bytes_per_second_min.max(1));
        let allowed = (pacing.idle + earned).min(pacing.total);
        Some(moved + pacing.idle.min(allowed.saturating_sub(state.waited)))
    }

    /// Resolves when the client is too slow.
    pub(super) async fn late(&self, pacing: &Pacing) {
        loop {
            match self.late_at(pacing) {
                Some(at) if at <= Instant::now() => return,
                Some(at) => tokio::time::sleep_until(at).await,
                None => tokio::time::sleep(pacing.idle).await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACING: Pacing =
        Pacing { idle: Duration::from_secs(30), bytes_per_second_min: 100, total: Duration::from_secs(1_000) };

    /// A clock for a test, in seconds since its start.
    struct Watch(Instant);

    impl Watch {
        fn at(&self, seconds: u64) -> Instant {
            self.0 + Duration::from_secs(seconds)
        }

        /// Returns the second at which the client is too slow.
        fn late(&self, pace: &Pace) -> Option<u64> {
            pace.late_at(&PACING).map(|at| (at - self.0).as_secs())
        }
    }

    #[test]
    fn a_client_that_reads_nothing_is_late_but_not_while_nothing_waits() {
        let (watch, pace) = (Watch(Instant::now()), Pace::default());
        assert_eq!(watch.late(&pace), None);
        pace.given(watch.at(0));
        assert_eq!(watch.late(&pace), Some(30));
        pace.given(watch.at(20));
        assert_eq!(watch.late(&pace), Some(30), "another given piece is not progress");
        pace.taken(10_000, watch.at(20));
        assert_eq!(watch.late(&pace), Some(50));
        pace.taken(10_000, watch.at(20));
        assert_eq!(watch.late(&pace), None);
        pace.given(watch.at(10_000));
        assert_eq!(watch.late(&pace), Some(10_030), "a pause of the server does not count");
    }

    #[test]
    fn a_client_that_reads_too_slowly_is_late() {
        // 1,000 bytes may take ten seconds. A client that takes twenty for each has used up the first thirty by the
        // third.
        for (seconds, late) in [(20, Some(50)), (9, None)] {
            let (watch, pace) = (Watch(Instant::now()), Pace::default());
            let found = (0..100).map(|piece| piece * seconds).find_map(|at| {
                pace.given(watch.at(at));
                let late = watch.late(&pace).filter(|late| *late < at + seconds);
                pace.taken(1_000, watch.at(at + seconds));
                late
            });
            assert_eq!(found, late);
        }
    }

    #[test]
    fn the_total_waiting_time_is_limited() {
        let (watch, pace) = (Watch(Instant::now()), Pace::default());
        for piece in 0..49 {
            pace.given(watch.at(piece * 20));
            pace.taken(1 << 20, watch.at(piece * 20 + 20));
        }
        pace.given(watch.at(980));
        assert_eq!(watch.late(&pace), Some(1_000));
    }
}
