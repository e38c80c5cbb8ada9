//! Blobs: what is accepted, and who gets it back.

use alloy::primitives::Address;
use api::store::collection as ours;
use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use bytes::Bytes;
use futures::StreamExt;
use mongodb::bson::{Document, doc};
use protocol::{
    bodies::account::Me,
    ids::{GrantId, RecordId},
    mirror::{GrantDoc, PatientDoc, collection},
};

use crate::world::{
    answers::Answer,
    calls::request,
    envelopes::{cid_of, envelope, stored},
    mirror::{CREATED, grant_doc, place, received},
    network::Network,
    people::User,
    seeds,
    servers::Server,
};

async fn is_pinned(cid: &str) -> bool {
    let url = format!("{}/api/v0/pin/ls?arg={cid}", Network::shared().stack.localnet().kubo_url());
    reqwest::Client::new().post(url).send().await.expect("Kubo answers").status().is_success()
}

async fn unpin(cid: &str) {
    let url = format!("{}/api/v0/pin/rm?arg={cid}", Network::shared().stack.localnet().kubo_url());
    assert!(reqwest::Client::new().post(url).send().await.expect("Kubo answers").status().is_success());
}

#[tokio::test]
async fn an_envelope_comes_back_as_it_went_in() {
    let server = Server::new().await;
    let user = server.newcomer().await;
    for length in [161, 4096, 1 << 20, (3 << 20) + 17] {
        let record = seeds::record();
        let bytes = envelope(record, 1, length);
        let blob = stored(&user, record, &bytes).await;
        assert_eq!(blob.size, length as u64);
        let cid: cid::Cid = blob.cid.parse().expect("a CID");
        assert_eq!(cid.version(), cid::Version::V1);
        let codec = if length <= 1 << 20 { 0x55 } else { 0x70 };
        assert_eq!(cid.codec(), codec, "one raw block up to 1 MiB, a tree above");
        let answer = user.download(&blob.cid).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("content-type"), "application/octet-stream");
        assert_eq!(answer.header("content-length"), length.to_string());
        assert!(answer.bytes() == bytes, "identical bytes");
    }
    let me: Me = user.get("/v1/me").await.json();
    assert_eq!(me.stored_bytes, 161 + 4096 + (1 << 20) + (3 << 20) + 17);
}

#[tokio::test]
async fn the_cid_is_the_one_that_clients_compute() {
    let server = Server::new().await;
    let user = server.newcomer().await;
    let record = seeds::record();
    let bytes = envelope(record, 1, (2 << 20) + 5);
    assert_eq!(stored(&user, record, &bytes).await.cid, cid_of(&bytes));
}

#[tokio::test]
async fn ranges_and_validators() {
    let server = Server::new().await;
    let user = server.newcomer().await;
    let record = seeds::record();
    let bytes = envelope(record, 1, (1 << 20) + 1000);
    let cid = stored(&user, record, &bytes).await.cid;
    let path = format!("/v1/blobs/{cid}");
    let size = bytes.len();
    for (range, from, to) in [
        ("bytes=0-0".to_owned(), 0, 1),
        ("bytes=1048570-1048585".to_owned(), 1_048_570, 1_048_586),
        (format!("bytes={}-", size - 1), size - 1, size),
        ("bytes=-100".to_owned(), size - 100, size),
        ("bytes=5-99999999999".to_owned(), 5, size),
    ] {
        let answer = user.get_with(&path, &[("range", &range)]).await;
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(answer.header("content-range"), format!("bytes {from}-{}/{size}", to - 1));
        assert!(answer.bytes() == &bytes[from..to], "{range}");
    }
    user.get_with(&path, &[("range", &format!("bytes={size}-"))]).await.refused("invalid_range");
    assert_eq!(user.get_with(&path, &[("range", "bytes=0-1,5-6")]).await.status, StatusCode::OK);

    let etag = format!("\"{cid}\"");
    assert_eq!(user.get_with(&path, &[("if-none-match", &etag)]).await.status, StatusCode::NOT_MODIFIED);
    let head = user.head(&path).await;
    assert_eq!((head.status, head.header("content-length")), (StatusCode::OK, size.to_string().as_str()));
    assert_eq!(head.header("etag"), etag);
    assert!(head.bytes().is_empty());
}

