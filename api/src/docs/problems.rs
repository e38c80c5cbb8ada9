//! The problems that each operation may return, for the OpenAPI document.
//!
//! Problems that follow from the document itself, for example from a session or a body, are derived. The others are
//! listed in [`own_of`]. The server compares every answer with this list ([`Documented`]), and a debug build panics if
//! the answer is not in it. Every test that receives an answer therefore also tests the list.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use axum::http::Method;
use protocol::error_code::ErrorCode::{self, *};
use serde_json::{Value, json};
use utoipa::openapi::{OpenApi, path::Operation};

use crate::idempotency;

/// Problems that the relay and the contracts can return for a signed action.
const ACTION: &[ErrorCode] = &[
    AlreadyExists,
    BudgetExceeded,
    Expired,
    Forbidden,
    InvalidSignature,
    LiftPeriodOver,
    NoGrant,
    NonceUsed,
    NotAccredited,
    NotInvited,
    OutOfRange,
    RecordTombstoned,
    RelayerPoor,
    StaleState,
    UnknownCategory,
    UnknownRecord,
    WouldRevert,
];

/// Returns the problems of an operation's own handler, in addition to [`common`].
fn own_of(method: &Method, path: &str) -> Vec<ErrorCode> {
    let own: &[&[ErrorCode]] = match (method.as_str(), path) {
        ("POST", "/v1/auth/login") => {
            &[&[ClockSkew, Expired, InvalidLogin, InvalidSignature, NonceUsed, WrongChain, WrongDomain]]
        }
        ("GET", "/v1/keyring" | "/v1/address-book") => &[&[NotFound]],
        ("PUT", "/v1/keyring" | "/v1/address-book") => &[&[PreconditionFailed]],
        ("GET", "/v1/keys/{address}") => &[&[KeyNotRegistered]],
        ("PUT", "/v1/blocks/{address}" | "/v1/invitations/{address}") => &[&[OutOfRange]],
        ("PUT", "/v1/accepted/{address}") => &[&[NotFound]],
        ("GET", "/v1/records/{record}/versions") => &[&[NotFound, OutOfRange]],
        ("GET", "/v1/grants/{grant}/bundle") => &[&[NotFound]],
        ("PUT" | "DELETE", "/v1/grants/{grant}/hidden") => &[&[NotFound]],
        (
            "GET",
            "/v1/blocks"
            | "/v1/directory"
            | "/v1/records"
            | "/v1/grants"
            | "/v1/requests"
            | "/v1/log"
            | "/v1/log/checkpoints",
        ) => &[&[OutOfRange]],
        ("PUT", "/v1/directory/{address}") => {
            &[&[ClockSkew, Forbidden, InvalidSignature, NotAccredited, OutOfRange, StaleState]]
        }
        ("POST", "/v1/blobs") => &[&[InvalidEnvelope, QuotaExceeded, TruncatedUpload]],
        ("GET", "/v1/blobs/{cid}") => &[&[InvalidRange, NotFound]],
        ("HEAD", "/v1/blobs/{cid}") => &[&[NotFound]],
        ("POST", "/v1/actions") => &[ACTION, &[GrantRevoked]],
        ("POST", "/v1/grants/revoke") => &[ACTION],
        (
            "GET",
            "/v1/actions/{action}" | "/v1/records/{record}" | "/v1/requests/{request}" | "/v1/log/leaves/{leaf}",
        ) => &[&[NotFound]],
        ("POST", "/v1/records") => &[ACTION, &[CidMismatch, GrantRevoked, InvalidCapsule, InvalidEnvelope, NotFound]],
        ("PUT", "/v1/records/{record}/versions/{version}/release-share") => {
            &[&[Forbidden, GrantRevoked, InvalidCapsule, NoGrant, NotAccredited, RecordTombstoned, UnknownRecord]]
        }
        ("POST", "/v1/grants") => &[ACTION, &[GrantRevoked, InvalidCapsule, KeyNotRegistered, NotFound]],
        ("PUT", "/v1/grants/{grant}/bundle") => {
            &[&[Forbidden, GrantRevoked, InvalidCapsule, NoGrant, NotFound, OutOfRange]]
        }
        ("POST", "/v1/requests") => &[&[
            Expired,
            Forbidden,
            InvalidCapsule,
            InvalidSignature,
            KeyNotRegistered,
            NotAccredited,
            OutOfRange,
            UnknownCategory,
        ]],
        ("POST", "/v1/requests/{request}/deny") => &[&[Expired, Forbidden, InvalidSignature, NotFound, StaleState]],
        ("POST", "/v1/reads") => &[&[
            ClockSkew,
            Expired,
            Forbidden,
            GrantExpired,
            GrantRevoked,
            InvalidSignature,
            LogBehind,
            NoGrant,
            NonceUsed,
            NotAccredited,
            RecordTombstoned,
            ShareMissing,
            UnknownRecord,
        ]],
        _ => &[],
    };
    own.concat()
}

/// Returns the problems that follow from the document.
fn common(method: &Method, path: &str, operation: &Operation) -> Vec<ErrorCode> {
    // Any request may be malformed, too long, too slow, or over a limit, and the server itself may fail.
    let mut codes = vec![InvalidRequest, UriTooLong, HeadTooLarge, RequestTimeout, RateLimited, Internal, Unavailable];
    let needs_session = operation.security.is_none();
    if needs_session {
        codes.push(NotSignedIn);
    }
    if !method.is_safe() {
        codes.push(UnsupportedTransferCoding);
        codes.push(InProgress);
        if needs_session {
            // A cookie that another site's page sent along.
            codes.push(Forbidden);
        }
    }
    if operation.request_body.is_some() {
        codes.extend([TooLarge, UnsupportedMediaType]);
    }
    if idempotency::is_eligible(method, path) {
        codes.extend([IdempotencyMismatch, TooLarge]);
    }
    codes
}

