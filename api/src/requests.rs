//! Access requests: `/v1/requests`. A practitioner asks, the patient approves by granting, or denies.

use std::collections::BTreeSet;

use alloy::primitives::{Address, Bytes, U256};
use axum::{extract::State, http::StatusCode};
use futures::TryStreamExt;
use mongodb::{
    Collection, Database,
    bson::{DateTime, Document, doc},
};
use protocol::{
    bodies::{
        Page, PageQuery,
        feed::FeedKind,
        grants::{RequestBody, RequestState, RequestView},
    },
    codes::{Purpose, Right, ScopeKind},
    error_code::ErrorCode,
    ids::RequestId,
    note::NOTE_LEN,
    statements::{SignedAccessRequest, SignedDenial},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    account,
    at_rest::{AtRest, Lookup, Sealed, Use},
    blocks,
    caller::Caller,
    daily::{self, Daily},
    error::ApiError,
    events::{self, FeedEntry},
    extract::{Json, Path, Query, page_limit},
    paging::{self, Place, WEEK_SECONDS, newest_first_by_week, week_of},
    relations,
    state::App,
    store::{collection, create_clustered, index, is_duplicate, ttl_index},
    time::Clock,
};

/// A request. `_id`: its [`RequestId`].
#[derive(Clone, Serialize, Deserialize)]
struct RequestDoc {
    #[serde(rename = "_id")]
    id: RequestId,
    /// Who asks whom for what: [`Asked`].
    sealed: Sealed,
    /// Blind index of who asks ([`Lookup::Requester`]).
    requester: String,
    /// Blind index of who is asked ([`Lookup::Requested`]).
    patient: String,
    /// `open`, `approved` or `denied`; whether it has lapsed follows from the deadline.
    state: RequestState,
    /// The week in which it was asked: the rough order of lists.
    week: i64,
    /// The week of its deadline.
    deadline_week: i64,
    /// When and how it was answered: [`Answered`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answered: Option<Sealed>,
    /// When the request is forgotten: a while after its deadline, whatever became of it.
    delete_at: DateTime,
}

/// The sealed part of a request.
#[derive(Clone, Serialize, Deserialize)]
struct Asked {
    signed: SignedAccessRequest,
    /// Only the patient can open it.
    note: Bytes,
    /// Unix seconds.
    created_at: u64,
}

/// How a request was answered. The time is sealed because a grant on chain follows a yes within seconds.
#[derive(Clone, Serialize, Deserialize)]
struct Answered {
    /// Unix seconds.
    at: u64,
    /// The patient's signed no.
    denial: Option<SignedDenial>,
}

impl Asked {
    const fn requester(&self) -> Address {
        self.signed.request.requester
    }

    const fn patient(&self) -> Address {
        self.signed.request.patient
    }

    /// Unix seconds. Requests end within 90 days.
    fn deadline(&self) -> u64 {
        u64::try_from(self.signed.request.deadline).unwrap_or(u64::MAX)
    }

    /// Whether it concerns somebody.
    fn is_of(&self, person: Address) -> bool {
        [self.patient(), self.requester()].contains(&person)
    }

    /// Whether what is asked for is given to those alone for whom somebody vouches.
    fn needs_accreditation(&self) -> bool {
        let request = &self.signed.request;
        needs_accreditation(Right::from_bit(request.rights), &Purpose::from_mask(request.purposes))
    }
}

impl RequestDoc {
    /// Opens it.
    ///
    /// # Errors
    /// `internal` when it was not sealed by this operator.
    fn asked(&self, at_rest: &AtRest) -> Result<Asked, ApiError> {
        at_rest.open(Use::Request, &self.id.to_string(), &self.sealed).map_err(ApiError::internal)
    }

    /// Where it stands at `now`. `counts`: whether the requester may still be given what it asks for.
    fn state(&self, asked: &Asked, now: u64, counts: bool) -> RequestState {
        let is_over = asked.deadline() <= now;
        match self.state {
            RequestState::Open if is_over || !counts => RequestState::Lapsed,
            state => state,
        }
    }

    fn view(&self, at_rest: &AtRest, asked: Asked, state: RequestState) -> RequestView {
        // A time that does not open takes nothing else away.
        let answered = self.answered.as_ref();
        let answered: Option<Answered> =
            answered.and_then(|sealed| at_rest.open(Use::RequestAnswer, &self.id.to_string(), sealed).ok());
        RequestView {
            id: self.id,
            created_at: asked.created_at,
            signed: asked.signed,
            note: asked.note,
            state,
            answered_at: answered.map(|answered| answered.at),
        }
    }
}

