//! How often one caller may call: a bucket that leaks at a steady rate (GCRA), kept in memory, one a replica.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::Mutex,
    time::{Duration, Instant},
};

use alloy::primitives::Address;
use axum::{
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{Extensions, HeaderMap},
    middleware::Next,
    response::Response,
};
use protocol::error_code::ErrorCode;

use crate::{
    error::ApiError,
    places::{Full, HeldBody},
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
/// its answer.
pub(crate) async fn by_network(State(app): State<App>, mut request: Request, next: Next) -> Result<Response, ApiError> {
    let Some(network) = network_of(&app, request.headers(), request.extensions()) else {
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
    Ok(next.run(request).await.map(|body| Body::new(HeldBody::new(body, place))))
}

/// The caller's network; `None` where there is no socket, as in route tests.
pub(crate) fn network_of(app: &App, headers: &HeaderMap, extensions: &Extensions) -> Option<IpAddr> {
    let name = app.settings.limits.forwarded_header.as_deref();
    name.and_then(|name| forwarded(headers, name))
        .or_else(|| extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(socket)| socket.ip()))
        .map(network)
}

/// The address that a proxy has seen: the last entry of the last line, since what stands before may be the client's own.
fn forwarded(headers: &HeaderMap, name: &str) -> Option<IpAddr> {
    headers.get_all(name).iter().next_back()?.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
}

/// What counts as one network: an IPv4 address; of IPv6 the first 64 bits, since whoever has one address has all of
/// these.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_writes_before_the_proxys_entry_does_not_count() {
        let seen = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", line.parse().expect("a header value"));
            }
            forwarded(&headers, "x-forwarded-for").map(|address| address.to_string())
        };
        assert_eq!(seen(&["192.0.2.1"]).as_deref(), Some("192.0.2.1"));
        assert_eq!(seen(&["198.51.100.7, 192.0.2.1"]).as_deref(), Some("192.0.2.1"));
        assert_eq!(seen(&["198.51.100.7", "192.0.2.1"]).as_deref(), Some("192.0.2.1"));
        assert_eq!(seen(&["198.51.100.7", "x"]), None);
        assert_eq!(seen(&[]), None);
    }

    #[test]
    fn one_network_has_one_bucket() {
        let of = |text: &str| network(text.parse().expect("an address")).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("2001:db8:1:2:ffff::1"), "2001:db8:1:2::");
        assert_eq!(of("2001:db8:1:3::1"), "2001:db8:1:3::");
        assert_eq!(of("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(of("192.0.2.1"), "192.0.2.1");
    }

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
