//! A walk over every route of the document, so that every question to the database is asked at least once.

use std::collections::BTreeSet;

use alloy::{
    primitives::{Address, B256, Bytes},
    signers::SignerSync,
};
use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use localnet::Role;
use mongodb::bson::{Document, doc};
use protocol::{
    bodies::grants::RequestView,
    codes::{self, Purpose},
    envelope::{EnvelopeContext, Header},
    ids::{RecordId, RequestId},
    secret::DataKey,
    statements::{DenyRequest, Profile, SignedDenial, SignedProfile},
};
use serde_json::{Value, json};

use super::{
    requests::request_body,
    world::{
        Api, Cast, Terms, User, World, deadline, eventually, grant, random, register_record, revoke, revoke_all, vouch,
    },
};

/// Calls every route of the document; gives those that were called.
pub(crate) async fn every_route(world: &World, api: &Api) -> BTreeSet<String> {
    let cast = Cast::on(world, api).await;
    let mut called = BTreeSet::new();
    let (patient, doctor) = (&cast.patient, &cast.doctor);
    let operator = api.login(world.signer(Role::Operator)).await;
    // An auditor sees the whole log.
    let accreditor = api.login(world.signer(Role::Accreditor)).await;
    let auditor = vouch(api, &accreditor, operator.address(), codes::Role::mask(&[codes::Role::Auditor]), 0);
    let done = api.post("/v1/actions", &accreditor.token, &auditor).await;
    assert!(done.status.is_success(), "{done:?}");
    let record = register_record(api, patient).await;
    let salt = grant(api, &cast, &record, Terms::now(api)).await;
    let asked: RequestView = api.post("/v1/requests", &doctor.token, &request_body(api, &cast, record.id)).await.ok();
    doctor.read(api, record.id, salt).await.expect("the doctor may read");
    for name in ["POST /v1/records", "POST /v1/grants", "POST /v1/requests", "POST /v1/reads", "POST /v1/actions"] {
        called.insert(name.to_owned());
    }
    called.extend(["POST /v1/auth/login".to_owned(), "GET /v1/auth/challenge".to_owned()]);
    let path = format!("/v1/grants?side=received&patient={:#x}", patient.address());
    let grant_id = eventually("the mirror has the grant", || async {
        let page: Value = api.get(&path, &doctor.token).await.ok();
        page["items"][0]["id"].as_str().map(str::to_owned)
    })
    .await;
    let leaf = eventually("the mirror has the read", || async {
        let page: Value = api.get("/v1/log", &patient.token).await.ok();
        page["items"].as_array()?.iter().find(|entry| entry["index"].is_u64())?["leaf"].as_str().map(str::to_owned)
    })
    .await;

    let (person, other) = (format!("{:#x}", patient.address()), format!("{:#x}", doctor.address()));
    let (id, request) = (record.id, asked.id);
    let cursor = format!("1700000000:{}", B256::repeat_byte(0x11));
    let none = || json!(null);
    // Method, route of the document, path, body, who calls. What is refused has asked its questions all the same.
    let calls: Vec<(&str, &str, String, Value, &str)> = vec![
        ("GET", "/healthz", "/healthz".into(), none(), &patient.token),
        ("GET", "/readyz", "/readyz".into(), none(), &patient.token),
        ("GET", "/metrics", "/metrics".into(), none(), &patient.token),
        ("GET", "/version", "/version".into(), none(), &patient.token),
        ("GET", "/v1/deployment", "/v1/deployment".into(), none(), &patient.token),
        ("GET", "/v1/me", "/v1/me".into(), none(), &doctor.token),
        ("PUT", "/v1/keyring", "/v1/keyring".into(), json!({ "content": "AAAA" }), &patient.token),
        ("GET", "/v1/keyring", "/v1/keyring".into(), none(), &patient.token),
        ("PUT", "/v1/address-book", "/v1/address-book".into(), json!({ "content": "AAAA" }), &patient.token),
        ("GET", "/v1/address-book", "/v1/address-book".into(), none(), &patient.token),
        ("GET", "/v1/keys/{address}", format!("/v1/keys/{person}"), none(), &doctor.token),
        ("GET", "/v1/directory", "/v1/directory".into(), none(), &patient.token),
        ("GET", "/v1/directory", "/v1/directory?role=doctor".into(), none(), &patient.token),
        ("GET", "/v1/directory", "/v1/directory?name=a".into(), none(), &patient.token),
        (
            "PUT",
            "/v1/directory/{address}",
            format!("/v1/directory/{other}"),
            profile(world, api, doctor),
            &doctor.token,
        ),
        ("PUT", "/v1/invitations/{address}", format!("/v1/invitations/{other}"), none(), &operator.token),
        ("PUT", "/v1/invitations/{address}", format!("/v1/invitations/{other}"), none(), &patient.token),
        ("PUT", "/v1/accepted/{address}", format!("/v1/accepted/{person}"), none(), &doctor.token),
        ("PUT", "/v1/blocks/{address}", format!("/v1/blocks/{other}"), none(), &patient.token),
        ("PUT", "/v1/blocks/{address}", format!("/v1/blocks/{:#x}", operator.address()), none(), &patient.token),
        ("GET", "/v1/blocks", "/v1/blocks".into(), none(), &patient.token),
        ("DELETE", "/v1/blocks/{address}", format!("/v1/blocks/{other}"), none(), &patient.token),
        ("GET", "/v1/blobs/{cid}", format!("/v1/blobs/{}", cid_of(api, &person).await), none(), &patient.token),
        ("GET", "/v1/blobs/{cid}", format!("/v1/blobs/{}", cid_of(api, &person).await), none(), &doctor.token),
        ("HEAD", "/v1/blobs/{cid}", format!("/v1/blobs/{}", cid_of(api, &person).await), none(), &patient.token),
        ("GET", "/v1/actions/{action}", format!("/v1/actions/{}", B256::ZERO), none(), &patient.token),
        ("GET", "/v1/records", "/v1/records".into(), none(), &patient.token),
        ("GET", "/v1/records", "/v1/records".into(), none(), &doctor.token),
        ("GET", "/v1/records", format!("/v1/records?cursor={cursor}"), none(), &doctor.token),
        ("GET", "/v1/records", format!("/v1/records?patient={person}"), none(), &doctor.token),
        ("GET", "/v1/records", format!("/v1/records?record={id}"), none(), &doctor.token),
        ("GET", "/v1/records/{record}", format!("/v1/records/{id}"), none(), &doctor.token),
        ("GET", "/v1/records/{record}/versions", format!("/v1/records/{id}/versions"), none(), &doctor.token),
        (
            "PUT",
            "/v1/records/{record}/versions/{version}/release-share",
            format!("/v1/records/{id}/versions/1/release-share"),
            json!({ "release_share": record.body.release_share }),
            &patient.token,
        ),
        ("GET", "/v1/grants", "/v1/grants?side=given".into(), none(), &patient.token),
        ("GET", "/v1/grants", format!("/v1/grants?side=given&record={id}&cursor={cursor}"), none(), &patient.token),
        ("GET", "/v1/grants", "/v1/grants?side=received".into(), none(), &doctor.token),
        ("GET", "/v1/grants", "/v1/grants?side=received&shelf=strangers".into(), none(), &doctor.token),
        ("GET", "/v1/grants", format!("/v1/grants?side=received&shelf=hidden&cursor={cursor}"), none(), &doctor.token),
        ("GET", "/v1/grants", format!("/v1/grants?side=received&record={id}&cursor={cursor}"), none(), &doctor.token),
        ("GET", "/v1/grants/{grant}/bundle", format!("/v1/grants/{grant_id}/bundle"), none(), &doctor.token),
        (
            "PUT",
            "/v1/grants/{grant}/bundle",
            format!("/v1/grants/{grant_id}/bundle"),
            json!({ "bundle": bundle_of(api, &grant_id, &doctor.token).await }),
            &patient.token,
        ),
        ("PUT", "/v1/grants/{grant}/hidden", format!("/v1/grants/{grant_id}/hidden"), none(), &doctor.token),
        ("DELETE", "/v1/grants/{grant}/hidden", format!("/v1/grants/{grant_id}/hidden"), none(), &doctor.token),
        ("GET", "/v1/requests", "/v1/requests".into(), none(), &patient.token),
        ("GET", "/v1/requests", format!("/v1/requests?cursor={cursor}"), none(), &doctor.token),
        ("GET", "/v1/requests/{request}", format!("/v1/requests/{request}"), none(), &doctor.token),
        (
            "POST",
            "/v1/requests/{request}/deny",
            format!("/v1/requests/{request}/deny"),
            denial(api, &cast, request),
            &patient.token,
        ),
        (
            "GET",
            "/v1/log",
            format!("/v1/log?record={id}&purpose={}", Purpose::Treatment.as_str()),
            none(),
            &patient.token,
        ),
        ("GET", "/v1/log", "/v1/log".into(), none(), &operator.token),
        ("GET", "/v1/log", "/v1/log?cursor=5&from=1&until=4000000000".into(), none(), &patient.token),
        ("GET", "/v1/log/leaves/{leaf}", format!("/v1/log/leaves/{leaf}"), none(), &doctor.token),
        ("GET", "/v1/log/checkpoints", "/v1/log/checkpoints".into(), none(), &patient.token),
        (
            "POST",
            "/v1/grants/revoke",
            "/v1/grants/revoke".into(),
            json!({ "action": revoke(api, &cast, id, salt) }),
            &patient.token,
        ),
        ("GET", "/v1/records", "/v1/records".into(), none(), &doctor.token),
        ("POST", "/v1/auth/logout", "/v1/auth/logout".into(), none(), &doctor.token),
    ];
    for (method, route, path, body, token) in calls {
        let answer = api.write_with(method, &path, token, &body, &[("if-none-match", "*")]).await;
        // The store does not have the bytes of this world's envelopes: 503.
        let was_heard = ![StatusCode::UNAUTHORIZED, StatusCode::INTERNAL_SERVER_ERROR].contains(&answer.status);
        assert!(was_heard, "{method} {path}: {answer:?}");
        called.insert(format!("{method} {route}"));
    }
    assert_eq!(upload(api, patient, record.id).await, StatusCode::CREATED);
    called.insert("POST /v1/blobs".to_owned());
    // A challenge that nobody answers.
    assert_eq!(api.get("/v1/auth/challenge", "").await.status, StatusCode::OK);
    api.open_feed(&patient.token).await;
    called.insert("GET /v1/events".to_owned());
    let end = json!({ "action": revoke_all(api, patient) });
    let ended = api.post("/v1/grants/revoke", &patient.token, &end).await;
    assert!(ended.status.is_success(), "{ended:?}");
    called
}

