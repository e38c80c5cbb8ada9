//! Signing in: the one message that is accepted, and every way in which another is refused.

use alloy::{
    primitives::{Bytes, U256},
    signers::SignerSync,
};
use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use mongodb::bson::{Document, doc};
use protocol::bodies::account::{Me, SessionToken};
use serde_json::{Value, json};

use crate::world::{
    login::{Login, send_login, send_signed_login},
    network::Network,
    servers::Server,
};

#[tokio::test]
async fn the_message_of_the_challenge_opens_a_session() {
    let server = Server::new().await;
    let user = server.anon();
    let login = Login::new(&user).await;
    let answer = login.send(&user).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let cookie = answer.header("set-cookie");
    for part in ["__Host-medlock=", "; Path=/", "; Secure", "; HttpOnly", "; SameSite=Strict"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let token: SessionToken = answer.json();
    assert_eq!(token.address, user.address());
    assert_eq!(token.expires_at, u64::try_from(login.expires_at).expect("positive"));

    let me = Request::get("/v1/me").header("authorization", format!("Bearer {}", token.token));
    let me: Me = user.send(me.body(Body::empty()).expect("a request")).await.json();
    assert_eq!(me.address, user.address());
    assert_eq!(me.key_epoch, 0);
}

#[tokio::test]
async fn a_nonce_counts_once() {
    let server = Server::new().await;
    let user = server.anon();
    let login = Login::new(&user).await;
    assert_eq!(login.send(&user).await.status, StatusCode::OK);
    login.send(&user).await.refused("nonce_used");

    let mut made_up = Login::new(&user).await;
    made_up.challenge.nonce = "0123456789abcdef0123456789abcdef".to_owned();
    made_up.send(&user).await.refused("nonce_used");
}

#[tokio::test]
async fn an_old_nonce_does_not_count() {
    let server = Server::new().await;
    let user = server.anon();
    let mut login = Login::new(&user).await;
    server.app.clock.shift(301);
    login.issued_at += 301;
    login.expires_at += 301;
    login.send(&user).await.refused("nonce_used");
}

#[tokio::test]
async fn another_domain_uri_or_chain_is_refused() {
    let server = Server::new().await;
    let user = server.anon();
    let mut login = Login::new(&user).await;
    login.challenge.domain = "evil.example".to_owned();
    login.send(&user).await.refused("wrong_domain");

    let mut login = Login::new(&user).await;
    login.challenge.uri = "https://evil.example".to_owned();
    login.send(&user).await.refused("wrong_domain");

    let mut login = Login::new(&user).await;
    login.challenge.chain_id += 1;
    login.send(&user).await.refused("wrong_chain");
}

#[tokio::test]
async fn a_login_message_with_wrong_times_is_refused() {
    let server = Server::new().await;
    let user = server.anon();
    let mut future = Login::new(&user).await;
    future.issued_at += 120;
    future.send(&user).await.refused("clock_skew");

    let mut past = Login::new(&user).await;
    past.issued_at -= 120;
    past.send(&user).await.refused("clock_skew");

    let mut over = Login::new(&user).await;
    over.expires_at = over.issued_at - 1;
    over.send(&user).await.refused("expired");

    let mut long = Login::new(&user).await;
    long.expires_at = long.issued_at + 1_000_000;
    long.send(&user).await.refused("invalid_login");
}

#[tokio::test]
async fn any_other_text_is_refused() {
    let server = Server::new().await;
    let user = server.anon();
    type Change = fn(&str) -> String;
    let changes: [(&str, Change); 11] = [
        ("another statement", |text| text.replace("Sign in to medlock.", "Sign in.")),
        ("no expiration", |text| {
            text.lines().filter(|line| !line.starts_with("Expiration Time")).collect::<Vec<_>>().join("\n")
        }),
        ("a Not Before", |text| text.replace("\nResources", "\nNot Before: 2020-01-01T00:00:00Z\nResources")),
        ("a Request ID", |text| text.replace("\nResources", "\nRequest ID: 1\nResources")),
        ("a second resource", |text| format!("{text}\n- https://example.org")),
        ("another resource", |text| text.replace("urn:medlock:session:p256:", "urn:medlock:other:")),
        ("no session key", |text| text.split("\nResources").next().unwrap_or_default().to_owned()),
        ("a scheme", |text| format!("http://{text}")),
        ("a blank for the T", |text| {
            let at = text.find("Issued At: ").expect("it is there") + "Issued At: 2026-11-29".len();
            format!("{} {}", &text[..at], &text[at + 1..])
        }),
        ("a small z", |text| text.replace("Z\nResources", "z\nResources")),
        ("no message at all", |_| "hello".to_owned()),
    ];
    for (name, change) in changes {
        let text = change(&Login::new(&user).await.text());
        let answer = send_login(&user, &text).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name}: {}", answer.text());
        answer.refused("invalid_login");
    }
}

