//! Pages of lists.

use axum::http::StatusCode;
use serde_json::Value;

use crate::world::{mirror::shared, people::User, servers::Server};

#[tokio::test]
async fn a_page_costs_as_many_queries_with_300_grants_as_with_three() {
    let (server, commands) = Server::counted().await;
    let (few, lots) = (server.newcomer().await, server.newcomer().await);
    let one_of_few = shared(&server, few.address(), "known", 3).await[0].1;
    let one_of_lots = shared(&server, lots.address(), "known", 300).await[0].1;
    shared(&server, lots.address(), "strangers", 300).await;
    let cost = async |user: &User, path: String| {
        commands.taken();
        let answer = user.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        (commands.taken(), answer.json::<Value>())
    };
    for path in ["/v1/records?limit=500", "/v1/grants?side=received&limit=500", "/v1/requests?limit=500"] {
        let (of_few, _) = cost(&few, path.to_owned()).await;
        let (of_lots, page) = cost(&lots, path.to_owned()).await;
        assert_eq!(of_lots, of_few, "{path} costs a query per row");
        assert!(of_lots < 20, "{path} costs {of_lots} queries");
        assert_eq!(page["items"].as_array().expect("items").is_empty(), path.starts_with("/v1/requests"), "{path}");
    }
    let (of_few, _) = cost(&few, format!("/v1/records/{one_of_few}")).await;
    let (of_lots, _) = cost(&lots, format!("/v1/records/{one_of_lots}")).await;
    assert_eq!(of_lots, of_few, "one record costs a query per grant");
}
