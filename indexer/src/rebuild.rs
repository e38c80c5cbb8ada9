//! `reindex`: builds a new mirror in other collections, and replaces the one in use when the new one has reached the
//! head.

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    RunError,
    binding::Binding,
    chain::Chain,
    decode::Contracts,
    follow::{Follower, Goal},
    health::Status,
    mirror::{Mirror, MirrorError, Watch},
    settings::Pace,
    time::sleep,
};

/// A rebuild of a mirror.
pub struct Rebuild {
    /// The chain.
    pub chain: Arc<dyn Chain>,
    /// The mirror to replace.
    pub live: Mirror,
    /// The binding of the new mirror.
    pub binding: Binding,
    /// The contracts.
    pub contracts: Contracts,
    /// Pace and sizes.
    pub pace: Pace,
    /// The state that is shown at `/readyz` and `/metrics`.
    pub status: Arc<Status>,
    /// The name under which the rebuild asks for the lease. No other process has it.
    pub name: String,
}

/// The number of tries for the swap, before it is left to the next `reindex`.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(500);

impl Rebuild {
    /// Builds the new mirror and swaps. When `stop` is cancelled before the swap, the mirror in use is unchanged.
    ///
    /// # Errors
    /// [`RunError`] when the rebuild failed.
    pub async fn run(self, stop: &CancellationToken) -> Result<(), RunError> {
        let beside = self.live.beside();
        // A mirror left by an unfinished rebuild is useless: the chain may have changed deeper than its window.
        beside.drop_all().await?;
        self.reach_head(&beside, stop).await?;
        let mut watch = Watch::new(self.pace.lease()).named(self.name.clone()).insistent();
        while !stop.is_cancelled() {
            match self.live.try_lease(&mut watch).await {
                Ok(true) => {
                    let ended = tokio::select! {
                        biased;
                        _ = self.live.keep_lease(self.beat()) => None,
                        // The chain continued while the rebuild waited for the lease of the mirror in use.
                        reached = self.reach_head(&beside, stop) => Some(reached),
                    };
                    let swapped = match ended {
                        Some(Ok(())) if !stop.is_cancelled() => Some(self.swap().await.map_err(RunError::from)),
                        ended => ended,
                    };
                    self.live.release_lease().await;
                    if let Some(swapped) = swapped {
                        return swapped;
                    }
                }
                Ok(false) => {}
                Err(error) => tracing::warn!("waiting for the lease: {error}"),
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = sleep(watch.interval()) => {}
            }
        }
        Ok(())
    }

    fn beat(&self) -> Duration {
        self.pace.lease() / 4
    }

    async fn reach_head(&self, mirror: &Mirror, stop: &CancellationToken) -> Result<(), RunError> {
        let follower = Follower::new(
            self.chain.clone(),
            mirror.clone(),
            self.binding.clone(),
            self.contracts.clone(),
            self.pace,
            self.status.clone(),
            Arc::new(Notify::new()),
        );
        Ok(follower.run(Goal::ReachHead, stop).await?)
    }

    async fn swap(&self) -> Result<(), MirrorError> {
        let mut tries = 1;
        loop {
            match self.live.swap(self.beat()).await {
                Err(error) if error.is_retryable() && tries < TRIES => {
                    tracing::warn!("trying the swap again: {error}");
                    tries += 1;
                    sleep(PAUSE).await;
                }
                result => return result,
            }
        }
    }
}
