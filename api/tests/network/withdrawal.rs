//! A record that is withdrawn: nothing of it is destroyed while its patient can take that back, everything afterwards. And
//! an uploader whose authority has ended.

use alloy::primitives::{B256, aliases::U40};
use axum::http::StatusCode;
use localnet::Role;
use mongodb::bson::{Document, doc};
use protocol::{
    bodies::{
        records::RegisterBody,
        relay::{ActionState, ActionView},
    },
    cid::{Cid, Codec},
    codes::ScopeKind,
    ids::{RecordId, Salt, Tag},
    messages::{Action, Grant, LiftTombstone, RegisterRecord, RegisterVersion, Retract, Scope, Suspend, Tombstone},
    mirror::{self, CURSOR_ID, CursorDoc, MIRROR_VERSION, Place, RecordDoc},
    secret::DataKey,
};
use serde_json::json;

use super::world::{
    self, Api, Cast, Terms, User, World, accredit, deadline, eventually, grant, grant_of, mirror_events, nonce, random,
    register_record, release_capsule, revoke,
};

fn tombstone(api: &Api, patient: &User, record: RecordId, epoch: u32) -> Action {
    Action::Tombstone(Tombstone {
        patient: patient.address(),
        record: record.0,
        epoch,
        nonce: nonce(),
        deadline: deadline(api),
    })
}

fn lift(api: &Api, patient: &User, record: RecordId, epoch: u32) -> Action {
    // A block can have a later time than this server's clock.
    let deadline = deadline(api) + alloy::primitives::U256::from(10 * 86_400);
    Action::LiftTombstone(LiftTombstone {
        patient: patient.address(),
        record: record.0,
        epoch,
        nonce: nonce(),
        deadline,
    })
}

async fn carried_out(api: &Api, user: &User, action: Action) {
    let done = api.post("/v1/actions", &user.token, &user.sign(api, action)).await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
}

async fn count(api: &Api, collection: &str, filter: Document) -> u64 {
    api.app.database.collection::<Document>(collection).count_documents(filter).await.unwrap()
}

/// How many capsules of the doctor's grant over a record are kept.
async fn capsules(api: &Api, cast: &Cast, record: RecordId, salt: Salt) -> usize {
    world::capsules(api, grant_of(cast, record, salt)).await.into_values().sum()
}

#[tokio::test]
async fn a_withdrawn_record_is_destroyed_only_once_its_patient_can_no_longer_take_that_back() {
    let world = World::start().await;
    let api = world.api().await;
    let cast = Cast::on(&world, &api).await;
    let patient = &cast.patient;
    let (record, other) = (register_record(&api, patient).await, register_record(&api, patient).await);
    let salt = grant(&api, &cast, &record, Terms::now(&api)).await;
    let ended = grant(&api, &cast, &other, Terms::now(&api)).await;
    let shares = || count(&api, "api_release_shares", doc! { "record": record.id.to_string() });

    carried_out(&api, patient, tombstone(&api, patient, record.id, 0)).await;
    assert_eq!(cast.doctor.read(&api, record.id, salt).await.err().expect("refused"), "record_tombstoned");
    // Another end, told later, shows that what is due was destroyed meanwhile.
    let end = json!({ "action": revoke(&api, &cast, other.id, ended) });
    assert_eq!(api.post("/v1/grants/revoke", &patient.token, &end).await.status, StatusCode::OK);
    world.rpc("anvil_mine", json!(["0x4"])).await;
    eventually("the ended grant's capsules are destroyed", || async {
        mirror_events(&api).await;
        (capsules(&api, &cast, other.id, ended).await == 0).then_some(())
    })
    .await;
    assert_eq!(
        (shares().await, capsules(&api, &cast, record.id, salt).await),
        (1, 1),
        "the patient can still take it back"
    );

    carried_out(&api, patient, lift(&api, patient, record.id, 1)).await;
    cast.doctor.read(&api, record.id, salt).await.expect("the grant counts again");

    // Withdrawn again; the first withdrawal's time comes, and the record was opened in between.
    carried_out(&api, patient, tombstone(&api, patient, record.id, 2)).await;
    mirror_record(&api, record.id).await;
    api::blobs::sweeper::sweep_once(&api.app).await.unwrap();
    assert_eq!(count(&api, "api_pins", doc! { "record": record.id.to_string() }).await, 1, "the pin waits as well");
    world.rpc("evm_increaseTime", json!([86_401])).await;
    world.rpc("anvil_mine", json!(["0x1"])).await;
    let late = api.post("/v1/actions", &patient.token, &patient.sign(&api, lift(&api, patient, record.id, 3))).await;
    assert_eq!(late.code(), "lift_period_over");
    // The block behind which nothing falls out has to be late enough, too.
    world.rpc("anvil_mine", json!(["0x4"])).await;
    eventually("share and capsules are destroyed", || async {
        mirror_events(&api).await;
        (shares().await == 0 && capsules(&api, &cast, record.id, salt).await == 0).then_some(())
    })
    .await;
    mirror_record(&api, record.id).await;
    api::blobs::sweeper::sweep_once(&api.app).await.unwrap();
    assert_eq!(count(&api, "api_pins", doc! { "record": record.id.to_string() }).await, 0, "and the pin");
    assert_eq!(count(&api, "api_release_shares", doc! { "record": other.id.to_string() }).await, 1);
}