fn requests(database: &Database) -> Collection<RequestDoc> {
    database.collection(collection::REQUESTS)
}

/// Creates the indexes of requests.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn create_indexes(database: &Database) -> mongodb::error::Result<()> {
    create_clustered(database, collection::REQUESTS).await?;
    requests(database)
        .create_indexes([
            index(doc! { "patient": 1, "week": -1 }),
            index(doc! { "requester": 1, "week": -1 }),
            index(doc! { "requester": 1, "patient": 1, "state": 1, "deadline_week": 1 }),
            ttl_index("delete_at"),
        ])
        .await?;
    Ok(())
}

/// Asks a patient for access. The reason travels in a note that only the patient can open.
///
/// **Who may call:** the requester that the message names: accredited, unless it asks for the patient or the family.
#[utoipa::path(post, path = "/v1/requests", tag = "requests", request_body = RequestBody, responses((status = 201, body = RequestView)))]
pub(crate) async fn post_request(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<RequestBody>,
) -> Result<(StatusCode, Json<RequestView>), ApiError> {
    let id = body.signed.id(&app.deployment);
    // Before anything is told: whoever cannot show the signature learns nothing.
    if body.signed.request.requester != caller.address {
        return Err(ApiError::forbidden("one asks in one's own name only"));
    }
    let hash = SignedAccessRequest::signing_hash(&body.signed.request, &app.deployment);
    app.chain_view.verify_signed(hash, caller.address, &body.signed.signature).await?;
    if let Some(known) = requests(&app.database).find_one(doc! { "_id": id.to_string() }).await? {
        let asked = known.asked(&app.at_rest)?;
        if asked.requester() == caller.address {
            let state = state_of(&app, &known, &asked).await?;
            return Ok((StatusCode::CREATED, Json(known.view(&app.at_rest, asked, state))));
        }
    }
    check(&app, &caller, &body).await?;
    let now = app.clock.now();
    let asked = Asked { signed: body.signed, note: body.note, created_at: now };
    let deadline_week = week_of(seconds(asked.deadline()));
    let kept_until = asked.deadline().saturating_add(app.settings.limits.requests_kept_seconds);
    let document = RequestDoc {
        id,
        requester: app.at_rest.blind(Lookup::Requester, asked.requester()),
        patient: app.at_rest.blind(Lookup::Requested, asked.patient()),
        sealed: app.at_rest.seal(Use::Request, &id.to_string(), &asked),
        state: RequestState::Open,
        week: week_of(seconds(now)),
        deadline_week,
        answered: None,
        // With the week, so that it does not tell when it was asked.
        delete_at: Clock::date_at(u64::try_from((week_of(seconds(kept_until)) + 1) * WEEK_SECONDS).unwrap_or(u64::MAX)),
    };
    match requests(&app.database).insert_one(&document).await {
        Ok(_) => {}
        Err(error) if is_duplicate(&error) => {}
        Err(error) => return Err(error.into()),
    }
    relations::note(&app, asked.requester(), asked.patient()).await?;
    let opened = FeedEntry::new(&app.at_rest, asked.patient(), FeedKind::RequestOpened, id, now);
    events::append(&app.database, vec![opened]).await?;
    Ok((StatusCode::CREATED, Json(document.view(&app.at_rest, asked, RequestState::Open))))
}

