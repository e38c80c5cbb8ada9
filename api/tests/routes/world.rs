//! The world of one test: a server of its own with a database of its own, over one local network for all tests.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU32, Ordering},
};

use alloy::{
    primitives::{Address, B256, Bytes},
    providers::Provider,
    signers::{SignerSync, local::PrivateKeySigner},
};
use api::{
    app::App,
    at_rest::{Lookup, Use},
    settings::Settings,
};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use clap::Parser;
use localnet::{Localnet, LocalnetConfig, Role};
use mongodb::{
    bson::{Document, doc},
    event::{EventHandler, command::CommandEvent},
};
use p256::ecdsa::SigningKey;
use protocol::{
    bodies::account::{Challenge, SessionToken},
    codes::{Right, ScopeKind},
    ids::{RecordId, Salt},
    mirror::{CURSOR_ID, CursorDoc, GrantDoc, MIRROR_VERSION, Place, RecordDoc, VersionDoc, collection, version_id},
    session::LoginMessage,
};
use serde_json::{Value, json};
use tower::ServiceExt;

/// The one local network of this test program. Its processes end with the program.
pub(crate) struct Network {
    pub(crate) localnet: Localnet,
    pub(crate) folder: tempfile::TempDir,
}

static NETWORK: OnceLock<Network> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

pub(crate) fn network() -> &'static Network {
    NETWORK.get_or_init(|| {
        // On a thread and a runtime of its own, which outlive the test that came first.
        std::thread::spawn(|| {
            let runtime = Box::leak(Box::new(tokio::runtime::Runtime::new().expect("a runtime")));
            runtime.block_on(async {
                let config = LocalnetConfig::for_tests().expect("the programs are set up: ./scripts/setup");
                let localnet = Localnet::start(config).await.expect("the local network starts");
                let folder = tempfile::tempdir().expect("a temporary folder");
                localnet::deployment::deploy(&localnet, &folder.path().join("deployment.json"))
                    .await
                    .expect("the contracts are deployed");
                let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
                write("relayer.key", &localnet.person(Role::Relayer).private_key_hex());
                write("urgent-relayer.key", &localnet.person(Role::UrgentRelayer).private_key_hex());
                write("checkpoint-relayer.key", &localnet.person(Role::CheckpointRelayer).private_key_hex());
                write("operator.key", &localnet.person(Role::Operator).private_key_hex());
                write("operator.secret", &"5e".repeat(32));
                api::new_operator_key::add(&api::new_operator_key::NewKeySettings {
                    deployment: folder.path().join("deployment.json"),
                    operator_key_file: folder.path().join("operator.key"),
                    operator_secret_file: folder.path().join("operator.secret"),
                    if_none: true,
                })
                .expect("the operator signs its first encryption key");
                Network { localnet, folder }
            })
        })
        .join()
        .expect("the local network starts")
    })
}

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    settings: Settings,
}

/// How many commands went to the database.
#[derive(Clone, Default)]
pub(crate) struct Commands(Arc<AtomicU32>);

impl Commands {
    /// How many since the last time.
    pub(crate) fn taken(&self) -> u32 {
        self.0.swap(0, Ordering::Relaxed)
    }
}

