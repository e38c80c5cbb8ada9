//! How often one caller may call: a bucket that leaks at a steady rate (GCRA), kept in memory, one a replica.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::Mutex,
    time::{Duration, Instant},
};

use alloy::primitives::Address;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use protocol::error_code::ErrorCode;

use crate::{
    error::ApiError,
    network::{self, RequestNetwork},
    places::Full,
    settings::Limits,
    state::App,
};

/// When the map of buckets is larger, those that are full again are dropped.
const BUCKETS_BEFORE_SWEEP: usize = 10_000;

/// One limit for many callers.
#[derive(Debug)]
pub struct RateLimit<K> {
    interval: Duration,
    burst: u32,
    /// For each caller, when its bucket will be full again.
    full_at: Mutex<HashMap<K, Instant>>,
}

impl<K: Eq + Hash> RateLimit<K> {
    /// `per_second` on average, `burst` at once. Zero counts as one.
    #[must_use]
    pub fn new(per_second: f64, burst: u32) -> Self {
        let interval = Duration::from_secs_f64(1.0 / per_second.max(0.001));
        Self { interval, burst: burst.max(1), full_at: Mutex::default() }
    }

    /// Counts one call.
    ///
    /// # Errors
    /// How long to wait.
    pub fn count(&self, caller: K, now: Instant) -> Result<(), Duration> {
        let mut full_at = self.full_at.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if full_at.len() > BUCKETS_BEFORE_SWEEP {
            full_at.retain(|_, at| *at > now);
        }
        let at = full_at.entry(caller).or_insert(now);
        let filled = (*at).max(now) + self.interval;
        let tolerance = self.interval * self.burst;
        if filled > now + tolerance {
            return Err(filled - now - tolerance);
        }
        *at = filled;
        Ok(())
    }
}

/// The limits of the server.
#[derive(Debug)]
pub struct RateLimits {
    by_network: RateLimit<IpAddr>,
    by_address: RateLimit<Address>,
    logins: RateLimit<IpAddr>,
}

impl RateLimits {
    /// As the settings say. A network address may hold several people, so it gets four times what one account gets.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        let per_second = f64::from(limits.rate_per_second);
        Self {
            by_network: RateLimit::new(per_second * 4.0, limits.rate_burst.saturating_mul(4)),
            by_address: RateLimit::new(per_second, limits.rate_burst),
            logins: RateLimit::new(f64::from(limits.logins_per_minute) / 60.0, limits.logins_per_minute),
        }
    }

    /// Counts a call of a signed-in address.
    ///
    /// # Errors
    /// `rate_limited`.
    pub fn count_address(&self, address: Address) -> Result<(), ApiError> {
        self.by_address.count(address, Instant::now()).map_err(limited)
    }
}

fn limited(wait: Duration) -> ApiError {
    ApiError::new(ErrorCode::RateLimited, "too many requests").retry_after(wait.as_secs() + 1)
}

/// Counts every request by network address, before anything else is done for it; attempts to sign in, which write for
/// strangers, are counted apart. A request also needs a place among those at work, and keeps it until the last byte of
/// its answer is taken: the answer carries it.
pub(crate) async fn by_network(State(app): State<App>, mut request: Request, next: Next) -> Result<Response, ApiError> {
    let Some(network) = network::of_request(&app, request.headers(), request.extensions()) else {
        return Ok(next.run(request).await);
    };
    let now = Instant::now();
    app.rates.by_network.count(network, now).map_err(limited)?;
    if matches!(request.uri().path(), "/v1/auth/challenge" | "/v1/auth/login") {
        app.rates.logins.count(network, now).map_err(limited)?;
    }
    let place = app.requests.take(network).map_err(|full| match full {
        Full::ForThis => ApiError::new(ErrorCode::RateLimited, "too many requests at a time").retry_after(1),
        Full::ForAll => ApiError::new(ErrorCode::Unavailable, "the server is busy").retry_after(1),
    })?;
    request.extensions_mut().insert(place.clone());
    request.extensions_mut().insert(RequestNetwork(network));
    let mut response = next.run(request).await;
    response.extensions_mut().insert(place);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_let_through_and_then_one_each_interval() {
        let limit = RateLimit::new(10.0, 3);
        let start = Instant::now();
        for _ in 0..3 {
            assert_eq!(limit.count("a", start), Ok(()));
        }
        let wait = limit.count("a", start).expect_err("the bucket is empty");
        assert_eq!(wait, Duration::from_millis(100));
        assert_eq!(limit.count("b", start), Ok(()), "others have buckets of their own");
        assert_eq!(limit.count("a", start + wait), Ok(()));
        assert!(limit.count("a", start + wait).is_err());
    }
}