#[tokio::test]
async fn only_the_named_wallets_signature_counts() {
    let server = Server::new().await;
    let (user, other) = (server.anon(), server.anon());
    let text = Login::new(&user).await.text();
    send_login(&other, &text).await.refused("invalid_signature");

    for malformed in [vec![], vec![0; 64], vec![0; 65], vec![0xff; 65], vec![7; 66]] {
        let text = Login::new(&user).await.text();
        send_signed_login(&user, &text, malformed.into()).await.refused("invalid_signature");
    }

    let text = Login::new(&user).await.text();
    let good = user.signer.sign_message_sync(text.as_bytes()).expect("a local key signs");
    let order =
        U256::from_str_radix("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16).expect("hex");
    let mut high = good.r().to_be_bytes::<32>().to_vec();
    high.extend((order - good.s()).to_be_bytes::<32>());
    high.push(if good.v() { 27 } else { 28 });
    send_signed_login(&user, &text, Bytes::from(high)).await.refused("invalid_signature");
}

#[tokio::test]
async fn a_field_that_nobody_knows_is_refused_and_leaves_the_nonce_unused() {
    let server = Server::new().await;
    let user = server.anon();
    let text = Login::new(&user).await.text();
    let signature = Bytes::from(user.signer.sign_message_sync(text.as_bytes()).expect("a local key signs").as_bytes());
    let more = json!({ "message": text, "signature": signature, "more": 1 });
    user.post("/v1/auth/login", more).await.refused("invalid_request");
    assert_eq!(server.count("api_sessions").await, 0);
    assert_eq!(send_signed_login(&user, &text, signature).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_signature_is_hex_text_and_nothing_else() {
    let server = Server::new().await;
    let user = server.anon();
    let text = Login::new(&user).await.text();
    let signature = user.signer.sign_message_sync(text.as_bytes()).expect("a local key signs").as_bytes();
    for broken in
        [json!(signature.to_vec()), json!(hex::encode(signature)), json!(format!("0X{}", hex::encode(signature)))]
    {
        let body = json!({ "message": text, "signature": broken });
        user.post("/v1/auth/login", body).await.refused("invalid_request");
    }
    assert_eq!(send_signed_login(&user, &text, Bytes::copy_from_slice(&signature)).await.status, StatusCode::OK);
}

/// Runtime code of a contract that answers every call with one word.
fn answering(word: &str) -> String {
    format!("0x7f{word}60005260206000f3")
}

#[tokio::test]
async fn a_contract_account_signs_in_if_its_contract_says_so() {
    let server = Server::new().await;
    let magic = format!("1626ba7e{}", "00".repeat(28));
    let answers = [
        (answering(&magic), true),
        (answering(&"00".repeat(32)), false),
        (answering(&"ff".repeat(32)), false),
        // The magic value with something behind it is not the word that ERC-1271 names.
        (answering(&format!("1626ba7e{}01", "00".repeat(27))), false),
        // Reverts.
        ("0x60006000fd".to_owned(), false),
        // Says nothing.
        ("0x00".to_owned(), false),
        // Runs for ever.
        ("0x5b600056".to_owned(), false),
    ];
    for (code, may) in answers {
        let user = server.anon();
        let account = json!([user.address(), code]);
        Network::shared().rpc("anvil_setCode", account).await;
        for signature in [vec![1, 2, 3], vec![9; 65]] {
            let text = Login::new(&user).await.text();
            let answer = send_signed_login(&user, &text, signature.into()).await;
            if may {
                assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
            } else {
                answer.refused("invalid_signature");
            }
        }
    }
}

#[tokio::test]
async fn logging_out_ends_this_session_only() {
    let server = Server::new().await;
    let user = server.newcomer().await;
    let elsewhere = server.sign_in(user.signer.clone()).await;
    server.anon().post("/v1/auth/logout", Value::Null).await.refused("not_signed_in");
    assert_eq!(user.post("/v1/auth/logout", Value::Null).await.status, StatusCode::NO_CONTENT);
    user.get("/v1/me").await.refused("not_signed_in");
    assert_eq!(elsewhere.get("/v1/me").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_ends_at_its_time() {
    let server = Server::new().await;
    let user = server.newcomer().await;
    server.app.clock.shift(3601);
    user.get("/v1/me").await.refused("not_signed_in");
}

#[tokio::test]
async fn a_further_session_ends_the_oldest() {
    let server = Server::with(|settings| settings.limits.sessions_max = 2).await;
    let first = server.newcomer().await;
    server.app.clock.shift(1);
    let second = server.sign_in(first.signer.clone()).await;
    server.app.clock.shift(1);
    let third = server.sign_in(first.signer.clone()).await;
    first.get("/v1/me").await.refused("not_signed_in");
    assert_eq!(second.get("/v1/me").await.status, StatusCode::OK);
    assert_eq!(third.get("/v1/me").await.status, StatusCode::OK);

    // The newest stays, also beside others of the same second or, from another server's clock, of a later one.
    let sessions = server.app.database.collection::<Document>(api::store::collection::SESSIONS);
    let later = i64::try_from(server.app.clock.now() + 60).expect("a time");
    sessions.update_many(doc! {}, doc! { "$set": { "created_at": later } }).await.expect("set");
    let fourth = server.sign_in(first.signer.clone()).await;
    assert_eq!(fourth.get("/v1/me").await.status, StatusCode::OK);
    assert_eq!(server.count(api::store::collection::SESSIONS).await, 2);
}

#[tokio::test]
async fn a_cookie_counts_for_writes_only_from_our_own_pages() {
    let server = Server::new().await;
    let user = server.newcomer().await;
    let cookie = format!("other=1; __Host-medlock={}", user.token());
    let request = |method: &str, origin: Option<&str>| {
        let mut request = Request::builder()
            .method(method)
            .uri("/v1/keyring")
            .header("cookie", &cookie)
            .header("content-type", "application/json")
            .header("if-none-match", "*");
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        request.body(Body::from(json!({ "content": "AAAA" }).to_string())).expect("a request")
    };
    user.send_bare(request("PUT", None)).await.refused("forbidden");
    user.send_bare(request("PUT", Some("https://evil.example"))).await.refused("forbidden");
    user.send_bare(request("PUT", Some("null"))).await.refused("forbidden");
    user.send_bare(request("GET", None)).await.refused("not_found");
    let ours = user.send_bare(request("PUT", Some("http://127.0.0.1:8080"))).await;
    assert_eq!(ours.status, StatusCode::NO_CONTENT, "{}", ours.text());
}

#[tokio::test]
async fn a_made_up_token_is_nobody() {
    let server = Server::new().await;
    for value in ["Bearer", "Bearer ", "Bearer 00", "Basic eDp5", "Bearer \u{7f}x"] {
        let Ok(value) = value.parse::<axum::http::HeaderValue>() else { continue };
        let request = Request::get("/v1/me").header("authorization", value).body(Body::empty()).expect("a request");
        server.anon().send_bare(request).await.refused("not_signed_in");
    }
    // A proxy in front may have checked the other token.
    let user = server.newcomer().await;
    let good = format!("Bearer {}", user.token());
    for lines in [["Bearer 00", good.as_str()], [good.as_str(), good.as_str()]] {
        let request = Request::get("/v1/me").header("authorization", lines[0]).header("authorization", lines[1]);
        user.send_bare(request.body(Body::empty()).expect("a request")).await.refused("not_signed_in");
    }
}
