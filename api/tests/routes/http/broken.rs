//! Broken input to every operation of the OpenAPI document: refused with a code, and never a fault of the server's.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use mongodb::bson::{Document, doc};
use protocol::cid::{Cid, Codec};
use serde_json::{Value, json};

use crate::world::{answers::Answer, people::User, seeds, servers::Server};

/// One operation of the document.
struct Operation<'a> {
    method: Method,
    path: &'a str,
    described: &'a Value,
}

impl Operation<'_> {
    /// Names of the parameters in the path, the query or the header.
    fn parameters(&self, place: &str) -> Vec<&str> {
        let all = self.described["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter().filter(|it| it["in"] == place).map(|it| it["name"].as_str().expect("a name")).collect()
    }

    /// The path with each parameter as `value` gives it.
    fn filled(&self, value: impl Fn(&str) -> String) -> String {
        let fill = |path: String, name: &&str| path.replace(&format!("{{{name}}}"), &value(name));
        self.parameters("path").iter().fold(self.path.to_owned(), fill)
    }

    /// A path whose parameters are well-formed.
    fn good_path(&self) -> String {
        let path = self.filled(|name| match name {
            "address" => format!("0x{}", "11".repeat(20)),
            "version" => "1".to_owned(),
            "cid" => Cid::of_block(Codec::Raw, seeds::bytes().as_slice()).to_string(),
            _ => seeds::bytes().to_string(),
        });
        if self.path == "/v1/blobs" { format!("{path}?record={}&version=1", seeds::bytes()) } else { path }
    }

    /// The media type of the body, if the operation has one.
    fn media_type(&self) -> Option<&str> {
        let content = self.described["requestBody"]["content"].as_object()?;
        content.keys().next().map(String::as_str)
    }

    /// Names of the fields of the body.
    fn fields<'a>(&'a self, document: &'a Value) -> Vec<&'a str> {
        let schema = &self.described["requestBody"]["content"]["application/json"]["schema"]["$ref"];
        let Some(name) = schema.as_str().and_then(|path| path.rsplit('/').next()) else { return Vec::new() };
        let fields = document["components"]["schemas"][name]["properties"].as_object().expect("bodies have fields");
        fields.keys().map(String::as_str).collect()
    }
}

/// What stands where a number, an id or a word should.
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

/// Bodies that no operation takes.
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

