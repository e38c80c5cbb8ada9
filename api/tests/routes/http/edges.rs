//! What is not about one route: unreadable requests, unknown routes, limits, repeated writes.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use mongodb::bson::{Document, doc};
use serde_json::{Value, json};

use crate::world::{envelopes::envelope, seeds, servers::Server};

#[tokio::test]
async fn unreadable_requests_are_refused_with_a_code() {
    let server = Server::with(|settings| settings.limits.body_bytes_max = 1000).await;
    let user = server.newcomer().await;
    let put = |content_type: &str, body: String| {
        let request = Request::put("/v1/keyring").header("content-type", content_type).header("if-none-match", "*");
        user.send(request.body(Body::from(body)).expect("a request"))
    };
    put("application/json", "{".to_owned()).await.refused("invalid_request");
    put("application/json", "[]".to_owned()).await.refused("invalid_request");
    put("application/json", "null".to_owned()).await.refused("invalid_request");
    put("application/json", String::new()).await.refused("invalid_request");
    put("text/plain", "{}".to_owned()).await.refused("unsupported_media_type");
    put("application/json", json!({ "content": "A".repeat(2000) }).to_string()).await.refused("too_large");
    user.get("/v1/directory?limit=x").await.refused("invalid_request");
    user.get("/v1/directory?limit=0").await.refused("out_of_range");
    user.get("/v1/directory?limit=501").await.refused("out_of_range");
    user.get("/v1/directory?limit=-1").await.refused("invalid_request");
    user.get("/v1/directory?unknown=1").await.refused("invalid_request");
    user.get("/v1/directory?role=wizard").await.refused("invalid_request");
    user.get("/v1/keys/%ff").await.refused("invalid_request");
}

#[tokio::test]
async fn unknown_routes_and_methods_are_problems_too() {
    let server = Server::new().await;
    server.anon().get("/v1/nothing").await.refused("not_found");
    server.anon().call(Method::DELETE, "/v1/me", Value::Null).await.refused("method_not_allowed");
}

#[tokio::test]
async fn too_many_requests_are_told_when_to_come_back() {
    let server = Server::with(|settings| {
        settings.limits.rate_per_second = 1;
        settings.limits.rate_burst = 3;
    })
    .await;
    let (user, other) = (server.newcomer().await, server.newcomer().await);
    for _ in 0..3 {
        assert_eq!(user.get("/v1/me").await.status, StatusCode::OK);
    }
    let refused = user.get("/v1/me").await;
    refused.refused("rate_limited");
    assert!(refused.header("retry-after").parse::<u64>().expect("seconds") >= 1);
    assert_eq!(other.get("/v1/me").await.status, StatusCode::OK, "others are not held back");
}

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
    let server = Server::with(|settings| {
        settings.limits.rate_burst = 100_000;
        settings.limits.rate_per_second = 100_000;
    })
    .await;
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

    // What is still being carried out is not pushed out by what comes after it.
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

#[tokio::test]
async fn a_part_that_does_not_answer_is_no_fault_of_the_caller() {
    let closed = format!("http://127.0.0.1:{}", localnet::ports::free());
    let (kubo, chain) = (closed.clone(), closed);
    let server = Server::with(|settings| settings.kubo_url = kubo).await;
    let user = server.newcomer().await;
    let record = seeds::record();
    let answer = user.upload(record, 1, envelope(record, 1, 500)).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json::<Value>()["code"], "unavailable");
    assert_eq!(server.count(api::store::collection::PINS).await, 0, "the reservation is given back");

    let server = Server::with(|settings| settings.rpc_url = chain).await;
    let user = server.newcomer().await;
    let ready: Value = user.get("/readyz").await.json();
    assert_eq!((&ready["chain"], &ready["mongodb"]), (&false.into(), &true.into()));
    assert_eq!(user.get("/v1/me").await.status, StatusCode::OK, "what needs no chain goes on");
}

#[tokio::test]
async fn other_origins_are_allowed_only_by_setting() {
    let server = Server::with(|settings| settings.limits.cors_origin = vec!["https://app.example".to_owned()]).await;
    let preflight = |origin: &str| {
        Request::options("/v1/me")
            .header("origin", origin)
            .header("access-control-request-method", "GET")
            .body(Body::empty())
            .expect("a request")
    };
    let allowed = server.anon().send(preflight("https://app.example")).await;
    assert_eq!(allowed.header("access-control-allow-origin"), "https://app.example");
    let refused = server.anon().send(preflight("https://evil.example")).await;
    assert!(refused.headers.get("access-control-allow-origin").is_none());
}
