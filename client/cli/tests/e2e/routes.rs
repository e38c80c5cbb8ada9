//! Every route of the OpenAPI document: with no session, with somebody else's session, and for somebody else's record.
//! A route that is not listed here fails the test.

use std::{collections::BTreeSet, io::Read};

use alloy::primitives::{B256, Bytes, aliases::U40};
use client::{
    act, session,
    wallet::{Wallet, Wish},
};
use protocol::{
    bodies::{
        account::{LoginBody, PrivateBlob},
        grants::{BundleBody, CatchUpBody, GrantBody, RequestBody, RevokeBody},
        reads::ReadBody,
        records::{RegisterBody, ReleaseShareBody},
    },
    bundle::Bundle,
    capsule::{Binding, Capsule},
    cid::CidBuilder,
    codes::{Purpose, Right, Role, ScopeKind},
    deployment::ContractName,
    envelope::{ContentHasher, Metadata, SealParams, SealReader},
    error_code::ErrorCode,
    ids::{Salt, Tag},
    messages::{Action, Grant, RegisterVersion, Scope, SignedAction},
    note,
    reads::ReadRequest,
    secret::DataKey,
    statements::{AccessRequest, DenyRequest, Profile, SignedAccessRequest, SignedDenial, SignedProfile},
};
use reqwest::{Method, StatusCode, header};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    chance::document,
    person::Person,
    victim::{Victim, session_token, signed_revoke},
    world::{self, World, now},
};

/// What a route does for somebody who has a session, but whose data it is not.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    /// Needs no session and says nothing about anybody.
    Open,
    /// Says what every signed-in person may know, because the chain says it too.
    Common,
    /// Shows and changes the caller's own things only, with this status: nothing of the victim's is in the answer.
    Own(StatusCode),
    /// Names something of the victim's, and is refused with this code and no other: the request has nothing else wrong
    /// with it.
    Refused(ErrorCode),
}

/// The body of the request.
#[derive(Debug)]
enum Body {
    None,
    Json(Value),
    Bytes(Vec<u8>),
}

/// One request to one route.
struct Case {
    method: Method,
    route: &'static str,
    rule: Rule,
    path: String,
    body: Body,
}

impl Case {
    const fn new(method: Method, route: &'static str, rule: Rule, path: String, body: Body) -> Self {
        Self { method, route, rule, path, body }
    }
}

/// What the thief sends for the victim's record; each is as well-formed as an honest client's.
struct Forged {
    envelope: Vec<u8>,
    version: SignedAction,
    grant: SignedAction,
    release_share: Bytes,
    bundle: BundleBody,
    request: RequestBody,
    denial: SignedDenial,
    profile: SignedProfile,
}