/// Carries out an action past every server, as its signer's own transaction.
async fn sent_directly(world: &World, api: &Api, action: &Action) {
    let (to, data) = contracts::direct_call_of(action, &api.app.deployment).expect("an action of a person");
    let from = action.signer();
    world.rpc("anvil_impersonateAccount", json!([from])).await;
    let hash = world.rpc("eth_sendTransaction", json!([{ "from": from, "to": to, "data": data }])).await;
    // Anvil mines at once, but tells of the hash before.
    let receipt = eventually("the transaction is mined", || async {
        let receipt = world.rpc("eth_getTransactionReceipt", json!([hash])).await;
        receipt.is_object().then_some(receipt)
    })
    .await;
    assert_eq!(receipt["status"], "0x1", "{} is carried out", action.name());
}

/// Gives the relayer of what takes away this much ether, and waits until the server knows.
async fn urgent_purse_becomes(world: &World, api: &Api, wei: &str) {
    world.rpc("anvil_setBalance", json!([api.app.relayers.urgent.address(), wei])).await;
    eventually("the purse is known", || async {
        let metrics = String::from_utf8(api.get("/metrics", "").await.bytes()).unwrap();
        let poor = u8::from(wei == "0x0");
        metrics.contains(&format!("medlock_api_relayer_poor{{line=\"urgent\"}} {poor}")).then_some(())
    })
    .await;
}

/// The code with which a relayed action fails.
async fn failure_of(api: &Api, user: &User, action: &ActionView) -> String {
    eventually("the action fails", || async {
        let view: ActionView = api.get(&format!("/v1/actions/{}", action.id), &user.token).await.ok();
        assert_ne!(view.state, ActionState::Mined, "it must not land");
        view.problem.filter(|_| view.state == ActionState::Failed).map(|problem| problem.code)
    })
    .await
}

