//! How fast a client takes an answer.
//!
//! An answer is given to hyper in pieces, and each piece is counted until the socket has taken it, wherever it waits:
//! in hyper, in the queue of a stream of HTTP/2 that its client leaves no room, or for a socket that is full. A client
//! that lets pieces wait for too long, or takes them too slowly on average, is not served to the end. The time in which
//! there is nothing to send, as in the event feed, counts for nothing.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use futures::task::AtomicWaker;
use tokio::time::Instant;

/// What is asked of a client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pacing {
    /// So long nothing may be taken.
    pub(super) idle: Duration,
    /// So much must be taken on average, after a first `idle`.
    pub(super) bytes_per_second_min: u64,
    /// So long pieces may wait in all.
    pub(super) total: Duration,
}

/// How one answer is taken.
#[derive(Default)]
pub(super) struct Pace {
    state: Mutex<State>,
    /// Whoever waits until everything is taken.
    waiting: AtomicWaker,
}

#[derive(Default)]
struct State {
    /// Pieces that were given and not taken yet.
    pieces: usize,
    bytes_taken: u64,
    /// Pieces have waited so long, until `moved`.
    waited: Duration,
    /// When a piece was taken, or given while none waited. Nothing waits when it is absent.
    moved: Option<Instant>,
}

impl Pace {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A piece begins to wait.
    pub(super) fn given(&self, now: Instant) {
        let mut state = self.state();
        state.pieces += 1;
        state.moved.get_or_insert(now);
    }

    /// A piece of so many bytes was taken, or thrown away.
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

    /// Ready when everything is taken that was given.
    pub(super) fn poll_taken(&self, cx: &Context<'_>) -> Poll<()> {
        self.waiting.register(cx.waker());
        if self.state().pieces == 0 { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Returns when the client is too slow, if it takes nothing until then; `None` while nothing waits for it.
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

    /// Seconds of a test, from some moment on.
    struct Watch(Instant);

    impl Watch {
        fn at(&self, seconds: u64) -> Instant {
            self.0 + Duration::from_secs(seconds)
        }

        /// At which second the client is too slow.
        fn late(&self, pace: &Pace) -> Option<u64> {
            pace.late_at(&PACING).map(|at| (at - self.0).as_secs())
        }
    }

    #[test]
    fn a_client_that_takes_nothing_is_late_and_nobody_is_while_nothing_waits() {
        let (watch, pace) = (Watch(Instant::now()), Pace::default());
        assert_eq!(watch.late(&pace), None);
        pace.given(watch.at(0));
        assert_eq!(watch.late(&pace), Some(30));
        pace.given(watch.at(20));
        assert_eq!(watch.late(&pace), Some(30), "a further piece is no progress");
        pace.taken(10_000, watch.at(20));
        assert_eq!(watch.late(&pace), Some(50));
        pace.taken(10_000, watch.at(20));
        assert_eq!(watch.late(&pace), None);
        pace.given(watch.at(10_000));
        assert_eq!(watch.late(&pace), Some(10_030), "a pause of ours is not the client's");
    }

    #[test]
    fn a_client_that_goes_on_but_too_slowly_is_late() {
        // 1,000 bytes are worth ten seconds: whoever takes twenty for them has used up the first thirty by the third.
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
    fn no_client_is_waited_for_for_ever() {
        let (watch, pace) = (Watch(Instant::now()), Pace::default());
        for piece in 0..49 {
            pace.given(watch.at(piece * 20));
            pace.taken(1 << 20, watch.at(piece * 20 + 20));
        }
        pace.given(watch.at(980));
        assert_eq!(watch.late(&pace), Some(1_000));
    }
}