impl Forged {
    async fn new(victim: &Victim, thief: &Person) -> Self {
        let Victim { patient, record, request, .. } = victim;
        let (patient, record) = (patient.address(), *record);
        let (chain, deployment) = (thief.client.chain(), thief.client.deployment());
        let context = chain.envelope_context();
        let (patient_key, patient_key_epoch) = chain.public_key(patient).await.unwrap();
        let (nonce, deadline) = (act::new_nonce, act::new_deadline(&thief.client).await.unwrap());
        let sign =
            async |hash: B256| thief.wallet.sign_typed(hash, Wish { sentence: "a thief asks nobody" }).await.unwrap();
        let sign_action = async |action: Action| thief.wallet.sign_action(action, deployment).await.unwrap();

        let (content, dek) = (document(5_000), DataKey::generate(&mut rand::rng()));
        let mut hasher = ContentHasher::new();
        hasher.update(&content);
        let metadata = Metadata {
            content_len: content.len() as u64,
            media_type: "text/plain".to_owned(),
            file_name: "forged.txt".to_owned(),
            content_hash: hasher.finish(),
            created: now(),
            fhir_type: None,
            codes: Vec::new(),
            signed_by: None,
        };
        let params = SealParams {
            context,
            record,
            version: 2,
            patient,
            patient_key: patient_key.clone(),
            patient_key_epoch,
            metadata,
        };
        let mut envelope = Vec::new();
        SealReader::new(&content[..], &params, &dek).unwrap().read_to_end(&mut envelope).unwrap();
        let mut cid = CidBuilder::new();
        cid.update(&envelope);
        let cid = cid.finish();
        let version = Action::RegisterVersion(RegisterVersion {
            uploader: thief.address(),
            record: record.0,
            version: 1,
            codec: cid.codec().code(),
            digest: cid.digest(),
            salt: B256::ZERO,
            writeSalt: B256::ZERO,
            nonce: nonce(),
            deadline,
        });

        let of = context.record_version(record, 1);
        let operator = deployment.operator_key().unwrap();
        let binding = Binding::release_share(&of, patient, deployment.operator, operator.epoch);
        let release_share = Capsule::seal(&dek.release_share(&of), &operator.key, &binding);
        let binding = Binding::reader_share(&of, patient, thief.address(), thief.keys.epoch(), 1);
        let reader_share = Capsule::seal(&dek.reader_share(&of), thief.keys.identity().public_key(), &binding);
        let bundle = Bundle::new(record, vec![(1, reader_share)]).unwrap();
        let grant = Action::Grant(Grant {
            patient,
            tag: Tag::derive(thief.address(), Salt(victim.salt)).0,
            rights: Right::Read.bit(),
            purposes: Purpose::Treatment.bit(),
            notBefore: U40::ZERO,
            notAfter: U40::from(now() + 600),
            patientEpoch: 0,
            scopes: vec![Scope { kind: ScopeKind::Record.code(), id: record.0, epoch: 0, bundleHash: bundle.hash() }],
            nonce: nonce(),
            deadline,
        });

        let registry = deployment.address_of(ContractName::GrantRegistry);
        let binding = Binding::note(deployment.chain_id, registry, patient, patient_key_epoch);
        let note = note::seal("ask yourself", patient, &patient_key, &binding, &mut rand::rng()).unwrap();
        let asked = AccessRequest {
            requester: patient,
            patient,
            rights: Right::Read.bit(),
            kind: ScopeKind::Record.code(),
            scopeId: record.0,
            purposes: Purpose::Treatment.bit(),
            until: U40::from(now() + 600),
            noteHash: B256::from_slice(&Sha256::digest(&note)),
            nonce: nonce(),
            deadline,
        };
        let asked = SignedAccessRequest {
            signature: sign(SignedAccessRequest::signing_hash(&asked, deployment)).await,
            request: asked,
        };
        let denial = DenyRequest { patient, request: request.parse().unwrap(), deadline };
        let profile = Profile {
            accreditor: thief.address(),
            accreditorEpoch: 0,
            practitioner: patient,
            name: "Somebody".to_owned(),
            organisation: String::new(),
            specialty: String::new(),
            roles: Role::Doctor.bit(),
            issued: now(),
        };
        Self {
            envelope,
            version: sign_action(version).await,
            grant: sign_action(grant).await,
            release_share: release_share.as_bytes().to_vec().into(),
            bundle: BundleBody::from(&bundle),
            request: RequestBody { signed: asked, note: note.into() },
            denial: SignedDenial { signature: sign(SignedDenial::signing_hash(&denial, deployment)).await, denial },
            profile: SignedProfile {
                signature: sign(SignedProfile::signing_hash(&profile, deployment)).await,
                profile,
            },
        }
    }
}

