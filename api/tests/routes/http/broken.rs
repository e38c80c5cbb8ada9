//! Broken input to every operation of the OpenAPI document is refused with a code, and is never an error of the server.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use serde_json::Value;

use super::operations::Operation;
use crate::world::{
    answers::Answer,
    people::User,
    servers::{Server, without_rate_limits},
};

/// Returns texts that are no number, id or word.
fn broken_texts() -> Vec<String> {
    let short = [
        "x",
        "0x",
        "-1",
        "1e999",
        "99999",
        "340282366920938463463374607431768211456",
        "%00",
        "%ff%fe",
        "%F0%9F%92%A9",
        "..%2f..%2fversion",
        "%7B%22%24ne%22:1%7D",
        "%5B%5D",
    ];
    let mut texts: Vec<String> = short.map(str::to_owned).into();
    texts.extend(["7".repeat(20_000), format!("0x{}", "f".repeat(20_000))]);
    texts
}

/// Returns bodies that no operation accepts.
fn broken_bodies(fields: &[&str]) -> Vec<Vec<u8>> {
    let texts = ["", "{", "[]", "{}", "null", "true", "1e999", "\"\\ud800\"", "{}{}", "{\"a\":1,\"a\":1}"];
    let mut bodies: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    bodies.extend([b"\xff\xfe\x00".to_vec(), b"{\"\xff\":1}".to_vec(), b"[".repeat(20_000), vec![0; 1_000]]);
    bodies.push(format!("{{\"{}\":1}}", "a".repeat(20_000)).into_bytes());
    let huge = "9".repeat(400);
    let values =
        ["null", "true", "-1", "1.5", &huge, "\"\\u0000\"", "\"0x\"", "[]", "[[]]", "{}", "{\"type\":\"grant\"}"];
    for value in values {
        let fields: Vec<String> = fields.iter().map(|field| format!("\"{field}\":{value}")).collect();
        bodies.push(format!("{{{}}}", fields.join(",")).into_bytes());
    }
    bodies
}

/// Sends a request; returns `None` when the answer does not end, as that of the feed.
pub(crate) async fn send(
    user: &User,
    operation: &Operation<'_>,
    path: &str,
    header: (&str, &[u8]),
    body: Body,
) -> Option<Answer> {
    let request = Request::builder()
        .method(operation.method.clone())
        .uri(path)
        .header("content-type", operation.media_type().unwrap_or("application/json"))
        .header(header.0, header.1);
    let request = request.body(body).expect("a request");
    let sent = tokio::time::timeout(std::time::Duration::from_secs(20), user.send(request)).await;
    assert!(sent.is_ok() || operation.path == "/v1/events", "{} {path:.80} hangs", operation.method);
    sent.ok()
}

/// Makes sure that a refusal is a problem with a code and no error of the server, and, if it `must`, that the answer is a
/// refusal.
#[track_caller]
fn expect_problem(operation: &Operation<'_>, what: &str, answer: &Answer, must: bool) {
    let name = format!("{} {} with {what:.80}: {}", operation.method, operation.path, answer.status);
    assert!(answer.status.as_u16() < 500, "{name} {}", answer.text());
    assert!(answer.status.is_client_error() || !must, "{name} {}", answer.text());
    assert_ne!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{name} hides what it should show");
    if answer.status.is_client_error() && operation.method != Method::HEAD {
        let problem: Value = answer.json();
        answer.refused(problem["code"].as_str().unwrap_or_else(|| panic!("{name} {problem}")));
    }
}

#[tokio::test]
async fn broken_input_to_any_operation_is_refused_with_a_code() {
    let server = Server::with(without_rate_limits).await;
    server.mirror_is_at_head().await;
    let document: Value = serde_json::from_str(include_str!("../../../openapi.json")).expect("it is JSON");
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, operations)| {
        let operations = operations.as_object().expect("operations");
        operations.iter().filter(|(key, _)| *key != "parameters").map(|(method, described)| Operation {
            method: method.to_uppercase().parse().expect("a method"),
            path,
            described,
        })
    });
    let nothing = ("x-nothing", &b""[..]);
    let (mut operations_tried, mut requests_sent) = (0, 0);
    for operation in operations {
        operations_tried += 1;
        // One user for each, because one of the operations signs out.
        for user in [server.anon(), server.newcomer().await] {
            let mut expect = |what: &str, answer: Option<Answer>, must: bool| {
                requests_sent += 1;
                if let Some(answer) = answer {
                    expect_problem(&operation, what, &answer, must);
                }
            };
            let good_path = operation.good_path();
            for text in broken_texts() {
                if !operation.parameters("path").is_empty() {
                    let path = operation.filled(|_| text.clone());
                    let answer = send(&user, &operation, &path, nothing, Body::from("{}")).await;
                    expect(&text, answer, true);
                }
                for name in operation.parameters("query") {
                    let path = format!("{}?{name}={text}", operation.path);
                    // Some values are allowed and find nothing.
                    expect(&path, send(&user, &operation, &path, nothing, Body::from("{}")).await, false);
                }
            }
            for name in operation.parameters("header") {
                for value in
                    [&b"\xff"[..], b"x", b"\"", b"bytes=--", b"bytes=99999999999999999999-1", b"ffffffffffffffffffff"]
                {
                    expect(name, send(&user, &operation, &good_path, (name, value), Body::from("{}")).await, true);
                }
            }
            if operation.media_type().is_some() {
                for body in broken_bodies(&operation.fields(&document)) {
                    let what = String::from_utf8_lossy(&body).into_owned();
                    let answer = send(&user, &operation, &good_path, ("if-none-match", b"*"), Body::from(body)).await;
                    expect(&what, answer, true);
                }
            }
            if operation.method != Method::GET && operation.method != Method::HEAD {
                for value in [&b"\xff"[..], &[b'k'; 10_000]] {
                    let key = ("idempotency-key", value);
                    expect("a key", send(&user, &operation, &good_path, key, Body::from("{")).await, false);
                }
            }
        }
    }
    assert!(operations_tried > 30 && requests_sent > 1_000, "{operations_tried} operations, {requests_sent} requests");
    for collection in
        ["private_blobs", "profiles", "pins", "actions", "release_shares", "bundles", "received", "requests"]
    {
        assert_eq!(server.count(&format!("api_{collection}")).await, 0, "{collection} was written to");
    }
}
