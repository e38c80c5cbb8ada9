//! What the API's own collections show to whoever copies the database; and what the operator's keys open.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, Bytes};
use api::at_rest::Lookup;
use axum::http::StatusCode;
use futures::TryStreamExt;
use localnet::Role;
use mongodb::{
    Database,
    bson::{Bson, Document, RawDocumentBuf, doc},
};
use protocol::{
    bodies::{
        feed::FeedKind,
        grants::{RequestState, RequestView},
        log::LogEvidence,
        reads::ReadAnswer,
        relay::ActionView,
    },
    capsule::{Binding, Capsule},
    codes::Purpose,
    deployment::Deployment,
    ids::{Salt, Tag},
    operator_keys,
};
use serde_json::{Value, json};

use super::strangers::{ask, stranger};
use crate::world::{
    actions::register_key,
    feed::feed_of,
    grants::{Terms, grant_body},
    mirrored_chain::mirror_events,
    network::Network,
    people::{Cast, User},
    records::{TestRecord, prepare_record, record_version, register_record},
    seeds,
    servers::Server,
    waiting::eventually,
};

/// Where our own collections may name the patient: who a record is about, and who stored it, stands on chain.
const MAY_NAME_THE_PATIENT: [&str; 2] = ["log_leaves", "api_release_shares"];

/// What is sealed by now.
const SEALED: [&str; 12] = [
    "log_leaves",
    "log_positions",
    "api_sessions",
    "api_private_blobs",
    "api_release_shares",
    "api_bundles",
    "api_received",
    "api_requests",
    "api_relations",
    "api_blocks",
    "api_daily",
    "api_feed",
];

/// The forms in which bytes may stand in a document.
fn forms(bytes: &[u8]) -> Vec<Vec<u8>> {
    let hex = hex::encode(bytes);
    vec![bytes.to_vec(), hex.clone().into_bytes(), hex.to_uppercase().into_bytes()]
}

fn address_forms(address: Address) -> Vec<Vec<u8>> {
    let checksummed = address.to_checksum(None).split_off(2).into_bytes();
    [forms(address.as_slice()), vec![checksummed]].concat()
}

/// The API's own collections of a database with all their bytes.
async fn own_collections(database: &Database) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for name in database.list_collection_names().await.unwrap() {
        if SEALED.contains(&name.as_str()) {
            let found = database.collection::<RawDocumentBuf>(&name).find(doc! {}).await.unwrap();
            let documents: Vec<RawDocumentBuf> = found.try_collect().await.unwrap();
            all.push((name, documents.iter().flat_map(|document| document.as_bytes().to_vec()).collect()));
        }
    }
    all
}

fn contains(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|part| part == needle)
}

/// What is secret of a life cycle, with the forms that it may have.
fn secrets(cast: &Cast, salt: Salt) -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let session_key = |user: &User| hex::decode(user.login_message().rsplit_once("p256:").unwrap().1).unwrap();
    vec![
        ("salt of a tag", forms(salt.0.as_slice())),
        ("reader and grantee", address_forms(cast.doctor.address())),
        ("patient's session key", forms(&session_key(&cast.patient))),
        ("doctor's session key", forms(&session_key(&cast.doctor))),
        ("login message", vec![b"wants you to sign in".to_vec()]),
    ]
}

/// Everything secret that stands readable in the API's collections, as `collection: what`.
async fn readable(server: &Server, cast: &Cast, salt: Salt) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let collections =
        [own_collections(&server.app.database).await, own_collections(&server.app.log_database).await].concat();
    assert!(collections.iter().any(|(name, bytes)| name == "log_leaves" && bytes.len() > 300));
    for (name, bytes) in collections {
        let mut look = |what: &str, forms: &[Vec<u8>]| {
            if forms.iter().any(|form| contains(&bytes, form)) {
                found.insert(format!("{name}: {what}"));
            }
        };
        for (what, forms) in secrets(cast, salt) {
            look(what, &forms);
        }
        if !MAY_NAME_THE_PATIENT.contains(&name.as_str()) {
            look("patient", &address_forms(cast.patient.address()));
        }
    }
    found
}

