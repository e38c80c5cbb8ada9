//! Every route of the OpenAPI document: with no session, with somebody else's session, and for somebody else's record.
//! A route that is not listed here fails the test.

use std::collections::BTreeSet;

use alloy::primitives::B256;
use client::{act, session, wallet::Wallet};
use protocol::{
    bodies::{
        grants::{BundleBody, CatchUpBody, GrantBody, GrantQuery, GrantSide, RequestBody, RevokeBody},
        reads::ReadBody,
        records::{RegisterBody, ReleaseShareBody},
    },
    codes::{Purpose, Right, Role, ScopeKind},
    messages::{Action, GrantRef, Revoke, SignedAction},
    reads::ReadRequest,
    statements::{AccessRequest, DenyRequest, Profile, SignedAccessRequest, SignedDenial, SignedProfile},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    chance::document,
    person::Person,
    world::{self, World, eventually, now},
};

/// What a route does for somebody who has a session, but whose data it is not.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    /// Needs no session and says nothing about anybody.
    Open,
    /// Says what every signed-in person may know, because the chain says it too.
    Common,
    /// Shows and changes the caller's own things only: nothing of the victim's is in the answer.
    Own,
    /// Names something of the victim's, and is refused with one of these.
    Refused(&'static [u16]),
}

/// One request to one route.
struct Case {
    method: Method,
    route: &'static str,
    rule: Rule,
    path: String,
    body: Option<Value>,
}

/// Somebody with something of every kind.
struct Victim {
    patient: Person,
    record: String,
    cid: String,
    grant: String,
    salt: B256,
    leaf: String,
    request: String,
    action: String,
}

impl Victim {
    async fn new(world: &World) -> Self {
        let (patient, doctor) = tokio::join!(world.person(), world.practitioner(Role::Doctor));
        let content = document(900);
        let uploaded = patient.upload("victim.txt", &content).await;
        let ask =
            ["request", "--patient", &patient.hex(), "--record", &uploaded.record.to_string(), "--reason", "why not"];
        doctor.device.medlock(&ask).await.succeeded();
        let granted = patient.share(&[uploaded.record], &doctor, 3_600).await;
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
            record: uploaded.record.to_string(),
            cid: uploaded.cid,
            grant: granted.grants[0].to_string(),
            salt: salt.0,
            leaf,
            request,
            action: id,
        }
    }

    /// What must not be in an answer to somebody else.
    fn traces(&self) -> [String; 6] {
        let address = self.patient.address();
        [
            format!("{address:x}"),
            self.record[2..].to_owned(),
            self.cid.clone(),
            self.grant[2..].to_owned(),
            self.leaf[2..].to_owned(),
            self.request[2..].to_owned(),
        ]
    }
}

/// A Revoke of nothing in particular in the name of `patient`, signed by `signer`.
async fn signed_revoke(patient: &Person, signer: &Person) -> SignedAction {
    let action = Action::Revoke(Revoke {
        patient: patient.address(),
        grants: vec![GrantRef { tag: B256::new(rand::random()), kind: ScopeKind::All.code(), id: B256::ZERO }],
        nonce: act::new_nonce(),
        deadline: act::new_deadline(&patient.client).await.unwrap(),
    });
    signer.wallet.sign_action(action, patient.client.deployment()).await.unwrap()
}

const NOT_YOURS: &[u16] = &[403, 404];
const NOT_YOURS_OR_INVALID: &[u16] = &[400, 403, 404, 409, 422];

