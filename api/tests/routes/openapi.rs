//! The OpenAPI document and its page.

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
