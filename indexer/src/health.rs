//! The state of the indexer over HTTP: `/healthz`, `/readyz`, `/metrics`.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64},
    },
    time::Duration,
};

use axum::{Json, Router, extract, http::StatusCode, response::IntoResponse, routing::get};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use serde::Serialize;
use std::sync::Arc;

use crate::{reorg::BlockRef, time::Instant};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Method {
    method: &'static str,
}

/// Counters, gauges and the present problem, shared by all parts.
#[derive(Debug)]
pub struct Status {
    registry: Registry,
    head: Gauge<i64, AtomicI64>,
    cursor: Gauge<i64, AtomicI64>,
    lag: Gauge<i64, AtomicI64>,
    events: Counter,
    undone: Counter,
    reorgs: Counter,
    commits: Counter,
    retries: Counter,
    failovers: Counter,
    disagreements: Counter,
    disagreement: Gauge<i64, AtomicI64>,
    is_active: Gauge<i64, AtomicI64>,
    rpc_calls: Family<Method, Counter>,
    commit_seconds: Histogram,
    ready_lag: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    head: Option<u64>,
    cursor: Option<u64>,
    seen: Option<Instant>,
    trouble: Option<String>,
    disagreement: Option<String>,
}

/// The answer of `/readyz`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// Whether the mirror is at most a few blocks behind a head that was seen recently.
    pub ready: bool,
    /// The chain's newest block, if known.
    pub head: Option<u64>,
    /// The mirror's newest block, if known.
    pub cursor: Option<u64>,
    /// The number of blocks between them.
    pub lag: Option<u64>,
    /// The reason why it is not ready.
    pub reason: Option<String>,
}

/// The age from which the last seen head no longer counts as recent.
const STALE: Duration = Duration::from_secs(10);

impl Default for Status {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("medlock_indexer");
        let status = Self {
            head: Gauge::default(),
            cursor: Gauge::default(),
            lag: Gauge::default(),
            events: Counter::default(),
            undone: Counter::default(),
            reorgs: Counter::default(),
            commits: Counter::default(),
            retries: Counter::default(),
            failovers: Counter::default(),
            disagreements: Counter::default(),
            disagreement: Gauge::default(),
            is_active: Gauge::default(),
            rpc_calls: Family::default(),
            commit_seconds: Histogram::new([0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0]),
            ready_lag: AtomicU64::new(3),
            state: Mutex::default(),
            registry: Registry::default(),
        };
        registry.register("head_block", "The chain's newest block", status.head.clone());
        registry.register("cursor_block", "The mirror's newest block", status.cursor.clone());
        registry.register("lag_blocks", "Blocks between head and cursor", status.lag.clone());
        registry.register("events", "Events written", status.events.clone());
        registry.register("events_undone", "Events removed by reorgs", status.undone.clone());
        registry.register("reorgs", "Rollbacks", status.reorgs.clone());
        registry.register("commits", "Transactions committed", status.commits.clone());
        registry.register("retries", "Failed steps that were tried again", status.retries.clone());
        registry.register("rpc_failovers", "Changes of the RPC endpoint that answers", status.failovers.clone());
        registry.register("rpc_disagreements", "Disagreements of RPC endpoints", status.disagreements.clone());
        registry.register("rpc_disagreement", "1 while RPC endpoints disagree", status.disagreement.clone());
        registry.register("active", "1 while this indexer holds the lease", status.is_active.clone());
        registry.register("rpc_calls", "JSON-RPC calls by method", status.rpc_calls.clone());
        registry.register("commit_seconds", "Duration of a transaction", status.commit_seconds.clone());
        Self { registry, ..status }
    }
}

