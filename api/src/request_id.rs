//! The id of the current request. It is in every log line, every problem, and the `X-Request-Id` of every answer.

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use uuid::Uuid;

/// The response header that carries it.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static CURRENT: Uuid;
}

/// Returns the id of the request that this task serves, or nil outside a request.
#[must_use]
pub fn current() -> Uuid {
    CURRENT.try_with(|id| *id).unwrap_or(Uuid::nil())
}

/// Keeps the id of the current request for work that continues in a separate task.
pub(crate) fn keep<F: Future>(work: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(current(), work)
}

/// Gives the request an id. A client's own header is ignored, so that it cannot write into our log.
pub async fn assign(request: Request, next: Next) -> Response {
    let id = Uuid::now_v7();
    let mut response = CURRENT.scope(id, next.run(request)).await;
    let value = HeaderValue::from_str(&id.to_string()).expect("a UUID is visible ASCII");
    response.headers_mut().insert(HEADER, value);
    response
}