/// One case or several for each route, all aimed at the victim by `thief`.
async fn cases(victim: &Victim, thief: &Person) -> Vec<Case> {
    let Victim { patient, record, cid, grant, leaf, request, action, salt, sealed: _ } = victim;
    let address = format!("{:#x}", patient.address());
    let Forged { envelope, version, grant: granting, release_share, bundle, request: asked, denial, profile } =
        Forged::new(victim, thief).await;
    let revoking = signed_revoke(patient, thief).await;
    let session = session::current(&thief.client).unwrap();
    // A read request in the thief's own name, without a salt and with the doctor's.
    let read = |salt: B256| {
        let request = ReadRequest {
            login_hash: session.login_hash(),
            record: *record,
            version: 1,
            purpose: Purpose::Treatment,
            grantee: thief.address(),
            salt: Salt(salt),
            nonce: B256::new(rand::random()),
            deadline: now() + 55,
        };
        let signature = session.sign(&request.signed_bytes(thief.client.deployment())).to_vec().into();
        ReadBody { request, signature }
    };
    let take = GrantBody {
        action: None,
        grantee: thief.address(),
        salt: Salt(*salt),
        right: Right::Read,
        bundles: vec![bundle.clone()],
        request: None,
    };
    let deposit = |version: u16, action: Option<SignedAction>| RegisterBody {
        action,
        record: *record,
        version,
        release_share: release_share.clone(),
        salt: None,
        write_salt: None,
    };
    // The message of the victim's own session, which the server has heard before.
    let login = LoginBody {
        message: session::current(&patient.client).unwrap().login_message().to_owned(),
        signature: thief.wallet.sign_message("x", Wish { sentence: "a thief asks nobody" }).await.unwrap(),
    };
    let nobody = alloy::primitives::Address::repeat_byte(0x77);
    let own = |status: u16| Rule::Own(StatusCode::from_u16(status).unwrap());
    let not_found = Rule::Refused(ErrorCode::NotFound);
    let forbidden = Rule::Refused(ErrorCode::Forbidden);
    let blob = || json(&PrivateBlob { content: "AAAA".to_owned() });
    let get = |route: &'static str, rule: Rule, path: String| Case::new(Method::GET, route, rule, path, Body::None);
    let put =
        |route: &'static str, rule: Rule, path: String, body: Body| Case::new(Method::PUT, route, rule, path, body);
    let post =
        |route: &'static str, rule: Rule, path: String, body: Body| Case::new(Method::POST, route, rule, path, body);
    vec![
        get("/healthz", Rule::Open, "/healthz".into()),
        get("/readyz", Rule::Open, "/readyz".into()),
        get("/metrics", Rule::Open, "/metrics".into()),
        get("/version", Rule::Open, "/version".into()),
        get("/v1/deployment", Rule::Open, "/v1/deployment".into()),
        get("/v1/auth/challenge", Rule::Open, "/v1/auth/challenge".into()),
        post("/v1/auth/login", Rule::Refused(ErrorCode::NonceUsed), "/v1/auth/login".into(), json(&login)),
        get("/v1/me", own(200), "/v1/me".into()),
        get("/v1/keyring", own(200), "/v1/keyring".into()),
        put("/v1/keyring", own(412), "/v1/keyring".into(), blob()),
        get("/v1/address-book", own(404), "/v1/address-book".into()),
        put("/v1/address-book", own(204), "/v1/address-book".into(), blob()),
        get("/v1/keys/{address}", Rule::Common, format!("/v1/keys/{address}")),
        get("/v1/directory", own(200), "/v1/directory?limit=500".into()),
        put("/v1/directory/{address}", forbidden, format!("/v1/directory/{address}"), json(&profile)),
        // What the thief has accepted or blocked is the thief's own business.
        put("/v1/accepted/{address}", not_found, format!("/v1/accepted/{address}"), Body::None),
        put("/v1/blocks/{address}", own(204), format!("/v1/blocks/{nobody:#x}"), Body::None),
        get("/v1/blocks", own(200), "/v1/blocks".into()),
        Case::new(Method::DELETE, "/v1/blocks/{address}", own(204), format!("/v1/blocks/{nobody:#x}"), Body::None),
        get("/v1/blobs/{cid}", not_found, format!("/v1/blobs/{cid}")),
        Case::new(Method::HEAD, "/v1/blobs/{cid}", not_found, format!("/v1/blobs/{cid}"), Body::None),
        // Anyone may store an envelope at their own expense; only its registration makes it a version.
        post("/v1/blobs", own(201), format!("/v1/blobs?record={record}&version=2"), Body::Bytes(envelope.clone())),
        post(
            "/v1/blobs",
            Rule::Refused(ErrorCode::InvalidEnvelope),
            format!("/v1/blobs?record={record}&version=1"),
            Body::Bytes(envelope),
        ),
        post("/v1/actions", Rule::Refused(ErrorCode::InvalidSignature), "/v1/actions".into(), json(&revoking)),
        put("/v1/invitations/{address}", forbidden, format!("/v1/invitations/{address}"), json(&())),
        get("/v1/actions/{action}", not_found, format!("/v1/actions/{action}")),
        get("/v1/records", own(200), format!("/v1/records?patient={address}")),
        get("/v1/records", own(200), format!("/v1/records?record={record}")),
        get("/v1/records/{record}", not_found, format!("/v1/records/{record}")),
        get("/v1/records/{record}/versions", not_found, format!("/v1/records/{record}/versions")),
        post("/v1/records", forbidden, "/v1/records".into(), json(&deposit(1, None))),
        post("/v1/records", Rule::Refused(ErrorCode::NoGrant), "/v1/records".into(), json(&deposit(2, Some(version)))),
        put(
            "/v1/records/{record}/versions/{version}/release-share",
            forbidden,
            format!("/v1/records/{record}/versions/1/release-share"),
            json(&ReleaseShareBody { release_share: release_share.clone() }),
        ),
        get("/v1/grants", own(200), format!("/v1/grants?side=received&record={record}")),
        get("/v1/grants", own(200), format!("/v1/grants?side=given&record={record}")),
        post("/v1/grants", Rule::Refused(ErrorCode::NoGrant), "/v1/grants".into(), json(&take)),
        post("/v1/grants", forbidden, "/v1/grants".into(), json(&GrantBody { action: Some(granting), ..take.clone() })),
        get("/v1/grants", own(200), format!("/v1/grants?side=received&patient={address}")),
        get("/v1/grants/{grant}/bundle", not_found, format!("/v1/grants/{grant}/bundle")),
        put("/v1/grants/{grant}/hidden", not_found, format!("/v1/grants/{grant}/hidden"), Body::None),
        Case::new(
            Method::DELETE,
            "/v1/grants/{grant}/hidden",
            not_found,
            format!("/v1/grants/{grant}/hidden"),
            Body::None,
        ),
        put(
            "/v1/grants/{grant}/bundle",
            not_found,
            format!("/v1/grants/{grant}/bundle"),
            json(&CatchUpBody { bundle }),
        ),
        post(
            "/v1/grants/revoke",
            Rule::Refused(ErrorCode::InvalidSignature),
            "/v1/grants/revoke".into(),
            json(&RevokeBody { action: revoking }),
        ),
        get("/v1/requests", own(200), "/v1/requests".into()),
        post("/v1/requests", forbidden, "/v1/requests".into(), json(&asked)),
        get("/v1/requests/{request}", not_found, format!("/v1/requests/{request}")),
        post("/v1/requests/{request}/deny", not_found, format!("/v1/requests/{request}/deny"), json(&denial)),
        post("/v1/reads", Rule::Refused(ErrorCode::NoGrant), "/v1/reads".into(), json(&read(B256::ZERO))),
        post("/v1/reads", Rule::Refused(ErrorCode::NoGrant), "/v1/reads".into(), json(&read(*salt))),
        get("/v1/log", own(200), format!("/v1/log?record={record}")),
        get("/v1/log/leaves/{leaf}", not_found, format!("/v1/log/leaves/{leaf}")),
        get("/v1/log/checkpoints", Rule::Common, "/v1/log/checkpoints".into()),
        get("/v1/events", own(200), "/v1/events".into()),
        // Last, because it ends the thief's session.
        post("/v1/auth/logout", own(204), "/v1/auth/logout".into(), Body::None),
    ]
}

