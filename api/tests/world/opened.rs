//! Values that the server keeps sealed, opened for the tests: events in feeds, capsules in bundles.

use std::collections::BTreeMap;

use api::at_rest::{Lookup, Sealed, Use};
use futures::TryStreamExt;
use mongodb::bson::{Document, doc};
use protocol::{
    bodies::{feed::FeedKind, grants::BundleBody},
    ids::GrantId,
};
use serde_json::Value;

use super::{people::User, servers::Server};

fn sealed(document: &Document, name: &str) -> Sealed {
    Sealed::from_bytes(document.get_binary_generic(name).expect("a sealed value").clone())
}

async fn found(server: &Server, collection: &str, filter: Document) -> Vec<Document> {
    let documents = server.app.database.collection::<Document>(collection).find(filter).await.expect("found");
    documents.try_collect().await.expect("read")
}

/// Returns how many events of a kind are in somebody's feed.
pub(crate) async fn feed_of(user: &User, kind: FeedKind) -> u64 {
    let at_rest = &user.server.app.at_rest;
    let kind = serde_json::to_value(kind).expect("it has a JSON form");
    let events = found(&user.server, "api_feed", doc! { "to": at_rest.find(Lookup::Feed, user.address()) }).await;
    let is_told = |event: &&Document| {
        let id = event.get_str("_id").expect("an id");
        let told: Value = at_rest.open(Use::Feed, id, &sealed(event, "sealed")).expect("it opens");
        told["kind"] == kind
    };
    events.iter().filter(is_told).count() as u64
}

/// Returns how many capsules the stored bundles of a grant have, by the epoch of the grant.
pub(crate) async fn capsules(server: &Server, grant: GrantId) -> BTreeMap<i64, usize> {
    let at_rest = &server.app.at_rest;
    let bundles = found(server, "api_bundles", doc! { "grant": at_rest.find(Lookup::BundleGrant, grant.0) }).await;
    let count = |bundle: &Document| {
        let id = bundle.get_str("_id").expect("an id");
        let about: Value = at_rest.open(Use::BundleAbout, id, &sealed(bundle, "about")).expect("it opens");
        let body: BundleBody = at_rest.open(Use::Bundle, id, &sealed(bundle, "sealed")).expect("it opens");
        (about["epoch"].as_i64().expect("an epoch"), body.capsules.len())
    };
    bundles.iter().map(count).collect()
}
