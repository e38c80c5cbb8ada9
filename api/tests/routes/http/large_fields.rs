//! Two megabytes in any field of any operation: the answer does not repeat them.

use axum::body::Body;
use mongodb::bson::{Document, doc};
use serde_json::{Value, json};

use super::{broken::send, operations::Operation};
use crate::world::{
    answers::Answer,
    seeds,
    servers::{Server, without_rate_limits},
};

/// Returns a value that a schema describes, and adds the places in it where another value can be put.
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

/// Returns the body with `value` at a place.
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
    let server = Server::with(without_rate_limits).await;
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
        // The server's limits bound the head; it is not repeated either.
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
    // A stored problem is as small as one that is sent.
    let mut answers =
        server.app.database.collection::<Document>(api::store::collection::ANSWERS).find(doc! {}).await.expect("found");
    while answers.advance().await.expect("the database answers") {
        assert!(answers.current().as_bytes().len() < 8_000, "a stored answer is large");
    }
}
