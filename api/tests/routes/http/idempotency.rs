//! Idempotency keys: a repeated write gets the stored answer.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use mongodb::bson::{Document, doc};
use serde_json::{Value, json};

use crate::world::servers::{Server, without_rate_limits};

#[tokio::test]
async fn a_repeated_write_gets_the_first_answer() {
    let server = Server::new().await;
    let (user, other) = (server.newcomer().await, server.newcomer().await);
    let headers = [("if-none-match", "*"), ("idempotency-key", "k1")];
    let first = user.call_with(Method::PUT, "/v1/keyring", json!({ "content": "AAAA" }), &headers).await;
    assert_eq!(first.status, StatusCode::NO_CONTENT);
    let replace = [("if-match", first.header("etag"))];
    user.call_with(Method::PUT, "/v1/keyring", json!({ "content": "BBBB" }), &replace).await;

    let again = user.call_with(Method::PUT, "/v1/keyring", json!({ "content": "AAAA" }), &headers).await;
    assert_eq!(again.status, StatusCode::NO_CONTENT);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.header("etag"), first.header("etag"), "with the same headers");
    let stored: Value = user.get("/v1/keyring").await.json();
    assert_eq!(stored["content"], "BBBB", "nothing was written again");

    let another_body = user.call_with(Method::PUT, "/v1/keyring", json!({ "content": "CCCC" }), &headers).await;
    another_body.refused("idempotency_mismatch");
    let theirs = other.call_with(Method::PUT, "/v1/keyring", json!({ "content": "AAAA" }), &headers).await;
    assert_eq!(theirs.status, StatusCode::NO_CONTENT);
    assert!(theirs.headers.get("idempotency-replayed").is_none(), "keys are each session's own");
    let long = "k".repeat(129);
    let long = [("if-none-match", "*"), ("idempotency-key", long.as_str())];
    user.call_with(Method::PUT, "/v1/keyring", json!({ "content": "AAAA" }), &long).await.refused("invalid_request");
}

#[tokio::test]
async fn a_stored_answer_is_not_given_to_a_cookie_from_elsewhere() {
    let server = Server::new().await;
    let user = server.newcomer().await;
    let cookie = format!("__Host-medlock={}", user.token());
    let put = async |origin: Option<&str>| {
        let mut request = Request::put("/v1/keyring")
            .header("cookie", &cookie)
            .header("content-type", "application/json")
            .header("if-none-match", "*")
            .header("idempotency-key", "k1");
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        user.send_bare(request.body(Body::from(json!({ "content": "AAAA" }).to_string())).expect("a request")).await
    };
    let ours = Some("http://127.0.0.1:8080");
    assert_eq!(put(ours).await.status, StatusCode::NO_CONTENT);
    assert_eq!(put(ours).await.header("idempotency-replayed"), "true");
    for origin in [None, Some("null"), Some("https://evil.example"), Some("http://127.0.0.1:8081")] {
        put(origin).await.refused("forbidden");
    }
}

#[tokio::test]
async fn a_key_stands_for_all_that_was_asked() {
    let server = Server::new().await;
    let user = server.newcomer().await;
    let put = async |headers: &[(&str, &str)]| {
        user.call_with(Method::PUT, "/v1/keyring", json!({ "content": "AAAA" }), headers).await
    };
    assert_eq!(put(&[("if-none-match", "*"), ("idempotency-key", "k")]).await.status, StatusCode::NO_CONTENT);
    put(&[("if-match", "\"00\""), ("idempotency-key", "k")]).await.refused("idempotency_mismatch");
    put(&[("if-none-match", "*"), ("idempotency-key", "k"), ("idempotency-key", "l")]).await.refused("invalid_request");
    put(&[("if-none-match", "*"), ("idempotency-key", "")]).await.refused("invalid_request");
}

#[tokio::test]
async fn an_account_has_so_many_stored_answers() {
    let server = Server::with(without_rate_limits).await;
    let user = server.newcomer().await;
    for number in 0..270 {
        let key = format!("k{number}");
        let headers = [("if-none-match", "*"), ("idempotency-key", key.as_str())];
        user.call_with(Method::PUT, "/v1/keyring", json!({ "content": "AAAA" }), &headers).await;
    }
    let kept = server.count(api::store::collection::ANSWERS).await;
    assert!(kept <= 256, "{kept}");
    // The newest stays, also beside as many of the same second or, from another server's clock, of a later one.
    let answers = server.app.database.collection::<Document>(api::store::collection::ANSWERS);
    let later = i64::try_from(server.app.clock.now() + 60).expect("a time");
    answers.update_many(doc! {}, doc! { "$set": { "began_at": later } }).await.expect("set");
    let headers = [("if-none-match", "*"), ("idempotency-key", "k270")];
    let put = async || user.call_with(Method::PUT, "/v1/keyring", json!({ "content": "AAAA" }), &headers).await;
    put().await;
    assert_eq!(put().await.header("idempotency-replayed"), "true");
    assert_eq!(server.count(api::store::collection::ANSWERS).await, 256);

    // A write that is still being carried out is not removed by later ones.
    let running = doc! { "$set": { "began_at": 0_i64, "answer": null } };
    let first = answers.find_one_and_update(doc! {}, running).await.expect("set").expect("one");
    user.call_with(Method::PUT, "/v1/keyring", json!({ "content": "AAAA" }), &[("idempotency-key", "k271")]).await;
    let id = first.get_str("_id").expect("an id");
    assert!(answers.find_one(doc! { "_id": id }).await.expect("looked").is_some());
}

#[tokio::test]
async fn an_ended_session_gets_no_stored_answers() {
    let server = Server::new().await;
    let user = server.newcomer().await;
    let headers = [("if-none-match", "*"), ("idempotency-key", "k1")];
    let put = async || user.call_with(Method::PUT, "/v1/keyring", json!({ "content": "AAAA" }), &headers).await;
    assert_eq!(put().await.status, StatusCode::NO_CONTENT);
    assert_eq!(put().await.header("idempotency-replayed"), "true");
    let sessions = server.app.database.collection::<Document>(api::store::collection::SESSIONS);
    sessions.delete_many(doc! {}).await.expect("deleted");
    put().await.refused("not_signed_in");
}
