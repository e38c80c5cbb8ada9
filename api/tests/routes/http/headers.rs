//! Headers of answers: security, and other origins.

use axum::{body::Body, http::Request};

use crate::world::servers::Server;

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let server = Server::new().await;
    for path in ["/healthz", "/v1/me", "/nothing-here"] {
        let answer = server.anon().get(path).await;
        assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(answer.headers.get("access-control-allow-origin").is_none());
    }
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
