//! Published keys.

use protocol::{bodies::people::PublishedKey, mirror::collection};

use crate::world::{mirror::key_doc, servers::Server};

#[tokio::test]
async fn the_newest_key_is_shown_to_whoever_is_signed_in() {
    let server = Server::new().await;
    let (owner, other) = (server.newcomer().await, server.newcomer().await);
    let path = format!("/v1/keys/{}", owner.hex());
    server.anon().get(&path).await.refused("not_signed_in");
    other.get(&path).await.refused("key_not_registered");
    server.mirror(collection::KEYS, &key_doc(owner.address(), 1)).await;
    server.mirror(collection::KEYS, &key_doc(owner.address(), 2)).await;
    let published: PublishedKey = other.get(&path).await.json();
    assert_eq!((published.owner, published.epoch), (owner.address(), 2));
    other.get("/v1/keys/0x12").await.refused("invalid_request");
    other.get("/v1/keys/nobody").await.refused("invalid_request");
}
