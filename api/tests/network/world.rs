//! Typed users on a local network of their own.

use std::{collections::BTreeMap, time::Duration};

use alloy::{
    primitives::{Address, B256, Bytes, U256, aliases::U40},
    providers::Provider,
    rpc::types::Filter,
    signers::{SignerSync, local::PrivateKeySigner},
    sol_types::SolEvent,
};
use api::{
    app::App,
    at_rest::{Lookup, Sealed, Use},
    background, routes,
    settings::Settings,
};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
    response::Response,
};
use clap::Parser;
use contracts::grant_registry::GrantRegistry::Granted;
use futures::StreamExt;
use localnet::{LocalnetConfig, Role, Stack, StackConfig};
use mongodb::{
    bson::{Document, doc},
    event::{EventHandler, command::CommandEvent},
};
use p256::ecdsa::{Signature, SigningKey, signature::Signer};
use protocol::{
    bodies::{
        account::{Challenge, SessionToken},
        feed::FeedKind,
        grants::{BundleBody, GrantBody, VersionCapsule},
        reads::{ReadAnswer, ReadBody},
        records::RegisterBody,
    },
    bundle::Bundle,
    capsule::{Binding, Capsule},
    cid::{Cid, Codec},
    codes::{KEM_X_WING, Purpose, Right, ScopeKind},
    deployment::ContractName,
    error_code::Problem,
    identity::IdentityKey,
    ids::{GrantId, RecordId, Salt, Tag},
    messages::{
        Accredit, Action, AddAccreditor, Grant, GrantRef, RegisterKey, RegisterRecord, Revoke, RevokeAll, Scope,
        SignedAction,
    },
    mirror::{self, EventDoc, GrantDoc, Place, RecordDoc, VersionDoc},
    reads::ReadRequest,
    secret::DataKey,
    session::LoginMessage,
    split::RecordVersion,
};
use serde::{Serialize, de::DeserializeOwned};
use tower::ServiceExt;

/// A local network with the contracts on it.
pub(crate) struct World {
    pub(crate) stack: Stack,
}

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    settings: Settings,
}

impl World {
    /// Starts Anvil, Kubo and MongoDB and deploys the contracts.
    pub(crate) async fn start() -> Self {
        let config = StackConfig {
            localnet: LocalnetConfig::for_tests().unwrap(),
            indexer: "not started".into(),
            api: "not started".into(),
            indexer_settings: Vec::new(),
            api_settings: Vec::new(),
        };
        let world = Self { stack: Stack::without_servers(config).await.unwrap() };
        world.add_operator_key();
        world
    }

    /// Adds the operator's next encryption key to the deployment file; gives its epoch.
    pub(crate) fn add_operator_key(&self) -> u32 {
        let secrets = self.stack.secrets();
        api::new_operator_key::add(&api::new_operator_key::NewKeySettings {
            deployment: self.stack.deployment().to_owned(),
            operator_key_file: secrets.join("operator.key"),
            operator_secret_file: secrets.join("operator.secret"),
            if_none: false,
        })
        .unwrap()
    }

    /// One JSON-RPC call to the chain.
    pub(crate) async fn rpc(&self, method: &str, params: serde_json::Value) -> serde_json::Value {
        self.stack.localnet().rpc(method, params).await.unwrap()
    }

    /// The key of one of the network's people.
    pub(crate) fn signer(&self, role: Role) -> PrivateKeySigner {
        self.stack.localnet().person(role).signer
    }

    /// An API on this network that does no background work yet; it is quicker than the defaults, so that tests are.
    pub(crate) async fn idle_api(&self, extra: &[&str]) -> Api {
        let quick = ["--lease-seconds", "2", "--checkpoint-ms-max", "300", "--refusal-milliseconds", "0"];
        let changed = |flag: &str| extra.iter().step_by(2).any(|other| *other == flag);
        let quick = quick.chunks(2).filter(|setting| !changed(setting[0])).flatten().copied();
        self.idle_api_with(&quick.chain(extra.iter().copied()).collect::<Vec<_>>()).await
    }

