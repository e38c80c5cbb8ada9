//! `Idempotency-Key`: a write that is sent again, because its answer was lost, gets the same answer.
//!
//! An answer is stored under session, method, path and key, with a hash of the request. Only the same session receives
//! it again, as long as the session is valid, and never through a cookie that another site's page sent along. While the
//! first request is still being processed, even if its client has disconnected, a repetition waits for its outcome.
//! Idempotency keys are not used on routes that read records, on streams, or for signing in. Each of those can be
//! repeated in another way.

mod answers;

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    extract::{FromRequestParts, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::Response,
};
use protocol::error_code::ErrorCode;
use sha2::{Digest, Sha256};

pub(crate) use answers::create_indexes;

use self::answers::{Answer, Begun, Claim};
use crate::{app::App, body, caller::Caller, error::ApiError};

/// The request header.
pub const KEY_HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// The response header of a stored answer: `true`.
pub const REPLAYED_HEADER: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The longest key. Longer keys are refused.
const KEY_BYTES_MAX: usize = 128;
/// The time that a repeated request waits for the outcome of the first one. After this time, the client gets an answer
/// that asks it to try again.
const WAIT: Duration = Duration::from_secs(25);
/// The interval at which a repeated request checks whether the first one has been answered.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Returns whether a stored answer may be given on this path.
pub(crate) fn is_eligible(method: &Method, path: &str) -> bool {
    let write = matches!(*method, Method::POST | Method::PUT | Method::DELETE);
    let excluded = path == "/v1/reads" || path.starts_with("/v1/blobs") || path.starts_with("/v1/auth/");
    write && path.starts_with("/v1/") && !excluded
}

/// Answers a repeated write with the answer to the first one.
pub(crate) async fn replay(State(app): State<App>, request: Request, next: Next) -> Result<Response, ApiError> {
    if !request.headers().contains_key(KEY_HEADER) || !is_eligible(request.method(), request.uri().path()) {
        return Ok(next.run(request).await);
    }
    let (mut parts, body) = request.into_parts();
    // The route itself refuses callers who are not signed in.
    let Ok(caller) = Caller::from_request_parts(&mut parts, &app).await else {
        return Ok(next.run(Request::from_parts(parts, body)).await);
    };
    let key = key_of(&parts)?;
    let limits = &app.settings.limits;
    let body = body::read(body, body::bytes_max(limits, parts.uri.path()), limits).await?;
    let claim = claim(&caller, &parts, &key, &body);
    let waited = tokio::time::timeout(WAIT, wait_for_turn(&app, &claim)).await;
    match waited.unwrap_or_else(|_| Err(still_running()))? {
        Some(answer) => Ok(replayed(answer)),
        None => {
            parts.extensions.insert(caller);
            let work = next.run(Request::from_parts(parts, Body::from(body)));
            let response = tokio::select! {
                response = work => response,
                // Shows other replicas that this server is still processing the request. It never ends by itself.
                () = answers::stay_alive(&app, &claim) => return Err(still_running()),
            };
            Ok(finish(&app, &claim, response).await)
        }
    }
}

/// Returns the error for a request that is still being processed.
pub(crate) fn still_running() -> ApiError {
    ApiError::new(ErrorCode::InProgress, "the request is still being carried out").retry_after(1)
}

fn key_of(parts: &Parts) -> Result<HeaderValue, ApiError> {
    let mut keys = parts.headers.get_all(KEY_HEADER).iter();
    match (keys.next(), keys.next()) {
        (Some(key), None) if (1..=KEY_BYTES_MAX).contains(&key.len()) => Ok(key.clone()),
        _ => Err(ApiError::invalid(format!("there must be one idempotency key, of 1 to {KEY_BYTES_MAX} bytes"))),
    }
}

/// Returns the identity of the request and a hash of its content.
fn claim(caller: &Caller, parts: &Parts, key: &HeaderValue, body: &Bytes) -> Claim {
    let hash = |parts: &[&[u8]]| {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hex::encode(hash.finalize())
    };
    let header = |name: HeaderName| parts.headers.get(name).map_or(&b""[..], HeaderValue::as_bytes);
    let (method, path) = (parts.method.as_str().as_bytes(), parts.uri.path().as_bytes());
    Claim {
        id: hash(&[caller.session.0.as_bytes(), method, path, key.as_bytes()]),
        fingerprint: hash(&[
            parts.uri.query().unwrap_or_default().as_bytes(),
            header(header::CONTENT_TYPE),
            header(header::IF_MATCH),
            header(header::IF_NONE_MATCH),
            body,
        ]),
        account: caller.address,
    }
}

/// Waits until this request may be processed, or until the first one has been answered.
async fn wait_for_turn(app: &App, claim: &Claim) -> Result<Option<Answer>, ApiError> {
    loop {
        match answers::begin(app, claim).await? {
            Begun::First => return Ok(None),
            Begun::Answered(answer) => return Ok(Some(answer)),
            Begun::Running => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

/// Stores the answer. If another attempt could give a better answer, the key is released instead. The answer itself is
/// returned in both cases.
async fn finish(app: &App, claim: &Claim, response: Response) -> Response {
    let status = response.status();
    let passing = status.is_server_error()
        || matches!(
            status,
            // An action that is not mined yet. Its id is idempotent by itself, and a repetition may return a newer
            // state.
            StatusCode::ACCEPTED
                | StatusCode::UNAUTHORIZED
                | StatusCode::FORBIDDEN
                | StatusCode::REQUEST_TIMEOUT
                | StatusCode::TOO_MANY_REQUESTS
        );
    let (response, answer) = if passing { (response, None) } else { Answer::of(response).await };
    let kept = match &answer {
        Some(answer) => answers::store(app, claim, answer).await,
        None => answers::forget(app, claim).await,
    };
    if let Err(error) = kept {
        // A repetition waits until this claim counts as abandoned, and then processes the request again. That is
        // harmless.
        tracing::warn!(%error, "an answer could not be stored");
    }
    response
}

fn replayed(answer: Answer) -> Response {
    let mut response = answer.into_response();
    response.headers_mut().insert(REPLAYED_HEADER, HeaderValue::from_static("true"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_streams_and_sign_in_are_never_replayed() {
        for path in ["/v1/reads", "/v1/blobs", "/v1/blobs/x", "/v1/auth/login", "/healthz"] {
            assert!(!is_eligible(&Method::POST, path), "{path}");
        }
        assert!(!is_eligible(&Method::GET, "/v1/records"));
        assert!(is_eligible(&Method::POST, "/v1/records"));
        assert!(is_eligible(&Method::PUT, "/v1/keyring"));
    }
}
