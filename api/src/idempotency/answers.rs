//! Stored answers, and the claims of requests in progress.

use std::time::Duration;

use alloy::primitives::Address;
use axum::{
    body::{Body, to_bytes},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use mongodb::{
    Collection, Database,
    bson::{DateTime, doc},
};
use protocol::error_code::ErrorCode;
use serde::{Deserialize, Serialize};

use crate::{
    app::App,
    at_rest::{Lookup, Sealed, Use},
    error::ApiError,
    store::{collection, end_surplus, index, is_duplicate, ttl_index},
    time::Clock,
};

/// The longest answer that is stored. Routes with idempotency keys have no longer ones.
const ANSWER_BYTES_MAX: usize = 16 << 10;
/// The highest number of stored answers of an account. Above it the oldest are deleted.
const ANSWERS_PER_ACCOUNT_MAX: u64 = 256;
/// The interval, in seconds, at which a running request renews its claim. A claim that is older counts as abandoned.
const ALIVE_SECONDS: u64 = 15;

/// The identity of one request, to recognize a repetition.
pub(super) struct Claim {
    /// Hash of session, method, path and key.
    pub(super) id: String,
    /// Hash of all other input that the answer depends on.
    pub(super) fingerprint: String,
    /// The account that sent it.
    pub(super) account: Address,
}

/// The state of a claim.
pub(super) enum Begun {
    /// The request is new, and the caller must process it.
    First,
    /// The request is being processed.
    Running,
    /// The request has been answered.
    Answered(Answer),
}

/// A stored answer.
#[derive(Serialize, Deserialize)]
pub(super) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// The document of the collection. `_id`: [`Claim::id`].
#[derive(Serialize, Deserialize)]
struct AnswerDoc {
    #[serde(rename = "_id")]
    id: String,
    fingerprint: String,
    /// Blind index of the address.
    account: String,
    /// An [`Answer`]; absent while the request is being processed.
    answer: Option<Sealed>,
    /// Unix seconds.
    began_at: i64,
    /// Unix seconds until which the claim is valid.
    alive_until: i64,
    delete_at: DateTime,
}

fn answers(database: &Database) -> Collection<AnswerDoc> {
    database.collection(collection::ANSWERS)
}

/// Creates the indexes of the stored answers.
pub(crate) async fn create_indexes(database: &Database) -> mongodb::error::Result<()> {
    let by_account = index(doc! { "account": 1, "began_at": -1 });
    answers(database).create_indexes([ttl_index("delete_at"), by_account]).await?;
    Ok(())
}

fn now(app: &App) -> i64 {
    i64::try_from(app.clock.now()).unwrap_or(i64::MAX)
}

fn alive_until(app: &App) -> i64 {
    now(app).saturating_add_unsigned(ALIVE_SECONDS)
}

/// Claims the request for the caller, or returns the state of an earlier claim.
///
/// # Errors
/// Returns `idempotency_mismatch` when the key came with another request before.
pub(super) async fn begin(app: &App, claim: &Claim) -> Result<Begun, ApiError> {
    let collection = answers(&app.database);
    let doc = AnswerDoc {
        id: claim.id.clone(),
        fingerprint: claim.fingerprint.clone(),
        account: app.at_rest.blind(Lookup::AnswerAddress, claim.account),
        answer: None,
        began_at: now(app),
        alive_until: alive_until(app),
        delete_at: Clock::date_at(app.clock.now() + app.settings.limits.idempotency_seconds),
    };
    match collection.insert_one(&doc).await {
        Ok(_) => {
            make_room(app, claim).await?;
            return Ok(Begun::First);
        }
        Err(error) if is_duplicate(&error) => {}
        Err(error) => return Err(error.into()),
    }
    // The claim may have been released at this moment.
    let Some(stored) = collection.find_one(doc! { "_id": &claim.id }).await? else { return Ok(Begun::Running) };
    if stored.fingerprint != claim.fingerprint {
        return Err(ApiError::new(ErrorCode::IdempotencyMismatch, "this idempotency key was used for another request"));
    }
    if let Some(answer) = stored.answer {
        return app.at_rest.open(Use::Answer, &claim.id, &answer).map(Begun::Answered).map_err(ApiError::internal);
    }
    // The server that started it may have been stopped. The first caller to ask processes it again.
    let abandoned =
        doc! { "_id": &claim.id, "answer": null, "alive_until": { "$eq": stored.alive_until, "$lt": now(app) } };
    let taken = collection.update_one(abandoned, doc! { "$set": { "alive_until": alive_until(app) } }).await?;
    Ok(if taken.matched_count == 1 { Begun::First } else { Begun::Running })
}

/// Deletes the oldest answers of an account above its maximum. Requests in progress have no answer yet, and stay.
async fn make_room(app: &App, claim: &Claim) -> Result<(), ApiError> {
    let documents = answers(&app.database).clone_with_type();
    let account = app.at_rest.find(Lookup::AnswerAddress, claim.account);
    let owned = doc! { "account": account, "answer": { "$ne": null } };
    Ok(end_surplus(&documents, owned, "began_at", ANSWERS_PER_ACCOUNT_MAX, &claim.id).await?)
}

/// Renews the claim at intervals. Never ends.
pub(super) async fn stay_alive(app: &App, claim: &Claim) {
    loop {
        tokio::time::sleep(Duration::from_secs(ALIVE_SECONDS / 3)).await;
        let ours = doc! { "_id": &claim.id, "answer": null };
        let alive = doc! { "$set": { "alive_until": alive_until(app) } };
        if let Err(error) = answers(&app.database).update_one(ours, alive).await {
            tracing::debug!(%error, "a claim could not be renewed");
        }
    }
}

/// Stores the answer.
pub(super) async fn store(app: &App, claim: &Claim, answer: &Answer) -> mongodb::error::Result<()> {
    let answer = app.at_rest.seal(Use::Answer, &claim.id, answer);
    answers(&app.database).update_one(doc! { "_id": &claim.id }, doc! { "$set": { "answer": answer } }).await?;
    Ok(())
}

/// Releases the key.
pub(super) async fn forget(app: &App, claim: &Claim) -> mongodb::error::Result<()> {
    answers(&app.database).delete_one(doc! { "_id": &claim.id, "answer": null }).await?;
    Ok(())
}

impl Answer {
    /// Returns the response, and its stored form. There is none for a response that is long or of unknown length.
    pub(super) async fn of(response: Response) -> (Response, Option<Self>) {
        let length = hyper::body::Body::size_hint(response.body()).exact();
        if length.is_none_or(|length| length > ANSWER_BYTES_MAX as u64) {
            return (response, None);
        }
        let (parts, body) = response.into_parts();
        // A body of known length is in memory.
        let Ok(body) = to_bytes(body, ANSWER_BYTES_MAX).await else {
            return (Response::from_parts(parts, Body::empty()), None);
        };
        // Answers on these routes are text.
        let Ok(text_body) = String::from_utf8(body.to_vec()) else {
            return (Response::from_parts(parts, Body::from(body)), None);
        };
        let text = |(name, value): (&HeaderName, &HeaderValue)| {
            let is_kept = !matches!(*name, header::SET_COOKIE | header::CONTENT_LENGTH);
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())).filter(|_| is_kept)
        };
        let headers = parts.headers.iter().filter_map(text).collect();
        let answer = Self { status: parts.status.as_u16(), headers, body: text_body };
        (Response::from_parts(parts, Body::from(body)), Some(answer))
    }

    /// Returns the stored answer as a response.
    pub(super) fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = self.headers.iter().filter_map(|(name, value)| {
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?))
        });
        for (name, value) in headers {
            response.headers_mut().append(name, value);
        }
        response
    }
}
