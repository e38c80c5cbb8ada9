//! The OpenAPI document, its page, health and metrics.

use axum::http::StatusCode;
use serde_json::Value;

use crate::world::servers::Server;

#[test]
fn the_committed_openapi_document_is_fresh() {
    let committed = include_str!("../../openapi.json");
    let fresh = api::routes::openapi_text().expect("the document is plain data");
    assert!(committed == fresh, "make it again: cargo run -p api -- openapi > api/openapi.json");
}

#[tokio::test]
async fn the_document_and_its_page_are_served_from_here() {
    let server = Server::new().await;
    let nobody = server.anon();
    let document: Value = nobody.get("/openapi.json").await.json();
    assert_eq!(document["info"]["title"], "medlock");
    assert!(document["paths"]["/v1/blobs/{cid}"]["head"].is_object());
    let page = nobody.get("/docs/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.header("content-security-policy").contains("script-src 'self'"));
    assert!(!page.text().contains("https://"), "nothing is loaded from elsewhere");
}

#[tokio::test]
async fn health_readiness_version_and_metrics_answer_anyone() {
    let server = Server::new().await;
    let nobody = server.anon();
    assert_eq!(nobody.get("/healthz").await.status, StatusCode::OK);
    let version: Value = nobody.get("/version").await.json();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));

    let ready = nobody.get("/readyz").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE, "there is no mirror in this server");
    let ready: Value = ready.json();
    assert_eq!((&ready["mongodb"], &ready["chain"], &ready["kubo"]), (&true.into(), &true.into(), &true.into()));
    assert_eq!(ready["mirror"], false);

    let user = server.newcomer().await;
    user.get(&format!("/v1/keys/{}", user.hex())).await.refused("key_not_registered");
    let metrics = nobody.get("/metrics").await.text();
    assert!(metrics.contains("route=\"/v1/keys/{address}\""), "{metrics}");
    assert!(!metrics.contains(&user.hex()), "metrics name nobody");
}

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