#[tokio::test]
async fn a_copied_database_opens_no_tag_and_names_no_reader() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let record = register_record(&cast.patient).await;
    let salt = cast.grant_now(&record).await;
    let body = cast.doctor.read_request(record.id, salt, Purpose::Treatment, 30);
    let read: ReadAnswer = cast.doctor.post("/v1/reads", &body).await.ok();

    assert_eq!(readable(&server, &cast, salt).await, BTreeSet::new());

    // Those whom it concerns are told.
    for user in [&cast.patient, &cast.doctor] {
        let evidence: LogEvidence = user.get(&format!("/v1/log/leaves/{}", read.leaf)).await.ok();
        assert_eq!(evidence.leaf.request.salt, salt);
        assert_eq!(evidence.leaf.login_message, cast.doctor.login_message());
        assert_eq!(evidence.leaf.hash(&server.app.deployment), read.leaf);
    }
}

#[tokio::test]
async fn a_leaf_that_was_changed_or_moved_is_not_shown_and_the_rest_of_the_log_is() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let record = register_record(&cast.patient).await;
    let salt = cast.grant_now(&record).await;
    let mut reads = Vec::new();
    for _ in 0..2 {
        reads.push(cast.doctor.read(record.id, salt).await.unwrap());
    }
    let leaves = server.app.log_database.collection::<Document>("log_leaves");
    let other = leaves.find_one(doc! { "_id": reads[1].leaf.to_string() }).await.unwrap().unwrap();
    let moved = doc! { "$set": { "sealed": other.get("sealed").unwrap().clone() } };
    leaves.update_one(doc! { "_id": reads[0].leaf.to_string() }, moved).await.unwrap();

    let refused = cast.patient.get(&format!("/v1/log/leaves/{}", reads[0].leaf)).await;
    assert_eq!(refused.code(), "internal");
    let whole = cast.patient.get(&format!("/v1/log/leaves/{}", reads[1].leaf)).await;
    assert_eq!(whole.status, StatusCode::OK);
    assert_eq!(cast.patient.get("/v1/log").await.status, StatusCode::OK);
}

/// The release share of a record, sealed to the operator's key of an epoch under a binding that names another.
fn sealed_to(server: &Server, record: &TestRecord, patient: Address, key: u32, named: u32) -> Bytes {
    let keys = operator_keys::check(&server.app.deployment).unwrap();
    let key = keys.into_iter().find(|listed| listed.epoch == key).unwrap().key;
    let of = record_version(server, record.id);
    let binding = Binding::release_share(&of, patient, server.app.operator.address(), named);
    Bytes::copy_from_slice(Capsule::seal(&record.dek.release_share(&of), &key, &binding).as_bytes())
}