impl Status {
    /// Returns a status that is ready when the mirror is at most `ready_lag` blocks behind the head.
    #[must_use]
    pub fn new(ready_lag: u64) -> Self {
        Self { ready_lag: AtomicU64::new(ready_lag), ..Self::default() }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn count_rpc_calls(&self, method: &'static str, calls: usize) {
        self.rpc_calls.get_or_create(&Method { method }).inc_by(calls as u64);
    }

    /// Records the number of the chain's head.
    pub(crate) fn saw_head(&self, number: u64) {
        let mut state = self.state();
        state.head = Some(number);
        self.head.set(gauge(number));
        self.set_lag(&state);
    }

    /// Records the newest block of the mirror.
    pub(crate) fn stands_at(&self, number: u64) {
        let mut state = self.state();
        state.cursor = Some(number);
        self.cursor.set(gauge(number));
        self.set_lag(&state);
    }

    fn set_lag(&self, state: &State) {
        if let (Some(head), Some(cursor)) = (state.head, state.cursor) {
            self.lag.set(gauge(head) - gauge(cursor));
        }
    }

    /// Records that the chain and the database have both answered.
    pub(crate) fn is_well(&self) {
        let mut state = self.state();
        state.seen = Some(Instant::now());
        state.trouble = None;
    }

    /// Records a problem. Returns whether it is a new one.
    pub(crate) fn has_trouble(&self, reason: String) -> bool {
        let mut state = self.state();
        let is_news = state.trouble.as_ref() != Some(&reason);
        state.trouble = Some(reason);
        is_news
    }

    /// Records whether several endpoints disagree, and about what.
    pub(crate) fn disagree(&self, about: Option<String>) {
        let mut state = self.state();
        if state.disagreement == about {
            return;
        }
        match &about {
            Some(about) => {
                self.disagreements.inc();
                tracing::warn!("the RPC endpoints disagree about {about}; the mirror stays on its branch");
            }
            None => tracing::info!("the RPC endpoints agree again"),
        }
        self.disagreement.set(i64::from(about.is_some()));
        state.disagreement = about;
    }

    /// Returns whether endpoints are known to disagree.
    pub(crate) fn is_disputed(&self) -> bool {
        self.state().disagreement.is_some()
    }

    /// Records whether this indexer holds the lease and writes.
    pub(crate) fn is_active(&self, is_active: bool) {
        self.is_active.set(i64::from(is_active));
    }

    pub(crate) fn count_failover(&self) {
        self.failovers.inc();
    }

    pub(crate) fn count_retry(&self) {
        self.retries.inc();
    }

    pub(crate) fn count_commit(&self, tip: BlockRef, events: usize, undone: usize, is_rollback: bool, took: Duration) {
        self.commits.inc();
        self.events.inc_by(events as u64);
        self.undone.inc_by(undone as u64);
        self.reorgs.inc_by(u64::from(is_rollback));
        self.commit_seconds.observe(took.as_secs_f64());
        self.stands_at(tip.number);
    }

    /// Returns whether the mirror is up to date now.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        let state = self.state();
        let lag = state.head.zip(state.cursor).map(|(head, cursor)| head.saturating_sub(cursor));
        let reason = if let Some(trouble) = &state.trouble {
            Some(trouble.clone())
        } else if let Some(about) = &state.disagreement {
            Some(format!("the RPC endpoints disagree about {about}"))
        } else {
            match (state.seen, lag) {
                (None, _) | (_, None) => Some("starting".into()),
                (Some(seen), _) if seen.elapsed() > STALE => Some("no step has succeeded for a while".into()),
                (_, Some(lag)) if lag > self.ready_lag.load(std::sync::atomic::Ordering::Relaxed) => {
                    Some(format!("{lag} blocks behind the head"))
                }
                _ => None,
            }
        };
        Readiness { ready: reason.is_none(), head: state.head, cursor: state.cursor, lag, reason }
    }

    /// Returns the metrics as OpenMetrics text.
    #[must_use]
    pub fn metrics(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a string does not fail");
        text
    }
}

fn gauge(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Returns the HTTP routes.
pub fn routes(status: Arc<Status>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(status)
}

async fn readyz(extract::State(status): extract::State<Arc<Status>>) -> impl IntoResponse {
    let readiness = status.readiness();
    let code = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(readiness))
}

async fn metrics(extract::State(status): extract::State<Arc<Status>>) -> impl IntoResponse {
    ([("content-type", "application/openmetrics-text; version=1.0.0; charset=utf-8")], status.metrics())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_ready_only_near_a_head_and_without_trouble() {
        let status = Status::new(2);
        assert_eq!(status.readiness().reason.as_deref(), Some("starting"));
        status.saw_head(10);
        status.stands_at(7);
        status.is_well();
        assert!(!status.readiness().ready);
        status.stands_at(8);
        assert!(status.readiness().ready);
        assert!(status.has_trouble("away".into()));
        assert!(!status.has_trouble("away".into()));
        assert_eq!(status.readiness().reason.as_deref(), Some("away"));
        status.is_well();
        assert!(status.readiness().ready);
    }

    #[test]
    fn the_metrics_name_head_cursor_and_lag() {
        let status = Status::default();
        status.saw_head(10);
        status.stands_at(7);
        status.count_rpc_calls("eth_getLogs", 3);
        let text = status.metrics();
        for line in ["medlock_indexer_head_block 10", "medlock_indexer_cursor_block 7", "medlock_indexer_lag_blocks 3"]
        {
            assert!(text.lines().any(|other| other == line), "{line} is missing in\n{text}");
        }
        assert!(text.contains(r#"medlock_indexer_rpc_calls_total{method="eth_getLogs"} 3"#), "{text}");
    }
}