    /// An API whose commands to the database are watched.
    pub(crate) async fn observed_api(&self, observer: EventHandler<CommandEvent>) -> Api {
        let quick = ["--lease-seconds", "2", "--checkpoint-ms-max", "300", "--unregistered-seconds-max", "0"];
        self.open(&quick, Some(observer)).await
    }

    /// Mirrors the chain until the token is cancelled, as the indexer's own program does.
    pub(crate) fn start_indexer(&self) -> tokio_util::sync::CancellationToken {
        #[derive(Parser)]
        struct Arguments {
            #[command(flatten)]
            settings: indexer::settings::Settings,
        }
        let net = self.stack.localnet();
        let deployment = self.stack.deployment().display().to_string();
        let (rpc, mongodb) = (net.rpc_url(), net.mongodb_uri());
        let mut arguments = vec!["indexer", "--rpc-url", &rpc, "--mongodb-uri", &mongodb];
        arguments.extend(["--deployment", &deployment, "--listen", "127.0.0.1:0"]);
        let settings = Arguments::parse_from(arguments).settings;
        let stop = tokio_util::sync::CancellationToken::new();
        let stopped = stop.clone();
        tokio::spawn(async move { indexer::run(&settings, stopped).await.map_err(|error| error.to_string()).unwrap() });
        stop
    }

    /// The same with nothing but these settings beside what it cannot do without.
    async fn idle_api_with(&self, settings: &[&str]) -> Api {
        self.open(settings, None).await
    }

    async fn open(&self, settings: &[&str], observer: Option<EventHandler<CommandEvent>>) -> Api {
        let app = App::open_observed(self.settings(settings), observer).await.unwrap();
        background::expect_secrets(&app).await.unwrap();
        background::create_indexes(&app).await.unwrap();
        Api { router: routes::app(app.clone()), app, network: None }
    }

    /// The settings of an API on this network: these beside what it cannot do without.
    pub(crate) fn settings(&self, settings: &[&str]) -> Settings {
        let net = self.stack.localnet();
        let secrets = net.state_dir().join("secrets");
        let secret = |name: &str| secrets.join(name).display().to_string();
        let mut arguments: Vec<String> = [
            "api",
            "--rpc-url",
            &net.rpc_url(),
            "--mongodb-uri",
            &net.mongodb_uri(),
            "--deployment",
            &self.stack.deployment().display().to_string(),
            "--public-url",
            "http://localhost",
            "--kubo-url",
            &net.kubo_url(),
            "--relayer-key-file",
            &secret("relayer.key"),
            "--urgent-relayer-key-file",
            &secret("urgent-relayer.key"),
            "--checkpoint-relayer-key-file",
            &secret("checkpoint-relayer.key"),
            "--new-accounts",
            "open",
            "--operator-key-file",
            &secret("operator.key"),
            "--operator-secret-file",
            &secret("operator.secret"),
        ]
        .map(str::to_owned)
        .to_vec();
        for setting in settings.chunks(2) {
            if let Some(at) = arguments.iter().position(|argument| argument == setting[0]) {
                arguments.drain(at..at + 2);
            }
            arguments.extend(setting.iter().map(ToString::to_string));
        }
        Arguments::try_parse_from(arguments).unwrap().settings
    }

    /// A running API on this network with every limit as it is shipped.
    pub(crate) async fn api_as_shipped(&self) -> Api {
        let api = self.idle_api_with(&[]).await;
        background::start(&api.app);
        api
    }

    /// A running API on this network.
    pub(crate) async fn api(&self) -> Api {
        let api = self.idle_api(&[]).await;
        background::start(&api.app);
        api
    }
}

/// One replica of the server, spoken to without a socket.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) app: App,
    router: Router,
    /// What the proxy in front says of where requests come from.
    network: Option<String>,
}

/// What a route answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    retry_after: Option<u64>,
    body: Vec<u8>,
}

