//! Limits for the size and duration of request bodies in memory.
//!
//! Uploads are streamed and have their own limits ([`crate::blobs`]).

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    http::Method,
};
use futures::StreamExt;
use protocol::error_code::ErrorCode;

use crate::{error::ApiError, settings::Limits};

/// The largest body of a login. Anybody may send one, and it contains nothing long.
const LOGIN_BYTES_MAX: usize = 64 << 10;

/// Returns the largest body that an operation takes.
#[must_use]
pub(crate) fn bytes_max(limits: &Limits, path: &str) -> usize {
    if path == "/v1/auth/login" { limits.body_bytes_max.min(LOGIN_BYTES_MAX) } else { limits.body_bytes_max }
}

/// Returns whether the body of this operation is streamed by its handler.
#[must_use]
pub(crate) fn is_streamed(method: &Method, path: &str) -> bool {
    *method == Method::POST && path == "/v1/blobs"
}

/// Reads a whole body.
///
/// # Errors
/// Returns `too_large`, `request_timeout` when the body pauses too long or is late, and `invalid_request` when it
/// breaks off.
pub(crate) async fn read(body: Body, bytes_max: usize, limits: &Limits) -> Result<Bytes, ApiError> {
    let too_large = || ApiError::new(ErrorCode::TooLarge, format!("the body may have at most {bytes_max} bytes"));
    // A body that is announced too large need not be read.
    let announced = hyper::body::Body::size_hint(&body).lower();
    if usize::try_from(announced).map_or(true, |announced| announced > bytes_max) {
        return Err(too_large());
    }
    let idle = Duration::from_secs(limits.idle_seconds_max);
    let read = async {
        let mut pieces = body.into_data_stream();
        let mut whole = Vec::new();
        loop {
            match tokio::time::timeout(idle, pieces.next()).await {
                Ok(Some(Ok(piece))) if whole.len() + piece.len() > bytes_max => return Err(too_large()),
                Ok(Some(Ok(piece))) => whole.extend_from_slice(&piece),
                Ok(Some(Err(_))) => return Err(ApiError::invalid("the body broke off")),
                Ok(None) => return Ok(Bytes::from(whole)),
                Err(_) => return Err(too_slow()),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(limits.body_seconds_max), read).await.unwrap_or_else(|_| Err(too_slow()))
}

/// Returns the error for a body that is too slow.
pub(crate) fn too_slow() -> ApiError {
    ApiError::new(ErrorCode::RequestTimeout, "the body did not arrive in time")
}
