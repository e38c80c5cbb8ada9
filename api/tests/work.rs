//! The largest body that a route accepts costs at most in proportion to its length, and long work does not run on the
//! threads of the async runtime. The test compares the processor time of this process, to which waiting and other processes
//! add nothing; therefore it is alone in its program.

#[expect(dead_code, reason = "this program uses a part of it")]
mod world;

use std::{collections::BTreeSet, fs, sync::LazyLock};

use alloy::primitives::{Address, B256, Bytes};
use axum::http::{Request, StatusCode};
use protocol::{
    bundle::CAPSULES_MAX,
    capsule::{Binding, Capsule},
    identity::IdentityKey,
    ids::{RecordId, Salt},
    split::RecordVersion,
};
use serde_json::{Value, json};

use crate::world::{people::User, seeds, servers::Server};

/// Returns processor time in nanoseconds: of all threads, and of the one that runs the async tasks (this one).
fn work() -> (u64, u64) {
    let spent = |path: String| -> u64 {
        let text = fs::read_to_string(path).unwrap_or_default();
        text.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
    };
    let tasks = fs::read_dir("/proc/self/task").expect("Linux lists the threads of a process");
    let all = tasks.flatten().map(|task| spent(format!("{}/schedstat", task.path().display()))).sum();
    (all, spent("/proc/thread-self/schedstat".to_owned()))
}

/// A body of about `bytes` for this route, as hostile as it may be.
type Body = fn(usize) -> Value;

/// A reader share in a capsule of the right form.
static CAPSULE: LazyLock<String> = LazyLock::new(|| {
    let of = RecordVersion { chain_id: 1, registry: Address::ZERO, record: RecordId(B256::repeat_byte(7)), version: 1 };
    let key = IdentityKey::derive(&[7; 32]);
    let binding = Binding::reader_share(&of, Address::ZERO, Address::ZERO, 1, 1);
    let share = seeds::data_key().reader_share(&of);
    Bytes::copy_from_slice(Capsule::seal(&share, key.public_key(), &binding).as_bytes()).to_string()
});

/// Capsules of ascending versions, all that fit: the hash of each beginning would cost the square of them.
fn bundle(bytes: usize) -> Value {
    let count = (bytes / 2_400).clamp(1, CAPSULES_MAX);
    let capsules: Vec<Value> = (1..=count).map(|version| json!({ "version": version, "capsule": &*CAPSULE })).collect();
    json!({ "kind": "record", "scope_id": B256::repeat_byte(7), "capsules": capsules })
}

fn hex(bytes: usize) -> String {
    format!("0x{}", "ab".repeat(bytes / 2))
}

fn revoke(bytes: usize) -> Value {
    let one = json!({ "tag": B256::repeat_byte(1), "kind": 0, "id": B256::repeat_byte(2) });
    let grants = vec![one; bytes / 160];
    let message = json!({
        "patient": format!("0x{}", "11".repeat(20)), "grants": grants, "nonce": "0x1", "deadline": "0x1",
    });
    json!({ "action": { "type": "revoke", "message": message }, "signature": hex(65 * 2) })
}

/// Every route that takes JSON as the document names it, where it is called, and its worst body.
const ROUTES: [(&str, &str, &str, Body); 17] = [
    ("POST", "/v1/grants", "/v1/grants", |bytes| {
        json!({
            "grantee": format!("0x{}", "22".repeat(20)), "salt": Salt(B256::repeat_byte(3)), "right": "read",
            "bundles": [bundle(bytes)],
        })
    }),
    (
        "PUT",
        "/v1/grants/{grant}/bundle",
        "/v1/grants/0x0707070707070707070707070707070707070707070707070707070707070707/bundle",
        |bytes| json!({ "bundle": bundle(bytes) }),
    ),
    ("POST", "/v1/grants/revoke", "/v1/grants/revoke", |bytes| json!({ "action": revoke(bytes) })),
    ("POST", "/v1/actions", "/v1/actions", revoke),
    ("POST", "/v1/actions", "/v1/actions", |bytes| json!({ "action": revoke(200)["action"], "signature": hex(bytes) })),
    ("POST", "/v1/actions", "/v1/actions", |bytes| {
        let key = json!({
            "owner": format!("0x{}", "11".repeat(20)), "slot": 0, "epoch": 0, "kem": 22, "key": hex(bytes),
            "nonce": "0x1", "deadline": "0x1",
        });
        json!({ "action": { "type": "register_key", "message": key }, "signature": hex(65 * 2) })
    }),
    // Deeper than the parser goes, and many small values.
    ("POST", "/v1/actions", "/v1/actions", |bytes| {
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        let deep: Value = serde_json::from_str(&deep).expect("JSON");
        json!({ "action": vec![deep; bytes / 201], "signature": "0x" })
    }),
    ("POST", "/v1/actions", "/v1/actions", |bytes| json!({ "action": vec![0; bytes / 2], "signature": "0x" })),
    (
        "POST",
        "/v1/records",
        "/v1/records",
        |bytes| json!({ "record": B256::repeat_byte(7), "version": 1, "release_share": hex(bytes) }),
    ),
    (
        "PUT",
        "/v1/records/{record}/versions/{version}/release-share",
        "/v1/records/0x0707070707070707070707070707070707070707070707070707070707070707/versions/1/release-share",
        |bytes| json!({ "release_share": hex(bytes) }),
    ),
    ("POST", "/v1/requests", "/v1/requests", |bytes| {
        let word = B256::repeat_byte(1);
        let request = json!({
            "requester": format!("0x{}", "11".repeat(20)), "patient": format!("0x{}", "22".repeat(20)), "rights": 1,
            "kind": 0, "scopeId": word, "purposes": 1, "until": "0x1", "noteHash": word, "nonce": "0x1",
            "deadline": "0x1",
        });
        json!({ "signed": { "request": request, "signature": hex(130) }, "note": hex(bytes) })
    }),
    (
        "POST",
        "/v1/requests/{request}/deny",
        "/v1/requests/0x0707070707070707070707070707070707070707070707070707070707070707/deny",
        |bytes| {
            let denial = json!({
                "patient": format!("0x{}", "11".repeat(20)), "request": B256::repeat_byte(7), "deadline": "0x1",
            });
            json!({ "denial": denial, "signature": hex(bytes) })
        },
    ),
    ("POST", "/v1/reads", "/v1/reads", |bytes| json!({ "request": {}, "signature": hex(bytes) })),
    (
        "POST",
        "/v1/auth/login",
        "/v1/auth/login",
        |bytes| json!({ "message": "a\n".repeat(bytes / 3), "signature": "0x" }),
    ),
    ("PUT", "/v1/keyring", "/v1/keyring", |bytes| json!({ "content": "A".repeat(bytes / 4 * 4) })),
    ("PUT", "/v1/address-book", "/v1/address-book", |bytes| json!({ "content": "A".repeat(bytes / 4 * 4) })),
    ("PUT", "/v1/directory/{address}", "/v1/directory/0x2222222222222222222222222222222222222222", |bytes| {
        let profile = json!({
            "accreditor": format!("0x{}", "11".repeat(20)), "accreditorEpoch": 1,
            "practitioner": format!("0x{}", "22".repeat(20)), "name": "a".repeat(bytes), "organisation": "b",
            "specialty": "c", "roles": 1, "issued": 1,
        });
        json!({ "profile": profile, "signature": hex(130) })
    }),
];

