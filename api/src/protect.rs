//! Protection of every answer: security headers, a time limit, turns among networks, and a problem instead of a closed
//! connection when a handler panics.

use std::{any::Any, time::Duration};

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use protocol::error_code::ErrorCode;
use tracing::Instrument;

use crate::{app::App, body, error::ApiError, idempotency, network::RequestNetwork, places::Place, request_id};

/// The policy for JSON and bytes: nothing in them may run, load or be framed.
const API_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// The policy for the page that displays the OpenAPI document: its own scripts and styles, and calls to this server.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Adds the security headers.
pub(crate) async fn headers(request: Request, next: Next) -> Response {
    let policy = if request.uri().path().starts_with("/docs") { DOCS_POLICY } else { API_POLICY };
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    // The web app's files have their own policy.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(policy));
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=63072000"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-site"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Answers requests that take too long. A read is cancelled. A write continues ([`to_the_end`]), and its client is told
/// so. Uploads have their own limits. The body of an answer is not limited here, so downloads and the event feed may
/// take longer.
pub(crate) async fn time_limit(State(app): State<App>, request: Request, next: Next) -> Result<Response, ApiError> {
    if body::is_streamed(request.method(), request.uri().path()) {
        return Ok(next.run(request).await);
    }
    let wait = Duration::from_secs(app.settings.limits.request_seconds_max);
    let is_read = request.method().is_safe();
    match tokio::time::timeout(wait, next.run(request)).await {
        Ok(response) => Ok(response),
        Err(_) if is_read => Err(ApiError::new(ErrorCode::Unavailable, "the request took too long")),
        Err(_) => Err(idempotency::still_running()),
    }
}

/// A write that runs longer than this many times the limit of a request is cancelled. No write takes that long by
/// itself.
const TO_THE_END_TIMES: u32 = 5;

/// Runs a write to its end, even if its client has disconnected. A client that sends it again then gets the outcome,
/// and nothing stays half done. Uploads do the same themselves.
pub(crate) async fn to_the_end(State(app): State<App>, request: Request, next: Next) -> Result<Response, ApiError> {
    if request.method().is_safe() || body::is_streamed(request.method(), request.uri().path()) {
        return Ok(next.run(request).await);
    }
    let longest = Duration::from_secs(app.settings.limits.request_seconds_max) * TO_THE_END_TIMES;
    // The place in the network's limit is held until the work is done.
    let place = request.extensions().get::<Place>().cloned();
    let work = async move {
        let answer = tokio::time::timeout(longest, next.run(request)).await;
        drop(place);
        answer
    };
    let work = app.tasks.spawn(request_id::keep(work).in_current_span());
    work.await.map_err(ApiError::internal)?.map_err(|error| ApiError::unavailable("a part of the server", error))
}

/// Processes each request in its network's turn.
pub(crate) async fn in_turn(State(app): State<App>, request: Request, next: Next) -> Response {
    match request.extensions().get::<RequestNetwork>().copied() {
        Some(RequestNetwork(network)) => app.turns.run(network, next.run(request)).await,
        None => next.run(request).await,
    }
}

/// Answers a request whose handler panicked. It is an internal error, and ends only this request. Its message is only
/// logged.
pub(crate) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_default();
    ApiError::internal(anyhow::anyhow!("a handler panicked: {message}")).into_response()
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::to_bytes, http::StatusCode, routing::get};
    use protocol::error_code::Problem;
    use tower::ServiceExt;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    async fn breaks() -> &'static str {
        panic!("the key of {} is 7", "somebody")
    }

    async fn breaks_in_a_word() -> &'static str {
        panic!("the key is 7")
    }

    async fn breaks_without_words() -> &'static str {
        std::panic::panic_any(7_u8)
    }

    #[tokio::test]
    async fn a_panic_becomes_a_problem_that_does_not_repeat_it() {
        let router = Router::new()
            .route("/", get(breaks))
            .route("/word", get(breaks_in_a_word))
            .route("/wordless", get(breaks_without_words))
            .layer(CatchPanicLayer::custom(panicked));
        for path in ["/", "/word", "/wordless"] {
            let request = Request::get(path).body(axum::body::Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
            let body = to_bytes(response.into_body(), 10_000).await.unwrap();
            let problem: Problem = serde_json::from_slice(&body).unwrap();
            assert_eq!(problem.code, ErrorCode::Internal.as_str());
            let text = String::from_utf8_lossy(&body);
            assert!(!text.contains("the key") && !text.contains("panic"), "{text}");
        }
    }
}