/// One case or several for each route, all aimed at the victim by `thief`.
async fn cases(victim: &Victim, thief: &Person) -> Vec<Case> {
    let Victim { patient, record, cid, grant, leaf, request, action, salt } = victim;
    let address = format!("{:#x}", patient.address());
    let deployment = thief.client.deployment();
    let case = |method: Method, route: &'static str, rule: Rule, path: String, body: Option<Value>| Case {
        method,
        route,
        rule,
        path,
        body,
    };
    let get = |route: &'static str, rule: Rule, path: String| case(Method::GET, route, rule, path, None);
    let json_of = |value: &dyn erased::Json| Some(value.json());
    let forged = signed_revoke(patient, thief).await;
    let blob = Some(json!({ "content": "AAAA" }));
    let record_id: protocol::ids::RecordId = record.parse().unwrap();
    let session = session::current(&thief.client).unwrap();

    // A read request in the thief's own name, and one with the doctor's salt.
    let read = |salt: B256| {
        let request = ReadRequest {
            login_hash: session.login_hash(),
            record: record_id,
            version: 1,
            purpose: Purpose::Treatment,
            grantee: thief.address(),
            salt: protocol::ids::Salt(salt),
            nonce: B256::new(rand::random()),
            deadline: now() + 30,
        };
        let signature = session.sign(&request.signed_bytes(deployment)).to_vec().into();
        ReadBody { request, signature }
    };
    let asked = AccessRequest {
        requester: patient.address(),
        patient: patient.address(),
        rights: Right::Read.bit(),
        kind: ScopeKind::Record.code(),
        scopeId: record_id.0,
        purposes: Purpose::Treatment.bit(),
        until: alloy::primitives::aliases::U40::from(now() + 600),
        noteHash: B256::ZERO,
        nonce: act::new_nonce(),
        deadline: act::new_nonce(),
    };
    let sign = |hash: B256| async move {
        thief.wallet.sign_typed(hash, client::wallet::Wish { sentence: "a thief asks nobody" }).await.unwrap()
    };
    let asked = SignedAccessRequest {
        signature: sign(SignedAccessRequest::signing_hash(&asked, deployment)).await,
        request: asked,
    };
    let denial = DenyRequest {
        patient: patient.address(),
        request: request.parse().unwrap(),
        deadline: act::new_deadline(&thief.client).await.unwrap(),
    };
    let denial = SignedDenial { signature: sign(SignedDenial::signing_hash(&denial, deployment)).await, denial };
    let profile = Profile {
        accreditor: thief.address(),
        practitioner: patient.address(),
        name: "Somebody".to_owned(),
        organisation: String::new(),
        specialty: String::new(),
        roles: Role::Doctor.bit(),
        issued: now(),
    };
    let profile = SignedProfile { signature: sign(SignedProfile::signing_hash(&profile, deployment)).await, profile };
    let bundle = BundleBody { kind: ScopeKind::Record, scope_id: record_id.0, capsules: Vec::new() };
    let take = GrantBody {
        action: None,
        grantee: thief.address(),
        salt: protocol::ids::Salt(*salt),
        right: Right::Read,
        bundles: vec![bundle.clone()],
        request: None,
    };
    let deposit =
        RegisterBody { action: None, record: record_id, version: 1, release_share: vec![1; 117].into(), salt: None };
    let put =
        |route: &'static str, rule: Rule, path: String, body: Option<Value>| case(Method::PUT, route, rule, path, body);
    let post = |route: &'static str, rule: Rule, path: String, body: Option<Value>| {
        case(Method::POST, route, rule, path, body)
    };
    let mut cases = vec![
        get("/healthz", Rule::Open, "/healthz".into()),
        get("/readyz", Rule::Open, "/readyz".into()),
        get("/metrics", Rule::Open, "/metrics".into()),
        get("/version", Rule::Open, "/version".into()),
        get("/v1/deployment", Rule::Open, "/v1/deployment".into()),
        get("/v1/auth/challenge", Rule::Open, "/v1/auth/challenge".into()),
        get("/v1/me", Rule::Own, "/v1/me".into()),
        get("/v1/keyring", Rule::Own, "/v1/keyring".into()),
        put("/v1/keyring", Rule::Own, "/v1/keyring".into(), blob.clone()),
        get("/v1/address-book", Rule::Own, "/v1/address-book".into()),
        put("/v1/address-book", Rule::Own, "/v1/address-book".into(), blob),
        get("/v1/keys/{address}", Rule::Common, format!("/v1/keys/{address}")),
        get("/v1/directory", Rule::Own, "/v1/directory?limit=500".into()),
        put(
            "/v1/directory/{address}",
            Rule::Refused(NOT_YOURS_OR_INVALID),
            format!("/v1/directory/{address}"),
            json_of(&profile),
        ),
        get("/v1/blobs/{cid}", Rule::Refused(NOT_YOURS), format!("/v1/blobs/{cid}")),
        case(Method::HEAD, "/v1/blobs/{cid}", Rule::Refused(NOT_YOURS), format!("/v1/blobs/{cid}"), None),
        post("/v1/blobs", Rule::Refused(NOT_YOURS_OR_INVALID), format!("/v1/blobs?record={record}&version=2"), None),
        post("/v1/actions", Rule::Refused(&[422]), "/v1/actions".into(), json_of(&forged)),
        get("/v1/actions/{action}", Rule::Refused(NOT_YOURS), format!("/v1/actions/{action}")),
        get("/v1/records", Rule::Own, format!("/v1/records?patient={address}")),
        get("/v1/records/{record}", Rule::Refused(NOT_YOURS), format!("/v1/records/{record}")),
        post("/v1/records", Rule::Refused(NOT_YOURS_OR_INVALID), "/v1/records".into(), json_of(&deposit)),
        get("/v1/grants", Rule::Own, format!("/v1/grants?side=received&record={record}")),
        get("/v1/grants", Rule::Own, format!("/v1/grants?side=given&record={record}")),
        post("/v1/grants", Rule::Refused(NOT_YOURS_OR_INVALID), "/v1/grants".into(), json_of(&take)),
        post(
            "/v1/grants/revoke",
            Rule::Refused(&[403, 422]),
            "/v1/grants/revoke".into(),
            json_of(&RevokeBody { action: forged.clone() }),
        ),
        get("/v1/requests", Rule::Own, "/v1/requests".into()),
        get("/v1/requests/{request}", Rule::Refused(NOT_YOURS), format!("/v1/requests/{request}")),
        post(
            "/v1/requests/{request}/deny",
            Rule::Refused(NOT_YOURS_OR_INVALID),
            format!("/v1/requests/{request}/deny"),
            json_of(&denial),
        ),
        post("/v1/reads", Rule::Refused(&[403]), "/v1/reads".into(), json_of(&read(B256::ZERO))),
        post("/v1/reads", Rule::Refused(&[403]), "/v1/reads".into(), json_of(&read(*salt))),
        get("/v1/log", Rule::Own, format!("/v1/log?record={record}")),
        get("/v1/log/leaves/{leaf}", Rule::Refused(NOT_YOURS), format!("/v1/log/leaves/{leaf}")),
        get("/v1/log/checkpoints", Rule::Common, "/v1/log/checkpoints".into()),
        get("/v1/events", Rule::Own, "/v1/events".into()),
    ];
    cases.push(put(
        "/v1/records/{record}/versions/{version}/release-share",
        Rule::Refused(NOT_YOURS),
        format!("/v1/records/{record}/versions/1/release-share"),
        json_of(&ReleaseShareBody { release_share: vec![1; 117].into() }),
    ));
    cases.push(put(
        "/v1/grants/{grant}/bundle",
        Rule::Refused(NOT_YOURS),
        format!("/v1/grants/{grant}/bundle"),
        json_of(&CatchUpBody { bundle }),
    ));
    let note = RequestBody { signed: asked, note: vec![0; 16].into() };
    cases.push(post("/v1/requests", Rule::Refused(NOT_YOURS_OR_INVALID), "/v1/requests".into(), json_of(&note)));
    let login = json!({ "message": session.login_message(), "signature": format!("0x{}", "11".repeat(65)) });
    cases.push(post("/v1/auth/login", Rule::Refused(&[400, 401, 409, 422]), "/v1/auth/login".into(), Some(login)));
    // Last, because it ends the thief's session.
    cases.push(post("/v1/auth/logout", Rule::Own, "/v1/auth/logout".into(), None));
    cases
}