#[tokio::test]
async fn a_rotated_operator_key_opens_what_was_sealed_to_earlier_ones() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let before = register_record(&cast.patient).await;
    let salt = cast.grant_now(&before).await;
    server.stop().await;

    // Another secret first, so that the old one does not give the new key.
    rotate(&network);
    assert_eq!(network.add_operator_key(), 2);
    let server = network.server().await;
    let cast = cast.at(&server);
    assert_eq!(server.app.deployment.operator_key().unwrap().epoch, 2);

    // What was stored under the first secret: session, share, grant; read as ever.
    let read = cast.doctor.read(before.id, salt).await.unwrap();
    assert_eq!(read.release_share.0, *before.dek.release_share(&record_version(&server, before.id)).expose());

    let patient = cast.patient.address();
    let mut after = prepare_record(&cast.patient).await;
    for (key, named) in [(1, 2), (2, 1), (2, 3)] {
        after.body.release_share = sealed_to(&server, &after, patient, key, named);
        let refused = cast.patient.post("/v1/records", &after.body).await;
        assert_eq!(refused.code(), "invalid_capsule", "sealed to key {key} as if it were {named}");
    }
    // A client that has not heard of the rotation seals to the first key.
    after.body.release_share = sealed_to(&server, &after, patient, 1, 1);
    let done = cast.patient.post("/v1/records", &after.body).await;
    assert_eq!(done.status, StatusCode::CREATED, "{done:?}");
    let again = sealed_to(&server, &after, patient, 2, 2);
    let path = format!("/v1/records/{}/versions/1/release-share", after.id);
    let body = serde_json::json!({ "release_share": again });
    assert_eq!(cast.patient.put(&path, &body).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_server_without_the_secrets_of_its_keys_does_not_start() {
    let network = Network::start().await;
    let secret = network.stack.secrets().join("operator.secret");
    let right = std::fs::read_to_string(&secret).unwrap();
    let deployment = Deployment::clone(&network.server().await.app.deployment);
    let open = |deployment: &Deployment| {
        let key = network.stack.secrets().join("operator.key");
        api::operator::Operator::open(&key, &secret, deployment).map(drop).map_err(|error| format!("{error:#}"))
    };
    assert_eq!(open(&deployment), Ok(()));
    let mut none = deployment.clone();
    none.operator_keys.clear();
    assert!(open(&none).unwrap_err().contains("add-operator-key"));
    let mut unsigned = deployment.clone();
    unsigned.operator_keys[0].signature = Bytes::from(vec![0x1b; 65]);
    assert!(open(&unsigned).is_err());
    std::fs::write(&secret, "11".repeat(32)).unwrap();
    let refused = open(&deployment).unwrap_err();
    assert!(refused.contains("encryption key 1") && !refused.contains("1111"), "{refused}");
    std::fs::write(&secret, format!("{}\n{}", "11".repeat(32), right.trim())).unwrap();
    assert_eq!(open(&deployment), Ok(()), "the secret is one of several");
}

/// What stands on chain: the words of all events and calls, without zeros in front, as far as they are long enough to name
/// something; and block and transaction hashes.
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
    // Shorter ones are numbers and pieces of text; so are words that mostly are zeros at their end.
    all.into_iter().map(bare).filter(|word| word.iter().filter(|byte| **byte != 0).count() >= 14).collect()
}

/// The API's own documents of both databases, by collection.
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

/// Every run of exactly 32 hex digits: a blind index, wherever it stands.
fn blind_indexes(document: &Document) -> BTreeSet<String> {
    let text = document.to_string();
    let runs = text.split(|letter: char| !matches!(letter, '0'..='9' | 'a'..='f'));
    runs.filter(|run| run.len() == 32).map(str::to_owned).collect()
}

/// Times that are exact enough to be found on chain: seconds or milliseconds of these days, but whole days.
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

/// Where exact times stand beside a pseudonym; `protocol/THREATS.md` says so. What is here is short-lived, or is not about
/// anything on chain.
const MAY_HAVE_TIMES: [&str; 3] = ["api_sessions", "api_answers", "api_blocks"];

/// What joins a person's pseudonym to the chain, as `collection: what`.
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
        // That of a person, or one that stands in several documents, whatever it means.
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
    let done = other.post("/v1/actions", &register_key(&other, 0)).await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
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

/// Changes one field of every document of a collection.
async fn exchange(database: &Database, collection: &str, field: &str, value: impl Into<Bson>) {
    let all = database.collection::<Document>(collection);
    let changed = all.update_many(doc! {}, doc! { "$set": { field: value.into() } }).await.unwrap();
    assert!(changed.modified_count > 0, "{collection} has something");
}