/// Lists the requests that the caller made or was asked, newest first.
///
/// **Who may call:** any signed-in address.
#[utoipa::path(get, path = "/v1/requests", tag = "requests", params(PageQuery), responses((status = 200, body = Page<RequestView>)))]
pub(crate) async fn list_requests(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<RequestView>>, ApiError> {
    let limit = page_limit(query.limit)? as usize;
    let after = Place::parse_some(query.cursor.as_deref())?;
    let requests = requests(&app.database);
    // One request that does not open, or is not the caller's, must not take the list away.
    let open = |request: RequestDoc| {
        let asked = request.asked(&app.at_rest).ok().filter(|asked| asked.is_of(caller.address))?;
        Some((Place { at: seconds(asked.created_at), id: request.id.to_string() }, (request, asked)))
    };
    let week = |request: &RequestDoc| request.week;
    let side = |side: Document| newest_first_by_week(&requests, side, "week", after.as_ref(), limit + 1, (week, open));
    let (asked, made) = tokio::join!(
        side(doc! { "patient": app.at_rest.find(Lookup::Requested, caller.address) }),
        side(doc! { "requester": app.at_rest.find(Lookup::Requester, caller.address) }),
    );
    let mut found: Vec<(Place, (RequestDoc, Asked))> = asked?.into_iter().chain(made?).collect();
    found.sort_by(|(one, _), (other, _)| other.cmp(one));
    found.dedup_by(|(one, _), (other, _)| one == other);
    let has_more = paging::cut(&mut found, limit);
    let next = found.last().filter(|_| has_more).map(|(place, _)| place.cursor());
    let left = left_alone(&app, found.iter().map(|(_, one)| one)).await?;
    let now = app.clock.now();
    let items = found.into_iter().map(|(place, (request, asked))| {
        let counts = !left.contains(&asked.requester()) || !asked.needs_accreditation();
        let state = request.state(&asked, now, counts);
        (place.cursor(), request.view(&app.at_rest, asked, state))
    });
    paging::page(items, limit, next).map(Json)
}

/// Shows one request.
///
/// **Who may call:** its patient and its requester.
#[utoipa::path(get, path = "/v1/requests/{request}", tag = "requests", params(("request" = String, Path, pattern = "^0x[0-9a-fA-F]{64}$")), responses((status = 200, body = RequestView)))]
pub(crate) async fn get_request(
    State(app): State<App>,
    caller: Caller,
    Path(request): Path<RequestId>,
) -> Result<Json<RequestView>, ApiError> {
    let (found, asked) = find_for(&app, &caller, request).await?;
    let state = state_of(&app, &found, &asked).await?;
    Ok(Json(found.view(&app.at_rest, asked, state)))
}

/// Turns a request down.
///
/// **Who may call:** its patient.
#[utoipa::path(post, path = "/v1/requests/{request}/deny", tag = "requests", params(("request" = String, Path, pattern = "^0x[0-9a-fA-F]{64}$")),
    request_body(content = SignedDenial), responses((status = 204)))]