#[tokio::test]
async fn a_body_that_is_no_envelope_for_this_version_is_refused() {
    let server = Server::with(|settings| settings.limits.envelope_bytes_max = 10_000).await;
    let user = server.newcomer().await;
    let (ours, theirs) = (seeds::record(), seeds::record());
    server.anon().upload(ours, 1, envelope(ours, 1, 500)).await.refused("not_signed_in");
    user.upload(ours, 1, envelope(theirs, 1, 500)).await.refused("invalid_envelope");
    user.upload(ours, 2, envelope(ours, 1, 500)).await.refused("invalid_envelope");
    user.upload(ours, 1, vec![0; 500]).await.refused("invalid_envelope");
    user.upload(ours, 1, Vec::new()).await.refused("invalid_envelope");
    user.upload(ours, 1, envelope(ours, 1, 161)[..160].to_vec()).await.refused("invalid_envelope");
    user.upload(ours, 1, envelope(ours, 1, 10_001)).await.refused("too_large");

    let post = async |path: String, headers: &[(&str, &str)]| {
        user.send(request(Method::POST, &path, headers, Body::from(envelope(ours, 1, 500)))).await
    };
    let path = format!("/v1/blobs?record={ours}&version=1");
    let bytes = ("content-type", "application/octet-stream");
    post(path.clone(), &[bytes]).await.refused("invalid_request");
    post(path.clone(), &[bytes, ("content-length", "-1")]).await.refused("invalid_request");
    post(path.clone(), &[("content-length", "500")]).await.refused("unsupported_media_type");
    post(format!("{path}&more=1"), &[bytes, ("content-length", "500")]).await.refused("invalid_request");
    post("/v1/blobs?record=0x12&version=1".to_owned(), &[bytes]).await.refused("invalid_request");
    post(format!("/v1/blobs?record={ours}&version=65536"), &[bytes]).await.refused("invalid_request");
    assert_eq!(server.count(ours::PINS).await, 0, "nothing was kept");
}

#[tokio::test]
async fn a_truncated_upload_leaves_nothing() {
    let server = Server::new().await;
    let user = server.newcomer().await;
    let record = seeds::record();
    let whole = envelope(record, 1, 2 << 20);
    let sent = whole[..(1 << 20) + 100].to_vec();
    let cid_of_part = cid_of(&sent);
    let send = |pieces: Vec<Result<Bytes, std::io::Error>>, announced: usize| {
        let request = Request::post(format!("/v1/blobs?record={record}&version=1"))
            .header("content-type", "application/octet-stream")
            .header("content-length", announced)
            .body(Body::from_stream(futures::stream::iter(pieces)))
            .expect("a request");
        user.send(request)
    };
    let broken = || Err(std::io::ErrorKind::ConnectionReset.into());
    send(vec![Ok(sent.clone().into()), broken()], whole.len()).await.refused("truncated_upload");
    send(vec![Ok(sent.clone().into())], whole.len()).await.refused("truncated_upload");
    send(vec![Ok(sent[..100].to_vec().into())], whole.len()).await.refused("truncated_upload");
    send(vec![Ok(whole.clone().into())], whole.len() - 1).await.refused("truncated_upload");
    assert_eq!(server.count(ours::PINS).await, 0);
    assert!(!is_pinned(&cid_of_part).await);
    let me: Me = user.get("/v1/me").await.json();
    assert_eq!(me.stored_bytes, 0);
}

#[tokio::test]
async fn a_quota_is_an_accounts_own() {
    let server = Server::with(|settings| settings.limits.quota_bytes = 1000).await;
    let (user, other) = (server.newcomer().await, server.newcomer().await);
    let (first, second) = (seeds::record(), seeds::record());
    let bytes = envelope(first, 1, 600);
    stored(&user, first, &bytes).await;
    user.upload(second, 1, envelope(second, 1, 600)).await.refused("quota_exceeded");
    stored(&other, second, &envelope(second, 1, 600)).await;
    // The same bytes again count once.
    let answer = user.upload(first, 1, envelope(first, 1, 400)).await;
    assert_eq!(answer.status, StatusCode::CREATED);
}