#[tokio::test]
async fn a_tombstone_that_waits_never_lands_after_its_patient_has_closed_and_opened_the_record() {
    let world = World::start().await;
    let api = world.idle_api(&["--relay-wait-seconds", "0"]).await;
    api::background::start(&api.app);
    // The record and its grant come through a server that waits for the chain.
    let other = world.api().await;
    let cast = Cast::on(&world, &other).await;
    let patient = &cast.patient;
    let record = register_record(&other, patient).await;
    let salt = grant(&other, &cast, &record, Terms::now(&other)).await;
    let withdraw = async |epoch| {
        let signed = patient.sign(&api, tombstone(&api, patient, record.id, epoch));
        let sent = api.post("/v1/actions", &patient.token, &signed).await;
        assert_eq!(sent.status, StatusCode::ACCEPTED, "{sent:?}");
        assert_eq!(cast.doctor.read(&api, record.id, salt).await.err().expect("refused"), "record_tombstoned");
        sent.ok::<ActionView>()
    };

    // The server has it and cannot pay; the patient closes the record directly, and opens it again.
    urgent_purse_becomes(&world, &api, "0x0").await;
    let first = withdraw(0).await;
    sent_directly(&world, &api, &tombstone(&api, patient, record.id, 0)).await;
    assert_eq!(cast.doctor.read(&api, record.id, salt).await.err().expect("refused"), "record_tombstoned");
    sent_directly(&world, &api, &lift(&api, patient, record.id, 1)).await;
    cast.doctor.read(&api, record.id, salt).await.expect("what waits can no longer land, so the grant counts again");
    urgent_purse_becomes(&world, &api, "0x56bc75e2d63100000").await;
    assert_eq!(failure_of(&api, patient, &first).await, "stale_state");
    cast.doctor.read(&api, record.id, salt).await.expect("the record stays open");

    // Once the mirror has seen it, what is stale is told while it still waits.
    urgent_purse_becomes(&world, &api, "0x0").await;
    let second = withdraw(2).await;
    sent_directly(&world, &api, &tombstone(&api, patient, record.id, 0)).await;
    sent_directly(&world, &api, &lift(&api, patient, record.id, 3)).await;
    mirror_record(&api, record.id).await;
    assert_eq!(failure_of(&api, patient, &second).await, "stale_state");
    cast.doctor.read(&api, record.id, salt).await.expect("the record stays open");

    // And it can be closed once more.
    urgent_purse_becomes(&world, &api, "0x56bc75e2d63100000").await;
    withdraw(4).await;
    eventually("the record is closed", || async {
        mirror_record(&api, record.id).await;
        (count(&api, mirror::collection::RECORDS, doc! { "status": 3 }).await == 1).then_some(())
    })
    .await;
}

/// What the indexer would write about a record of its patient's own making, and how far it has come.
async fn mirror_record(api: &Api, record: RecordId) {
    let registry = api.app.deployment.address_of(protocol::deployment::ContractName::RecordRegistry);
    let registry = contracts::record_registry::RecordRegistry::new(registry, api.app.chain.clone());
    let known = registry.recordOf(record.0).call().await.unwrap();
    let stored = registry.tombstoneOf(record.0).call().await.unwrap();
    let place = Place { block_number: 1, block_hash: B256::ZERO, block_time: 1, tx_hash: B256::ZERO, log_index: 0 };
    let doc = RecordDoc {
        id: record,
        patient: known.patient,
        uploader: known.patient,
        category: known.category,
        status: known.status,
        tombstone_epoch: stored.epoch,
        liftable_until: stored.liftableUntil.to(),
        retracted: 0,
        version: 1,
        created: 1,
        place,
    };
    let cursor = CursorDoc {
        id: CURSOR_ID.to_owned(),
        mirror_version: MIRROR_VERSION,
        chain_id: api.app.deployment.chain_id,
        genesis_hash: api.app.deployment.genesis_hash,
        contracts: Vec::new(),
        block_number: alloy::providers::Provider::get_block_number(&api.app.chain).await.unwrap(),
        block_hash: B256::ZERO,
        block_time: 0,
    };
    let records = api.app.database.collection::<RecordDoc>(mirror::collection::RECORDS);
    records.replace_one(doc! { "_id": record.to_string() }, doc).upsert(true).await.unwrap();
    let cursors = api.app.database.collection::<CursorDoc>(mirror::collection::CURSOR);
    cursors.replace_one(doc! { "_id": CURSOR_ID }, cursor).upsert(true).await.unwrap();
}