#[tokio::test]
async fn what_is_put_under_the_name_of_another_person_is_not_shown_to_them() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let thief = server.sign_in(network.signer(Role::SecondDoctor)).await;
    let record = register_record(&cast.patient).await;
    let salt = cast.grant_now(&record).await;
    let read = cast.doctor.read(record.id, salt).await.unwrap();
    let ask = cast.request_body(record.id);
    let asked: RequestView = cast.doctor.post("/v1/requests", &ask).await.ok();
    let path = format!("/v1/blocks/{:#x}", Address::repeat_byte(7));
    assert_eq!(cast.doctor.put(&path, &json!(null)).await.status, StatusCode::NO_CONTENT);
    mirror_events(&server).await;
    let items = async |path: &str, user: &User| {
        let page: Value = user.get(path).await.ok();
        page["items"].as_array().unwrap().len()
    };
    // Shown to whom it concerns, before somebody changes the database.
    for path in ["/v1/grants?side=received", "/v1/requests", "/v1/blocks"] {
        assert_eq!(items(path, &cast.doctor).await, 1, "{path}");
    }

    let (database, at_rest) = (&server.app.database, &server.app.at_rest);
    let name = |of| at_rest.blind(of, thief.address());
    exchange(database, "api_received", "grantee", name(Lookup::Reader)).await;
    exchange(database, "api_requests", "requester", name(Lookup::Requester)).await;
    exchange(database, "api_blocks", "owner", name(Lookup::Blocker)).await;
    exchange(&server.app.log_database, "log_leaves", "patient", format!("{:#x}", thief.address())).await;
    for path in ["/v1/grants?side=received", "/v1/records", "/v1/requests", "/v1/blocks"] {
        assert_eq!(items(path, &thief).await, 0, "{path}");
    }
    let bundle = format!("/v1/grants/{}/bundle", cast.grant_of(record.id, salt));
    assert_eq!(thief.get(&bundle).await.code(), "not_found");
    assert_eq!(thief.get(&format!("/v1/requests/{}", asked.id)).await.code(), "not_found");
    assert_eq!(thief.get(&format!("/v1/log/leaves/{}", read.leaf)).await.code(), "internal");
    let log: Value = thief.get("/v1/log").await.ok();
    assert!(!log.to_string().contains(&format!("{:x}", cast.doctor.address())), "no reader is named: {log}");

    // A share that counts as deposited by somebody else.
    let shares = database.collection::<Document>("api_release_shares");
    let mut share = shares.find_one(doc! {}).await.unwrap().unwrap();
    let id = share.get_str("_id").unwrap().to_owned();
    let moved = id.replace(&format!("{:x}", cast.patient.address()), &format!("{:x}", thief.address()));
    assert_ne!(id, moved);
    share.insert("_id", moved);
    share.insert("depositor", format!("{:#x}", thief.address()));
    shares.insert_one(share).await.unwrap();
    shares.delete_one(doc! { "_id": id }).await.unwrap();
    assert_eq!(cast.doctor.read(record.id, salt).await.err().expect("refused"), "internal");

    // A session does not last longer because the database says so.
    let never = mongodb::bson::DateTime::from_millis(i64::MAX / 2);
    exchange(database, "api_sessions", "delete_at", never).await;
    exchange(database, "api_sessions", "expires_at", i64::MAX).await;
    server.app.clock.shift(3_700);
    assert_eq!(thief.get("/v1/me").await.code(), "not_signed_in");
}

/// Appends a secret to the operator's file.
fn rotate(network: &Network) {
    let file = network.stack.secrets().join("operator.secret");
    let old = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{}\n{}\n", old.trim(), hex::encode(seeds::bytes()))).unwrap();
}