#[tokio::test]
async fn until_registration_a_blob_is_its_uploaders_then_its_patients() {
    let server = Server::new().await;
    let (lab, patient, stranger) = (server.newcomer().await, server.newcomer().await, server.newcomer().await);
    let record = seeds::record();
    let cid = stored(&lab, record, &envelope(record, 1, 900)).await.cid;
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
    let shared_cid = stored(&patient, shared, &envelope(shared, 1, 900)).await.cid;
    let private_cid = stored(&patient, private, &envelope(private, 1, 900)).await.cid;
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
    let cid = stored(&patient, theirs, &envelope(theirs, 1, 900)).await.cid;
    server.register(theirs, patient.address(), patient.address(), &cid).await;
    server.register(thiefs, thief.address(), thief.address(), &cid).await;
    thief.download(&cid).await.refused("not_found");
    assert_eq!(patient.download(&cid).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_lost_ledger_is_made_again_from_the_blobs_themselves() {
    let server = Server::new().await;
    let (patient, thief) = (server.newcomer().await, server.newcomer().await);
    let (theirs, thiefs) = (seeds::record(), seeds::record());
    let bytes = envelope(theirs, 1, 900);
    let cid = stored(&patient, theirs, &bytes).await.cid;
    server.register(theirs, patient.address(), patient.address(), &cid).await;
    server.register(thiefs, thief.address(), thief.address(), &cid).await;
    server.app.database.collection::<Document>(ours::PINS).drop().await.expect("dropped");
    unpin(&cid).await;
    thief.download(&cid).await.refused("not_found");
    assert!(!is_pinned(&cid).await, "asking in vain pins nothing");
    let answer = patient.download(&cid).await;
    assert!(answer.status == StatusCode::OK && answer.bytes() == bytes);
    assert!(is_pinned(&cid).await);
}

#[tokio::test]
async fn a_withdrawn_blob_is_not_pinned_again() {
    let server = Server::new().await;
    let patient = server.newcomer().await;
    let record = seeds::record();
    let cid = stored(&patient, record, &envelope(record, 1, 900)).await.cid;
    server.register(record, patient.address(), patient.address(), &cid).await;
    let records = server.app.database.collection::<Document>(collection::RECORDS);
    let withdraw = doc! { "$set": { "status": 3 } };
    records.update_one(doc! { "_id": record.to_string() }, withdraw).await.expect("written");
    server.app.database.collection::<Document>(ours::PINS).drop().await.expect("dropped");
    unpin(&cid).await;
    patient.download(&cid).await.refused("not_found");
    assert!(!is_pinned(&cid).await);
    assert_eq!(server.count(ours::PINS).await, 0);
}

#[tokio::test]
async fn an_upload_ends_in_time_and_leaves_no_pin_that_nobody_counts() {
    // A body whose second half comes after `meanwhile`.
    async fn send(user: &User, meanwhile: impl Future<Output = ()> + Send + 'static) -> (Answer, String) {
        let record = seeds::record();
        let bytes = envelope(record, 1, 900);
        let cid = cid_of(&bytes);
        let (length, halves) = (bytes.len(), (bytes[..400].to_vec(), bytes[400..].to_vec()));
        let second = futures::stream::once(async move {
            meanwhile.await;
            Ok(halves.1.into())
        });
        let pieces = futures::stream::iter([Ok::<Bytes, std::io::Error>(halves.0.into())]).chain(second);
        let request = Request::post(format!("/v1/blobs?record={record}&version=1"))
            .header("content-type", "application/octet-stream")
            .header("content-length", length)
            .body(Body::from_stream(pieces))
            .expect("a request");
        (user.send(request).await, cid)
    }

    let server = Server::new().await;
    let user = server.newcomer().await;
    let ledger = server.app.database.collection::<Document>(ours::PINS);
    let forget = async move {
        ledger.delete_many(doc! { "state": "uploading" }).await.expect("deleted");
    };
    let (answer, cid) = send(&user, forget).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text());
    assert!(!is_pinned(&cid).await, "its row was swept away, so its pin goes too");

    let server = Server::with(|settings| settings.limits.upload_seconds_max = 1).await;
    let user = server.newcomer().await;
    let (answer, cid) = send(&user, tokio::time::sleep(std::time::Duration::from_millis(1_200))).await;
    answer.refused("truncated_upload");
    assert!(!is_pinned(&cid).await);
    assert_eq!(server.count(ours::PINS).await, 0);
}

#[tokio::test]
async fn what_is_no_cid_of_ours_is_refused() {
    let server = Server::new().await;
    let user = server.newcomer().await;
    for cid in ["x", "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG", "bafkreiab%26arg=x"] {
        user.download(cid).await.refused("invalid_request");
    }
    let unknown = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";
    user.download(unknown).await.refused("not_found");
    user.call(Method::DELETE, &format!("/v1/blobs/{unknown}"), serde_json::Value::Null)
        .await
        .refused("method_not_allowed");
}

#[tokio::test]
async fn the_sweeper_lets_go_of_what_was_never_registered() {
    let server = Server::new().await;
    let (user, patient) = (server.newcomer().await, server.newcomer().await);
    let (forgotten, registered) = (seeds::record(), seeds::record());
    let forgotten_cid = stored(&user, forgotten, &envelope(forgotten, 1, 900)).await.cid;
    let registered_cid = stored(&user, registered, &envelope(registered, 1, 900)).await.cid;
    server.register(registered, patient.address(), user.address(), &registered_cid).await;
    let sweep = || async { api::blobs::sweeper::sweep_once(&server.app).await.expect("the parts answer") };

    server.mirror_is_at_head().await;
    sweep().await;
    assert!(is_pinned(&forgotten_cid).await, "a day has not passed");
    server.app.clock.shift(86_401);
    let action = doc! {
        "_id": "in flight", "signer": user.hex(), "kind": "register_record", "state": "sent",
    };
    server.mirror(ours::ACTIONS, &action).await;
    sweep().await;
    assert!(is_pinned(&forgotten_cid).await, "a relay is in flight");
    let actions = server.app.database.collection::<Document>(ours::ACTIONS);
    actions.delete_many(doc! {}).await.expect("deleted");
    sweep().await;
    assert!(!is_pinned(&forgotten_cid).await);
    assert!(is_pinned(&registered_cid).await);
    let me: Me = server.sign_in(user.signer.clone()).await.get("/v1/me").await.json();
    assert_eq!(me.stored_bytes, 900);

    // What the mirror says is not enough: the chain knows no tombstone.
    let records = server.app.database.collection::<Document>(collection::RECORDS);
    let withdraw = doc! { "$set": { "status": 3, "liftable_until": 1_i64, "place.block_number": 0_i64 } };
    records.update_one(doc! { "_id": registered.to_string() }, withdraw).await.expect("written");
    sweep().await;
    assert!(is_pinned(&registered_cid).await, "the chain was asked");
    // An upload that somebody keeps open does not keep the withdrawn blob.
    let open = doc! {
        "_id": "open", "record": registered.to_string(), "version": 1, "uploader": patient.hex(), "state": "uploading",
        "cid": null, "size": 900_i64, "changed_at": i64::try_from(server.app.clock.now()).expect("a time of our age"),
    };
    server.mirror(ours::PINS, &open).await;
    sweep().await;
    assert!(is_pinned(&registered_cid).await, "the chain was asked again");
}

#[tokio::test]
async fn ranges_and_what_is_known_follow_the_entity_tag() {
    let server = Server::new().await;
    let user = server.newcomer().await;
    let record = seeds::record();
    let blob = stored(&user, record, &envelope(record, 1, 5_000)).await;
    let ask = async |method: Method, headers: &[(&str, &str)]| {
        user.send(request(method, &format!("/v1/blobs/{}", blob.cid), headers, Body::empty())).await
    };
    let etag = format!("\"{}\"", blob.cid);
    let weak = format!("W/{etag}");
    let list = format!("\"x\", {weak}");
    for known in [etag.as_str(), weak.as_str(), list.as_str(), "*"] {
        for method in [Method::GET, Method::HEAD] {
            let answer = ask(method, &[("if-none-match", known), ("range", "bytes=0-3")]).await;
            assert_eq!((answer.status, answer.bytes().len()), (StatusCode::NOT_MODIFIED, 0), "{known}");
            assert_eq!(answer.header("etag"), etag);
            assert_eq!(answer.header("cache-control"), "private, no-cache");
        }
    }
    assert_eq!(ask(Method::GET, &[("if-none-match", "\"x\"")]).await.status, StatusCode::OK);
    let range = ("range", "bytes=0-3");
    assert_eq!(ask(Method::GET, &[range, ("if-range", &etag)]).await.status, StatusCode::PARTIAL_CONTENT);
    for other in [weak.as_str(), "\"x\"", "*", "Sun, 29 Nov 2026 00:00:00 GMT"] {
        let answer = ask(Method::GET, &[range, ("if-range", other)]).await;
        assert_eq!((answer.status, answer.bytes().len()), (StatusCode::OK, 5_000), "{other}");
    }
    // Not of this envelope: not even a range outside of it is refused.
    assert_eq!(ask(Method::GET, &[("range", "bytes=9000-"), ("if-range", "\"x\"")]).await.status, StatusCode::OK);
}