impl Answer {
    /// The body of a success.
    #[track_caller]
    pub(crate) fn ok<T: DeserializeOwned>(&self) -> T {
        assert!(self.status.is_success(), "{} {}", self.status, String::from_utf8_lossy(&self.body));
        serde_json::from_slice(&self.body).unwrap()
    }

    /// After how many seconds to try again.
    #[track_caller]
    pub(crate) fn retry_after(&self) -> u64 {
        self.retry_after.unwrap_or_else(|| panic!("no Retry-After: {self:?}"))
    }

    /// The sentence of a refusal.
    #[track_caller]
    pub(crate) fn detail(&self) -> String {
        serde_json::from_slice::<Problem>(&self.body).unwrap().detail
    }

    /// The body, whatever the status.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.body.clone()
    }

    /// The code of a refusal; the status must be the one that belongs to it.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        let problem: Problem = serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("no problem: {} {}", self.status, String::from_utf8_lossy(&self.body)));
        assert_eq!(problem.status, self.status.as_u16());
        problem.code
    }
}

impl Api {
    /// Ends the background work of this replica, as a shutdown does.
    pub(crate) async fn stop(&self) {
        self.app.shutdown.cancel();
        tokio::time::sleep(Duration::from_millis(300)).await;
    }

    pub(crate) async fn raw(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// The same server, spoken to from this network address; it must trust `x-forwarded-for`.
    pub(crate) fn at_network(&self, address: &str) -> Self {
        Self { network: Some(address.to_owned()), ..self.clone() }
    }

    async fn send(&self, mut request: Request<Body>) -> Answer {
        if let Some(network) = &self.network {
            request.headers_mut().insert("x-forwarded-for", network.parse().unwrap());
        }
        let response = self.raw(request).await;
        let status = response.status();
        let retry_after = response.headers().get(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|seconds| seconds.to_str().ok()?.parse().ok());
        Answer { status, retry_after, body: to_bytes(response.into_body(), 8 << 20).await.unwrap().to_vec() }
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn write<T: Serialize>(&self, method: &str, path: &str, token: &str, body: &T) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(serde_json::to_vec(body).unwrap())).unwrap()).await
    }

    /// The same with other heads.
    pub(crate) async fn write_with<T: Serialize>(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: &T,
        heads: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json");
        for (name, value) in heads {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(serde_json::to_vec(body).unwrap())).unwrap()).await
    }

    /// Opens somebody's feed and closes it again after its first heartbeat.
    pub(crate) async fn open_feed(&self, token: &str) {
        let request = Request::get("/v1/events")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header("last-event-id", format!("{:016x}", 0));
        let response = self.raw(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK);
        let mut pieces = response.into_body().into_data_stream();
        let _ = tokio::time::timeout(Duration::from_secs(20), futures::StreamExt::next(&mut pieces)).await;
    }

    pub(crate) async fn post<T: Serialize>(&self, path: &str, token: &str, body: &T) -> Answer {
        self.write("POST", path, token, body).await
    }

    /// Signs somebody in.
    pub(crate) async fn login(&self, signer: PrivateKeySigner) -> User {
        let session_key = SigningKey::from_slice(&random().0).unwrap();
        let challenge: Challenge = {
            let request = Request::get("/v1/auth/challenge").body(Body::empty()).unwrap();
            self.send(request).await.ok()
        };
        let point: [u8; 65] = session_key.verifying_key().to_sec1_point(false).as_bytes().try_into().unwrap();
        let at = |seconds: u64| jiff::Timestamp::from_second(i64::try_from(seconds).unwrap()).unwrap().to_string();
        let login_message = LoginMessage {
            domain: &challenge.domain,
            address: signer.address(),
            uri: &challenge.uri,
            chain_id: challenge.chain_id,
            nonce: &challenge.nonce,
            issued_at: &at(challenge.server_time),
            expiration_time: &at(challenge.server_time + 3_600),
            session_key: &point,
        }
        .to_string();
        let signature = Bytes::from(signer.sign_message_sync(login_message.as_bytes()).unwrap().as_bytes());
        let body = serde_json::json!({ "message": login_message, "signature": signature });
        let token: SessionToken = self.post("/v1/auth/login", "", &body).await.ok();
        User { signer, session_key, token: token.token, login_message }
    }
}

