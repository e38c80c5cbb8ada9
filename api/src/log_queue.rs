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
    /// Wakes the sequencer: a leaf was appended.
    pub(crate) fn wake(&self) {
        self.0.notify_one();
    }

    /// Returns when a leaf was appended.
    pub(crate) async fn woken(&self) {
        self.0.notified().await;
    }
}

/// The leaves that wait to be anchored, as of a moment ago.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Queue {
    /// Number of leaves that no checkpoint on chain contains.
    pub(crate) leaves: u64,
    /// Time for which the oldest of them has waited, in milliseconds.
    pub(crate) oldest_ms: u64,
    pub(crate) pace: Pace,
}

/// The known state of the queue on this replica.
#[derive(Clone, Default)]
pub struct Promises {
    pub(crate) queue: Arc<Mutex<Option<(Queue, Instant)>>>,
    /// Number of leaves that were appended here since the queue was last read.
    pub(crate) appended: Arc<AtomicU64>,
}

impl Promises {
    /// Counts an appended leaf.
    pub(crate) fn appended(&self) {
        self.appended.fetch_add(1, Ordering::Relaxed);
    }
}