/// Bodies of different types in one list.
mod erased {
    /// What has a JSON form.
    pub(crate) trait Json {
        /// The JSON form.
        fn json(&self) -> serde_json::Value;
    }

    impl<T: serde::Serialize> Json for T {
        fn json(&self) -> serde_json::Value {
            serde_json::to_value(self).expect("bodies have a JSON form")
        }
    }
}

/// Sends a case; gives the status and the first part of the answer.
async fn send(world: &World, case: &Case, token: Option<&str>) -> (StatusCode, String) {
    let mut request = reqwest::Client::new().request(case.method.clone(), format!("{}{}", world.place.api, case.path));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    request = match &case.body {
        Some(body) => request.json(body),
        None if case.route == "/v1/blobs" => {
            request.header("content-type", "application/octet-stream").body(vec![7; 5_000])
        }
        None => request,
    };
    let mut answer = request.send().await.unwrap_or_else(|error| panic!("{} {}: {error}", case.method, case.path));
    let status = answer.status();
    let mut body = Vec::new();
    // The feed never ends by itself.
    let patience = std::time::Duration::from_millis(if case.route == "/v1/events" { 1_500 } else { 20_000 });
    let _ = tokio::time::timeout(patience, async {
        while let Ok(Some(chunk)) = answer.chunk().await {
            body.extend_from_slice(&chunk);
        }
    })
    .await;
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[test]
fn every_route_keeps_what_is_not_the_callers() {
    world::run(async {
        let world = world::shared().await;
        let (victim, thief) = tokio::join!(Victim::new(world), world.practitioner(Role::Doctor));
        let cases = cases(&victim, &thief).await;

        // Every route of the document is here, and nothing else is.
        let document: Value =
            reqwest::get(format!("{}/openapi.json", world.place.api)).await.unwrap().json().await.unwrap();
        let mut documented = BTreeSet::new();
        for (path, operations) in document["paths"].as_object().expect("paths") {
            let methods = operations.as_object().expect("operations").keys().filter(|key| *key != "parameters");
            documented.extend(methods.map(|method| format!("{} {path}", method.to_uppercase())));
        }
        let tried: BTreeSet<_> = cases.iter().map(|case| format!("{} {}", case.method, case.route)).collect();
        assert_eq!(tried, documented, "each route needs its case in this test");

        let stored = std::fs::read_to_string(thief.device.home().join("session.json")).unwrap();
        let token = serde_json::from_str::<Value>(&stored).unwrap()["token"].as_str().unwrap().to_owned();
        for case in &cases {
            let name = format!("{} {}", case.method, case.path);
            let (status, body) = send(world, case, None).await;
            match case.rule {
                Rule::Open => assert!(status.is_success(), "{name} without a session: {status} {body}"),
                Rule::Refused(_) if case.route == "/v1/auth/login" => {
                    assert!(status.is_client_error(), "{name}: {status} {body}")
                }
                _ => {
                    assert_eq!(status, StatusCode::UNAUTHORIZED, "{name} without a session: {body}");
                    if case.method != Method::HEAD {
                        let problem: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{name}: {body}"));
                        assert_eq!(problem["code"], "not_signed_in", "{name}");
                    }
                }
            }
            let (status, body) = send(world, case, Some("not a session")).await;
            if !matches!(case.rule, Rule::Open) && case.route != "/v1/auth/login" {
                assert_eq!(status, StatusCode::UNAUTHORIZED, "{name} with a made-up session: {body}");
            }

            let (status, body) = send(world, case, Some(&token)).await;
            assert!(!status.is_server_error(), "{name} with somebody else's session: {status} {body}");
            match case.rule {
                Rule::Open | Rule::Common => assert!(status.is_success(), "{name}: {status} {body}"),
                Rule::Own => {
                    let is_own =
                        status.is_success() || [404, 412, 428].contains(&status.as_u16()) || case.body.is_some();
                    assert!(is_own, "{name}: {status} {body}");
                }
                Rule::Refused(with) => {
                    assert!(with.contains(&status.as_u16()), "{name} with somebody else's session: {status} {body}");
                }
            }
            if !matches!(case.rule, Rule::Common) {
                let body = body.to_lowercase();
                for trace in victim.traces() {
                    assert!(!body.contains(&trace.to_lowercase()), "{name} tells a stranger {trace}: {body}");
                }
            }
        }

        // Nothing of the victim's has changed.
        let record = victim.record.parse().unwrap();
        assert!(victim.patient.open(record).await.is_ok());
        let requests = victim.patient.client.api().unwrap().requests().await.unwrap();
        assert_eq!(requests.len(), 1);
    });
}