#[tokio::test]
async fn what_may_stand_once_stands_once_after_a_rotation_of_the_secret() {
    let network = Network::start().await;
    let extra = ["--stranger-requests-per-day-max", "1"];
    let server = network.server_with(&extra).await;
    let cast = Cast::on(&network, &server).await;
    let record = register_record(&cast.patient).await;
    let body = grant_body(&cast.patient, &cast.doctor, &record, &Terms::now(&server));
    assert_eq!(cast.patient.post("/v1/grants", &body).await.status, StatusCode::CREATED);
    let request = cast.doctor.read_request(record.id, body.salt, Purpose::Treatment, 50);
    let first: ReadAnswer = cast.doctor.post("/v1/reads", &request).await.ok();
    let block = format!("/v1/blocks/{:#x}", Address::repeat_byte(7));
    assert_eq!(cast.patient.put(&block, &json!(null)).await.status, StatusCode::NO_CONTENT);
    let busy = stranger(&server).await;
    let others = [stranger(&server).await, stranger(&server).await];
    let asks = async |server: &Server, patient: &User| ask(server, &busy, patient, seeds::record(), |_| {}).await;
    assert_eq!(asks(&server, &others[0]).await.status, StatusCode::CREATED);
    let invite = format!("/v1/invitations/{:#x}", Address::repeat_byte(8));
    let accreditor = server.sign_in(network.signer(Role::Accreditor)).await;
    assert_eq!(accreditor.put(&invite, &json!(null)).await.status, StatusCode::NO_CONTENT);
    eventually("both are told", || async {
        mirror_events(&server).await;
        let (patient, doctor) = (&cast.patient, &cast.doctor);
        let told = (feed_of(patient, FeedKind::Accessed).await, feed_of(doctor, FeedKind::Granted).await);
        let last = feed_of(&others[1], FeedKind::KeyRegistered).await;
        (told == (1, 1) && last == 1).then_some(())
    })
    .await;
    server.stop().await;
    let once = [
        "api_received",
        "api_bundles",
        "api_requests",
        "api_relations",
        "api_blocks",
        "api_daily",
        "api_feed",
        "api_budgets",
        "api_invitations",
        "api_private_blobs",
    ];
    let counts = async |server: &Server| {
        let mut counts = BTreeMap::new();
        for name in once {
            let all = server.app.database.collection::<Document>(name);
            counts.insert(name, all.count_documents(doc! {}).await.unwrap());
        }
        let leaves = server.app.log_database.collection::<Document>("log_leaves");
        counts.insert("log_leaves", leaves.count_documents(doc! {}).await.unwrap());
        counts
    };
    let before = counts(&server).await;

    rotate(&network);
    // The place in the mirror's events is forgotten, so that they are told again.
    let cursors = server.app.database.collection::<Document>("api_feed_cursor");
    cursors.update_one(doc! { "_id": "mirror" }, doc! { "$set": { "token": Bson::Null } }).await.unwrap();
    let server = network.server_with(&extra).await;
    let (cast, accreditor) = (cast.at(&server), accreditor.at(&server));
    let again: ReadAnswer = cast.doctor.post("/v1/reads", &request).await.ok();
    assert_eq!((again.leaf, again.receipt), (first.leaf, first.receipt));
    let mut other = request.request.clone();
    other.deadline -= 1;
    let reused = cast.doctor.post("/v1/reads", &cast.doctor.sign_read(other)).await;
    assert_eq!(reused.code(), "nonce_used");
    assert_eq!(cast.patient.put(&block, &json!(null)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(accreditor.put(&invite, &json!(null)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(asks(&server, &others[1]).await.code(), "rate_limited");
    let mut kept = serde_json::to_value(&body).unwrap();
    kept["action"] = Value::Null;
    assert_eq!(cast.patient.post("/v1/grants", &kept).await.status, StatusCode::OK);
    // One action more is charged to the budgets of the day, and settled: that is told to its signer.
    let end = json!({ "action": cast.revoke(record.id, body.salt) });
    assert_eq!(cast.patient.post("/v1/grants/revoke", &end).await.status, StatusCode::OK);
    eventually("the end is told, and so everything before it was told again", || async {
        mirror_events(&server).await;
        (feed_of(&cast.doctor, FeedKind::Revoked).await == 1).then_some(())
    })
    .await;
    let mut after = counts(&server).await;
    // The end was settled, and told to patient and grantee; the urgent line has budgets of its own.
    let budgets = server.app.database.collection::<Document>("api_budgets");
    let urgent = budgets.count_documents(doc! { "_id": { "$regex": ":urgent:" } }).await.unwrap();
    *after.get_mut("api_budgets").unwrap() -= urgent;
    *after.get_mut("api_feed").unwrap() -= 3;
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_secret_file_that_is_not_the_databases_does_not_start() {
    let network = Network::start().await;
    let file = network.stack.secrets().join("operator.secret");
    rotate(&network);
    let server = network.server().await;
    server.stop().await;
    let right = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = right.lines().collect();
    let start = async |text: String| {
        std::fs::write(&file, text).unwrap();
        let started = api::serve::run(network.settings(&["--listen", "127.0.0.1:0"]), std::future::ready(())).await;
        started.map_err(|error| format!("{error:#}"))
    };
    let swapped = start(format!("{}\n{}", lines[1], lines[0])).await.unwrap_err();
    assert!(swapped.contains("line 1") && swapped.contains("same order"), "{swapped}");
    let other = start(format!("{}\n{}", lines[0], hex::encode(seeds::bytes()))).await.unwrap_err();
    assert!(other.contains("line 2"), "{other}");
    let shorter = start(lines[0].to_owned()).await.unwrap_err();
    assert!(shorter.contains("no line 2"), "{shorter}");
    // The log's database is asked as well: it may have come from another backup.
    server.app.database.collection::<Document>("api_secrets").drop().await.unwrap();
    let swapped = start(format!("{}\n{}", lines[1], lines[0])).await.unwrap_err();
    assert!(swapped.contains("line 1") && swapped.contains("_log"), "{swapped}");
    server.app.database.collection::<Document>("api_secrets").drop().await.unwrap();
    start(right.clone()).await.unwrap();
    start(format!("{}\n{}", right.trim(), hex::encode(seeds::bytes()))).await.unwrap();

    // A running server says when another database is put in the place of its own.
    let ready = server.anon().get("/readyz").await.json::<Value>();
    assert_eq!(ready["secrets"], false, "the file has a line more by now: {ready}");
}

#[tokio::test]
async fn keys_that_are_added_at_once_have_epochs_of_their_own() {
    let network = Network::start().await;
    let epochs = std::thread::scope(|scope| {
        let adding: Vec<_> = (0..4).map(|_| scope.spawn(|| network.add_operator_key())).collect();
        adding.into_iter().map(|added| added.join().unwrap()).collect::<BTreeSet<u32>>()
    });
    assert_eq!(epochs, BTreeSet::from([2, 3, 4, 5]));
    let deployment = api::store::read_deployment(network.stack.deployment()).unwrap();
    assert_eq!(operator_keys::check(&deployment).unwrap().len(), 5);
}

#[tokio::test]
async fn a_copied_queue_does_not_say_who_brought_an_action_for_somebody_else() {
    let network = Network::start().await;
    let server = network.server().await;
    let patient = server.sign_in(network.signer(Role::Patient)).await;
    let courier = server.sign_in(network.signer(Role::SecondPatient)).await;
    let action = register_key(&patient, 0);
    let done: ActionView = courier.post("/v1/actions", &action).await.ok();
    let found = server.app.database.collection::<RawDocumentBuf>("api_actions").find(doc! {}).await.unwrap();
    let documents: Vec<RawDocumentBuf> = found.try_collect().await.unwrap();
    let bytes: Vec<u8> = documents.iter().flat_map(|document| document.as_bytes().to_vec()).collect();
    assert!(address_forms(patient.address()).iter().any(|form| contains(&bytes, form)), "its signer is on chain");
    assert!(!address_forms(courier.address()).iter().any(|form| contains(&bytes, form)));
    // Both may ask how it stands, and nobody else.
    let path = format!("/v1/actions/{}", done.id);
    for user in [&patient, &courier] {
        assert_eq!(user.get(&path).await.ok::<ActionView>().id, done.id);
    }
    let stranger = server.sign_in(network.signer(Role::SecondDoctor)).await;
    assert_eq!(stranger.get(&path).await.code(), "not_found");
}
