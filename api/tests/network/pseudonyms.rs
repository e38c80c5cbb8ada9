//! No document of the database joins the pseudonym of a person to the chain.

use std::collections::{BTreeMap, BTreeSet};

use api::at_rest::Lookup;
use axum::http::StatusCode;
use futures::TryStreamExt;
use localnet::Role;
use mongodb::bson::{Bson, Document, doc};
use protocol::{
    bodies::{
        feed::FeedKind,
        grants::{RequestState, RequestView},
    },
    ids::Tag,
};
use serde_json::{Value, json};

use super::at_rest::{contains, forms};
use crate::world::{
    actions::register_key,
    grants::{Terms, grant_body},
    mirrored_chain::mirror_events,
    network::Network,
    opened::feed_of,
    people::Cast,
    records::register_record,
    servers::Server,
    waiting::eventually,
};

/// Returns the values that are on chain and long enough to identify something: the words of all events and calls without
/// leading zeros, and the hashes of blocks and transactions.
async fn on_chain(network: &Network) -> BTreeSet<Vec<u8>> {
    let unhex = |value: &Value| hex::decode(value.as_str().unwrap().trim_start_matches("0x")).unwrap();
    let head = network.rpc("eth_blockNumber", json!([])).await;
    let head = u64::from_str_radix(head.as_str().unwrap().trim_start_matches("0x"), 16).unwrap();
    let mut all = Vec::new();
    for number in 0..=head {
        let block = network.rpc("eth_getBlockByNumber", json!([format!("{number:#x}"), true])).await;
        all.push(unhex(&block["hash"]));
        for transaction in block["transactions"].as_array().unwrap() {
            all.push(unhex(&transaction["hash"]));
            let input = unhex(&transaction["input"]);
            // The deployment of the contracts is code, and says nothing of people.
            if !transaction["to"].is_null() {
                all.extend(input.get(4..).unwrap_or_default().chunks(32).map(<[u8]>::to_vec));
            }
            let receipt = network.rpc("eth_getTransactionReceipt", json!([transaction["hash"]])).await;
            for log in receipt["logs"].as_array().unwrap() {
                all.extend(log["topics"].as_array().unwrap().iter().map(unhex));
                all.extend(unhex(&log["data"]).chunks(32).map(<[u8]>::to_vec));
            }
        }
    }
    let bare = |word: Vec<u8>| word.into_iter().skip_while(|byte| *byte == 0).collect::<Vec<u8>>();
    // Words with fewer than 14 nonzero bytes are left out: they are numbers or pieces of text.
    all.into_iter().map(bare).filter(|word| word.iter().filter(|byte| **byte != 0).count() >= 14).collect()
}

/// Returns the API's own documents of both databases, with their collections.
async fn own_documents(server: &Server) -> Vec<(String, Document)> {
    let mut all = Vec::new();
    for database in [&server.app.database, &server.app.log_database] {
        for name in database.list_collection_names().await.unwrap() {
            if name.starts_with("api_") || name.starts_with("log_") {
                let found = database.collection::<Document>(&name).find(doc! {}).await.unwrap();
                let found: Vec<Document> = found.try_collect().await.unwrap();
                all.extend(found.into_iter().map(|document| (name.clone(), document)));
            }
        }
    }
    all
}

/// Returns every run of exactly 32 hex digits: each is a blind index.
fn blind_indexes(document: &Document) -> BTreeSet<String> {
    let text = document.to_string();
    let runs = text.split(|letter: char| !matches!(letter, '0'..='9' | 'a'..='f'));
    runs.filter(|run| run.len() == 32).map(str::to_owned).collect()
}

/// Returns the fields with a time that is exact enough to be found on chain: seconds or milliseconds, but not whole days.
fn exact_times(document: &Document, now: u64) -> BTreeSet<String> {
    let now = i64::try_from(now).unwrap();
    let is_exact = |number: i64| {
        let seconds = if number > now * 100 { number / 1_000 } else { number };
        (seconds - now).abs() < 3 * 365 * 86_400 && (number > now * 100 || seconds % 86_400 != 0)
    };
    let exact = |value: &Bson| match value {
        Bson::Int64(number) => is_exact(*number),
        Bson::DateTime(date) => date.timestamp_millis() % 86_400_000 != 0,
        _ => false,
    };
    document.iter().filter(|(_, value)| exact(value)).map(|(name, _)| name.to_owned()).collect()
}

/// Collections with exact times beside a pseudonym, as `protocol/THREATS.md` says. Their documents are short-lived, or are
/// not about anything on chain.
const MAY_HAVE_TIMES: [&str; 3] = ["api_sessions", "api_answers", "api_blocks"];

