//! Answers to input that never becomes a request. They are written directly, in the form of every other problem.

use axum::body::Bytes;
use protocol::error_code::ErrorCode;
use uuid::Uuid;

use super::head::Refusal;
use crate::error::ApiError;

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.code, refusal.detail)
    }
}

/// Returns the error for a head that did not arrive in time.
pub(super) fn slow_head() -> ApiError {
    ApiError::new(ErrorCode::RequestTimeout, "the head of the request did not arrive in time")
}

/// Returns a whole HTTP/1.1 answer that closes the connection.
pub(super) fn answer(error: &ApiError) -> Bytes {
    let mut problem = error.problem();
    problem.request_id = Uuid::now_v7().to_string();
    tracing::debug!(code = problem.code, id = problem.request_id, "a connection was refused");
    let reason = axum::http::StatusCode::from_u16(problem.status).ok().and_then(|status| status.canonical_reason());
    let body = serde_json::to_string(&problem).expect("a problem is plain data");
    let retry = if error.code().status() == 429 || error.code().status() == 503 { "retry-after: 1\r\n" } else { "" };
    format!(
        "HTTP/1.1 {} {}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\nconnection: close\r\n{retry}\
         cache-control: no-store\r\ncontent-security-policy: default-src 'none'; frame-ancestors 'none'\r\n\
         x-content-type-options: nosniff\r\nreferrer-policy: no-referrer\r\nx-request-id: {}\r\n\r\n{body}",
        problem.status,
        reason.unwrap_or("Refused"),
        body.len(),
        problem.request_id,
    )
    .into()
}
