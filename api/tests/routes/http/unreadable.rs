//! Requests that no route reads: broken bodies and parameters, unknown routes and methods.

use axum::{
    body::Body,
    http::{Method, Request},
};
use serde_json::{Value, json};

use crate::world::servers::Server;

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
async fn any_broken_path_is_refused_with_a_code() {
    let server = Server::new().await;
    for user in [server.anon(), server.newcomer().await] {
        for path in ["/v1/%2e%2e/metrics", "/v1//me", "/v1/records/%00/%ff", "/v1/me/x", "/V1/me", "/v1/keys/"] {
            let answer = user.get(path).await;
            let problem: Value = answer.json();
            answer.refused(problem["code"].as_str().unwrap_or_else(|| panic!("{path}: {problem}")));
        }
        let long = format!("/v1/{}", "x/".repeat(20_000));
        user.post(&long, json!({})).await.refused("not_found");
    }
}