fn json(body: &impl Serialize) -> Body {
    Body::Json(serde_json::to_value(body).expect("bodies have a JSON form"))
}

/// Sends a case; gives the status and the first part of the answer.
async fn send(world: &World, case: &Case, token: Option<&str>) -> (StatusCode, String) {
    let mut request = reqwest::Client::new().request(case.method.clone(), format!("{}{}", world.place.api, case.path));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    request = match &case.body {
        // For the private blobs, where nothing is to be replaced; no other route minds.
        Body::Json(body) => request.header(header::IF_NONE_MATCH, "*").json(body),
        Body::Bytes(bytes) => request.header(header::CONTENT_TYPE, "application/octet-stream").body(bytes.clone()),
        Body::None => request,
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

        let before = victim.kept(world).await;
        let token = session_token(&thief);
        for case in &cases {
            let name = format!("{} {}", case.method, case.path);
            for stranger in [None, Some("not a session")] {
                let (status, body) = send(world, case, stranger).await;
                match case.rule {
                    Rule::Open => assert!(status.is_success(), "{name} as {stranger:?}: {status} {body}"),
                    // Signing in needs no session.
                    Rule::Refused(code) if case.route == "/v1/auth/login" => is_problem(case, code, status, &body),
                    _ => is_problem(case, ErrorCode::NotSignedIn, status, &body),
                }
            }

            let (status, body) = send(world, case, Some(&token)).await;
            match case.rule {
                Rule::Open | Rule::Common => assert!(status.is_success(), "{name}: {status} {body}"),
                Rule::Own(expected) => assert_eq!(status, expected, "{name}: {body}"),
                Rule::Refused(code) => is_problem(case, code, status, &body),
            }
            if !matches!(case.rule, Rule::Common) {
                let body = body.to_lowercase();
                for trace in victim.traces() {
                    assert!(!body.contains(&trace.to_lowercase()), "{name} tells a stranger {trace}: {body}");
                }
            }
        }

        // Nothing of the victim's has changed.
        assert_eq!(victim.kept(world).await, before);
        assert!(victim.patient.open(victim.record).await.is_ok());
        let requests = victim.patient.client.api().unwrap().requests().await.unwrap();
        assert_eq!(requests.len(), 1);
    });
}

/// The answer is a problem with this code; to `HEAD` there is only its status.
#[track_caller]
fn is_problem(case: &Case, code: ErrorCode, status: StatusCode, body: &str) {
    let name = format!("{} {}", case.method, case.path);
    if case.method != Method::HEAD {
        let problem: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{name}: {status} {body}"));
        assert_eq!(problem["code"], code.as_str(), "{name}: {body}");
    }
    assert_eq!(status.as_u16(), code.status(), "{name}: {body}");
}
