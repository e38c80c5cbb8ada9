//! Keyring and address book.

use axum::http::{Method, StatusCode};
use base64::{Engine, prelude::BASE64_STANDARD};
use protocol::bodies::account::Me;
use serde_json::{Value, json};

use crate::world::{answers::Answer, people::User, servers::Server};

const ROUTES: [&str; 2] = ["/v1/keyring", "/v1/address-book"];

async fn put(user: &User, path: &str, content: &[u8], condition: (&str, &str)) -> Answer {
    user.call_with(Method::PUT, path, json!({ "content": BASE64_STANDARD.encode(content) }), &[condition]).await
}

#[tokio::test]
async fn a_private_blob_is_shown_only_to_its_owner() {
    let server = Server::new().await;
    let (owner, other) = (server.newcomer().await, server.newcomer().await);
    for path in ROUTES {
        server.anon().get(path).await.refused("not_signed_in");
        put(&server.anon(), path, b"x", ("if-none-match", "*")).await.refused("not_signed_in");
        owner.get(path).await.refused("not_found");
        assert_eq!(put(&owner, path, b"sealed", ("if-none-match", "*")).await.status, StatusCode::NO_CONTENT);
        let read: Value = owner.get(path).await.json();
        assert_eq!(read["content"], BASE64_STANDARD.encode(b"sealed"));
        other.get(path).await.refused("not_found");
    }
}

#[tokio::test]
async fn me_says_which_private_blobs_exist() {
    let server = Server::new().await;
    let user = server.newcomer().await;
    let kept = async || {
        let me: Me = user.get("/v1/me").await.json();
        (me.has_keyring, me.has_address_book)
    };
    assert_eq!(kept().await, (false, false));
    put(&user, "/v1/keyring", b"sealed", ("if-none-match", "*")).await;
    assert_eq!(kept().await, (true, false));
    put(&user, "/v1/address-book", b"sealed", ("if-none-match", "*")).await;
    assert_eq!(kept().await, (true, true));
}

#[tokio::test]
async fn a_write_names_the_revision_it_replaces() {
    let server = Server::new().await;
    let user = server.newcomer().await;
    for path in ROUTES {
        let without = user.put(path, json!({ "content": "AAAA" })).await;
        without.refused("precondition_failed");
        put(&user, path, b"one", ("if-match", "\"00\"")).await.refused("precondition_failed");
        let first = put(&user, path, b"one", ("if-none-match", "*")).await;
        assert_eq!(first.status, StatusCode::NO_CONTENT);
        assert_eq!(user.get(path).await.header("etag"), first.header("etag"));
        put(&user, path, b"two", ("if-none-match", "*")).await.refused("precondition_failed");
        let second = put(&user, path, b"two", ("if-match", first.header("etag"))).await;
        assert_eq!(second.status, StatusCode::NO_CONTENT);
        put(&user, path, b"three", ("if-match", first.header("etag"))).await.refused("precondition_failed");
        let again = put(&user, path, b"two", ("if-match", first.header("etag"))).await;
        assert_eq!(again.status, StatusCode::NO_CONTENT, "the same content again is no conflict");
    }
}

#[tokio::test]
async fn a_malformed_private_blob_is_refused() {
    let server = Server::with(|settings| settings.limits.private_blob_bytes_max = 100).await;
    let user = server.newcomer().await;
    for path in ROUTES {
        let first = [("if-none-match", "*")];
        user.call_with(Method::PUT, path, json!({ "content": "not base64!" }), &first).await.refused("invalid_request");
        user.call_with(Method::PUT, path, json!({ "content": "AAAA", "more": 1 }), &first)
            .await
            .refused("invalid_request");
        user.call_with(Method::PUT, path, json!({}), &first).await.refused("invalid_request");
        put(&user, path, &[0; 101], first[0]).await.refused("too_large");
        put(&user, path, b"x", ("if-match", "no quotes")).await.refused("invalid_request");
        user.get(path).await.refused("not_found");
    }
}
