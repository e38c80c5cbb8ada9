//! The loop: waits for the lease, then takes one step after another while it holds the lease.

use std::{pin::pin, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{Follower, Goal, Step};
use crate::{
    error::{IndexerError, Refusal},
    mirror::{Loss, MirrorError},
    mutant::{self, Mutant},
    time::sleep,
};

/// The waiting time after a failure. It doubles with each failure.
struct Pause(Duration);

impl Default for Pause {
    fn default() -> Self {
        Self(FIRST_PAUSE)
    }
}

impl Pause {
    fn next(&mut self) -> Duration {
        let longer = (self.0 * 2).min(LONGEST_PAUSE);
        std::mem::replace(&mut self.0, longer)
    }
}

/// The reason why leading ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The indexer was told to stop.
    Stopped,
    /// The goal was reached.
    Reached,
    /// The lease was lost.
    Lost(Loss),
}

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

impl Follower {
    /// Waits for the lease, then runs until the goal is reached or `stop` is cancelled. Waits until the chain and the
    /// database answer again after failures, and stands by while another indexer holds the lease.
    ///
    /// # Errors
    /// [`Refusal`] when it would be wrong to continue.
    pub async fn run(mut self, goal: Goal, stop: &CancellationToken) -> Result<(), Refusal> {
        while self.stand_by(stop).await {
            self.status.is_active(true);
            let ended = self.lead(goal, stop).await;
            self.window = None;
            if !matches!(ended, Ok(End::Lost(Loss::Taken))) {
                self.mirror.release_lease().await;
            }
            self.status.is_active(false);
            match ended? {
                End::Stopped | End::Reached => return Ok(()),
                End::Lost(Loss::Taken) => tracing::warn!("another indexer has taken over; standing by"),
                End::Lost(Loss::Wanted) => tracing::info!("a rebuild is replacing the mirror; standing by"),
            }
        }
        Ok(())
    }

    /// Waits until this indexer holds the lease. Returns `false` when `stop` is cancelled first.
    async fn stand_by(&mut self, stop: &CancellationToken) -> bool {
        let mut pause = Pause::default();
        loop {
            let taken = tokio::select! {
                biased;
                () = stop.cancelled() => return false,
                taken = self.mirror.try_lease(&mut self.watch) => taken,
            };
            let (wait, reason) = match taken {
                Ok(true) => return true,
                Ok(false) => (self.watch.interval(), "another indexer is at work: standing by to take over".into()),
                Err(error) => {
                    self.status.count_retry();
                    (pause.next(), error.to_string())
                }
            };
            if self.status.has_trouble(reason.clone()) {
                tracing::warn!("waiting: {reason}");
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return false,
                () = sleep(wait) => {}
            }
        }
    }

    /// Follows the chain while this indexer holds the lease.
    async fn lead(&mut self, goal: Goal, stop: &CancellationToken) -> Result<End, Refusal> {
        let mirror = self.mirror.clone();
        let mut lost = pin!(mirror.keep_lease(self.pace.lease() / 4));
        let mut pause = Pause::default();
        loop {
            // Dropping a step leaves no partial state: its transaction is not committed.
            let step = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(End::Stopped),
                loss = &mut lost => return Ok(End::Lost(loss)),
                step = self.step() => step,
            };
            let (wait, is_failure) = match step {
                Ok(Step::AtHead) if goal == Goal::ReachHead => return Ok(End::Reached),
                Ok(Step::Moved) => {
                    pause = Pause::default();
                    continue;
                }
                Ok(Step::AtHead | Step::Waiting) => {
                    pause = Pause::default();
                    (self.pace.poll(), false)
                }
                Err(IndexerError::Mirror(MirrorError::LeaseLost)) => return Ok(End::Lost(Loss::Taken)),
                Err(IndexerError::Refused(refusal)) => {
                    // This process may have been paused while another indexer took over. Then the refusal is based on
                    // old data.
                    match self.mirror.check_lease().await {
                        Err(MirrorError::LeaseLost) => return Ok(End::Lost(Loss::Taken)),
                        Ok(()) => return Err(refusal),
                        Err(_) => self.window = None,
                    }
                    (pause.next(), true)
                }
                Err(error) => {
                    if !mutant::is(Mutant::CommitIsAssumed) {
                        self.window = None;
                    }
                    self.status.count_retry();
                    if self.status.has_trouble(error.to_string()) {
                        tracing::warn!("waiting: {error}");
                    }
                    (pause.next(), true)
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(End::Stopped),
                loss = &mut lost => return Ok(End::Lost(loss)),
                () = self.bell.notified(), if !is_failure => {}
                () = sleep(wait) => {}
            }
        }
    }
}