/// A signed-in person.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) signer: PrivateKeySigner,
    session_key: SigningKey,
    pub(crate) token: String,
    login_message: String,
}

impl User {
    pub(crate) fn address(&self) -> Address {
        self.signer.address()
    }

    /// The text that opened the session.
    pub(crate) fn login_message(&self) -> &str {
        &self.login_message
    }

    /// The person's encryption key; derived, so that tests need not carry it around.
    pub(crate) fn key(&self) -> IdentityKey {
        IdentityKey::derive(&alloy::primitives::keccak256(self.signer.to_bytes()).0)
    }

    /// Signs an action.
    pub(crate) fn sign(&self, api: &Api, action: Action) -> SignedAction {
        sign(&self.signer, api, action)
    }

    /// A signed read request with a new nonce, valid for `seconds` from the server's now.
    pub(crate) fn read_request(
        &self,
        api: &Api,
        record: RecordId,
        salt: Salt,
        purpose: Purpose,
        seconds: i64,
    ) -> ReadBody {
        let login_hash = B256::from_slice(&<sha2::Sha256 as sha2::Digest>::digest(self.login_message.as_bytes()));
        let deadline = api.app.clock.now().saturating_add_signed(seconds);
        let request = ReadRequest {
            login_hash,
            record,
            version: 1,
            purpose,
            grantee: self.address(),
            salt,
            nonce: random(),
            deadline,
        };
        self.signed(api, request)
    }

    /// Signs a read request with the session key.
    pub(crate) fn signed(&self, api: &Api, request: ReadRequest) -> ReadBody {
        let signature: Signature = self.session_key.sign(&request.signed_bytes(&api.app.deployment));
        ReadBody { request, signature: Bytes::copy_from_slice(&signature.to_bytes()) }
    }

    /// Reads version 1 for treatment.
    pub(crate) async fn read(&self, api: &Api, record: RecordId, salt: Salt) -> Result<ReadAnswer, String> {
        let body = self.read_request(api, record, salt, Purpose::Treatment, 30);
        let answer = api.post("/v1/reads", &self.token, &body).await;
        if answer.status.is_success() { Ok(answer.ok()) } else { Err(answer.code()) }
    }
}

/// Signs an action with any key.
pub(crate) fn sign(signer: &PrivateKeySigner, api: &Api, action: Action) -> SignedAction {
    let signature = signer.sign_hash_sync(&action.signing_hash(&api.app.deployment)).unwrap();
    SignedAction { action, signature: Bytes::copy_from_slice(&signature.as_bytes()) }
}

/// 32 random bytes.
pub(crate) fn random() -> B256 {
    let mut bytes = B256::ZERO;
    rand::Rng::fill_bytes(&mut rand::rng(), bytes.as_mut_slice());
    bytes
}

/// A fresh nonce.
pub(crate) fn nonce() -> U256 {
    random().into()
}

/// A deadline an hour from the server's now.
pub(crate) fn deadline(api: &Api) -> U256 {
    U256::from(api.app.clock.now() + 3_600)
}

/// Publishes somebody's encryption key.
pub(crate) fn register_key(api: &Api, user: &User, epoch: u32) -> SignedAction {
    let key = Bytes::copy_from_slice(user.key().public_key().as_bytes());
    let message = RegisterKey {
        owner: user.address(),
        slot: 0,
        epoch,
        kem: KEM_X_WING,
        key,
        nonce: nonce(),
        deadline: deadline(api),
    };
    user.sign(api, Action::RegisterKey(message))
}

/// Everybody that a shared record needs, ready: a patient and a doctor with keys, the doctor accredited.
pub(crate) struct Cast {
    pub(crate) patient: User,
    pub(crate) doctor: User,
}

