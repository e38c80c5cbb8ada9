//! Somebody with something of every kind, whom nobody else may touch.

use alloy::primitives::B256;
use client::{act, session, wallet::Wallet};
use futures::TryStreamExt;
use mongodb::bson::{Document, doc};
use protocol::{
    bodies::grants::{GrantQuery, GrantSide},
    codes::{Role, ScopeKind},
    ids::RecordId,
    messages::{Action, GrantRef, Revoke, SignedAction},
};

use crate::{
    chance::document,
    person::Person,
    world::{World, eventually},
};

/// Somebody with something of every kind.
pub(crate) struct Victim {
    pub(crate) patient: Person,
    pub(crate) record: RecordId,
    pub(crate) cid: String,
    pub(crate) grant: String,
    /// Opens the tag of the doctor who may read the record.
    pub(crate) salt: B256,
    pub(crate) leaf: String,
    pub(crate) request: String,
    pub(crate) action: String,
    /// Names of what the server keeps sealed of the grant.
    pub(crate) sealed: Vec<String>,
}

impl Victim {
    pub(crate) async fn new(world: &World) -> Self {
        let (patient, doctor) = tokio::join!(world.person(), world.practitioner(Role::Doctor));
        let content = document(900);
        let uploaded = patient.upload("victim.txt", &content).await;
        patient.device.medlock(&["contacts", "add", "my doctor", &doctor.hex()]).await.succeeded();
        let ask =
            ["request", "--patient", &patient.hex(), "--record", &uploaded.record.to_string(), "--reason", "why not"];
        doctor.device.medlock(&ask).await.succeeded();
        let before = sealed_names(world).await;
        let granted = patient.share(&[uploaded.record], &doctor, 3_600).await;
        let mut sealed = sealed_names(world).await;
        sealed.retain(|name| !before.contains(name));
        doctor.open_soon(uploaded.record).await;
        let api = patient.client.api().unwrap();
        let leaf = eventually("the read is in the log", || async {
            let log = api.log(&Default::default()).await.map_err(|error| error.to_string())?;
            log.first().map(|entry| entry.leaf.to_string()).ok_or_else(|| "empty".to_owned())
        })
        .await;
        let query = GrantQuery { side: Some(GrantSide::Given), ..GrantQuery::default() };
        let salt = eventually("the grant is in the mirror", || async {
            let grants = api.grants(&query).await.map_err(|error| error.to_string())?;
            grants.first().and_then(|grant| grant.salt).ok_or_else(|| "no salt".to_owned())
        })
        .await;
        let request = api.requests().await.unwrap()[0].id.to_string();
        let action = signed_revoke(&patient, &patient).await;
        let id = action.action.id(patient.client.deployment()).to_string();
        api.submit(&action).await.expect("a patient may always revoke");
        Self {
            patient,
            record: uploaded.record,
            cid: uploaded.cid,
            grant: granted.grants[0].to_string(),
            salt: salt.0,
            leaf,
            request,
            action: id,
            sealed,
        }
    }

    /// What must not be in an answer to somebody else.
    pub(crate) fn traces(&self) -> [String; 6] {
        let address = self.patient.address();
        [
            format!("{address:x}"),
            self.record.to_string()[2..].to_owned(),
            self.cid.clone(),
            self.grant[2..].to_owned(),
            self.leaf[2..].to_owned(),
            self.request[2..].to_owned(),
        ]
    }

    /// Everything of the victim's that a write of somebody else could change: what its own session is shown, and the
    /// documents behind it, among them the release shares, which no route shows.
    pub(crate) async fn kept(&self, world: &World) -> Vec<String> {
        let token = session_token(&self.patient);
        let address = format!("{:#x}", self.patient.address());
        let record = self.record.to_string();
        let mut kept = Vec::new();
        for path in [
            "/v1/keyring".to_owned(),
            "/v1/address-book".to_owned(),
            format!("/v1/keys/{address}"),
            format!("/v1/records/{record}"),
            format!("/v1/grants?side=given&record={record}"),
            format!("/v1/requests/{}", self.request),
            format!("/v1/actions/{}", self.action),
        ] {
            let request = reqwest::Client::new().get(format!("{}{path}", world.place.api)).bearer_auth(&token);
            let answer = request.send().await.expect("the server answers");
            assert!(answer.status().is_success(), "{path}: {}", answer.status());
            kept.push(format!("{path}: {}", answer.text().await.expect("the answer is whole")));
        }
        let client =
            mongodb::Client::with_uri_str(world.stack.localnet().mongodb_uri()).await.expect("MongoDB answers");
        let database = client.database(world.stack.database());
        for (collection, of_the_victim, least) in [
            ("api_release_shares", doc! { "record": &record }, 1),
            // Whose these are, only the operator can tell.
            ("api_received", doc! { "_id": { "$in": &self.sealed } }, 1),
            ("api_bundles", doc! { "_id": { "$in": &self.sealed } }, 1),
            // The name of a request is that of the message.
            ("api_requests", doc! { "_id": self.request.to_string() }, 1),
            ("api_profiles", doc! { "_id": &address }, 0),
        ] {
            let collection_of = database.collection::<Document>(collection);
            let found = collection_of.find(of_the_victim).sort(doc! { "_id": 1 }).await.expect("it can be read");
            let found: Vec<Document> = found.try_collect().await.expect("it can be read");
            assert!(found.len() >= least, "{collection} has something of the victim's");
            kept.extend(found.iter().map(|document| format!("{collection}: {document}")));
        }
        kept
    }
}

/// The names of everything that the server keeps of grants.
async fn sealed_names(world: &World) -> Vec<String> {
    let client = mongodb::Client::with_uri_str(world.stack.localnet().mongodb_uri()).await.expect("MongoDB answers");
    let database = client.database(world.stack.database());
    let mut names = Vec::new();
    for collection in ["api_received", "api_bundles"] {
        let found = database.collection::<Document>(collection).find(doc! {}).await.expect("it can be read");
        let found: Vec<Document> = found.try_collect().await.expect("it can be read");
        names.extend(found.iter().map(|document| document.get_str("_id").expect("it is text").to_owned()));
    }
    names
}

/// The token of somebody's session, as its device keeps it.
pub(crate) fn session_token(person: &Person) -> String {
    session::current(&person.client).expect("the person is signed in");
    let stored = std::fs::read_to_string(person.device.home().join("session.json")).expect("the person is signed in");
    let stored: serde_json::Value = serde_json::from_str(&stored).expect("it is JSON");
    stored["token"].as_str().expect("it is text").to_owned()
}

/// A Revoke of nothing in particular in the name of `patient`, signed by `signer`.
pub(crate) async fn signed_revoke(patient: &Person, signer: &Person) -> SignedAction {
    let action = Action::Revoke(Revoke {
        patient: patient.address(),
        grants: vec![GrantRef { tag: B256::new(rand::random()), kind: ScopeKind::All.code(), id: B256::ZERO }],
        nonce: act::new_nonce(),
        deadline: act::new_deadline(&patient.client).await.unwrap(),
    });
    signer.wallet.sign_action(action, patient.client.deployment()).await.unwrap()
}
