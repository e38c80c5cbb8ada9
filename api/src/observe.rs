//! Logs and counts each request for the operator: its route, status and duration. It never logs the path, query,
//! headers or body, because those identify records and people.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tracing::Instrument;

use crate::{app::App, error::ApiError, relay::Line, request_id, sequencer};

/// Logs and counts a request under the name of its route.
pub(crate) async fn request(State(app): State<App>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", |path| path.as_str()).to_owned();
    let method = method_name(request.method());
    let span = tracing::info_span!("request", id = %request_id::current(), method, route);
    let began = Instant::now();
    let response = next.run(request).instrument(span.clone()).await;
    let elapsed = began.elapsed();
    let status = response.status().as_u16();
    span.in_scope(|| {
        tracing::info!(status, duration_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX), "answered");
    });
    app.metrics.answered(route, method, status, elapsed);
    response
}

/// Returns the method's name from a closed list, so that an invented method creates no new series.
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

/// Returns the metrics in OpenMetrics text.
///
/// They count requests and contain nothing about a person.
///
/// **Who may call:** anyone who reaches the server. A proxy in front should not make it public.
#[utoipa::path(get, path = "/metrics", tag = "server", responses((status = 200, body = String, content_type = "application/openmetrics-text")), security())]
pub(crate) async fn metrics(State(app): State<App>) -> Result<Response, ApiError> {
    for line in Line::ALL {
        app.metrics.note_line(&app.relay.line_status(line), app.relay.queued(line).await.ok());
    }
    let (unanchored, promise_seconds) = sequencer::figures(&app).await;
    app.metrics.note_log(unanchored, promise_seconds);
    let text = app.metrics.text().map_err(ApiError::internal)?;
    let content_type = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, content_type)], text).into_response())
}
