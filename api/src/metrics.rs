//! The server's metrics. They count requests and say nothing about a person.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use crate::relay::LineStatus;

/// Labels of the request counter.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    method: &'static str,
    status: u16,
}

/// Labels of the duration histogram.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

/// Labels of a relayer's figures.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LineLabels {
    line: &'static str,
}

/// Figures of the relay and the log. They are updated when the metrics are read.
#[derive(Clone, Default)]
struct RelayFigures {
    balance_gwei: Family<LineLabels, Gauge<f64, AtomicU64>>,
    is_poor: Family<LineLabels, Gauge>,
    is_at_fee_ceiling: Family<LineLabels, Gauge>,
    queued: Family<LineLabels, Gauge>,
    in_flight: Family<LineLabels, Gauge>,
    unanchored: Gauge,
    promise_seconds: Gauge,
}

impl RelayFigures {
    fn register(&self, registry: &mut Registry) {
        let Self { balance_gwei, is_poor, is_at_fee_ceiling, queued, in_flight, unanchored, promise_seconds } = self;
        registry.register("relayer_balance_gwei", "Balance of a relayer, in gwei", balance_gwei.clone());
        registry.register(
            "relayer_poor",
            "1 when a relayer's balance is too low for its pending transactions and reserve",
            is_poor.clone(),
        );
        registry.register(
            "relayer_at_fee_ceiling",
            "1 when the chain's fees are above the relayer's limit",
            is_at_fee_ceiling.clone(),
        );
        registry.register("relayer_queued", "Accepted actions without a transaction", queued.clone());
        registry.register("relayer_in_flight", "Pending transactions of this replica", in_flight.clone());
        registry.register("log_unanchored_leaves", "Reads that are in no checkpoint on chain", unanchored.clone());
        registry.register(
            "log_promise_seconds",
            "Seconds within which a new read is promised to be on chain; 0 when reads are refused",
            promise_seconds.clone(),
        );
    }
}

/// The server's metrics.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram, fn() -> Histogram>,
    forwarded_ignored: Counter,
    relay: RelayFigures,
}

impl Metrics {
    /// Creates the metrics, all at zero.
    #[must_use]
    pub fn new() -> Arc<Self> {
        let mut registry = Registry::with_prefix("medlock_api");
        let requests = Family::default();
        registry.register("requests", "Requests answered, by route and status", Family::clone(&requests));
        let durations: Family<RouteLabels, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.001, 2.0, 16)));
        registry.register_with_unit(
            "request_duration",
            "Time until the head of the answer",
            Unit::Seconds,
            Family::clone(&durations),
        );
        let forwarded_ignored = Counter::default();
        registry.register(
            "forwarded_ignored",
            "Requests whose forwarded header has no address, or does not come from a proxy",
            forwarded_ignored.clone(),
        );
        let relay = RelayFigures::default();
        relay.register(&mut registry);
        Arc::new(Self { registry, requests, durations, forwarded_ignored, relay })
    }

    /// Counts an answered request.
    pub(crate) fn answered(&self, route: String, method: &'static str, status: u16, elapsed: Duration) {
        self.requests.get_or_create(&RequestLabels { route: route.clone(), method, status }).inc();
        self.durations.get_or_create(&RouteLabels { route }).observe(elapsed.as_secs_f64());
    }

    /// Sets the figures of a line of the relay, and the number of accepted actions that wait in it, if known.
    pub(crate) fn note_line(&self, status: &LineStatus, queued: Option<u64>) {
        let labels = LineLabels { line: status.line.as_str() };
        self.relay.balance_gwei.get_or_create(&labels).set(status.balance_gwei);
        self.relay.is_poor.get_or_create(&labels).set(i64::from(!status.has_funds));
        self.relay.is_at_fee_ceiling.get_or_create(&labels).set(i64::from(status.is_at_fee_ceiling));
        self.relay.in_flight.get_or_create(&labels).set(i64::try_from(status.in_flight).unwrap_or(i64::MAX));
        if let Some(queued) = queued {
            self.relay.queued.get_or_create(&labels).set(narrow(queued));
        }
    }

    /// Sets the number of leaves that wait for a checkpoint, and the promise in seconds that a read would get now.
    pub(crate) fn note_log(&self, unanchored: u64, promise_seconds: u64) {
        self.relay.unanchored.set(narrow(unanchored));
        self.relay.promise_seconds.set(narrow(promise_seconds));
    }

    /// Returns the metrics in OpenMetrics text.
    ///
    /// # Errors
    /// Returns an error when they cannot be written.
    pub(crate) fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    /// Counts a request whose forwarded header was ignored. It is logged once only. Anybody can cause it; but if the
    /// settings are wrong, all callers count as one.
    pub(crate) fn forwarded_ignored(&self, why: &'static str) {
        if self.forwarded_ignored.inc() == 0 {
            tracing::warn!(
                why,
                "the forwarded header of a request was ignored; the request counts for its socket's address"
            );
        }
    }
}

fn narrow(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
