//! Lists of grants, and their shelves.

use alloy::primitives::Address;
use axum::http::{Method, StatusCode};
use protocol::{
    bodies::{
        Page,
        grants::{GrantView, Shelf},
        people::BlockView,
        records::RecordView,
    },
    ids::RecordId,
};
use serde_json::json;

use crate::world::{mirror::shared, seeds, servers::Server};

#[tokio::test]
async fn grants_of_strangers_wait_apart_and_the_grantee_accepts_hides_and_blocks() {
    let server = Server::new().await;
    let doctor = server.newcomer().await;
    let (friend, of_friend, _) = shared(&server, doctor.address(), "known", 1).await[0];
    let (stranger, of_stranger, grant) = shared(&server, doctor.address(), "strangers", 1).await[0];
    let records = async || -> Vec<RecordId> {
        let page: Page<RecordView> = doctor.get("/v1/records").await.json();
        page.items.into_iter().map(|record| record.id).collect()
    };
    let on = async |shelf: &str| -> Vec<Address> {
        let page: Page<GrantView> = doctor.get(&format!("/v1/grants?side=received{shelf}")).await.json();
        page.items.into_iter().map(|grant| grant.patient).collect()
    };
    let done = async |method: Method, path: String| {
        let answer = doctor.call(method, &path, json!(null)).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{path}: {}", answer.text());
    };
    assert_eq!(records().await, [of_friend]);
    assert_eq!(on("").await, [friend]);
    assert_eq!(on("&shelf=strangers").await, [stranger]);
    // The doctor finds it by the record's id, which the patient may have told.
    assert_eq!(doctor.get(&format!("/v1/records/{of_stranger}")).await.status, StatusCode::OK);
    assert_eq!(on(&format!("&record={of_stranger}")).await, [stranger]);
    assert_eq!(on(&format!("&patient={stranger:#x}")).await, [stranger]);
    let named: Page<RecordView> = doctor.get(&format!("/v1/records?patient={stranger:#x}")).await.json();
    assert_eq!(named.items.len(), 1);

    let nobody = seeds::address();
    doctor.put(&format!("/v1/accepted/{nobody:#x}"), json!(null)).await.refused("not_found");
    done(Method::PUT, format!("/v1/accepted/{stranger:#x}")).await;
    assert_eq!(records().await.len(), 2);
    assert_eq!(on("").await.len(), 2);
    assert!(on("&shelf=strangers").await.is_empty());

    done(Method::PUT, format!("/v1/grants/{grant}/hidden")).await;
    assert_eq!(records().await, [of_friend]);
    assert_eq!(on("&shelf=hidden").await, [stranger]);
    let other = server.newcomer().await;
    other.put(&format!("/v1/grants/{grant}/hidden"), json!(null)).await.refused("not_found");
    done(Method::DELETE, format!("/v1/grants/{grant}/hidden")).await;
    assert_eq!(records().await.len(), 2);

    done(Method::PUT, format!("/v1/blocks/{stranger:#x}")).await;
    done(Method::PUT, format!("/v1/blocks/{stranger:#x}")).await;
    assert_eq!(records().await, [of_friend]);
    assert_eq!(on("&shelf=blocked").await, [stranger]);
    let blocks: Page<BlockView> = doctor.get("/v1/blocks").await.json();
    assert_eq!(blocks.items.iter().map(|block| block.address).collect::<Vec<_>>(), [stranger]);
    assert!(other.get("/v1/blocks").await.json::<Page<BlockView>>().items.is_empty());
    done(Method::DELETE, format!("/v1/blocks/{stranger:#x}")).await;
    let found: Page<GrantView> = doctor.get(&format!("/v1/grants?side=received&patient={stranger:#x}")).await.json();
    assert_eq!(found.items[0].shelf, Some(Shelf::Known), "the stranger was accepted before");
    doctor.put(&format!("/v1/blocks/{}", doctor.hex()), json!(null)).await.refused("invalid_request");
}

#[tokio::test]
async fn a_shelf_narrows_received_grants_only() {
    let server = Server::new().await;
    let user = server.newcomer().await;
    for query in [
        "shelf=strangers".to_owned(),
        format!("patient={}", user.hex()),
        format!("side=received&shelf=known&patient={}", user.hex()),
        format!("side=received&shelf=known&record={}", seeds::record()),
        "side=received&shelf=attic".to_owned(),
    ] {
        user.get(&format!("/v1/grants?{query}")).await.refused("invalid_request");
    }
}
