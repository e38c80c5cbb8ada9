//! The deployment file.

use axum::http::StatusCode;
use protocol::bodies::account::ServerInfo;

use crate::world::servers::Server;

#[tokio::test]
async fn anyone_may_ask_which_deployment_this_is() {
    let server = Server::new().await;
    let answer = server.anon().get("/v1/deployment").await;
    assert_eq!(answer.status, StatusCode::OK);
    let info: ServerInfo = answer.json();
    assert_eq!(info.deployment, *server.app.deployment);
    assert_eq!(info.deployment.operator_key().expect("signed by the operator").epoch, 1);
}
