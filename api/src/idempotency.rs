//! `Idempotency-Key`: the same write sent again, because its answer was lost, gets the same answer.
//!
//! An answer is stored under session, method, path and key, with the hash of the body, and given to nobody whose session
//! has ended. It is never used on the routes
//! that read records, on streams, or on signing in; each of those has its own way to be repeated.

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use mongodb::{
    Database,
    bson::{Binary, DateTime, doc, spec::BinarySubtype},
};
use protocol::error_code::ErrorCode;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    caller,
    error::ApiError,
    state::App,
    store::{collection, is_duplicate, ttl_index},
    time::Clock,
};

/// The request header.
pub const KEY_HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// In an answer that was stored: `true`.
pub const REPLAYED_HEADER: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Longer keys are refused.
const KEY_BYTES_MAX: usize = 128;
/// Larger answers are not stored; there are none on these routes.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// A stored answer. `_id`: SHA-256 of session, method, path and key.
#[derive(Serialize, Deserialize)]
struct AnswerDoc {
    #[serde(rename = "_id")]
    id: String,
    /// SHA-256 of the body.
    body_hash: String,
    /// Absent while the first request is being answered.
    answer: Option<Answer>,
    /// Unix seconds; an unanswered one that is older is taken over.
    began_at: i64,
    delete_at: DateTime,
}

#[derive(Serialize, Deserialize)]
struct Answer {
    status: i32,
    content_type: Option<String>,
    body: Binary,
}

/// Index of the stored answers.
pub(crate) async fn create_indexes(database: &Database) -> mongodb::error::Result<()> {
    database.collection::<AnswerDoc>(collection::ANSWERS).create_index(ttl_index("delete_at")).await?;
    Ok(())
}

/// Whether a stored answer may be given on this path.
fn is_eligible(method: &Method, path: &str) -> bool {
    let write = matches!(*method, Method::POST | Method::PUT | Method::DELETE);
    let excluded = path == "/v1/reads" || path.starts_with("/v1/blobs") || path.starts_with("/v1/auth/");
    write && path.starts_with("/v1/") && !excluded
}

/// Answers a repeated write with what the first one was answered.
pub(crate) async fn replay(State(app): State<App>, request: Request, next: Next) -> Result<Response, ApiError> {
    let Some(key) = request.headers().get(KEY_HEADER).cloned() else { return Ok(next.run(request).await) };
    let Some(session) = caller::session_id(request.headers()) else { return Ok(next.run(request).await) };
    if !is_eligible(request.method(), request.uri().path()) {
        return Ok(next.run(request).await);
    }
    // Whoever has no session is refused by the route itself.
    if !caller::is_session_live(&app, &session).await? {
        return Ok(next.run(request).await);
    }
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        return Err(ApiError::invalid(format!("an idempotency key has 1 to {KEY_BYTES_MAX} bytes")));
    }
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, app.settings.limits.body_bytes_max)
        .await
        .map_err(|_| ApiError::new(ErrorCode::TooLarge, "the body is larger than this route accepts"))?;
    let id = Sha256::new()
        .chain_update(session.0.as_bytes())
        .chain_update([0])
        .chain_update(parts.method.as_str())
        .chain_update([0])
        .chain_update(parts.uri.path())
        .chain_update([0])
        .chain_update(key.as_bytes())
        .finalize();
    let id = hex::encode(id);
    if let Some(answer) = begin(&app, &id, &hex::encode(Sha256::digest(&body))).await? {
        return Ok(stored(answer));
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    finish(&app, &id, response).await
}

/// Claims the key; gives the stored answer if there is one.
async fn begin(app: &App, id: &str, body_hash: &str) -> Result<Option<Answer>, ApiError> {
    let limits = &app.settings.limits;
    let now = app.clock.now();
    let began_at = i64::try_from(now).map_err(ApiError::internal)?;
    let doc = AnswerDoc {
        id: id.to_owned(),
        body_hash: body_hash.to_owned(),
        answer: None,
        began_at,
        delete_at: Clock::date_at(now + limits.idempotency_seconds),
    };
    let answers = app.database.collection::<AnswerDoc>(collection::ANSWERS);
    match answers.insert_one(&doc).await {
        Ok(_) => return Ok(None),
        Err(error) if is_duplicate(&error) => {}
        Err(error) => return Err(error.into()),
    }
    let busy = || {
        ApiError::new(ErrorCode::Unavailable, "the first request with this key is still being answered").retry_after(1)
    };
    let Some(stored) = answers.find_one(doc! { "_id": id }).await? else { return Err(busy()) };
    if stored.body_hash != body_hash {
        return Err(ApiError::new(
            ErrorCode::IdempotencyMismatch,
            "this idempotency key came with another body before",
        ));
    }
    if stored.answer.is_some() {
        return Ok(stored.answer);
    }
    // The server that began it may have been killed; its request has ended by then, whatever became of it.
    let abandoned = i64::try_from(limits.request_seconds_max).map_err(ApiError::internal)?;
    let claim = doc! { "_id": id, "answer": null, "began_at": { "$eq": stored.began_at, "$lt": began_at - abandoned } };
    let claimed = answers.update_one(claim, doc! { "$set": { "began_at": began_at } }).await?.matched_count == 1;
    if claimed { Ok(None) } else { Err(busy()) }
}

/// Stores the answer, unless trying again could give a better one: then the key is free again.
async fn finish(app: &App, id: &str, response: Response) -> Result<Response, ApiError> {
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, ANSWER_BYTES_MAX).await.map_err(ApiError::internal)?;
    let answers = app.database.collection::<AnswerDoc>(collection::ANSWERS);
    let passing = parts.status.is_server_error()
        || matches!(parts.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS);
    if passing {
        answers.delete_one(doc! { "_id": id }).await?;
    } else {
        let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let answer = doc! {
            "status": i32::from(parts.status.as_u16()),
            "content_type": content_type,
            "body": Binary { subtype: BinarySubtype::Generic, bytes: body.to_vec() },
        };
        answers.update_one(doc! { "_id": id }, doc! { "$set": { "answer": answer } }).await?;
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn stored(answer: Answer) -> Response {
    let status = u16::try_from(answer.status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let mut response = (status.unwrap_or(StatusCode::OK), answer.body.bytes).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    if let Some(value) = answer.content_type.and_then(|text| HeaderValue::from_str(&text).ok()) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    headers.insert(REPLAYED_HEADER, HeaderValue::from_static("true"));
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
