//! The mirror's documents, written as the indexer would.

use alloy::{
    primitives::{Address, B256, Bytes, keccak256},
    providers::Provider,
};
use api::at_rest::{Lookup, Use};
use mongodb::bson::{Document, doc};
use protocol::{
    codes::{KEM_X_WING, Purpose, Right, Role, ScopeKind},
    identity::PUBLIC_KEY_LEN,
    ids::{GrantId, RecordId, Salt, Tag},
    mirror::{
        AccreditorDoc, CURSOR_ID, CursorDoc, GrantDoc, KeyDoc, MIRROR_VERSION, Place, PractitionerDoc, RecordDoc,
        VersionDoc, collection, key_id, version_id,
    },
};
use serde::Serialize;
use serde_json::json;

use super::{people::User, records::TestRecord, seeds, servers::Server};

/// When the mirrored records were registered.
pub(crate) const CREATED: u64 = 1_700_000_000;

impl Server {
    /// Adds a document to a collection of the database.
    pub(crate) async fn mirror<T: Serialize + Send + Sync>(&self, collection: &str, doc: &T) {
        self.mirror_all(collection, std::slice::from_ref(doc)).await;
    }

    /// Adds documents to a collection of the database.
    pub(crate) async fn mirror_all<T: Serialize + Send + Sync>(&self, collection: &str, docs: &[T]) {
        self.app.database.collection::<T>(collection).insert_many(docs).await.expect("the database takes them");
    }

    /// Puts a document in the place of the one with its `_id`, if there is one.
    pub(crate) async fn replace<T: Serialize + Send + Sync>(&self, collection: &str, doc: &T) {
        let document = mongodb::bson::to_document(doc).expect("a document");
        let id = document.get("_id").cloned().expect("a document of the mirror has an id");
        let collection = self.app.database.collection::<Document>(collection);
        collection.replace_one(doc! { "_id": id }, document).upsert(true).await.expect("the database takes it");
    }

    /// Adds a record with its version 1.
    pub(crate) async fn register(&self, record: RecordId, patient: Address, uploader: Address, cid: &str) {
        self.mirror(collection::RECORDS, &record_doc(record, patient, uploader, CREATED, 1)).await;
        self.mirror(collection::VERSIONS, &version_doc(record, 1, patient, uploader, cid)).await;
    }

    /// Returns the cursor of a mirror that has come to the head of the chain.
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

    /// Writes the cursor of a mirror that has come to the head of the chain.
    pub(crate) async fn mirror_is_at_head(&self) {
        self.replace(collection::CURSOR, &self.cursor().await).await;
    }

    pub(crate) async fn count(&self, collection: &str) -> u64 {
        self.count_of(collection, Document::new()).await
    }

    pub(crate) async fn count_of(&self, collection: &str, filter: Document) -> u64 {
        self.app.database.collection::<Document>(collection).count_documents(filter).await.expect("a count")
    }
}

/// Returns where a mirrored event is; no test depends on it.
pub(crate) fn place() -> Place {
    Place { block_number: 1, block_hash: B256::ZERO, block_time: CREATED, tx_hash: B256::ZERO, log_index: 0 }
}

pub(crate) fn record_doc(id: RecordId, patient: Address, uploader: Address, created: u64, version: u16) -> RecordDoc {
    RecordDoc {
        id,
        patient,
        uploader,
        category: 1,
        status: 1,
        tombstone_epoch: 0,
        liftable_until: 0,
        retracted: 0,
        version,
        created,
        place: place(),
    }
}

pub(crate) fn version_doc(
    record: RecordId,
    version: u16,
    patient: Address,
    uploader: Address,
    cid: &str,
) -> VersionDoc {
    VersionDoc {
        id: version_id(record, version),
        record,
        version,
        patient,
        uploader,
        codec: 0x55,
        digest: B256::ZERO,
        cid: cid.to_owned(),
        place: place(),
    }
}