pub(crate) async fn deny_request(
    State(app): State<App>,
    caller: Caller,
    Path(request): Path<RequestId>,
    Json(signed): Json<SignedDenial>,
) -> Result<StatusCode, ApiError> {
    let (found, asked) = find_for(&app, &caller, request).await?;
    if asked.patient() != caller.address || signed.denial.patient != caller.address {
        return Err(ApiError::forbidden("only the patient answers a request"));
    }
    if signed.denial.request != request.0 {
        return Err(ApiError::invalid("the message denies another request"));
    }
    let now = app.clock.now();
    if signed.denial.deadline <= U256::from(now) {
        return Err(ApiError::new(ErrorCode::Expired, "the message's deadline has passed"));
    }
    signed.denial.check_ends(now)?;
    let hash = SignedDenial::signing_hash(&signed.denial, &app.deployment);
    app.chain_view.verify_signed(hash, signed.signer(), &signed.signature).await?;
    match state_of(&app, &found, &asked).await? {
        RequestState::Denied => return Ok(StatusCode::NO_CONTENT),
        RequestState::Open => {}
        RequestState::Lapsed => return Err(ended()),
        RequestState::Approved => return Err(ApiError::new(ErrorCode::StaleState, "the request was answered already")),
    }
    let answered = Answered { at: now, denial: Some(signed) };
    let answered = app.at_rest.seal(Use::RequestAnswer, &request.to_string(), &answered);
    let open = doc! { "_id": request.to_string(), "state": "open" };
    let denied = doc! { "$set": { "state": "denied", "answered": answered } };
    requests(&app.database).update_one(open, denied).await?;
    let answered = FeedEntry::new(&app.at_rest, asked.requester(), FeedKind::RequestAnswered, request, now);
    events::append(&app.database, vec![answered]).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes sure that a new grant may answer this request. Asked of the chain: the mirror may be behind.
///
/// # Errors
/// `not_found` unless `patient` was asked by `requester`; `stale_state` when it was denied or has ended, also because nobody
/// vouches for the requester any more.
pub(crate) async fn expect_open(
    app: &App,
    id: RequestId,
    patient: Address,
    requester: Address,
) -> Result<(), ApiError> {
    let (found, asked) = find_between(app, id, patient, requester).await?;
    if found.state(&asked, app.clock.now(), true) == RequestState::Lapsed {
        return Err(ended());
    }
    if found.state == RequestState::Open && asked.needs_accreditation() {
        let head = app.chain_view.head().await?;
        if !app.chain_view.is_accredited(requester, None, &head).await? {
            return Err(ended());
        }
    }
    Ok(())
}

fn ended() -> ApiError {
    let detail = "the request has ended: its time is over, or nobody vouches for its requester now";
    ApiError::new(ErrorCode::StaleState, detail)
}

/// Finds a request for a grant that stands already, whatever has become of the request's time meanwhile.
///
/// # Errors
/// `not_found` unless `patient` was asked by `requester`, `stale_state` when it was denied.
pub(crate) async fn expect_not_denied(
    app: &App,
    id: RequestId,
    patient: Address,
    requester: Address,
) -> Result<(), ApiError> {
    find_between(app, id, patient, requester).await.map(drop)
}

async fn find_between(
    app: &App,
    id: RequestId,
    patient: Address,
    requester: Address,
) -> Result<(RequestDoc, Asked), ApiError> {
    let nothing = || ApiError::not_found("the grantee has not sent such a request");
    let found = requests(&app.database).find_one(doc! { "_id": id.to_string() }).await?.ok_or_else(nothing)?;
    let asked = found.asked(&app.at_rest)?;
    if (asked.patient(), asked.requester()) != (patient, requester) {
        return Err(nothing());
    }
    match found.state {
        RequestState::Denied => Err(ApiError::new(ErrorCode::StaleState, "the request was denied already")),
        _ => Ok((found, asked)),
    }
}

/// Where one request stands, for who may see it.
async fn state_of(app: &App, request: &RequestDoc, asked: &Asked) -> Result<RequestState, ApiError> {
    let one = [(request.clone(), asked.clone())];
    let counts = left_alone(app, one.iter()).await?.is_empty();
    Ok(request.state(asked, app.clock.now(), counts))
}

/// Those requesters of open requests who need that somebody vouches for them, and for whom nobody does any more, as far as the
/// mirror knows. Who asked was vouched for then, so one whom the mirror does not know yet still is.
async fn left_alone(
    app: &App,
    requests: impl Iterator<Item = &(RequestDoc, Asked)>,
) -> Result<BTreeSet<Address>, ApiError> {
    let open = requests.filter(|(request, asked)| request.state == RequestState::Open && asked.needs_accreditation());
    let requesters = open.map(|(_, asked)| asked.requester()).collect();
    let roles = account::roles_of(app, &requesters).await?;
    Ok(roles.into_iter().filter(|(_, roles)| roles.is_empty()).map(|(requester, _)| requester).collect())
}

fn needs_accreditation(right: Option<Right>, purposes: &[Purpose]) -> bool {
    right == Some(Right::Write) || purposes.iter().any(|purpose| purpose.needs_accreditation())
}

/// Notes that the patient granted something for a request, and tells its requester. Once is as good as twice.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn approve(
    database: &Database,
    at_rest: &AtRest,
    id: RequestId,
    now: u64,
) -> mongodb::error::Result<()> {
    let open = doc! { "_id": id.to_string(), "state": "open" };
    let answered = at_rest.seal(Use::RequestAnswer, &id.to_string(), &Answered { at: now, denial: None });
    let approved = doc! { "$set": { "state": "approved", "answered": answered } };
    requests(database).update_one(open, approved).await?;
    let Some(request) = requests(database).find_one(doc! { "_id": id.to_string(), "state": "approved" }).await? else {
        return Ok(());
    };
    let Ok(asked) = request.asked(at_rest) else {
        tracing::error!("a request does not open with this operator's secret; its requester is not told");
        return Ok(());
    };
    events::append(database, vec![FeedEntry::new(at_rest, asked.requester(), FeedKind::RequestAnswered, id, now)]).await
}

async fn find_for(app: &App, caller: &Caller, id: RequestId) -> Result<(RequestDoc, Asked), ApiError> {
    let nothing = || ApiError::not_found("there is no such request of yours");
    let found = requests(&app.database).find_one(doc! { "_id": id.to_string() }).await?.ok_or_else(nothing)?;
    let asked = found.asked(&app.at_rest)?;
    if !asked.is_of(caller.address) {
        return Err(nothing());
    }
    Ok((found, asked))
}