/// Sends a request; `None` for an answer that does not end, as the feed's does not.
async fn send(user: &User, operation: &Operation<'_>, path: &str, header: (&str, &[u8]), body: Body) -> Option<Answer> {
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

/// Makes sure that an answer is a problem with a code, and not the server's fault; also that it is one at all if it `must`.
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
    let server = Server::with(|settings| {
        settings.limits.rate_per_second = 100_000;
        settings.limits.rate_burst = 100_000;
        settings.limits.logins_per_minute = 100_000;
    })
    .await;
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
                    // Some of it may be searched for, and is not found.
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

/// A value that a schema describes, and the places in it where something else can be put.
fn sample(document: &Value, schema: &Value, at: &str, places: &mut Vec<String>) -> Value {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return sample(document, &document["components"]["schemas"][name], at, places);
    }
    places.push(at.to_owned());
    if let Some(form) = ["oneOf", "anyOf", "allOf"]
        .iter()
        .find_map(|key| schema[*key].as_array()?.iter().find(|it| it["type"] != "null"))
    {
        return sample(document, form, at, places);
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"].as_array()?.first()?.as_str()).unwrap_or("object");
    match kind {
        "object" => {
            let fields = schema["properties"].as_object().cloned().unwrap_or_default();
            let value = |(name, schema): (&String, &Value)| {
                (name.clone(), sample(document, schema, &format!("{at}/{name}"), places))
            };
            Value::Object(fields.iter().map(value).collect())
        }
        "array" => json!([sample(document, &schema["items"], &format!("{at}/0"), places)]),
        "integer" => json!(1),
        "boolean" => json!(true),
        _ => match (schema["enum"].as_array(), schema["pattern"].as_str()) {
            (Some(words), _) => words[0].clone(),
            (None, Some(pattern)) if pattern.contains("{40}") => json!(format!("0x{}", "11".repeat(20))),
            (None, Some(pattern)) if pattern.contains("{64}") => json!(seeds::bytes()),
            (None, Some(_)) => json!("0x11"),
            (None, None) => json!("text"),
        },
    }
}

/// The same body with `value` at a place.
fn changed(body: &Value, place: &str, value: &Value) -> Value {
    let mut body = body.clone();
    match body.pointer_mut(place) {
        Some(there) => *there = value.clone(),
        None => panic!("{place} is no place"),
    }
    body
}

#[tokio::test]
async fn two_megabytes_in_any_field_of_any_operation_are_not_repeated() {
    let server = Server::with(|settings| {
        settings.limits.rate_per_second = 100_000;
        settings.limits.rate_burst = 100_000;
        settings.limits.logins_per_minute = 100_000;
    })
    .await;
    server.mirror_is_at_head().await;
    let document: Value = serde_json::from_str(&api::routes::openapi_text().expect("plain data")).expect("JSON");
    let operations = document["paths"].as_object().expect("paths").iter().flat_map(|(path, operations)| {
        operations.as_object().expect("operations").iter().map(move |(method, described)| Operation {
            method: method.to_uppercase().parse().expect("a method"),
            path,
            described,
        })
    });
    let size = 1_900_000;
    let text = "\u{7a3a}".repeat(size / 3);
    let values =
        [json!(text), json!(format!("0x{}", "7".repeat(size))), json!([json!(text)]), json!({ text.clone(): 1 })];
    let mut fields = 0;
    for operation in operations {
        let schema = &operation.described["requestBody"]["content"]["application/json"]["schema"];
        let user = server.newcomer().await;
        let small = |what: &str, answer: Answer| {
            let name = format!("{} {} with {what}", operation.method, operation.path);
            assert!(answer.status.as_u16() < 500, "{name}: {}", answer.status);
            let body = answer.text();
            let is_problem = answer.status.is_client_error();
            assert!(!is_problem || body.len() < 4_000, "{name} answers {} bytes", body.len());
            assert!(
                !body.contains(&"7".repeat(101)) && !body.contains(&"\u{7a3a}".repeat(101)),
                "{name} repeats its input"
            );
        };
        if !schema.is_null() {
            let mut places = Vec::new();
            let body = sample(&document, schema, "", &mut places);
            for place in &places {
                fields += 1;
                for (number, value) in values.iter().enumerate() {
                    let key = format!("{number}{place}");
                    let key = ("idempotency-key", key.as_bytes());
                    let body = Body::from(changed(&body, place, value).to_string());
                    if let Some(answer) = send(&user, &operation, &operation.good_path(), key, body).await {
                        small(place, answer);
                    }
                }
            }
        }
        // What is in the head is bounded by the server's own limits; it is not repeated either.
        let long = "7".repeat(60_000);
        for name in operation.parameters("query") {
            let path = format!("{}?{name}={long}", operation.path);
            if let Some(answer) = send(&user, &operation, &path, ("x-nothing", b""), Body::from("{}")).await {
                small(name, answer);
            }
        }
        if !operation.parameters("path").is_empty() {
            // An address longer than 65,534 characters cannot even be sent.
            let path = operation.filled(|_| long[..30_000].to_owned());
            if let Some(answer) = send(&user, &operation, &path, ("x-nothing", b""), Body::from("{}")).await {
                small("its path", answer);
            }
        }
        for name in operation.parameters("header").into_iter().chain([
            "authorization",
            "cookie",
            "content-type",
            "idempotency-key",
        ]) {
            if let Some(answer) =
                send(&user, &operation, &operation.good_path(), (name, long.as_bytes()), Body::from("{}")).await
            {
                small(name, answer);
            }
        }
    }
    assert!(fields > 100, "{fields} fields");
    // Nothing of it is kept: a stored problem is as small as one that is sent.
    let mut answers =
        server.app.database.collection::<Document>(api::store::collection::ANSWERS).find(doc! {}).await.expect("found");
    while answers.advance().await.expect("the database answers") {
        assert!(answers.current().as_bytes().len() < 8_000, "a stored answer is large");
    }
}

#[tokio::test]
async fn a_path_may_be_as_wrong_as_it_likes() {
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
