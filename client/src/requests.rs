//! Access requests: a practitioner asks with a note, the patient approves or denies.

use alloy::primitives::{Address, B256, U256};
use protocol::{
    bodies::grants::{RequestBody, RequestState, RequestView},
    capsule::Binding,
    codes::{Purpose, Right, ScopeKind},
    deployment::ContractName,
    ends::TooFarAhead,
    ids::{RecordId, RequestId},
    note::{self, NoteError},
    statements::{AccessRequest, DenyRequest, SignedAccessRequest, SignedDenial},
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{
    act::{Way, new_deadline, new_nonce},
    api::ServerError,
    chain::{ChainError, uint40, unix_now},
    client::Client,
    error::{codes, failure, lift, sentence},
    grants::{self, GrantError, Granted, NewGrants, Scope},
    lookup::LookupError,
    published_key::{PublicKeyError, public_key},
    told::concerns_all,
    unlock::Keys,
    wallet::{Wallet, WalletError, Wish},
};

/// Why a patient was not asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// A request is to somebody else, and for a purpose.
    #[error("A request names somebody else and at least one purpose.")]
    NoPatientOrPurpose,
    /// The wished end or the end of the request is in the past.
    #[error("A request is for a time to come.")]
    TimePassed,
    /// The wished end or the end of the request is later than is allowed.
    #[error("{}", sentence(.0))]
    TooFarAhead(#[from] TooFarAhead),
    /// The reason is too long.
    #[error("The reason cannot be sent: {0}.")]
    InvalidReason(#[source] NoteError),
    /// Nothing can be sealed to the patient.
    #[error(transparent)]
    PatientKey(PublicKeyError),
    /// The server does not do what it was asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The chain does not answer, or it is not the chain of the deployment.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The wallet does not sign.
    #[error(transparent)]
    Wallet(#[from] WalletError),
}

failure! { RequestError {
    NoPatientOrPurpose => codes::USAGE;
    TimePassed => codes::USAGE;
    TooFarAhead => codes::USAGE;
    InvalidReason => codes::USAGE;
    ..PatientKey;
    ..Server;
    ..Chain;
    ..Wallet;
} }

lift! { PublicKeyError => RequestError { Chain, ..PatientKey } }

/// Why a request was not approved or denied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// The person has no such request.
    #[error("There is no such request to you.")]
    UnknownRequest,
    /// The request is not open any more.
    #[error("The request has been answered, or its time has passed.")]
    NotOpen,
    /// The patient has no record of the kind that was asked for.
    #[error("There is no record of the kind that was asked for.")]
    NoRecord,
    /// A request to add records is not about single records.
    #[error("This request is to add records; no single record can be named.")]
    NotAboutRecords,
    /// The grant was not made.
    #[error(transparent)]
    Grant(GrantError),
    /// The server does not do what it was asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The chain does not answer, or it is not the chain of the deployment.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The wallet does not sign.
    #[error(transparent)]
    Wallet(#[from] WalletError),
}

failure! { AnswerError {
    UnknownRequest => codes::NOT_FOUND;
    NotOpen => codes::NOT_FOUND;
    NoRecord => codes::NOT_FOUND;
    NotAboutRecords => codes::USAGE;
    ..Grant;
    ..Server;
    ..Chain;
    ..Wallet;
} }

lift! { LookupError => AnswerError { Server, Chain } }
lift! { GrantError => AnswerError { Server, Chain, Wallet, ..Grant } }

/// A request to be made.
#[derive(Clone, Debug)]
pub struct NewRequest {
    /// The patient.
    pub patient: Address,
    /// READ or WRITE.
    pub right: Right,
    /// The scope.
    pub scope: Scope,
    /// The purposes.
    pub purposes: Vec<Purpose>,
    /// The wished end, unix seconds.
    pub until: u64,
    /// The reason; only the patient can read it. At most [`note::MAX_NOTE_TEXT_LEN`] bytes.
    pub reason: String,
    /// The time for which the request stays open, in seconds.
    pub open_seconds: u64,
}

/// Asks a patient.
///
/// # Errors
/// [`RequestError`]; refusals of wallet and server.
pub async fn ask(client: &Client, wallet: &dyn Wallet, new: &NewRequest) -> Result<RequestId, RequestError> {
    client.chain().verify_deployment().await?;
    if new.purposes.is_empty() || new.patient == wallet.address() {
        return Err(RequestError::NoPatientOrPurpose);
    }
    let now = unix_now();
    if new.until <= now || new.open_seconds == 0 {
        return Err(RequestError::TimePassed);
    }
    let (patient_key, epoch) = public_key(client, new.patient).await?;
    let binding = note_binding(client, new.patient, epoch);
    let note = note::seal(&new.reason, wallet.address(), &patient_key, &binding, &mut rand::rng())
        .map_err(RequestError::InvalidReason)?;
    let (kind, scope_id) = new.scope.on_chain();
    let request = AccessRequest {
        requester: wallet.address(),
        patient: new.patient,
        rights: new.right.bit(),
        kind: kind.code(),
        scopeId: scope_id,
        purposes: Purpose::mask(&new.purposes),
        until: uint40(new.until),
        noteHash: note_hash(&note),
        nonce: new_nonce(),
        deadline: U256::from(now.saturating_add(new.open_seconds)),
    };
    request.check_ends(now)?;
    let hash = SignedAccessRequest::signing_hash(&request, client.deployment());
    let sentence = format!("Ask {} to let me {} until second {}.", new.patient, wished(new), new.until);
    let signature = wallet.sign_typed(hash, Wish { sentence: &sentence }).await?;
    let signed = SignedAccessRequest { request, signature };
    let id = signed.id(client.deployment());
    let view = client.api()?.ask(&RequestBody { signed, note: note.into() }).await?;
    if view.id == id { Ok(id) } else { Err(ServerError::WrongAnswer("The server kept another request.").into()) }
}

/// Returns what is asked for, as a part of a sentence.
fn wished(new: &NewRequest) -> String {
    let scope = match new.scope {
        Scope::Record(record) => format!("record {record}"),
        Scope::Category(category) => format!("records of category {category}"),
        Scope::All => "every record".to_owned(),
    };
    match new.right {
        Right::Read => format!("open {scope}"),
        Right::Write => format!("add to {scope}"),
    }
}

fn note_binding(client: &Client, patient: Address, epoch: u32) -> Binding {
    let deployment = client.deployment();
    Binding::note(deployment.chain_id, deployment.address_of(ContractName::GrantRegistry), patient, epoch)
}

fn note_hash(note: &[u8]) -> B256 {
    B256::from_slice(&Sha256::digest(note))
}

/// A request. Every field but [`Self::told`] is what its requester signed, or was read from the chain.
#[derive(Clone, Debug, Serialize)]
pub struct Request {
    /// Names it.
    pub id: RequestId,
    /// The practitioner who asks.
    #[serde(with = "protocol::hex_text")]
    pub requester: Address,
    /// The patient who is asked.
    #[serde(with = "protocol::hex_text")]
    pub patient: Address,
    /// READ or WRITE.
    pub right: Right,
    /// The scope.
    pub scope: Scope,
    /// The purposes.
    pub purposes: Vec<Purpose>,
    /// The wished end, unix seconds.
    pub until: u64,
    /// The reason, for the patient whose keys are given.
    pub reason: Option<String>,
    /// Why the patient whose keys are given cannot open the reason: `foreign_key` if it is sealed to a key that is not
    /// theirs, `invalid_statement` if it is not what was signed or does not open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason_problem: Option<&'static str>,
    /// Whether the requester is accredited now, from the chain.
    pub accredited: bool,
    /// Data from the server that was not compared with the chain.
    #[serde(flatten)]
    pub told: RequestTold,
}

/// Data from the server about a request, which nothing confirms.
#[derive(Clone, Debug, Serialize)]
pub struct RequestTold {
    /// The state. A request that the server keeps open after the end that its requester signed is `Lapsed`.
    pub state: RequestState,
    /// Unix seconds.
    pub created_at: u64,
}

/// Requests to and from this person, newest first; opens the reasons when keys are given.
///
/// # Errors
/// [`LookupError`]. A request whose signature does not hold is left out.
pub async fn list(client: &Client, keys: Option<&Keys>) -> Result<Vec<Request>, LookupError> {
    client.chain().verify_deployment().await?;
    let mut requests = Vec::new();
    for view in client.api()?.requests().await? {
        match checked(client, keys, &view).await {
            Ok(request) => requests.extend(request),
            Err(error) if concerns_all(client, &error).await => return Err(error.into()),
            // A requester's contract of which the node cannot say whether it signed: like a signature that does not hold.
            Err(_) => {}
        }
    }
    Ok(requests)
}

/// A request that its requester has signed, and that is to or from this person; `None` for any other.
async fn checked(client: &Client, keys: Option<&Keys>, view: &RequestView) -> Result<Option<Request>, ChainError> {
    let request = &view.signed.request;
    let hash = SignedAccessRequest::signing_hash(request, client.deployment());
    let concerns_us = [request.patient, request.requester].contains(&client.address());
    if view.id.0 != hash
        || !concerns_us
        || !client.chain().signed_by(request.requester, hash, &view.signed.signature).await?
    {
        return Ok(None);
    }
    let scope = ScopeKind::from_code(request.kind).and_then(|kind| Scope::from_chain(kind, request.scopeId));
    let (Some(right), Some(scope)) = (Right::from_bit(request.rights), scope) else { return Ok(None) };
    let practitioner = client.chain().find_practitioner(request.requester).await?;
    let keys = keys.filter(|keys| keys.owner() == request.patient);
    let reason = keys.and_then(|keys| open_note(client, keys, view));
    let reason_problem = keys.filter(|_| reason.is_none()).map(|keys| {
        let may_be_foreign = note_hash(&view.note) == request.noteHash && keys.epochs().foreign().next().is_some();
        if may_be_foreign { "foreign_key" } else { "invalid_statement" }
    });
    Ok(Some(Request {
        id: view.id,
        requester: request.requester,
        patient: request.patient,
        right,
        scope,
        purposes: Purpose::from_mask(request.purposes),
        until: request.until.to(),
        reason,
        reason_problem,
        accredited: practitioner.is_some_and(|practitioner| practitioner.counts),
        told: RequestTold {
            // Its requester signed until when it may be answered; the server may not keep it open.
            state: if view.state == RequestState::Open && request.deadline <= U256::from(unix_now()) {
                RequestState::Lapsed
            } else {
                view.state
            },
            created_at: view.created_at,
        },
    }))
}

/// The reason, if the note is the one that was signed and opens under one of the patient's keys.
fn open_note(client: &Client, keys: &Keys, view: &RequestView) -> Option<String> {
    let request = &view.signed.request;
    if note_hash(&view.note) != request.noteHash {
        return None;
    }
    keys.openers().find_map(|(epoch, key)| {
        let binding = note_binding(client, request.patient, epoch);
        let text = note::open(&view.note, request.requester, &key, &binding).ok()?;
        // It comes from a stranger: line breaks may stay, nothing else that drives a terminal.
        Some(text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect())
    })
}

async fn find_open(client: &Client, request: RequestId) -> Result<Request, AnswerError> {
    let known = list(client, None).await?.into_iter().find(|known| known.id == request);
    let known = known.filter(|known| known.patient == client.address());
    let known = known.ok_or(AnswerError::UnknownRequest)?;
    if known.told.state == RequestState::Open { Ok(known) } else { Err(AnswerError::NotOpen) }
}

/// Changes that the patient makes to a request when approving it.
#[derive(Clone, Debug, Default)]
pub struct Approval {
    /// The records to grant instead of those asked for. READ over a category or everything needs them named here, or grants
    /// each record that is there now.
    pub records: Option<Vec<RecordId>>,
    /// Another end, unix seconds.
    pub until: Option<u64>,
    /// Other purposes.
    pub purposes: Option<Vec<Purpose>>,
    /// How the grant gets to the chain.
    pub way: Way,
}

/// Approves: grants what was asked, as narrowed.
///
/// # Errors
/// See [`grants::grant`]; [`AnswerError::NotOpen`].
pub async fn approve(
    client: &Client,
    wallet: &dyn Wallet,
    keys: &Keys,
    request: RequestId,
    approval: &Approval,
) -> Result<Granted, AnswerError> {
    let asked = find_open(client, request).await?;
    let scopes = match (asked.right, &approval.records) {
        (Right::Read, Some(records)) => records.iter().copied().map(Scope::Record).collect(),
        (Right::Read, None) => records_in(client, keys.owner(), asked.scope).await?,
        (Right::Write, None) => vec![asked.scope],
        (Right::Write, Some(_)) => {
            return Err(AnswerError::NotAboutRecords);
        }
    };
    let new = NewGrants {
        grantee: asked.requester,
        right: asked.right,
        scopes,
        purposes: approval.purposes.clone().unwrap_or(asked.purposes),
        not_before: client.chain().head().await?.time.min(unix_now()),
        not_after: approval.until.unwrap_or(asked.until),
        request: Some(request),
        way: approval.way,
    };
    Ok(grants::grant(client, wallet, keys, &new).await?)
}

/// The records that a scope covers now, each as a scope of its own.
async fn records_in(client: &Client, patient: Address, scope: Scope) -> Result<Vec<Scope>, AnswerError> {
    let category = match scope {
        Scope::Record(_) => return Ok(vec![scope]),
        Scope::Category(category) => Some(category),
        Scope::All => None,
    };
    let mut records = Vec::new();
    for version in client.chain().versions_of(patient).await?.iter().filter(|version| version.version == 1) {
        if category.is_none_or(|category| category.code() == version.category) {
            let known = client.chain().record(version.record).await?;
            if known.status != protocol::codes::RecordStatus::Tombstoned {
                records.push(Scope::Record(version.record));
            }
        }
    }
    if records.is_empty() {
        return Err(AnswerError::NoRecord);
    }
    Ok(records)
}

/// Denies.
///
/// # Errors
/// [`AnswerError::UnknownRequest`], [`AnswerError::NotOpen`]; refusals of wallet and server.
pub async fn deny(client: &Client, wallet: &dyn Wallet, request: RequestId) -> Result<(), AnswerError> {
    let asked = find_open(client, request).await?;
    let denial = DenyRequest { patient: wallet.address(), request: request.0, deadline: new_deadline(client).await? };
    let hash = SignedDenial::signing_hash(&denial, client.deployment());
    let sentence = format!("Turn down the request of {}.", asked.requester);
    let signature = wallet.sign_typed(hash, Wish { sentence: &sentence }).await?;
    Ok(client.api()?.deny(request, &SignedDenial { denial, signature }).await?)
}
