//! Rate limits for callers: a bucket that leaks at a steady rate (GCRA), in the memory of each replica.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use alloy::primitives::Address;
use protocol::error_code::ErrorCode;

use crate::{error::ApiError, settings::Limits, store::sessions::SessionId};

/// When there are more buckets, the full ones are dropped.
const BUCKETS_BEFORE_SWEEP: usize = 10_000;

/// One limit for many callers.
#[derive(Debug)]
pub struct RateLimit<K> {
    interval: Duration,
    burst: u32,
    /// For each caller, the time at which its bucket will be full again.
    full_at: Mutex<HashMap<K, Instant>>,
}

impl<K: Eq + Hash> RateLimit<K> {
    /// Creates a limit of `per_second` calls on average and `burst` at once. Zero counts as one.
    #[must_use]
    pub fn new(per_second: f64, burst: u32) -> Self {
        let interval = Duration::from_secs_f64(1.0 / per_second.max(0.001));
        Self { interval, burst: burst.max(1), full_at: Mutex::default() }
    }

    /// Counts one call.
    ///
    /// # Errors
    /// Returns the time to wait.
    pub fn count(&self, caller: K, now: Instant) -> Result<(), Duration> {
        let mut full_at = self.full_at(now);
        let at = full_at.entry(caller).or_insert(now);
        let filled = (*at).max(now) + self.interval;
        let tolerance = self.interval * self.burst;
        if filled > now + tolerance {
            return Err(filled - now - tolerance);
        }
        *at = filled;
        Ok(())
    }

    /// Charges calls whose cost is known only afterwards. Later calls wait for it.
    pub fn charge(&self, caller: K, times: u32, now: Instant) {
        let mut full_at = self.full_at(now);
        let at = full_at.entry(caller).or_insert(now);
        *at = (*at).max(now) + self.interval * times;
    }

    /// Returns whether the caller is within its limit.
    ///
    /// # Errors
    /// Returns the time to wait.
    pub fn expect_paid(&self, caller: &K, now: Instant) -> Result<(), Duration> {
        let allowed = now + self.interval * self.burst;
        match self.full_at(now).get(caller) {
            Some(at) if *at > allowed => Err(*at - allowed),
            _ => Ok(()),
        }
    }

    fn full_at(&self, now: Instant) -> MutexGuard<'_, HashMap<K, Instant>> {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() > BUCKETS_BEFORE_SWEEP {
            full_at.retain(|_, at| *at > now);
        }
        full_at
    }
}

/// The limits of the server.
#[derive(Debug)]
pub struct RateLimits {
    by_network: RateLimit<IpAddr>,
    by_session: RateLimit<SessionId>,
    bytes_of_network: RateLimit<IpAddr>,
    bytes_of_session: RateLimit<SessionId>,
    by_address: RateLimit<Address>,
    logins: RateLimit<IpAddr>,
}

impl RateLimits {
    /// Creates the limits from the settings. Several people may share a network address, so it has four times the limit
    /// of an account.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        let per_second = f64::from(limits.rate_per_second);
        let (kib_per_second, kib_burst) = (f64::from(limits.bytes_per_second) / 1024.0, limits.bytes_burst / 1024);
        Self {
            by_network: RateLimit::new(per_second * 4.0, limits.rate_burst.saturating_mul(4)),
            by_session: RateLimit::new(per_second, limits.rate_burst),
            bytes_of_network: RateLimit::new(kib_per_second * 4.0, kib_burst.saturating_mul(4)),
            bytes_of_session: RateLimit::new(kib_per_second, kib_burst),
            by_address: RateLimit::new(per_second, limits.rate_burst),
            logins: RateLimit::new(f64::from(limits.logins_per_minute) / 60.0, limits.logins_per_minute),
        }
    }

    /// Charges the caller for the bytes of a body or an answer, in whole KiB.
    pub(crate) fn charge(&self, caller: &Payer, bytes: usize) {
        let (kib, now) = (u32::try_from(bytes >> 10).unwrap_or(u32::MAX), Instant::now());
        if kib == 0 {
            return;
        }
        self.bytes_of_network.charge(caller.network, kib, now);
        if let Some(session) = &caller.session {
            self.bytes_of_session.charge(session.clone(), kib, now);
        }
    }

    /// Counts a call before any work is done for it: by network, and by the session to which its token would belong.
    pub(crate) fn count(&self, caller: &Payer, is_login: bool) -> Result<(), Duration> {
        let now = Instant::now();
        self.by_network.count(caller.network, now)?;
        if is_login {
            self.logins.count(caller.network, now)?;
        }
        self.bytes_of_network.expect_paid(&caller.network, now)?;
        if let Some(session) = &caller.session {
            self.by_session.count(session.clone(), now)?;
            self.bytes_of_session.expect_paid(session, now)?;
        }
        Ok(())
    }

    /// Counts a call of a signed-in address, across all its sessions.
    ///
    /// # Errors
    /// Returns `rate_limited`.
    pub fn count_address(&self, address: Address) -> Result<(), ApiError> {
        self.by_address.count(address, Instant::now()).map_err(limited)
    }
}

/// Returns the error for a caller that must wait this long.
pub(crate) fn limited(wait: Duration) -> ApiError {
    ApiError::new(ErrorCode::RateLimited, "too many requests").retry_after(wait.as_secs() + 1)
}

/// The network and session that a request's bytes are charged to.
#[derive(Clone, Debug)]
pub(crate) struct Payer {
    pub(crate) network: IpAddr,
    /// The session to which its token would belong. There may be no such session.
    pub(crate) session: Option<SessionId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_one_call_per_interval() {
        let limit = RateLimit::new(10.0, 3);
        let start = Instant::now();
        for _ in 0..3 {
            assert_eq!(limit.count("a", start), Ok(()));
        }
        let wait = limit.count("a", start).expect_err("the bucket is empty");
        assert_eq!(wait, Duration::from_millis(100));
        assert_eq!(limit.count("b", start), Ok(()), "other callers have their own buckets");
        assert_eq!(limit.count("a", start + wait), Ok(()));
        assert!(limit.count("a", start + wait).is_err());
    }

    #[test]
    fn charged_calls_delay_later_ones() {
        let limit = RateLimit::new(10.0, 3);
        let start = Instant::now();
        limit.charge("a", 3, start);
        assert_eq!(limit.expect_paid(&"a", start), Ok(()), "a full burst is within the limit");
        limit.charge("a", 5, start);
        let wait = limit.expect_paid(&"a", start).expect_err("above the burst");
        assert_eq!(wait, Duration::from_millis(500));
        assert_eq!(limit.expect_paid(&"b", start), Ok(()));
        assert_eq!(limit.expect_paid(&"a", start + wait), Ok(()));
    }
}
