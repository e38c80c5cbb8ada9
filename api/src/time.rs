//! The server's clock. It is a handle, so that a test can move it without waiting.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

/// A clock in Unix seconds.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    shift_seconds: Arc<AtomicI64>,
}

impl Clock {
    /// Returns the current time in Unix seconds.
    #[must_use]
    pub fn now(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the system clock is after 1970").as_secs();
        now.saturating_add_signed(self.shift_seconds.load(Ordering::Relaxed))
    }

    /// Returns a time as a BSON date, for TTL indexes.
    #[must_use]
    pub fn date_at(unix_seconds: u64) -> mongodb::bson::DateTime {
        let seconds = i64::try_from(unix_seconds).unwrap_or(i64::MAX / 1_000);
        mongodb::bson::DateTime::from_millis(seconds.saturating_mul(1_000))
    }

    /// Moves this clock and every clone of it.
    pub fn shift(&self, seconds: i64) {
        self.shift_seconds.fetch_add(seconds, Ordering::Relaxed);
    }
}

/// Returns the system's time in Unix milliseconds, for ordering and measuring.
pub(crate) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Returns the seconds until the next day (UTC) begins.
pub(crate) fn seconds_until_tomorrow() -> u64 {
    const DAY_SECONDS: u64 = 86_400;
    DAY_SECONDS - u64::try_from(now_ms() / 1_000).unwrap_or(0) % DAY_SECONDS
}