/// Returns the operations of the document, with their methods and paths.
fn operations(openapi: &mut OpenApi) -> impl Iterator<Item = (Method, String, &mut Operation)> {
    openapi.paths.paths.iter_mut().flat_map(|(path, item)| {
        let operations = [
            (Method::GET, &mut item.get),
            (Method::HEAD, &mut item.head),
            (Method::POST, &mut item.post),
            (Method::PUT, &mut item.put),
            (Method::DELETE, &mut item.delete),
        ];
        operations.into_iter().filter_map(|(method, operation)| Some((method, path.clone(), operation.as_mut()?)))
    })
}

/// Adds the problems of each operation to the document.
pub(super) fn describe(mut openapi: OpenApi) -> OpenApi {
    let mut shared = BTreeSet::new();
    for (method, path, operation) in operations(&mut openapi) {
        let mut by_status: BTreeMap<u16, BTreeSet<&'static str>> = BTreeMap::new();
        for code in own_of(&method, &path).into_iter().chain(common(&method, &path, operation)) {
            by_status.entry(code.status()).or_default().insert(code.as_str());
        }
        for (status, codes) in by_status {
            let responses = &mut operation.responses.responses;
            let known =
                responses.get(&status.to_string()).map(|known| serde_json::to_value(known).expect("plain data"));
            let described = match (known, codes.first()) {
                // A single code has one shared description.
                (None, Some(code)) if codes.len() == 1 && method != Method::HEAD => {
                    shared.insert(*code);
                    json!({ "$ref": format!("#/components/responses/{code}") })
                }
                (known, _) => with_problem(known, &codes, method == Method::HEAD),
            };
            let described = serde_json::from_value(described).expect("a valid OpenAPI response");
            responses.insert(status.to_string(), described);
        }
    }
    let components = openapi.components.get_or_insert_default();
    for code in shared {
        let described = with_problem(None, &BTreeSet::from([code]), false);
        let described = serde_json::from_value(described).expect("a valid OpenAPI response");
        components.responses.insert(code.to_owned(), described);
    }
    openapi
}

/// Returns a response that may be a problem with one of these codes, or the response that was described already.
fn with_problem(known: Option<Value>, codes: &BTreeSet<&str>, is_bodiless: bool) -> Value {
    let named: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
    let problem = format!("A problem: {}.", named.join(", "));
    let mut response = known.unwrap_or_else(|| json!({ "description": "" }));
    let before = response["description"].as_str().unwrap_or_default().to_owned();
    response["description"] = if before.is_empty() { problem } else { format!("{before} Or: {problem}") }.into();
    if !is_bodiless {
        let codes: Vec<&str> = codes.iter().copied().collect();
        response["content"]["application/problem+json"]["schema"] = json!({
            "allOf": [
                { "$ref": "#/components/schemas/Problem" },
                { "type": "object", "properties": { "code": { "type": "string", "enum": codes } } },
            ],
        });
    }
    response
}

/// The answers that the document describes, to compare real answers with.
pub(crate) struct Documented {
    /// For each method and path: the statuses and problem codes.
    operations: HashMap<(Method, String), (BTreeSet<u16>, Vec<ErrorCode>)>,
}

impl Documented {
    pub(crate) fn of(mut openapi: OpenApi) -> Self {
        let entry = |(method, path, operation): (Method, String, &mut Operation)| {
            let mut codes = own_of(&method, &path);
            codes.extend(common(&method, &path, operation));
            let statuses = operation.responses.responses.keys().filter_map(|status| status.parse().ok()).collect();
            ((method, path), (statuses, codes))
        };
        Self { operations: operations(&mut openapi).map(entry).collect() }
    }

    /// Returns whether the operation's description lists this answer. A path without an operation is not described, and
    /// counts as correct.
    pub(crate) fn has(&self, method: &Method, path: &str, status: u16, code: Option<ErrorCode>) -> bool {
        let Some((statuses, codes)) = self.operations.get(&(method.clone(), path.to_owned())) else { return true };
        statuses.contains(&status) && code.is_none_or(|code| codes.contains(&code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_path_is_in_the_document() {
        let mut openapi = crate::routes::openapi();
        let all: Vec<(Method, String)> = operations(&mut openapi).map(|(method, path, _)| (method, path)).collect();
        assert!(all.len() > 30);
        // A path in the list that the document no longer has would not be noticed, so every path in the list is looked
        // up.
        let source = include_str!("problems.rs");
        let list =
            &source[source.find("fn own_of").expect("it is there")..source.find("fn common").expect("it is there")];
        for path in list.split('"').skip(1).step_by(2).filter(|word| word.starts_with('/')) {
            assert!(all.iter().any(|(_, known)| known == path), "{path} is not a path of the document");
        }
    }

    #[test]
    fn an_unlisted_answer_is_detected() {
        let documented = Documented::of(crate::routes::openapi());
        assert!(documented.has(&Method::GET, "/v1/me", 200, None));
        assert!(documented.has(&Method::GET, "/v1/me", 401, Some(NotSignedIn)));
        assert!(!documented.has(&Method::GET, "/v1/me", 404, Some(NotFound)));
        assert!(!documented.has(&Method::GET, "/v1/me", 204, None));
        assert!(
            !documented.has(&Method::GET, "/v1/keyring", 404, Some(UnknownRecord)),
            "the status alone is not enough"
        );
    }
}