impl Cast {
    pub(crate) async fn on(world: &World, api: &Api) -> Self {
        let cast = Self {
            patient: api.login(world.signer(Role::Patient)).await,
            doctor: api.login(world.signer(Role::Doctor)).await,
        };
        accredit(world, api, cast.doctor.address(), 1).await;
        for user in [&cast.patient, &cast.doctor] {
            let done = api.post("/v1/actions", &user.token, &register_key(api, user, 0)).await;
            assert_eq!(done.status, StatusCode::OK, "{done:?}");
        }
        cast
    }
}

/// Makes somebody a practitioner in `roles` for a year: the first of this network, by an accreditor who is new too.
pub(crate) async fn accredit(world: &World, api: &Api, practitioner: Address, roles: u8) {
    let owner = api.login(world.signer(Role::Owner)).await;
    let accreditor = api.login(world.signer(Role::Accreditor)).await;
    let add = AddAccreditor {
        owner: owner.address(),
        accreditor: accreditor.address(),
        epoch: 0,
        nonce: nonce(),
        deadline: deadline(api),
    };
    let done = api.post("/v1/actions", &owner.token, &owner.sign(api, Action::AddAccreditor(add))).await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
    let done = api.post("/v1/actions", &accreditor.token, &vouch(api, &accreditor, practitioner, roles, 0)).await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
}

/// The accreditor vouches for a year, on top of the practitioner's `epoch`.
pub(crate) fn vouch(api: &Api, accreditor: &User, practitioner: Address, roles: u8, epoch: u32) -> SignedAction {
    let now = api.app.clock.now();
    let accredit = Accredit {
        accreditor: accreditor.address(),
        practitioner,
        roles,
        validFrom: U40::from(now - 3_600),
        validUntil: U40::from(now + 365 * 86_400),
        epoch,
        accreditorEpoch: 1,
        nonce: nonce(),
        deadline: deadline(api),
    };
    accreditor.sign(api, Action::Accredit(accredit))
}

/// A record of the patient's own, and the key that its envelope would have.
pub(crate) struct TestRecord {
    pub(crate) id: RecordId,
    pub(crate) dek: DataKey,
    pub(crate) body: RegisterBody,
}

/// Prepares a record: its envelope counts as uploaded, its message is signed, its release share sealed.
pub(crate) async fn prepare_record(api: &Api, patient: &User) -> TestRecord {
    let salt = random();
    let id = RecordId::derive(patient.address(), Salt(salt));
    let cid = Cid::of_block(Codec::Raw, salt.as_slice());
    let pin = doc! {
        "_id": id.to_string(),
        "record": id.to_string(),
        "version": 1,
        "uploader": format!("{:#x}", patient.address()),
        "state": "stored",
        "cid": cid.to_string(),
        "size": 4_096_i64,
        "changed_at": i64::try_from(api.app.clock.now()).unwrap(),
    };
    api.app.database.collection::<Document>("api_pins").insert_one(pin).await.unwrap();
    let message = RegisterRecord {
        uploader: patient.address(),
        patient: patient.address(),
        salt,
        category: 1,
        codec: cid.codec().code(),
        digest: cid.digest(),
        writeSalt: B256::ZERO,
        nonce: nonce(),
        deadline: deadline(api),
    };
    let dek = DataKey::generate(&mut rand::rng());
    let release_share = release_capsule(api, &dek, patient.address(), id);
    let action = Some(patient.sign(api, Action::RegisterRecord(message)));
    let body = RegisterBody { action, record: id, version: 1, release_share, salt: None, write_salt: None };
    TestRecord { id, dek, body }
}

/// Registers a record of the patient's own.
pub(crate) async fn register_record(api: &Api, patient: &User) -> TestRecord {
    let record = prepare_record(api, patient).await;
    let done = api.post("/v1/records", &patient.token, &record.body).await;
    assert_eq!(done.status, StatusCode::CREATED, "{done:?}");
    record
}

