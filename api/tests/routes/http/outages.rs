//! Parts that the server needs and that do not answer.

use axum::http::StatusCode;
use serde_json::Value;

use crate::world::{envelopes::envelope, seeds, servers::Server};

#[tokio::test]
async fn a_part_that_does_not_answer_is_no_fault_of_the_caller() {
    let closed = format!("http://127.0.0.1:{}", localnet::ports::free());
    let (kubo, chain) = (closed.clone(), closed);
    let server = Server::with(|settings| settings.kubo_url = kubo).await;
    let user = server.newcomer().await;
    let record = seeds::record();
    let answer = user.upload(record, 1, envelope(record, 1, 1_500)).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json::<Value>()["code"], "unavailable");
    assert_eq!(server.count(api::store::collection::PINS).await, 0, "the reservation is given back");

    let server = Server::with(|settings| settings.rpc_url = chain).await;
    let user = server.newcomer().await;
    let ready: Value = user.get("/readyz").await.json();
    assert_eq!((&ready["chain"], &ready["mongodb"]), (&false.into(), &true.into()));
    assert_eq!(user.get("/v1/me").await.status, StatusCode::OK, "what needs no chain goes on");
}