/// Checks a new request: its form, its signature, and that both sides can take part.
async fn check(app: &App, caller: &Caller, body: &RequestBody) -> Result<(), ApiError> {
    let request = &body.signed.request;
    if request.patient == caller.address || request.patient == Address::ZERO {
        return Err(ApiError::invalid("the request names no other person as patient"));
    }
    let purposes = Purpose::from_mask(request.purposes);
    let out_of_range = |detail| ApiError::new(ErrorCode::OutOfRange, detail);
    if Purpose::mask(&purposes) != request.purposes {
        return Err(out_of_range("there is no such purpose"));
    }
    let right = Right::from_bit(request.rights).ok_or_else(|| out_of_range("rights must be READ or WRITE"))?;
    let kind = ScopeKind::from_code(request.kind).ok_or_else(|| out_of_range("there is no such scope kind"))?;
    if right == Right::Read && purposes.is_empty() {
        return Err(out_of_range("a request to read names a purpose"));
    }
    if right == Right::Write && kind == ScopeKind::Record {
        return Err(out_of_range("writing is granted over a category or all"));
    }
    let now = app.clock.now();
    request.check_ends(now)?;
    if request.deadline <= U256::from(now) || request.until.to::<u64>() <= now {
        return Err(ApiError::new(ErrorCode::Expired, "the request's deadline, or the end that it wishes, has passed"));
    }
    if body.note.len() != NOTE_LEN {
        return Err(ApiError::new(ErrorCode::InvalidCapsule, "a note has exactly one length"));
    }
    if Sha256::digest(&body.note).as_slice() != request.noteHash.as_slice() {
        return Err(ApiError::invalid("the note is not the one that the request names"));
    }
    expect_both_ready(app, request.patient, caller, right, &purposes).await?;
    expect_room(app, caller, request.patient, now).await
}

async fn expect_both_ready(
    app: &App,
    patient: Address,
    caller: &Caller,
    right: Right,
    purposes: &[Purpose],
) -> Result<(), ApiError> {
    let missing = |detail| ApiError::new(ErrorCode::KeyNotRegistered, detail);
    if !app.chain_view.has_identity_key(patient).await? {
        return Err(missing("the patient has not published an encryption key"));
    }
    if right == Right::Read && !app.chain_view.has_identity_key(caller.address).await? {
        return Err(missing("the requester has not published an encryption key"));
    }
    if needs_accreditation(Some(right), purposes) {
        let head = app.chain_view.head().await?;
        if !app.chain_view.is_accredited(caller.address, None, &head).await? {
            return Err(ApiError::new(ErrorCode::NotAccredited, "nobody vouches for the requester now"));
        }
    }
    Ok(())
}

/// Whether `requester` has asked `patient` for access, however that was answered.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn has_asked(app: &App, requester: Address, patient: Address) -> Result<bool, ApiError> {
    let of_both = doc! {
        "requester": app.at_rest.find(Lookup::Requester, requester),
        "patient": app.at_rest.find(Lookup::Requested, patient),
    };
    Ok(requests(&app.database).find_one(of_both).await?.is_some())
}

/// Nobody is to be flooded with requests, by one person or by many strangers together.
async fn expect_room(app: &App, caller: &Caller, patient: Address, now: u64) -> Result<(), ApiError> {
    let open = doc! {
        "requester": app.at_rest.find(Lookup::Requester, caller.address),
        "patient": app.at_rest.find(Lookup::Requested, patient),
        "state": "open",
        "deadline_week": { "$gte": week_of(seconds(now)) },
    };
    let max = app.settings.limits.open_requests_max;
    // Of one who asks one other there are a few a week.
    let waiting: Vec<RequestDoc> = requests(&app.database).find(open).await?.try_collect().await?;
    let waits = |request: &RequestDoc| request.asked(&app.at_rest).is_ok_and(|asked| asked.deadline() > now);
    if waiting.into_iter().filter(waits).count() as u64 >= max {
        return Err(ApiError::new(ErrorCode::RateLimited, "too many requests to this patient wait for an answer")
            .retry_after(3_600));
    }
    // Who is blocked is told what everybody is told who comes too late.
    let tomorrow = || {
        ApiError::new(ErrorCode::RateLimited, "this person takes no more requests from you today")
            .retry_after(daily::seconds_left(now))
    };
    if blocks::is_blocked(app, patient, caller.address).await? {
        return Err(tomorrow());
    }
    if !relations::is_stranger(app, patient, caller.address).await? {
        return Ok(());
    }
    let limits = &app.settings.limits;
    if !daily::take(app, Daily::RequestsToStrangers, caller.address, limits.stranger_requests_per_day_max).await? {
        return Err(ApiError::new(ErrorCode::RateLimited, "too many requests to people who do not know you today")
            .retry_after(daily::seconds_left(now)));
    }
    if !daily::take(app, Daily::RequestsOfStrangers, patient, limits.strangers_requests_per_day_max).await? {
        return Err(tomorrow());
    }
    Ok(())
}

fn seconds(unix: u64) -> i64 {
    i64::try_from(unix).unwrap_or(i64::MAX)
}
