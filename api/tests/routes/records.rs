//! Lists of records: how large a page is, and what strangers can put into it.

use axum::http::StatusCode;
use mongodb::bson::{Document, doc};
use protocol::{
    bodies::{
        PAGE_BYTES_MAX, Page,
        records::{RecordView, VERSIONS_SHOWN, VersionView},
    },
    ids::RecordId,
    mirror::collection,
};
use serde_json::Value;

use crate::world::{
    envelopes::{envelope, stored},
    mirror::{CREATED, record_doc, shared, version_doc},
    people::User,
    seeds,
    servers::Server,
};

/// Returns every page of a list, one after another.
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
async fn an_upload_of_a_stranger_changes_nothing_that_is_shown_of_a_record() {
    let server = Server::new().await;
    server.mirror_is_at_head().await;
    let (patient, stranger) = (server.newcomer().await, server.newcomer().await);
    let record = seeds::record();
    let bytes = envelope(record, 1, 1_900);
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
