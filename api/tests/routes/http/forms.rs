//! Each value has one form, the one of the OpenAPI document: the tests walk the document, so that a new parameter is tried too.

use axum::http::Method;
use serde_json::{Value, json};

use crate::world::servers::{Server, without_rate_limits};

/// A parameter of one operation.
struct Parameter {
    operation: String,
    name: String,
    is_in_path: bool,
    schema: Value,
}

impl Parameter {
    /// Returns how many hex digits the pattern asks for, if it is one of hex digits.
    fn hex_digits(&self) -> Option<usize> {
        let pattern = self.schema["pattern"].as_str()?;
        pattern.strip_prefix("^0x[0-9a-fA-F]{")?.strip_suffix("}$")?.parse().ok()
    }

    /// Returns a value that the document allows.
    fn sample(&self) -> String {
        if let Some(digits) = self.hex_digits() {
            return format!("0x{}", "aB".repeat(digits / 2));
        }
        match (self.name.as_str(), self.schema["type"].as_str()) {
            ("cid", _) => "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy".to_owned(),
            (_, Some("integer")) => "1".to_owned(),
            _ => "a".to_owned(),
        }
    }
}

/// Returns every operation with its parameters in path and query.
fn operations() -> Vec<(Method, String, Vec<Parameter>)> {
    let text = api::routes::openapi_text().expect("the document is plain data");
    let document: Value = serde_json::from_str(&text).expect("JSON");
    let mut all = Vec::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            let method: Method = method.to_uppercase().parse().expect("a method");
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let parameters = parameters.into_iter().filter(|parameter| parameter["in"] != "header");
            let parameter = |parameter: Value| Parameter {
                operation: format!("{method} {path}"),
                name: parameter["name"].as_str().expect("a name").to_owned(),
                is_in_path: parameter["in"] == "path",
                schema: parameter["schema"].clone(),
            };
            let parameters: Vec<Parameter> = parameters.map(parameter).collect();
            all.push((method, path.clone(), parameters));
        }
    }
    all
}

/// Returns the target with `value` for one parameter, and samples for the others in the path; the query has this one alone.
fn target(path: &str, parameters: &[Parameter], tried: &Parameter, value: &str) -> String {
    let mut target = path.to_owned();
    for parameter in parameters.iter().filter(|parameter| parameter.is_in_path) {
        let value = if parameter.name == tried.name { value } else { &parameter.sample() };
        target = target.replace(&format!("{{{}}}", parameter.name), value);
    }
    if tried.is_in_path { target } else { format!("{target}?{}={value}", tried.name) }
}

/// Returns values that a lenient parser of hex, of numbers or of lists would accept.
fn wrong_forms(digits: usize) -> Vec<String> {
    let good = "ab".repeat(digits / 2);
    vec![
        good.clone(),
        format!("0X{good}"),
        format!("0x0x{}", &good[2..]),
        format!("%200x{good}"),
        format!("0x{good}%20"),
        format!("%2B0x{good}"),
        format!("0x%2B{}", &good[1..]),
        format!("0x{}", &good[1..]),
        format!("0x{good}0"),
        format!("0x{good}00"),
        format!("0x{}_a", &good[2..]),
        format!("0x{}zz", &good[2..]),
        "0x".to_owned(),
        "0".to_owned(),
        "1".repeat(digits / 2),
        "1".repeat(digits),
        format!("%5B{}%5D", vec!["1"; digits / 2].join(",")),
        format!("%22{good}%22"),
    ]
}

#[tokio::test]
async fn hex_in_paths_and_queries_has_the_documents_form_and_no_other() {
    let server = Server::with(without_rate_limits).await;
    let user = server.newcomer().await;
    let mut tried = 0;
    for (method, path, parameters) in operations() {
        for parameter in &parameters {
            let Some(digits) = parameter.hex_digits() else { continue };
            tried += 1;
            let answer = async |value: &str| {
                user.call(method.clone(), &target(&path, &parameters, parameter, value), json!({})).await
            };
            let unreadable =
                |text: &str| text.contains("the path cannot be read") || text.contains("the query cannot be read");
            // Another parameter can be missing; the value itself is read.
            let good = answer(&parameter.sample()).await.text();
            assert!(
                !unreadable(&good) || good.contains("missing field"),
                "{} {}: {good}",
                parameter.operation,
                parameter.name
            );
            for wrong in wrong_forms(digits) {
                let answer = answer(&wrong).await;
                let about = format!("{} {}={wrong}: {}", parameter.operation, parameter.name, answer.text());
                assert_eq!(answer.status.as_u16(), 400, "{about}");
                assert!(unreadable(&answer.text()) && !answer.text().contains("missing field"), "{about}");
            }
        }
    }
    assert!(tried >= 20, "the document has such parameters: {tried}");
}

#[test]
fn every_parameter_says_its_form() {
    // Cursors are what this server gave; the name is text that somebody types.
    const FREE: [&str; 2] = ["cursor", "name"];
    for (_, _, parameters) in operations() {
        for parameter in parameters {
            let schema = &parameter.schema;
            let has_form = ["pattern", "maximum", "$ref", "enum"].iter().any(|bound| !schema[*bound].is_null());
            let about = format!("{} {}: {schema}", parameter.operation, parameter.name);
            assert!(has_form || FREE.contains(&parameter.name.as_str()), "{about}");
        }
    }
}

#[tokio::test]
async fn numbers_in_queries_are_digits() {
    let server = Server::with(without_rate_limits).await;
    let user = server.newcomer().await;
    for (method, path, parameters) in operations() {
        for parameter in parameters.iter().filter(|parameter| parameter.schema["type"] == "integer") {
            for wrong in ["%2B1", "-1", "%201", "1%20", "0x1", "1e0", "1.0", "%D9%A1", "99999999999999999999999", ""] {
                let answer = user.call(method.clone(), &target(&path, &parameters, parameter, wrong), json!({})).await;
                let about = format!("{} {}={wrong}: {}", parameter.operation, parameter.name, answer.text());
                assert_eq!(answer.status.as_u16(), 400, "{about}");
            }
        }
    }
}

#[tokio::test]
async fn cursors_are_those_that_were_given() {
    let server = Server::new().await;
    let user = server.newcomer().await;
    for path in ["/v1/log", "/v1/log/checkpoints", "/v1/records", "/v1/grants", "/v1/requests", "/v1/blocks"] {
        for wrong in ["%2B1", "-1", "%201", "1%20", "0x1", "1e0", "1.0", "%2B1:0x", "-1:0x"] {
            user.get(&format!("{path}?cursor={wrong}")).await.refused("invalid_request");
        }
    }
}