pub(crate) fn record_version(api: &Api, record: RecordId) -> RecordVersion {
    RecordVersion {
        chain_id: api.app.deployment.chain_id,
        registry: api.app.deployment.address_of(ContractName::RecordRegistry),
        record,
        version: 1,
    }
}

/// The release share of a version in a capsule for the operator.
pub(crate) fn release_capsule(api: &Api, dek: &DataKey, patient: Address, record: RecordId) -> Bytes {
    let of = record_version(api, record);
    let newest = api.app.deployment.operator_key().unwrap();
    let binding = Binding::release_share(&of, patient, api.app.operator.address(), newest.epoch);
    Bytes::copy_from_slice(Capsule::seal(&dek.release_share(&of), &newest.key, &binding).as_bytes())
}

/// What a grant to read says.
pub(crate) struct Terms {
    pub(crate) salt: Salt,
    pub(crate) purposes: u16,
    pub(crate) not_before: u64,
    pub(crate) not_after: u64,
    pub(crate) epoch: u32,
    pub(crate) patient_epoch: u32,
}

impl Terms {
    /// For treatment, now and for an hour.
    pub(crate) fn now(api: &Api) -> Self {
        let now = api.app.clock.now();
        Self {
            salt: Salt(random()),
            purposes: Purpose::Treatment.bit(),
            not_before: now - 60,
            not_after: now + 3_600,
            epoch: 0,
            patient_epoch: 0,
        }
    }
}

/// A grant over one record with its bundle.
pub(crate) fn grant_body(api: &Api, patient: &User, doctor: &User, record: &TestRecord, terms: &Terms) -> GrantBody {
    let of = record_version(api, record.id);
    let binding = Binding::reader_share(&of, patient.address(), doctor.address(), 1, terms.epoch + 1);
    let share = record.dek.reader_share(&of);
    let capsule = Capsule::seal(&share, doctor.key().public_key(), &binding);
    let bundle = BundleBody {
        kind: ScopeKind::Record,
        scope_id: record.id.0,
        capsules: vec![VersionCapsule { version: 1, capsule: Bytes::copy_from_slice(capsule.as_bytes()) }],
    };
    let message = Grant {
        patient: patient.address(),
        tag: Tag::derive(doctor.address(), terms.salt).0,
        rights: Right::Read.bit(),
        purposes: terms.purposes,
        notBefore: U40::from(terms.not_before),
        notAfter: U40::from(terms.not_after),
        patientEpoch: terms.patient_epoch,
        scopes: vec![Scope {
            kind: ScopeKind::Record.code(),
            id: record.id.0,
            epoch: terms.epoch,
            bundleHash: Bundle::try_from(&bundle).unwrap().hash(),
        }],
        nonce: nonce(),
        deadline: deadline(api),
    };
    GrantBody {
        action: Some(patient.sign(api, Action::Grant(message))),
        grantee: doctor.address(),
        salt: terms.salt,
        right: Right::Read,
        bundles: vec![bundle],
        request: None,
    }
}

/// Grants version 1 of a record to the doctor; gives the salt of the tag.
pub(crate) async fn grant(api: &Api, cast: &Cast, record: &TestRecord, terms: Terms) -> Salt {
    let body = grant_body(api, &cast.patient, &cast.doctor, record, &terms);
    let done = api.post("/v1/grants", &cast.patient.token, &body).await;
    assert_eq!(done.status, StatusCode::CREATED, "{done:?}");
    terms.salt
}

/// A signed end of the doctor's grant over a record.
pub(crate) fn revoke(api: &Api, cast: &Cast, record: RecordId, salt: Salt) -> SignedAction {
    let tag = Tag::derive(cast.doctor.address(), salt).0;
    let message = Revoke {
        patient: cast.patient.address(),
        grants: vec![GrantRef { tag, kind: ScopeKind::Record.code(), id: record.0 }],
        nonce: nonce(),
        deadline: deadline(api),
    };
    cast.patient.sign(api, Action::Revoke(message))
}

