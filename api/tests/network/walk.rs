//! Calls every route of the OpenAPI document, so that the server sends every query at least once.

use std::collections::BTreeSet;

use alloy::primitives::B256;
use axum::http::StatusCode;
use localnet::Role;
use mongodb::bson::{Document, doc};
use protocol::{
    bodies::grants::RequestView,
    codes::{self, Purpose},
    statements::Profile,
};
use serde_json::{Value, json};

use crate::world::{
    actions::{revoke_all, vouch},
    envelopes::envelope,
    network::Network,
    people::{Cast, User},
    servers::Server,
    statements::{denial, profile, sign_profile},
    waiting::eventually,
};

/// Calls every route of the document and returns those that were called.
pub(crate) async fn every_route(network: &Network, server: &Server) -> BTreeSet<String> {
    let cast = Cast::on(network, server).await;
    let mut called = BTreeSet::new();
    let (patient, doctor) = (&cast.patient, &cast.doctor);
    let operator = server.sign_in(network.signer(Role::Operator)).await;
    // An auditor sees the whole log.
    let accreditor = server.sign_in(network.signer(Role::Accreditor)).await;
    let auditor = vouch(&accreditor, operator.address(), codes::Role::mask(&[codes::Role::Auditor]), 0);
    let done = accreditor.post("/v1/actions", &auditor).await;
    assert!(done.status.is_success(), "{done:?}");
    let (record, salt) = cast.shared_record().await;
    let asked: RequestView = doctor.post("/v1/requests", &cast.request_body(record.id)).await.ok();
    doctor.read(record.id, salt).await.expect("the doctor may read");
    for name in ["POST /v1/records", "POST /v1/grants", "POST /v1/requests", "POST /v1/reads", "POST /v1/actions"] {
        called.insert(name.to_owned());
    }
    called.extend(["POST /v1/auth/login".to_owned(), "GET /v1/auth/challenge".to_owned()]);
    let path = format!("/v1/grants?side=received&patient={:#x}", patient.address());
    let grant_id = eventually("the mirror has the grant", || async {
        let page: Value = doctor.get(&path).await.ok();
        page["items"][0]["id"].as_str().map(str::to_owned)
    })
    .await;
    let leaf = eventually("the mirror has the read", || async {
        let page: Value = patient.get("/v1/log").await.ok();
        page["items"].as_array()?.iter().find(|entry| entry["index"].is_u64())?["leaf"].as_str().map(str::to_owned)
    })
    .await;

    let (person, other) = (format!("{:#x}", patient.address()), format!("{:#x}", doctor.address()));
    let (id, request) = (record.id, asked.id);
    let cursor = format!("1700000000:{}", B256::repeat_byte(0x11));
    let none = || json!(null);
    // The search below asks for names that begin with this one.
    let profile = Profile { name: "Ada".to_owned(), ..profile(&accreditor, doctor) };
    // Method, route of the document, path, body and caller. A refused call has sent its queries, too.
    let calls: Vec<(&str, &str, String, Value, &User)> = vec![
        ("GET", "/healthz", "/healthz".into(), none(), patient),
        ("GET", "/readyz", "/readyz".into(), none(), patient),
        ("GET", "/metrics", "/metrics".into(), none(), patient),
        ("GET", "/version", "/version".into(), none(), patient),
        ("GET", "/v1/deployment", "/v1/deployment".into(), none(), patient),
        ("GET", "/v1/me", "/v1/me".into(), none(), doctor),
        ("PUT", "/v1/keyring", "/v1/keyring".into(), json!({ "content": "AAAA" }), patient),
        ("GET", "/v1/keyring", "/v1/keyring".into(), none(), patient),
        ("PUT", "/v1/address-book", "/v1/address-book".into(), json!({ "content": "AAAA" }), patient),
        ("GET", "/v1/address-book", "/v1/address-book".into(), none(), patient),
        ("GET", "/v1/keys/{address}", format!("/v1/keys/{person}"), none(), doctor),
        ("GET", "/v1/directory", "/v1/directory".into(), none(), patient),
        ("GET", "/v1/directory", "/v1/directory?role=doctor".into(), none(), patient),
        ("GET", "/v1/directory", "/v1/directory?name=a".into(), none(), patient),
        (
            "PUT",
            "/v1/directory/{address}",
            format!("/v1/directory/{other}"),
            json!(sign_profile(&accreditor, profile)),
            doctor,
        ),
        ("PUT", "/v1/invitations/{address}", format!("/v1/invitations/{other}"), none(), &operator),
        ("PUT", "/v1/invitations/{address}", format!("/v1/invitations/{other}"), none(), patient),
        ("PUT", "/v1/accepted/{address}", format!("/v1/accepted/{person}"), none(), doctor),
        ("PUT", "/v1/blocks/{address}", format!("/v1/blocks/{other}"), none(), patient),
        ("PUT", "/v1/blocks/{address}", format!("/v1/blocks/{:#x}", operator.address()), none(), patient),
        ("GET", "/v1/blocks", "/v1/blocks".into(), none(), patient),
        ("DELETE", "/v1/blocks/{address}", format!("/v1/blocks/{other}"), none(), patient),
        ("GET", "/v1/blobs/{cid}", format!("/v1/blobs/{}", cid_of(server, &person).await), none(), patient),
        ("GET", "/v1/blobs/{cid}", format!("/v1/blobs/{}", cid_of(server, &person).await), none(), doctor),
        ("HEAD", "/v1/blobs/{cid}", format!("/v1/blobs/{}", cid_of(server, &person).await), none(), patient),
        ("GET", "/v1/actions/{action}", format!("/v1/actions/{}", B256::ZERO), none(), patient),
        ("GET", "/v1/records", "/v1/records".into(), none(), patient),
        ("GET", "/v1/records", "/v1/records".into(), none(), doctor),
        ("GET", "/v1/records", format!("/v1/records?cursor={cursor}"), none(), doctor),
        ("GET", "/v1/records", format!("/v1/records?patient={person}"), none(), doctor),
        ("GET", "/v1/records", format!("/v1/records?record={id}"), none(), doctor),
        ("GET", "/v1/records/{record}", format!("/v1/records/{id}"), none(), doctor),
        ("GET", "/v1/records/{record}/versions", format!("/v1/records/{id}/versions"), none(), doctor),
        (
            "PUT",
            "/v1/records/{record}/versions/{version}/release-share",
            format!("/v1/records/{id}/versions/1/release-share"),
            json!({ "release_share": record.body.release_share }),
            patient,
        ),
        ("GET", "/v1/grants", "/v1/grants?side=given".into(), none(), patient),
        ("GET", "/v1/grants", format!("/v1/grants?side=given&record={id}&cursor={cursor}"), none(), patient),
        ("GET", "/v1/grants", "/v1/grants?side=received".into(), none(), doctor),
        ("GET", "/v1/grants", "/v1/grants?side=received&shelf=strangers".into(), none(), doctor),
        ("GET", "/v1/grants", format!("/v1/grants?side=received&shelf=hidden&cursor={cursor}"), none(), doctor),
        ("GET", "/v1/grants", format!("/v1/grants?side=received&record={id}&cursor={cursor}"), none(), doctor),
        ("GET", "/v1/grants/{grant}/bundle", format!("/v1/grants/{grant_id}/bundle"), none(), doctor),
        (
            "PUT",
            "/v1/grants/{grant}/bundle",
            format!("/v1/grants/{grant_id}/bundle"),
            json!({ "bundle": bundle_of(doctor, &grant_id).await }),
            patient,
        ),
        ("PUT", "/v1/grants/{grant}/hidden", format!("/v1/grants/{grant_id}/hidden"), none(), doctor),
        ("DELETE", "/v1/grants/{grant}/hidden", format!("/v1/grants/{grant_id}/hidden"), none(), doctor),
        ("GET", "/v1/requests", "/v1/requests".into(), none(), patient),
        ("GET", "/v1/requests", format!("/v1/requests?cursor={cursor}"), none(), doctor),
        ("GET", "/v1/requests/{request}", format!("/v1/requests/{request}"), none(), doctor),
        (
            "POST",
            "/v1/requests/{request}/deny",
            format!("/v1/requests/{request}/deny"),
            json!(denial(patient, request, patient)),
            patient,
        ),
        ("GET", "/v1/log", format!("/v1/log?record={id}&purpose={}", Purpose::Treatment.as_str()), none(), patient),
        ("GET", "/v1/log", "/v1/log".into(), none(), &operator),
        ("GET", "/v1/log", "/v1/log?cursor=5&from=1&until=4000000000".into(), none(), patient),
        ("GET", "/v1/log/leaves/{leaf}", format!("/v1/log/leaves/{leaf}"), none(), doctor),
        ("GET", "/v1/log/checkpoints", "/v1/log/checkpoints".into(), none(), patient),
        ("POST", "/v1/grants/revoke", "/v1/grants/revoke".into(), json!({ "action": cast.revoke(id, salt) }), patient),
        ("GET", "/v1/records", "/v1/records".into(), none(), doctor),
        ("POST", "/v1/auth/logout", "/v1/auth/logout".into(), none(), doctor),
    ];
    for (method, route, path, body, user) in calls {
        let answer = user.call_with(method.parse().expect("a method"), &path, &body, &[("if-none-match", "*")]).await;
        // The store does not have the bytes of this test's envelopes: 503.
        let was_heard = ![StatusCode::UNAUTHORIZED, StatusCode::INTERNAL_SERVER_ERROR].contains(&answer.status);
        assert!(was_heard, "{method} {path}: {answer:?}");
        called.insert(format!("{method} {route}"));
    }
    patient.upload(record.id, 2, envelope(record.id, 2, 700)).await.has(StatusCode::CREATED);
    called.insert("POST /v1/blobs".to_owned());
    // A challenge that nobody answers.
    assert_eq!(server.anon().get("/v1/auth/challenge").await.status, StatusCode::OK);
    patient.open_feed().await;
    called.insert("GET /v1/events".to_owned());
    let end = json!({ "action": patient.sign(revoke_all(patient)) });
    let ended = patient.post("/v1/grants/revoke", &end).await;
    assert!(ended.status.is_success(), "{ended:?}");
    called
}

async fn cid_of(server: &Server, uploader: &str) -> String {
    let pins = server.app.database.collection::<Document>("api_pins");
    let pin = pins.find_one(doc! { "uploader": uploader }).await.expect("the database answers").expect("a pin");
    pin.get_str("cid").expect("a CID").to_owned()
}

async fn bundle_of(user: &User, grant: &str) -> Value {
    user.get(&format!("/v1/grants/{grant}/bundle")).await.ok()
}