/// Returns the values that join a person's pseudonym to the chain, as `collection: value`.
fn joints(
    documents: &[(String, Document)],
    chain: &BTreeSet<Vec<u8>>,
    people: &BTreeSet<String>,
    now: u64,
) -> BTreeSet<String> {
    let mut places: BTreeMap<String, u32> = BTreeMap::new();
    for (_, document) in documents {
        blind_indexes(document).into_iter().for_each(|index| *places.entry(index).or_default() += 1);
    }
    let mut found = BTreeSet::new();
    for (collection, document) in documents {
        // The blind indexes that belong to a person, and those that occur in several documents.
        let pseudonyms =
            blind_indexes(document).into_iter().filter(|index| people.contains(index) || places[index] > 1);
        if pseudonyms.count() == 0 {
            continue;
        }
        let bytes = mongodb::bson::to_vec(document).unwrap();
        if chain.iter().any(|value| forms(value).iter().any(|form| contains(&bytes, form))) {
            found.insert(format!("{collection}: a value that stands on chain"));
        }
        if !MAY_HAVE_TIMES.contains(&collection.as_str()) {
            found.extend(exact_times(document, now).into_iter().map(|name| format!("{collection}: the time {name}")));
        }
    }
    found
}

#[tokio::test]
async fn no_document_has_a_pseudonym_of_a_person_and_something_of_the_chain() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let other = server.sign_in(network.signer(Role::SecondDoctor)).await;
    other.post("/v1/actions", &register_key(&other, 0)).await.has(StatusCode::OK);
    let records = [register_record(&cast.patient).await, register_record(&cast.patient).await];
    // Something of everything: asked and answered, granted twice, read, ended, blocked, counted, kept, told.
    let ask = cast.request_body(records[0].id);
    let asked: RequestView = cast.doctor.post("/v1/requests", &ask).await.ok();
    let mut approval = grant_body(&cast.patient, &cast.doctor, &records[0], &Terms::now(&server));
    approval.request = Some(asked.id);
    assert_eq!(cast.patient.post("/v1/grants", &approval).await.status, StatusCode::CREATED);
    let salt = cast.grant_now(&records[1]).await;
    let further = grant_body(&cast.patient, &other, &records[1], &Terms::now(&server));
    assert_eq!(cast.patient.post("/v1/grants", &further).await.status, StatusCode::CREATED);
    cast.doctor.read(records[1].id, salt).await.unwrap();
    cast.doctor.read(records[0].id, approval.salt).await.unwrap();
    let second: RequestView = cast.doctor.post("/v1/requests", &cast.request_body(records[1].id)).await.ok();
    assert_eq!(second.state, RequestState::Open);
    for user in [&cast.patient, &cast.doctor] {
        let path = format!("/v1/blocks/{:#x}", other.address());
        assert_eq!(user.put(&path, &json!(null)).await.status, StatusCode::NO_CONTENT);
    }
    let end = json!({ "action": cast.revoke(records[1].id, salt) });
    assert_eq!(cast.patient.post("/v1/grants/revoke", &end).await.status, StatusCode::OK);
    eventually("everybody is told", || async {
        mirror_events(&server).await;
        (feed_of(&cast.doctor, FeedKind::Revoked).await == 1).then_some(())
    })
    .await;

    let addresses = [cast.patient.address(), cast.doctor.address(), other.address()];
    let people = addresses.iter().flat_map(|who| Lookup::ALL.map(|of| server.app.at_rest.blind(of, who)));
    let people: BTreeSet<String> = people.collect();
    let (documents, chain) = (own_documents(&server).await, on_chain(&network).await);
    assert!(chain.contains(records[0].id.0.as_slice()), "the chain was read");
    let now = server.app.clock.now();
    assert_eq!(joints(&documents, &chain, &people, now), BTreeSet::new());

    // The pseudonyms are there, so the test has something to say.
    let of = |collection: &str| {
        let has = |document: &Document| blind_indexes(document).iter().any(|index| people.contains(index));
        documents.iter().filter(|(name, document)| name == collection && has(document)).count()
    };
    for collection in ["api_received", "api_requests", "api_blocks", "api_feed", "api_sessions", "api_budgets"] {
        assert!(of(collection) > 1, "{collection} has pseudonyms: {}", of(collection));
    }
    // The control: somebody careless keeps the tag, or a time, beside the pseudonym.
    let (_, row) = documents.iter().find(|(name, _)| name == "api_received").unwrap();
    let tag = Tag::derive(cast.doctor.address(), salt).to_string();
    for (name, value) in [("tag", Bson::String(tag)), ("stored_at", Bson::Int64(i64::try_from(now).unwrap() * 1_000))] {
        let mut careless = row.clone();
        careless.insert(name, value);
        let found = joints(&[("api_received".to_owned(), careless)], &chain, &people, now);
        assert_eq!(found.len(), 1, "{name}");
    }
}
