//! Health, readiness, version and metrics.

use axum::http::StatusCode;
use serde_json::Value;

use crate::world::servers::Server;

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
