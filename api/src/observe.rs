//! What the operator sees of each request: its route, status and duration. Never its path, query, headers or body,
//! because those name records and people.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Instant,
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
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
use protocol::error_code::ErrorCode;
use tracing::Instrument;

use crate::{docs::DOCUMENTED, error::ApiError, relay::Line, request_id, sequencer, state::App};

/// What a request is counted under.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    method: &'static str,
    status: u16,
}

/// What a duration is counted under.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

/// What a relayer's figures are counted under.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LineLabels {
    line: &'static str,
}

/// Figures of the relay and the log, asked for when somebody looks.
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
        registry.register("relayer_balance_gwei", "What a relayer's purse holds", balance_gwei.clone());
        registry.register(
            "relayer_poor",
            "1 when a relayer's purse does not pay for what it must send",
            is_poor.clone(),
        );
        registry.register(
            "relayer_at_fee_ceiling",
            "1 when the chain costs more than the relayer pays",
            is_at_fee_ceiling.clone(),
        );
        registry.register("relayer_queued", "Accepted actions without a transaction", queued.clone());
        registry.register("relayer_in_flight", "Transactions on their way from this replica", in_flight.clone());
        registry.register("log_unanchored_leaves", "Reads that no checkpoint on chain holds", unanchored.clone());
        registry.register(
            "log_promise_seconds",
            "In how many seconds a read of now is promised to stand on chain; 0 when reads are refused",
            promise_seconds.clone(),
        );
    }

    async fn look(&self, app: &App) {
        let narrow = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        for line in Line::ALL {
            let labels = LineLabels { line: line.as_str() };
            let status = app.relay.line_status(line);
            self.balance_gwei.get_or_create(&labels).set(status.balance_gwei);
            self.is_poor.get_or_create(&labels).set(i64::from(!status.has_funds));
            self.is_at_fee_ceiling.get_or_create(&labels).set(i64::from(status.is_at_fee_ceiling));
            self.in_flight.get_or_create(&labels).set(i64::try_from(status.in_flight).unwrap_or(i64::MAX));
            if let Ok(queued) = app.relay.queued(line).await {
                self.queued.get_or_create(&labels).set(narrow(queued));
            }
        }
        let (unanchored, promise_seconds) = sequencer::figures(app).await;
        self.unanchored.set(narrow(unanchored));
        self.promise_seconds.set(narrow(promise_seconds));
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
    /// All at zero.
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
            "Requests whose forwarded header names no address, or does not come from a proxy",
            forwarded_ignored.clone(),
        );
        let relay = RelayFigures::default();
        relay.register(&mut registry);
        Arc::new(Self { registry, requests, durations, forwarded_ignored, relay })
    }

    /// Counts a request whose forwarded header does not count. Says so once: it may be anybody's doing, or a mistake in
    /// the settings, with which all callers count as one.
    pub(crate) fn forwarded_ignored(&self, why: &'static str) {
        if self.forwarded_ignored.inc() == 0 {
            tracing::warn!(why, "the forwarded header of a request was ignored; its sender counts by its own address");
        }
    }
}

/// Names the request by its route, logs it, counts it.
pub(crate) async fn request(State(app): State<App>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", |path| path.as_str()).to_owned();
    let operation = request.method().clone();
    let method = method_name(&operation);
    let span = tracing::info_span!("request", id = %request_id::current(), method, route);
    let began = Instant::now();
    let response = next.run(request).instrument(span.clone()).await;
    let elapsed = began.elapsed();
    let status = response.status().as_u16();
    span.in_scope(|| {
        tracing::info!(status, duration_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX), "answered");
    });
    expect_documented(&operation, &route, &response);
    app.metrics.requests.get_or_create(&RequestLabels { route: route.clone(), method, status }).inc();
    app.metrics.durations.get_or_create(&RouteLabels { route }).observe(elapsed.as_secs_f64());
    response
}

/// Makes sure that the OpenAPI document lists this answer of its operation. Where it does not, the document lies to those who
/// make clients from it: a debug build breaks off, so that tests notice.
fn expect_documented(method: &Method, route: &str, response: &Response) {
    let status = response.status();
    let code = response.extensions().get::<ErrorCode>().copied();
    // Of a method that the route has not, the document says nothing.
    if status == StatusCode::METHOD_NOT_ALLOWED || DOCUMENTED.has(method, route, status.as_u16(), code) {
        return;
    }
    tracing::error!(%method, route, %status, code = code.map(ErrorCode::as_str), "an undocumented answer");
    debug_assert!(false, "{method} {route} answered {status} {code:?}, which api/src/docs/problems.rs does not list");
}

/// A closed list, so that a made-up method makes no new series.
fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// The metrics in OpenMetrics text. They count requests and say nothing about a person.
///
/// **Who may call:** anyone who reaches the server; a proxy in front should keep it inside.
#[utoipa::path(get, path = "/metrics", tag = "server", responses((status = 200, body = String, content_type = "application/openmetrics-text")), security())]
pub(crate) async fn metrics(State(app): State<App>) -> Result<Response, ApiError> {
    app.metrics.relay.look(&app).await;
    let mut text = String::new();
    encode(&mut text, &app.metrics.registry).map_err(ApiError::internal)?;
    let content_type = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, content_type)], text).into_response())
}