/// A laboratory that the patient lets write laboratory records, and a record of its making.
struct Uploaded {
    lab: User,
    record: RecordId,
    salt: Salt,
    write_salt: Salt,
    dek: DataKey,
}

impl Uploaded {
    async fn on(world: &World, api: &Api, patient: &User) -> Self {
        let lab = api.login(world.signer(Role::Lab)).await;
        accredit(world, api, lab.address(), 4).await;
        let write_salt = Salt(random());
        let now = api.app.clock.now();
        let scope = Scope {
            kind: ScopeKind::Category.code(),
            id: B256::left_padding_from(&[1]),
            epoch: 0,
            bundleHash: B256::ZERO,
        };
        let write = Grant {
            patient: patient.address(),
            tag: Tag::derive(lab.address(), write_salt).0,
            rights: 2,
            purposes: 0,
            notBefore: U40::from(now - 10),
            notAfter: U40::from(now + 86_400),
            patientEpoch: 0,
            scopes: vec![scope],
            nonce: nonce(),
            deadline: deadline(api),
        };
        carried_out(api, patient, Action::Grant(write)).await;
        let salt = Salt(random());
        let record = RecordId::derive(lab.address(), salt);
        let uploaded = Self { lab, record, salt, write_salt, dek: DataKey::generate(&mut rand::rng()) };
        // Past the server, so that no share is here yet.
        carried_out(api, &uploaded.lab, uploaded.registration(api, patient, salt)).await;
        uploaded
    }

    fn registration(&self, api: &Api, patient: &User, salt: Salt) -> Action {
        let cid = Cid::of_block(Codec::Raw, salt.0.as_slice());
        Action::RegisterRecord(RegisterRecord {
            uploader: self.lab.address(),
            patient: patient.address(),
            salt: salt.0,
            category: 1,
            codec: cid.codec().code(),
            digest: cid.digest(),
            writeSalt: self.write_salt.0,
            nonce: nonce(),
            deadline: deadline(api),
        })
    }

    /// Another record of the laboratory's.
    fn another(&self, api: &Api, patient: &User) -> Action {
        self.registration(api, patient, Salt(random()))
    }

    fn next_version(&self, api: &Api) -> Action {
        let cid = Cid::of_block(Codec::Raw, b"corrected");
        Action::RegisterVersion(RegisterVersion {
            uploader: self.lab.address(),
            record: self.record.0,
            version: 1,
            codec: cid.codec().code(),
            digest: cid.digest(),
            salt: self.salt.0,
            writeSalt: self.write_salt.0,
            nonce: nonce(),
            deadline: deadline(api),
        })
    }

    /// What the laboratory sends to deposit the release share of its version.
    fn deposit(&self, api: &Api, patient: &User) -> RegisterBody {
        RegisterBody {
            action: None,
            record: self.record,
            version: 1,
            release_share: release_capsule(api, &self.dek, patient.address(), self.record),
            salt: Some(self.salt),
            write_salt: Some(self.write_salt),
        }
    }

    fn retraction(&self, api: &Api) -> Action {
        Action::Retract(Retract {
            uploader: self.lab.address(),
            record: self.record.0,
            version: 1,
            salt: self.salt.0,
            writeSalt: self.write_salt.0,
            nonce: nonce(),
            deadline: deadline(api),
        })
    }

    /// The codes with which the laboratory is refused: to deposit, to retract, to close.
    async fn refusals(&self, api: &Api, patient: &User) -> [String; 3] {
        let lab = &self.lab;
        let deposit = api.post("/v1/records", &lab.token, &self.deposit(api, patient)).await;
        let retract = api.post("/v1/actions", &lab.token, &lab.sign(api, self.retraction(api))).await;
        let close = lab.sign(api, tombstone(api, lab, self.record, 0));
        let close = api.post("/v1/actions", &lab.token, &close).await;
        [deposit.code(), retract.code(), close.code()]
    }
}