/// One server.
pub(crate) struct World {
    pub(crate) app: App,
    router: Router,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A server whose settings the test changes.
    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::open(change, None).await
    }

    /// A server whose commands to the database can be counted.
    pub(crate) async fn counted() -> (Self, Commands) {
        let commands = Commands::default();
        let counted = commands.clone();
        let observer = EventHandler::callback(move |event| {
            // The next batch of one answer is no further question.
            if let CommandEvent::Started(started) = event
                && started.command_name != "getMore"
            {
                counted.0.fetch_add(1, Ordering::Relaxed);
            }
        });
        (Self::open(|_| {}, Some(observer)).await, commands)
    }

    async fn open(change: impl FnOnce(&mut Settings), observer: Option<EventHandler<CommandEvent>>) -> Self {
        let network = network();
        let file = |name: &str| network.folder.path().join(name).display().to_string();
        let database = format!("routes_{}_{}", std::process::id(), DATABASES.fetch_add(1, Ordering::Relaxed));
        let mut settings = Arguments::parse_from([
            "medlock-api",
            "--rpc-url",
            &network.localnet.rpc_url(),
            "--mongodb-uri",
            &network.localnet.mongodb_uri(),
            "--mongodb-database",
            &database,
            "--deployment",
            &file("deployment.json"),
            "--public-url",
            "http://127.0.0.1:8080",
            "--kubo-url",
            &network.localnet.kubo_url(),
            "--relayer-key-file",
            &file("relayer.key"),
            "--urgent-relayer-key-file",
            &file("urgent-relayer.key"),
            "--checkpoint-relayer-key-file",
            &file("checkpoint-relayer.key"),
            "--new-accounts",
            "open",
            "--operator-key-file",
            &file("operator.key"),
            "--operator-secret-file",
            &file("operator.secret"),
        ])
        .settings;
        change(&mut settings);
        let app = App::open_observed(settings, observer).await.expect("the server opens");
        api::background::expect_secrets(&app).await.expect("the database is new");
        api::background::create_indexes(&app).await.expect("indexes are created");
        Self { router: api::routes::app(app.clone()), app }
    }

    /// Somebody who is not signed in.
    pub(crate) fn nobody(&self) -> User {
        User { router: self.router.clone(), app: self.app.clone(), signer: PrivateKeySigner::random(), token: None }
    }

    /// Somebody new who is signed in.
    pub(crate) async fn somebody(&self) -> User {
        self.sign_in(PrivateKeySigner::random()).await
    }

    pub(crate) async fn sign_in(&self, signer: PrivateKeySigner) -> User {
        let mut user = User { signer, ..self.nobody() };
        let login = Login::new(&user).await;
        let answer = login.send(&user).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        user.token = Some(answer.json::<SessionToken>().token);
        user
    }

    /// Writes a document of the mirror, as the indexer would.
    pub(crate) async fn mirror<T: serde::Serialize + Send + Sync>(&self, collection: &str, doc: &T) {
        self.app.database.collection::<T>(collection).insert_one(doc).await.expect("the mirror takes it");
    }

    /// Writes a document of the mirror in the place of the one with its `_id`.
    pub(crate) async fn replace<T: serde::Serialize + Send + Sync>(&self, collection: &str, doc: &T) {
        let document = mongodb::bson::to_document(doc).expect("a document");
        let id = document.get("_id").cloned().expect("a document of the mirror has an id");
        let collection = self.app.database.collection::<Document>(collection);
        let filter = mongodb::bson::doc! { "_id": id };
        collection.replace_one(filter, document).upsert(true).await.expect("the mirror takes it");
    }

    /// Writes a record with its version 1 into the mirror.
    pub(crate) async fn register(&self, record: RecordId, patient: Address, uploader: Address, cid: &str) {
        let doc = RecordDoc {
            id: record,
            patient,
            uploader,
            category: 1,
            status: 1,
            tombstone_epoch: 0,
            liftable_until: 0,
            retracted: 0,
            version: 1,
            created: 1_700_000_000,
            place: place(),
        };
        let version = VersionDoc {
            id: version_id(record, 1),
            record,
            version: 1,
            patient,
            uploader,
            codec: 0x55,
            digest: B256::ZERO,
            cid: cid.to_owned(),
            place: place(),
        };
        self.mirror(collection::RECORDS, &doc).await;
        self.mirror(collection::VERSIONS, &version).await;
    }

    /// A mirror that has come to the head of the chain.
    pub(crate) async fn cursor(&self) -> CursorDoc {
        CursorDoc {
            id: CURSOR_ID.to_owned(),
            mirror_version: MIRROR_VERSION,
            chain_id: self.app.deployment.chain_id,
            genesis_hash: self.app.deployment.genesis_hash,
            contracts: Vec::new(),
            block_number: self.app.chain.get_block_number().await.expect("the chain answers"),
            block_hash: B256::ZERO,
            block_time: 0,
        }
    }

    pub(crate) async fn count(&self, collection: &str) -> u64 {
        self.app.database.collection::<Document>(collection).count_documents(Document::new()).await.expect("a count")
    }
}

/// Where a mirrored event stands; no test here depends on it.
pub(crate) fn place() -> Place {
    Place { block_number: 1, block_hash: B256::ZERO, block_time: 1_700_000_000, tx_hash: B256::ZERO, log_index: 0 }
}

/// What the API has of a grant to read a record, on this shelf of its grantee; `number` counts what that one has received.
pub(crate) fn received(
    world: &World,
    grant: &GrantDoc,
    (grantee, salt): (Address, Salt),
    created: u64,
    (shelf, number): (&str, u64),
) -> Document {
    let at_rest = &world.app.at_rest;
    let id = at_rest.blind(Lookup::Received, grant.id.0);
    let opened = json!({
        "grant": grant.id, "patient": grant.patient, "grantee": grantee, "tag": grant.tag, "salt": salt,
        "kind": "record", "scope_id": grant.scope_id, "created": created, "newest_version": 1, "stored_at": number,
    });
    let pair = [&[Right::Read.bit()], grantee.as_slice(), grant.patient.as_slice()].concat();
    let scope = [pair.as_slice(), &[ScopeKind::Record.code()], grant.scope_id.as_slice()].concat();
    doc! {
        "sealed": at_rest.seal(Use::Received, &id, &opened),
        "_id": id,
        "grantee": at_rest.blind(Lookup::Reader, grantee),
        "pair": at_rest.blind(Lookup::ReceivedPair, pair),
        "scope": at_rest.blind(Lookup::ReceivedScope, scope),
        "reads": true, "open": true, "shelf": shelf, "hidden": false,
        "number": i64::try_from(number).expect("few"), "week": i64::try_from(created / 604_800).expect("few"),
        "epoch": 1_i64, "ends_in": 1_i64 << 39,
    }
}