/// A signed end of everything that the patient gave.
pub(crate) fn revoke_all(api: &Api, patient: &User) -> SignedAction {
    let message = RevokeAll { patient: patient.address(), nonce: nonce(), deadline: deadline(api) };
    patient.sign(api, Action::RevokeAll(message))
}

/// Asks again and again until there is an answer; fails loudly after a while.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    for _ in 0..400 {
        if let Some(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("did not happen in 20 s: {what}");
}

/// Does what the indexer does with events: puts those of the chain that are not in the mirror yet into it.
pub(crate) async fn mirror_events(api: &Api) {
    let names = [
        ContractName::Accreditation,
        ContractName::KeyRegistry,
        ContractName::RecordRegistry,
        ContractName::GrantRegistry,
        ContractName::AccessLog,
    ];
    let addresses: Vec<Address> = names.iter().map(|name| api.app.deployment.address_of(*name)).collect();
    let events = api.app.database.collection::<EventDoc>(mirror::collection::EVENTS);
    let filter = Filter::new().address(addresses).from_block(0);
    for log in api.app.chain.get_logs(&filter).await.unwrap() {
        let place = Place {
            block_number: log.block_number.unwrap(),
            block_hash: log.block_hash.unwrap(),
            block_time: api.app.clock.now(),
            tx_hash: log.transaction_hash.unwrap(),
            log_index: log.log_index.unwrap(),
        };
        let event = EventDoc {
            id: format!("{:#x}:{}", place.block_hash, place.log_index),
            place,
            contract: log.address(),
            name: String::new(),
            topics: log.topics().iter().map(|topic| format!("{topic:#x}")).collect(),
            data: log.data().data.clone(),
            about: Vec::new(),
        };
        if let Ok(granted) = Granted::decode_log(&log.inner) {
            mirror_granted(api, &granted, event.place.clone()).await;
        }
        // Those that stand already are left alone.
        let _ = events.insert_one(event).await;
    }
}

/// Puts a grant into the mirror that the event has made; its renewals and its end are left out.
async fn mirror_granted(api: &Api, granted: &Granted, place: Place) {
    let terms = contracts::Terms::from(granted.terms);
    let kind = terms.kind.unwrap();
    let grant = GrantDoc {
        id: GrantId::derive(granted.patient, granted.tag.into(), kind, granted.scopeId),
        patient: granted.patient,
        tag: granted.tag.into(),
        kind,
        scope_id: granted.scopeId,
        rights: terms.rights,
        purposes: terms.purposes,
        not_before: terms.not_before,
        not_after: terms.not_after,
        epoch: terms.epoch,
        patient_epoch: terms.patient_epoch,
        bundle_hash: granted.bundleHash,
        revoked: false,
        place,
    };
    let grants = api.app.database.collection::<GrantDoc>(mirror::collection::GRANTS);
    let _ = grants.insert_one(grant).await;
}

/// How many capsules the bundles of a grant have that are kept, by grant epoch.
pub(crate) async fn capsules(api: &Api, grant: GrantId) -> BTreeMap<i64, usize> {
    let bundles = api.app.database.collection::<Document>("api_bundles");
    let of_grant = doc! { "grant": api.app.at_rest.find(Lookup::BundleGrant, grant.0) };
    let mut found = bundles.find(of_grant).await.unwrap();
    let mut counts = BTreeMap::new();
    while let Some(bundle) = found.next().await {
        let bundle = bundle.unwrap();
        let sealed = |name: &str| Sealed::from_bytes(bundle.get_binary_generic(name).unwrap().clone());
        let id = bundle.get_str("_id").unwrap();
        let about: serde_json::Value = api.app.at_rest.open(Use::BundleAbout, id, &sealed("about")).unwrap();
        let body: BundleBody = api.app.at_rest.open(Use::Bundle, id, &sealed("sealed")).unwrap();
        counts.insert(about["epoch"].as_i64().unwrap(), body.capsules.len());
    }
    counts
}