async fn cid_of(api: &Api, uploader: &str) -> String {
    let pins = api.app.database.collection::<Document>("api_pins");
    let pin = pins.find_one(doc! { "uploader": uploader }).await.expect("the database answers").expect("a pin");
    pin.get_str("cid").expect("a CID").to_owned()
}

async fn bundle_of(api: &Api, grant: &str, token: &str) -> Value {
    api.get(&format!("/v1/grants/{grant}/bundle"), token).await.ok()
}

fn denial(api: &Api, cast: &Cast, request: RequestId) -> Value {
    let denial = DenyRequest { patient: cast.patient.address(), request: request.0, deadline: deadline(api) };
    let hash = SignedDenial::signing_hash(&denial, &api.app.deployment);
    let signature = Bytes::copy_from_slice(&cast.patient.signer.sign_hash_sync(&hash).expect("it signs").as_bytes());
    serde_json::to_value(SignedDenial { denial, signature }).expect("it has a JSON form")
}

/// What the accreditor publishes about a practitioner.
fn profile(world: &World, api: &Api, practitioner: &User) -> Value {
    let accreditor = world.signer(Role::Accreditor);
    let profile = Profile {
        accreditor: accreditor.address(),
        accreditorEpoch: 1,
        practitioner: practitioner.address(),
        name: "Ada".to_owned(),
        organisation: "Ward 3".to_owned(),
        specialty: "Surgery".to_owned(),
        roles: 1,
        issued: api.app.clock.now(),
    };
    let hash = SignedProfile::signing_hash(&profile, &api.app.deployment);
    let signature = Bytes::copy_from_slice(&accreditor.sign_hash_sync(&hash).expect("it signs").as_bytes());
    serde_json::to_value(SignedProfile { profile, signature }).expect("it has a JSON form")
}

/// Uploads a second envelope of a record: a true header, then bytes that mean nothing.
async fn upload(api: &Api, user: &User, record: RecordId) -> StatusCode {
    let context = EnvelopeContext { chain_id: 31_337, registry: Address::ZERO };
    let (owner, dek) = ((user.key().public_key().to_owned(), 1), DataKey::from_bytes(random().0));
    let mut bytes = Header::new(&context, record, 2, Address::ZERO, (&owner.0, owner.1), &dek).to_bytes().to_vec();
    bytes.extend([7; 500]);
    let request = Request::post(format!("/v1/blobs?record={record}&version=2"))
        .header(header::AUTHORIZATION, format!("Bearer {}", user.token))
        .header(header::CONTENT_TYPE, "application/octet-stream")
        .header(header::CONTENT_LENGTH, bytes.len());
    api.raw(request.body(Body::from(bytes)).expect("a request")).await.status()
}