/// Somebody who calls.
#[derive(Clone)]
pub(crate) struct User {
    router: Router,
    app: App,
    pub(crate) signer: PrivateKeySigner,
    pub(crate) token: Option<String>,
}

impl User {
    pub(crate) fn address(&self) -> Address {
        self.signer.address()
    }

    pub(crate) fn hex(&self) -> String {
        format!("{:#x}", self.address())
    }

    pub(crate) async fn send(&self, mut request: Request<Body>) -> Answer {
        if let Some(token) = &self.token {
            let value = format!("Bearer {token}").parse().expect("a header value");
            request.headers_mut().entry(header::AUTHORIZATION).or_insert(value);
        }
        self.send_bare(request).await
    }

    /// Sends the request as it is, without the session.
    pub(crate) async fn send_bare(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("the router cannot fail");
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.map_err(|error| error.to_string());
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).expect("a request")).await
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: Value) -> Answer {
        self.call_with(method, path, body, &[]).await
    }

    pub(crate) async fn call_with(&self, method: Method, path: &str, body: Value, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_string())).expect("a request")).await
    }

    pub(crate) async fn upload(&self, record: RecordId, version: u16, bytes: Vec<u8>) -> Answer {
        let request = Request::post(format!("/v1/blobs?record={record}&version={version}"))
            .header("content-type", "application/octet-stream")
            .header("content-length", bytes.len())
            .body(Body::from(bytes))
            .expect("a request");
        self.send(request).await
    }
}

/// What was answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The whole body, or why it broke off.
    pub(crate) body: Result<bytes::Bytes, String>,
}

impl Answer {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.body.as_ref().expect("the body is whole")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self) -> T {
        serde_json::from_slice(self.bytes()).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("{name} is missing")).to_str().expect("text")
    }

    /// The answer is a problem with this code, in the form that every problem has.
    #[track_caller]
    pub(crate) fn refused(&self, code: &str) {
        let problem: Value = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], self.status.as_u16(), "{problem}");
        assert_eq!(problem["type"], format!("urn:medlock:error:{code}"));
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        assert!(self.status.as_u16() < 500, "bad input is not our fault: {problem}");
    }
}

/// A login message in the making; tests change one part and see it refused.
pub(crate) struct Login {
    pub(crate) challenge: Challenge,
    pub(crate) address: Address,
    pub(crate) issued_at: i64,
    pub(crate) expires_at: i64,
    pub(crate) session_key: SigningKey,
}

impl Login {
    pub(crate) async fn new(user: &User) -> Self {
        let challenge: Challenge = user.get("/v1/auth/challenge").await.json();
        let now = i64::try_from(user.app.clock.now()).expect("a time of our age");
        Self {
            challenge,
            address: user.address(),
            issued_at: now,
            expires_at: now + 3600,
            session_key: SigningKey::from_slice(PrivateKeySigner::random().to_bytes().as_slice())
                .expect("a secp256k1 scalar is below the order of P-256 all but never"),
        }
    }

    pub(crate) fn text(&self) -> String {
        let time = |seconds| jiff::Timestamp::from_second(seconds).expect("a time of our age").to_string();
        let point: [u8; 65] = self
            .session_key
            .verifying_key()
            .to_sec1_point(false)
            .as_bytes()
            .try_into()
            .expect("an uncompressed point has 65 bytes");
        LoginMessage {
            domain: &self.challenge.domain,
            address: self.address,
            uri: &self.challenge.uri,
            chain_id: self.challenge.chain_id,
            nonce: &self.challenge.nonce,
            issued_at: &time(self.issued_at),
            expiration_time: &time(self.expires_at),
            session_key: &point,
        }
        .to_string()
    }

    pub(crate) async fn send(&self, user: &User) -> Answer {
        send_login(user, &self.text()).await
    }
}

/// Signs a text with the user's wallet and tries to sign in with it.
pub(crate) async fn send_login(user: &User, text: &str) -> Answer {
    let signature = user.signer.sign_message_sync(text.as_bytes()).expect("a local key signs");
    send_signed_login(user, text, Bytes::copy_from_slice(&signature.as_bytes())).await
}

pub(crate) async fn send_signed_login(user: &User, text: &str, signature: Bytes) -> Answer {
    user.call(Method::POST, "/v1/auth/login", json!({ "message": text, "signature": signature })).await
}

/// A clock-independent unique record id.
pub(crate) fn record() -> RecordId {
    RecordId(random())
}

/// 32 bytes that nobody has seen before.
pub(crate) fn random() -> B256 {
    PrivateKeySigner::random().to_bytes()
}