/// Smaller processor times are not compared, because they are mostly noise.
const NOISE: u64 = 20_000_000;

/// Returns the routes whose body the document describes as JSON.
fn documented() -> BTreeSet<(String, String)> {
    let document = serde_json::to_value(api::routes::openapi()).expect("it has a JSON form");
    let mut found = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            if operation["requestBody"]["content"]["application/json"].is_object() {
                found.insert((method.to_uppercase(), path.clone()));
            }
        }
    }
    found
}

/// A request that is ready to be sent.
fn prepared(method: &str, path: &str, body: &Value) -> Request<axum::body::Body> {
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    request.header("if-none-match", "*").body(body.to_string().into()).expect("a request")
}

/// Returns the processor time of one body, in all and on the async thread, the least of three tries; and the code of the
/// refusal.
async fn cost(user: &User, method: &str, path: &str, body: &Value) -> (u64, u64, String) {
    let (mut least, mut code) = ((u64::MAX, u64::MAX), String::new());
    for _ in 0..3 {
        // The body is made before, so that the work of the client is not counted.
        let request = prepared(method, path, body);
        let before = work();
        let answer = user.send(request).await;
        let after = work();
        assert!(answer.status.as_u16() < 500, "{path}: {}", answer.text());
        assert_ne!(answer.status, StatusCode::OK, "{path} takes nonsense");
        least = least.min((after.0 - before.0, after.1 - before.1));
        let problem: Value = serde_json::from_slice(answer.bytes()).unwrap_or_default();
        code = problem["code"].as_str().unwrap_or_default().to_owned();
    }
    (least.0, least.1, code)
}

#[tokio::test]
async fn the_largest_body_of_every_route_costs_in_proportion_and_not_on_the_threads_of_others() {
    let covered: BTreeSet<_> = ROUTES.map(|(method, route, ..)| (method.to_owned(), route.to_owned())).into();
    assert_eq!(covered, documented(), "each route that takes a body needs its worst one here");

    let server = Server::new().await;
    let user = server.newcomer().await;
    let bytes_max = server.app.settings.limits.body_bytes_max * 9 / 10;
    let (mut told, mut wrong) = (Vec::new(), Vec::new());
    for (method, route, path, body) in ROUTES {
        let (eighth, ..) = cost(&user, method, path, &body(bytes_max / 8)).await;
        let (whole, on_async, code) = cost(&user, method, path, &body(bytes_max)).await;
        told.push(format!("{method} {route}: {eighth} ns for an eighth, {whole} for all, {on_async} async: {code}"));
        // Eight times the bytes: eight times the work, or sixty-four times if it were the square.
        if whole > (eighth * 8).max(NOISE) * 3 {
            wrong.push(format!("{method} {route}: more than in proportion, {whole} ns after {eighth} for an eighth"));
        }
        // Most of a long work runs on other threads.
        if whole > NOISE && on_async * 2 > whole {
            wrong.push(format!("{method} {route}: {on_async} of {whole} ns on the thread that everybody waits for"));
        }
        if route == "/v1/grants" {
            assert_eq!(code, "no_grant", "every capsule was looked at before the chain was asked");
        }
    }
    assert!(wrong.is_empty(), "{}\n\n{}", wrong.join("\n"), told.join("\n"));
}