/// Returns a standing grant to read a record for treatment.
pub(crate) fn grant_doc(patient: Address, grantee: Address, record: RecordId, salt: Salt, not_after: u64) -> GrantDoc {
    let tag = Tag::derive(grantee, salt);
    GrantDoc {
        id: GrantId::derive(patient, tag, ScopeKind::Record, record.0),
        patient,
        tag,
        kind: ScopeKind::Record,
        scope_id: record.0,
        rights: Right::Read.bit(),
        purposes: Purpose::Treatment.bit(),
        not_before: 0,
        not_after,
        epoch: 1,
        patient_epoch: 0,
        bundle_hash: B256::ZERO,
        revoked: false,
        place: place(),
    }
}

pub(crate) fn key_doc(owner: Address, epoch: u32) -> KeyDoc {
    let key = Bytes::from(vec![4; PUBLIC_KEY_LEN]);
    let key_hash = keccak256(&key);
    KeyDoc { id: key_id(owner, 0, epoch), owner, slot: 0, epoch, kem: KEM_X_WING, key_hash, key, place: place() }
}

pub(crate) fn accreditor_doc(address: Address, active: bool, epoch: u32) -> AccreditorDoc {
    AccreditorDoc { address, active, epoch, place: place() }
}

/// Returns an accreditation that stands until 2096.
pub(crate) fn practitioner_doc(address: Address, accreditor: Address, roles: &[Role]) -> PractitionerDoc {
    PractitionerDoc {
        address,
        accreditor,
        roles: Role::mask(roles),
        valid_from: 0,
        valid_until: 4_000_000_000,
        suspended: false,
        epoch: 1,
        accreditor_epoch: 1,
        place: place(),
    }
}

/// Mirrors a registered record of the patient's own.
pub(crate) async fn mirror_record(patient: &User, record: &TestRecord) {
    let (server, message, owner) = (&patient.server, record.message(), patient.address());
    let version = version_doc(record.id, 1, owner, owner, &record.cid());
    let version = VersionDoc { codec: message.codec, digest: message.digest, ..version };
    let record = RecordDoc { category: message.category, ..record_doc(record.id, owner, owner, 1, 1) };
    server.mirror(collection::RECORDS, &record).await;
    server.mirror(collection::VERSIONS, &version).await;
}

/// Mirrors a grant to read for an hour, changed as the test wants.
pub(crate) async fn mirror_grant(
    patient: &User,
    grantee: &User,
    record: RecordId,
    salt: Salt,
    change: impl FnOnce(&mut GrantDoc),
) {
    let server = &patient.server;
    let end = server.app.clock.now() + 3_600;
    let mut grant = grant_doc(patient.address(), grantee.address(), record, salt, end);
    change(&mut grant);
    server.replace(collection::GRANTS, &grant).await;
}

/// Returns what the server keeps of a grant to read a record, on this shelf of its grantee; `number` counts what the
/// grantee has received.
pub(crate) fn received(
    server: &Server,
    grant: &GrantDoc,
    (grantee, salt): (Address, Salt),
    created: u64,
    (shelf, number): (&str, u64),
) -> Document {
    let at_rest = &server.app.at_rest;
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

/// Writes records of one patient each, and a grant over each to `grantee` on this shelf; returns patients, records and
/// grants.
pub(crate) async fn shared(
    server: &Server,
    grantee: Address,
    shelf: &str,
    count: u64,
) -> Vec<(Address, RecordId, GrantId)> {
    let (mut records, mut grants, mut rows, mut all) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for number in 0..count {
        let (patient, record, salt) = (seeds::address(), seeds::record(), seeds::salt());
        records.push(record_doc(record, patient, patient, CREATED + number, 1));
        let granted = grant_doc(patient, grantee, record, salt, 1 << 39);
        rows.push(received(server, &granted, (grantee, salt), CREATED + number, (shelf, number)));
        all.push((patient, record, granted.id));
        grants.push(granted);
    }
    server.mirror_all(collection::RECORDS, &records).await;
    server.mirror_all(collection::GRANTS, &grants).await;
    server.mirror_all(api::store::collection::RECEIVED, &rows).await;
    all
}
