//! A body with one fault is refused and changes nothing, also when it is signed. Then the same body without the fault is
//! accepted, which shows that it had no other.

use alloy::{primitives::U256, providers::Provider};
use axum::http::Method;
use futures::TryStreamExt;
use localnet::Role as Actor;
use mongodb::bson::{Document, doc};
use protocol::{bodies::grants::RequestView, codes::Purpose};
use serde::Serialize;
use serde_json::{Value, json};

use crate::world::{
    actions::register_key,
    grants::{Terms, grant_body},
    network::Network,
    people::{Cast, User},
    records::{prepare_record, register_record},
    servers::Server,
    statements::{denial, profile, sign_profile},
};

/// A request that changes something, and the body that it takes.
struct Write {
    method: Method,
    path: String,
    body: Value,
}

impl Write {
    fn post(path: &str, body: &impl Serialize) -> Self {
        Self { method: Method::POST, path: path.to_owned(), body: serde_json::to_value(body).unwrap() }
    }

    async fn send(&self, user: &User, body: &Value) -> Result<(), String> {
        let answer = user.call(self.method.clone(), &self.path, body).await;
        if answer.status.is_success() { Ok(()) } else { Err(answer.code()) }
    }

    /// Makes sure that each of the changed bodies is refused with this code and changes nothing, and that the unchanged one
    /// is accepted.
    async fn is_refused(&self, user: &User, changed: Vec<(String, Value)>, code: &str) {
        let before = kept(&user.server).await;
        for (what, body) in &changed {
            let answer = self.send(user, body).await;
            assert_eq!(answer, Err(code.to_owned()), "{} {}: {what}", self.method, self.path);
        }
        assert!(!changed.is_empty());
        assert_eq!(kept(&user.server).await, before, "{} {} changed something", self.method, self.path);
        assert_eq!(self.send(user, &self.body).await, Ok(()), "{} {}", self.method, self.path);
    }
}

/// Returns the state that a write could change: the documents of each collection, and the number of transactions of the
/// relayer.
async fn kept(server: &Server) -> (Vec<String>, u64) {
    let mut documents = Vec::new();
    for (database, collection) in [
        (&server.app.database, "api_profiles"),
        (&server.app.database, "api_release_shares"),
        (&server.app.database, "api_bundles"),
        (&server.app.database, "api_received"),
        (&server.app.database, "api_requests"),
        (&server.app.log_database, "log_leaves"),
    ] {
        let found = database.collection::<Document>(collection).find(doc! {}).sort(doc! { "_id": 1 }).await.unwrap();
        let found: Vec<Document> = found.try_collect().await.unwrap();
        documents.extend(found.iter().map(|document| {
            // The sequencer gives a leaf its place in its own time.
            let lasting = if collection == "log_leaves" { document.get("_id").map(ToString::to_string) } else { None };
            format!("{collection}: {}", lasting.unwrap_or_else(|| document.to_string()))
        }));
    }
    let actions = server.app.database.collection::<Document>("api_actions").count_documents(doc! {}).await.unwrap();
    documents.push(format!("{actions} actions"));
    (documents, server.app.chain.get_transaction_count(server.app.relayers.ordinary.address()).await.unwrap())
}

/// Returns one body for each object in the body, with an unknown field in that object.
fn with_a_field_more(body: &Value) -> Vec<(String, Value)> {
    fn places(value: &Value, at: String, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                fields.iter().for_each(|(name, field)| places(field, format!("{at}/{name}"), found));
                found.push(at);
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, item)| places(item, format!("{at}/{index}"), found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    places(body, String::new(), &mut found);
    let add = |place: String| {
        let mut changed = body.clone();
        changed.pointer_mut(&place).expect("it was found there")["more"] = json!(1);
        (format!("{place}/more"), changed)
    };
    found.into_iter().map(add).collect()
}

/// Returns the body with the other signature of the same key, in which s is n − s. Everybody can make it from the first one,
/// so only one of the two may count.
fn with_high_s(body: &Value, place: &str) -> Vec<(String, Value)> {
    let order =
        U256::from_str_radix("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16).expect("hex");
    let mut changed = body.clone();
    let signature = changed.pointer_mut(place).expect("the body is signed");
    let mut bytes = alloy::hex::decode(signature.as_str().expect("hex")).expect("hex");
    let high = order - U256::from_be_slice(&bytes[32..64]);
    bytes[32..64].copy_from_slice(&high.to_be_bytes::<32>());
    bytes[64] = if bytes[64] == 27 { 28 } else { 27 };
    *signature = json!(alloy::hex::encode_prefixed(bytes));
    vec![("high s".to_owned(), changed)]
}

/// Returns the publication of the accreditor's profile of the doctor.
fn publication(accreditor: &User, doctor: &User) -> Write {
    let body = serde_json::to_value(sign_profile(accreditor, profile(accreditor, doctor))).unwrap();
    Write { method: Method::PUT, path: format!("/v1/directory/{}", doctor.hex()), body }
}

/// Returns the patient's denial of a request.
fn deny(patient: &User, request: &RequestView) -> Write {
    Write::post(&format!("/v1/requests/{}/deny", request.id), &denial(patient, request.id, patient))
}

#[tokio::test]
async fn a_field_that_nobody_knows_is_refused_at_any_depth_of_any_body() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let Cast { patient, doctor } = &cast;
    let accreditor = server.sign_in(network.signer(Actor::Accreditor)).await;
    let refused = async |user: &User, write: &Write| {
        write.is_refused(user, with_a_field_more(&write.body), "invalid_request").await;
    };

    refused(patient, &Write::post("/v1/actions", &register_key(patient, 1))).await;
    let record = prepare_record(patient).await;
    refused(patient, &Write::post("/v1/records", &record.body)).await;
    let terms = Terms::now(&server);
    refused(patient, &Write::post("/v1/grants", &grant_body(patient, doctor, &record, &terms))).await;
    refused(&accreditor, &publication(&accreditor, doctor)).await;
    let read = doctor.read_request(record.id, terms.salt, Purpose::Treatment, 55);
    refused(doctor, &Write::post("/v1/reads", &read)).await;
    refused(doctor, &Write::post("/v1/requests", &cast.request_body(record.id))).await;
    let open: RequestView = doctor.post("/v1/requests", &cast.request_body(record.id)).await.ok();
    refused(patient, &deny(patient, &open)).await;
}

#[tokio::test]
async fn a_signature_with_a_high_s_counts_for_nothing() {
    let network = Network::start().await;
    let server = network.server().await;
    let cast = Cast::on(&network, &server).await;
    let Cast { patient, doctor } = &cast;
    let accreditor = server.sign_in(network.signer(Actor::Accreditor)).await;
    let record = register_record(patient).await;
    let refused = async |user: &User, write: &Write, place: &str| {
        write.is_refused(user, with_high_s(&write.body, place), "invalid_signature").await;
    };

    refused(patient, &Write::post("/v1/actions", &register_key(patient, 1)), "/signature").await;
    refused(&accreditor, &publication(&accreditor, doctor), "/signature").await;
    let request = cast.request_body(record.id);
    refused(doctor, &Write::post("/v1/requests", &request), "/signed/signature").await;
    let open: RequestView = doctor.post("/v1/requests", &request).await.ok();
    refused(patient, &deny(patient, &open), "/signature").await;
}