#[tokio::test]
async fn a_suspended_uploader_can_change_nothing_about_a_record() {
    let world = World::start().await;
    let api = world.api().await;
    let patient = api.login(world.signer(Role::Patient)).await;
    let uploaded = Uploaded::on(&world, &api, &patient).await;
    let accreditor = api.login(world.signer(Role::Accreditor)).await;
    let suspend = Suspend {
        accreditor: accreditor.address(),
        practitioner: uploaded.lab.address(),
        nonce: nonce(),
        deadline: deadline(&api),
    };
    carried_out(&api, &accreditor, Action::Suspend(suspend)).await;
    assert_eq!(uploaded.refusals(&api, &patient).await, ["not_accredited", "not_accredited", "forbidden"]);
    assert_eq!(count(&api, "api_release_shares", doc! {}).await, 0);
}

#[tokio::test]
async fn an_uploader_whose_grant_was_revoked_can_change_nothing_about_a_record() {
    let world = World::start().await;
    let api = world.idle_api(&["--relay-wait-seconds", "1"]).await;
    api::background::start(&api.app);
    let patient = api.login(world.signer(Role::Patient)).await;
    let uploaded = Uploaded::on(&world, &api, &patient).await;
    let revoke_all =
        protocol::messages::RevokeAll { patient: patient.address(), nonce: nonce(), deadline: deadline(&api) };
    // From the moment that the server has the revocation, mined or not.
    world.rpc("evm_setAutomine", json!([false])).await;
    let signed = patient.sign(&api, Action::RevokeAll(revoke_all));
    assert_eq!(api.post("/v1/actions", &patient.token, &signed).await.status, StatusCode::ACCEPTED);
    let deposit = api.post("/v1/records", &uploaded.lab.token, &uploaded.deposit(&api, &patient)).await;
    assert_eq!(deposit.code(), "grant_revoked");
    // Past /v1/records the rule is the same.
    for action in [uploaded.retraction(&api), uploaded.another(&api, &patient), uploaded.next_version(&api)] {
        let name = action.name();
        let sent = api.post("/v1/actions", &uploaded.lab.token, &uploaded.lab.sign(&api, action)).await;
        assert_eq!(sent.code(), "grant_revoked", "{name}");
    }
    world.rpc("evm_setAutomine", json!([true])).await;
    world.rpc("evm_mine", json!([])).await;
    eventually("the revocation is mined", || async {
        let deposit = api.post("/v1/records", &uploaded.lab.token, &uploaded.deposit(&api, &patient)).await;
        (deposit.code() == "no_grant").then_some(())
    })
    .await;
    assert_eq!(uploaded.refusals(&api, &patient).await, ["no_grant", "no_grant", "forbidden"]);
    assert_eq!(count(&api, "api_release_shares", doc! {}).await, 0);
}

#[tokio::test]
async fn an_uploader_that_may_deposits_once_shows_how_and_retracts() {
    let world = World::start().await;
    let api = world.api().await;
    let patient = api.login(world.signer(Role::Patient)).await;
    let uploaded = Uploaded::on(&world, &api, &patient).await;
    let lab = &uploaded.lab;
    let unproven = RegisterBody { write_salt: None, ..uploaded.deposit(&api, &patient) };
    assert_eq!(api.post("/v1/records", &lab.token, &unproven).await.code(), "no_grant");
    let guessed = RegisterBody { write_salt: Some(Salt(random())), ..uploaded.deposit(&api, &patient) };
    assert_eq!(api.post("/v1/records", &lab.token, &guessed).await.code(), "no_grant");
    let done = api.post("/v1/records", &lab.token, &uploaded.deposit(&api, &patient)).await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
    assert_eq!(count(&api, "api_release_shares", doc! { "record": uploaded.record.to_string() }).await, 1);
    carried_out(&api, lab, uploaded.retraction(&api)).await;
    let again = api.post("/v1/actions", &lab.token, &lab.sign(&api, uploaded.retraction(&api))).await;
    assert_eq!(again.code(), "stale_state");
}
