//! The leaves that wait to be anchored, as far as this replica knows.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use tokio::sync::{Mutex, Notify};

use crate::relay::Pace;

/// Wakes the sequencer of this replica when a leaf was appended here.
#[derive(Clone, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// A leaf was appended.
    pub(crate) fn wake(&self) {
        self.0.notify_one();
    }

    /// Returns when a leaf was appended.
    pub(crate) async fn woken(&self) {
        self.0.notified().await;
    }
}

/// What waits to be anchored, as of a moment ago.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Queue {
    /// Leaves that no checkpoint on chain holds.
    pub(crate) leaves: u64,
    /// How long the oldest of them has waited, in milliseconds.
    pub(crate) oldest_ms: u64,
    pub(crate) pace: Pace,
}

/// What is known of the queue on this replica.
#[derive(Clone, Default)]
pub struct Promises {
    pub(crate) queue: Arc<Mutex<Option<(Queue, Instant)>>>,
    /// Leaves that were appended here since the queue was looked at.
    pub(crate) appended: Arc<AtomicU64>,
}

impl Promises {
    /// A leaf was appended.
    pub(crate) fn appended(&self) {
        self.appended.fetch_add(1, Ordering::Relaxed);
    }
}
