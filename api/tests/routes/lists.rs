//! Lists: what a page costs, how large it is, and what strangers can put into it.

use alloy::primitives::Address;
use axum::http::{Method, StatusCode};
use mongodb::bson::{Document, doc};
use protocol::{
    bodies::{
        PAGE_BYTES_MAX, Page,
        grants::{GrantView, Shelf},
        people::BlockView,
        records::{RecordView, VERSIONS_SHOWN, VersionView},
    },
    ids::RecordId,
    mirror::collection,
};
use serde_json::{Value, json};

use crate::world::{
    envelopes::{envelope, stored},
    mirror::{CREATED, record_doc, shared, version_doc},
    people::User,
    seeds,
    servers::Server,
};

/// Every page of a list, one after another.
async fn pages<T: serde::de::DeserializeOwned>(user: &User, path: &str) -> Vec<Page<T>> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let answer = user.get(&format!("{path}{cursor}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        assert!(answer.bytes().len() <= PAGE_BYTES_MAX + 1_024, "{path}: {} bytes", answer.bytes().len());
        let page: Page<T> = answer.json();
        let next = page.next.clone();
        found.push(page);
        match next {
            Some(next) => cursor = format!("{}cursor={next}", if path.contains('?') { "&" } else { "?" }),
            None => return found,
        }
        assert!(found.len() < 1_000, "{path} does not end");
    }
}

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
    // Who asks for it by name finds it: a patient may tell a doctor the record's id.
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

#[tokio::test]
async fn pages_end_before_they_are_too_large_and_together_they_have_everything_once() {
    let server = Server::new().await;
    let patient = server.newcomer().await;
    const CID: &str = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";
    let (mut records, mut versions) = (Vec::new(), Vec::new());
    let grown = seeds::record();
    for number in 0..120_u64 {
        let (id, newest) = if number == 60 { (grown, 300) } else { (seeds::record(), 60) };
        // Three of a second, so that pages end between records of the same time.
        records.push(record_doc(id, patient.address(), patient.address(), CREATED + number / 3, newest));
        versions
            .extend((1..=newest).map(|version| version_doc(id, version, patient.address(), patient.address(), CID)));
    }
    server.mirror_all(collection::RECORDS, &records).await;
    for some in versions.chunks(1_000) {
        server.mirror_all(collection::VERSIONS, some).await;
    }
    let found = pages::<RecordView>(&patient, "/v1/records?limit=500").await;
    assert!(found.len() > 5, "{} pages", found.len());
    let mut ids: Vec<RecordId> = found.iter().flat_map(|page| &page.items).map(|record| record.id).collect();
    for record in found.iter().flat_map(|page| &page.items) {
        assert_eq!(record.versions.len(), usize::from(VERSIONS_SHOWN));
        assert_eq!(record.versions.last().map(|version| version.version), Some(record.version_count));
    }
    let listed = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), listed), (120, 120));
    // In small pages as well.
    let small = pages::<RecordView>(&patient, "/v1/records?limit=7").await;
    let small: Vec<RecordId> = small.iter().flat_map(|page| &page.items).map(|record| record.id).collect();
    let large: Vec<RecordId> = found.iter().flat_map(|page| &page.items).map(|record| record.id).collect();
    assert_eq!(small, large);

    let all = pages::<VersionView>(&patient, &format!("/v1/records/{grown}/versions?limit=70")).await;
    let numbers: Vec<u16> = all.iter().flat_map(|page| &page.items).map(|version| version.version).collect();
    assert_eq!(numbers, (1..=300).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_page_of_dead_grants_is_short_and_the_list_goes_on() {
    let server = Server::new().await;
    let doctor = server.newcomer().await;
    let all = shared(&server, doctor.address(), "known", 30).await;
    // All but the oldest have been revoked on chain.
    let dead: Vec<String> = all[1..].iter().map(|(_, _, grant)| grant.to_string()).collect();
    let grants = server.app.database.collection::<Document>(collection::GRANTS);
    let ended = doc! { "$set": { "revoked": true, "rights": 0 } };
    grants.update_many(doc! { "_id": { "$in": dead } }, ended).await.expect("the mirror takes it");
    let found = pages::<RecordView>(&doctor, "/v1/records?limit=10").await;
    assert_eq!(found.len(), 3, "each page looks at what fits one page");
    let ids: Vec<RecordId> = found.into_iter().flat_map(|page| page.items).map(|record| record.id).collect();
    assert_eq!(ids, [all[0].1]);
}

#[tokio::test]
async fn what_a_stranger_uploads_for_a_record_changes_nothing_that_is_shown_of_it() {
    let server = Server::new().await;
    server.mirror_is_at_head().await;
    let (patient, stranger) = (server.newcomer().await, server.newcomer().await);
    let record = seeds::record();
    let bytes = envelope(record, 1, 900);
    let cid = stored(&patient, record, &bytes).await.cid;
    server.register(record, patient.address(), patient.address(), &cid).await;
    let shown = async || -> (Value, Value) {
        (
            patient.get(&format!("/v1/records/{record}")).await.json(),
            patient.get(&format!("/v1/records/{record}/versions")).await.json(),
        )
    };
    let before = shown().await;
    assert_eq!(before.0["versions"][0]["size"], bytes.len());
    stored(&stranger, record, &envelope(record, 1, 5_000)).await;
    stored(&stranger, record, &bytes).await;
    assert_eq!(shown().await, before);
}
