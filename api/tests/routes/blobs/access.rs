//! Access to the bytes of a blob: its uploader, its patient, and the grantees.

use alloy::primitives::Address;
use api::store::collection as ours;
use axum::http::StatusCode;
use mongodb::bson::doc;
use protocol::{
    ids::{GrantId, RecordId},
    mirror::{GrantDoc, PatientDoc, collection},
};

use crate::world::{
    envelopes::{envelope, stored},
    mirror::{CREATED, grant_doc, place, received},
    seeds,
    servers::Server,
};

#[tokio::test]
async fn until_registration_a_blob_is_its_uploaders_then_its_patients() {
    let server = Server::new().await;
    let (lab, patient, stranger) = (server.newcomer().await, server.newcomer().await, server.newcomer().await);
    let record = seeds::record();
    let cid = stored(&lab, record, &envelope(record, 1, 1_900)).await.cid;
    server.anon().download(&cid).await.refused("not_signed_in");
    stranger.download(&cid).await.refused("not_found");
    patient.download(&cid).await.refused("not_found");
    assert_eq!(lab.download(&cid).await.status, StatusCode::OK);

    server.register(record, patient.address(), lab.address(), &cid).await;
    assert_eq!(patient.download(&cid).await.status, StatusCode::OK);
    lab.download(&cid).await.refused("not_found");
    stranger.download(&cid).await.refused("not_found");
    assert_eq!(stranger.head(&format!("/v1/blobs/{cid}")).await.status, StatusCode::NOT_FOUND);
}

/// Writes a grant over one record into the mirror, and the row that tells this server who holds its tag.
async fn grant(server: &Server, patient: Address, grantee: Address, record: RecordId, until: u64) -> GrantId {
    let salt = seeds::salt();
    let doc = grant_doc(patient, grantee, record, salt, until);
    server.mirror(collection::GRANTS, &doc).await;
    let row = received(server, &doc, (grantee, salt), CREATED, ("known", 1));
    server.mirror(ours::RECEIVED, &row).await;
    doc.id
}

#[tokio::test]
async fn a_grantee_gets_the_bytes_while_the_grant_lives() {
    let server = Server::new().await;
    let (patient, doctor, other) = (server.newcomer().await, server.newcomer().await, server.newcomer().await);
    let (shared, private) = (seeds::record(), seeds::record());
    let shared_cid = stored(&patient, shared, &envelope(shared, 1, 1_900)).await.cid;
    let private_cid = stored(&patient, private, &envelope(private, 1, 1_900)).await.cid;
    server.register(shared, patient.address(), patient.address(), &shared_cid).await;
    server.register(private, patient.address(), patient.address(), &private_cid).await;
    let until = server.app.clock.now() + 100;
    let id = grant(&server, patient.address(), doctor.address(), shared, until).await;
    assert_eq!(doctor.download(&shared_cid).await.status, StatusCode::OK);
    doctor.download(&private_cid).await.refused("not_found");
    other.download(&shared_cid).await.refused("not_found");

    let grants = server.app.database.collection::<GrantDoc>(collection::GRANTS);
    let revoke = doc! { "$set": { "revoked": true, "rights": 0 } };
    grants.update_one(doc! { "_id": id.to_string() }, revoke).await.expect("written");
    doctor.download(&shared_cid).await.refused("not_found");
    let back = doc! { "$set": { "revoked": false, "rights": 1 } };
    grants.update_one(doc! { "_id": id.to_string() }, back).await.expect("written");
    assert_eq!(doctor.download(&shared_cid).await.status, StatusCode::OK);

    // The patient has ended everything since: the grant has an earlier patient epoch.
    let ended = PatientDoc { address: patient.address(), patient_epoch: 1, place: place() };
    server.mirror(collection::PATIENTS, &ended).await;
    doctor.download(&shared_cid).await.refused("not_found");
    let patients = server.app.database.collection::<PatientDoc>(collection::PATIENTS);
    patients.delete_many(doc! {}).await.expect("deleted");
    assert_eq!(doctor.download(&shared_cid).await.status, StatusCode::OK);

    // A right to write and a period that has not begun give no bytes either.
    let hour = i64::try_from(until).expect("a time of our age") + 3_600;
    for (change, undo) in
        [(doc! { "rights": 2 }, doc! { "rights": 1 }), (doc! { "not_before": hour }, doc! { "not_before": 0_i64 })]
    {
        grants.update_one(doc! { "_id": id.to_string() }, doc! { "$set": change }).await.expect("written");
        doctor.download(&shared_cid).await.refused("not_found");
        grants.update_one(doc! { "_id": id.to_string() }, doc! { "$set": undo }).await.expect("written");
    }
    assert_eq!(doctor.download(&shared_cid).await.status, StatusCode::OK);
    server.app.clock.shift(101);
    doctor.download(&shared_cid).await.refused("not_found");
}

#[tokio::test]
async fn registering_anothers_digest_gives_nobody_the_bytes() {
    let server = Server::new().await;
    let (patient, thief) = (server.newcomer().await, server.newcomer().await);
    let (theirs, thiefs) = (seeds::record(), seeds::record());
    let cid = stored(&patient, theirs, &envelope(theirs, 1, 1_900)).await.cid;
    server.register(theirs, patient.address(), patient.address(), &cid).await;
    server.register(thiefs, thief.address(), thief.address(), &cid).await;
    thief.download(&cid).await.refused("not_found");
    assert_eq!(patient.download(&cid).await.status, StatusCode::OK);
}