/// The doctor's grant over a record.
pub(crate) fn grant_of(cast: &Cast, record: RecordId, salt: Salt) -> GrantId {
    let tag = Tag::derive(cast.doctor.address(), salt);
    GrantId::derive(cast.patient.address(), tag, ScopeKind::Record, record.0)
}

/// What the indexer would write about a record of the patient's with one version.
pub(crate) async fn mirror_record(api: &Api, patient: &User, record: &TestRecord) {
    let Some(Action::RegisterRecord(message)) = record.body.action.as_ref().map(|signed| &signed.action) else {
        unreachable!("it is registered by a message")
    };
    let place = Place { block_number: 1, block_hash: B256::ZERO, block_time: 1, tx_hash: B256::ZERO, log_index: 0 };
    let doc = RecordDoc {
        id: record.id,
        patient: patient.address(),
        uploader: patient.address(),
        category: message.category,
        status: 1,
        tombstone_epoch: 0,
        liftable_until: 0,
        retracted: 0,
        version: 1,
        created: 1,
        place: place.clone(),
    };
    let version = VersionDoc {
        id: mirror::version_id(record.id, 1),
        record: record.id,
        version: 1,
        patient: patient.address(),
        uploader: patient.address(),
        codec: message.codec,
        digest: message.digest,
        cid: cid_of(record),
        place,
    };
    api.app.database.collection(mirror::collection::RECORDS).insert_one(doc).await.unwrap();
    api.app.database.collection(mirror::collection::VERSIONS).insert_one(version).await.unwrap();
}

/// The CID of a prepared record's envelope.
pub(crate) fn cid_of(record: &TestRecord) -> String {
    let Some(Action::RegisterRecord(message)) = record.body.action.as_ref().map(|signed| &signed.action) else {
        unreachable!("it is registered by a message")
    };
    Cid::new(Codec::from_code(message.codec).unwrap(), message.digest).to_string()
}

/// What the indexer would write about a grant to read that stands, changed as the test wants.
pub(crate) async fn mirror_grant(
    api: &Api,
    cast: &Cast,
    grantee: &User,
    record: RecordId,
    salt: Salt,
    change: impl FnOnce(&mut GrantDoc),
) {
    let tag = Tag::derive(grantee.address(), salt);
    let mut grant = GrantDoc {
        id: GrantId::derive(cast.patient.address(), tag, ScopeKind::Record, record.0),
        patient: cast.patient.address(),
        tag,
        kind: ScopeKind::Record,
        scope_id: record.0,
        rights: Right::Read.bit(),
        purposes: Purpose::Treatment.bit(),
        not_before: 0,
        not_after: api.app.clock.now() + 3_600,
        epoch: 1,
        patient_epoch: 0,
        bundle_hash: B256::ZERO,
        revoked: false,
        place: Place { block_number: 1, block_hash: B256::ZERO, block_time: 1, tx_hash: B256::ZERO, log_index: 0 },
    };
    change(&mut grant);
    let grants = api.app.database.collection::<GrantDoc>(mirror::collection::GRANTS);
    grants.replace_one(doc! { "_id": grant.id.to_string() }, &grant).upsert(true).await.unwrap();
}

/// How many events of this kind stand in somebody's feed.
pub(crate) async fn feed_of(api: &Api, user: &User, kind: FeedKind) -> u64 {
    let feed = api.app.database.collection::<Document>("api_feed");
    let kind = serde_json::to_value(kind).unwrap();
    let to = api.app.at_rest.find(Lookup::Feed, user.address());
    let mut entries = feed.find(doc! { "to": to }).await.unwrap();
    let mut count = 0;
    while let Some(entry) = entries.next().await {
        let entry = entry.unwrap();
        let sealed = Sealed::from_bytes(entry.get_binary_generic("sealed").unwrap().clone());
        let told: serde_json::Value = api.app.at_rest.open(Use::Feed, entry.get_str("_id").unwrap(), &sealed).unwrap();
        count += u64::from(told["kind"] == kind);
    }
    count
}
