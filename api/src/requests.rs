//! Access requests: `/v1/requests`. A practitioner asks, and the patient approves with a grant, or denies.

use std::collections::BTreeSet;

use alloy::primitives::{Address, U256};
use axum::{extract::State, http::StatusCode};
use mongodb::bson::{Document, doc};
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
use sha2::{Digest, Sha256};

use crate::{
    account,
    app::App,
    at_rest::Lookup,
    caller::Caller,
    daily::{self, Daily},
    error::ApiError,
    extract::{Json, Path, Query, page_limit},
    paging::{self, Place, newest_first_by_week},
    relations,
    store::{
        blocks,
        feed::{self, FeedEntry},
        requests::{self, Asked, RequestDoc, needs_accreditation, seconds},
    },
};

/// Asks a patient for access.
///
/// The reason is in a note that only the patient can open.
///
/// **Who may call:** the requester in the message. It must be accredited to ask for WRITE, or for a purpose other
/// than PATRQT and FAMRQT.
#[utoipa::path(post, path = "/v1/requests", tag = "requests", request_body = RequestBody, responses((status = 201, body = RequestView)))]
pub(crate) async fn post_request(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<RequestBody>,
) -> Result<(StatusCode, Json<RequestView>), ApiError> {
    let id = body.signed.id(&app.deployment);
    // Checked before anything is disclosed: a caller without the signature learns nothing.
    if body.signed.request.requester != caller.address {
        return Err(ApiError::forbidden("you can only send requests as yourself"));
    }
    let hash = SignedAccessRequest::signing_hash(&body.signed.request, &app.deployment);
    app.chain_view.verify_signed(hash, caller.address, &body.signed.signature).await?;
    if let Some(known) = requests::find(&app.database, id).await? {
        let asked = known.asked(&app.at_rest)?;
        if asked.requester() == caller.address {
            let state = state_of(&app, &known, &asked).await?;
            return Ok((StatusCode::CREATED, Json(known.view(&app.at_rest, asked, state))));
        }
    }
    check(&app, &caller, &body).await?;
    let now = app.clock.now();
    let asked = Asked { signed: body.signed, note: body.note, created_at: now };
    let kept_until = asked.deadline().saturating_add(app.settings.limits.requests_kept_seconds);
    let document = RequestDoc::new(&app.at_rest, id, &asked, kept_until);
    requests::insert(&app.database, &document).await?;
    relations::note(&app, asked.requester(), asked.patient()).await?;
    let opened = FeedEntry::new(&app.at_rest, asked.patient(), FeedKind::RequestOpened, id, now);
    feed::append(&app.database, vec![opened]).await?;
    Ok((StatusCode::CREATED, Json(document.view(&app.at_rest, asked, RequestState::Open))))
}

/// Lists the requests that the caller made or received, newest first.
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
    let stored = requests::requests(&app.database);
    // A request that does not open, or is not the caller's, must not make the whole list fail.
    let open = |request: RequestDoc| {
        let asked = request.asked(&app.at_rest).ok().filter(|asked| asked.is_of(caller.address))?;
        Some((Place { at: seconds(asked.created_at), id: request.id.to_string() }, (request, asked)))
    };
    let week = |request: &RequestDoc| request.week;
    let side = |side: Document| newest_first_by_week(&stored, side, "week", after.as_ref(), limit + 1, (week, open));
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

/// Returns one request.
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

/// Denies a request.
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
        return Err(ApiError::forbidden("only the patient can answer a request"));
    }
    if signed.denial.request != request.0 {
        return Err(ApiError::invalid("the message is about another request"));
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
        RequestState::Approved => return Err(ApiError::new(ErrorCode::StaleState, "the request was already answered")),
    }
    requests::deny(&app.database, &app.at_rest, request, now, signed).await?;
    let answered = FeedEntry::new(&app.at_rest, asked.requester(), FeedKind::RequestAnswered, request, now);
    feed::append(&app.database, vec![answered]).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Checks that a new grant may answer this request. The chain is asked, because the mirror may be behind.
///
/// # Errors
/// Returns `not_found` unless `requester` asked `patient`. Returns `stale_state` when the request was denied or has
/// ended, or when no accreditor vouches for the requester any more.
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
    let detail = "the request has ended: its deadline has passed, or its requester is no longer accredited";
    ApiError::new(ErrorCode::StaleState, detail)
}

/// Finds a request for a grant that is already on chain, even if the request has expired in the meantime.
///
/// # Errors
/// Returns `not_found` unless `requester` asked `patient`, and `stale_state` when the request was denied.
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
    let found = requests::find(&app.database, id).await?.ok_or_else(nothing)?;
    let asked = found.asked(&app.at_rest)?;
    if (asked.patient(), asked.requester()) != (patient, requester) {
        return Err(nothing());
    }
    match found.state {
        RequestState::Denied => Err(ApiError::new(ErrorCode::StaleState, "the request was already denied")),
        _ => Ok((found, asked)),
    }
}

/// Returns the state of one request for a person who may see it.
async fn state_of(app: &App, request: &RequestDoc, asked: &Asked) -> Result<RequestState, ApiError> {
    let one = [(request.clone(), asked.clone())];
    let counts = left_alone(app, one.iter()).await?.is_empty();
    Ok(request.state(asked, app.clock.now(), counts))
}

/// Returns the requesters of open requests who need an accreditation and have none any more, as far as the mirror
/// knows. A requester was accredited when it asked, so one that the mirror does not know yet still counts as
/// accredited.
async fn left_alone(
    app: &App,
    requests: impl Iterator<Item = &(RequestDoc, Asked)>,
) -> Result<BTreeSet<Address>, ApiError> {
    let open = requests.filter(|(request, asked)| request.state == RequestState::Open && asked.needs_accreditation());
    let requesters = open.map(|(_, asked)| asked.requester()).collect();
    let roles = account::roles_of(app, &requesters).await?;
    Ok(roles.into_iter().filter(|(_, roles)| roles.is_empty()).map(|(requester, _)| requester).collect())
}

async fn find_for(app: &App, caller: &Caller, id: RequestId) -> Result<(RequestDoc, Asked), ApiError> {
    let nothing = || ApiError::not_found("this request does not exist, or is not yours");
    let found = requests::find(&app.database, id).await?.ok_or_else(nothing)?;
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
        return Err(ApiError::invalid("the request must name another person as the patient"));
    }
    let purposes = Purpose::from_mask(request.purposes);
    let out_of_range = |detail| ApiError::new(ErrorCode::OutOfRange, detail);
    if Purpose::mask(&purposes) != request.purposes {
        return Err(out_of_range("this purpose does not exist"));
    }
    let right = Right::from_bit(request.rights).ok_or_else(|| out_of_range("rights must be READ or WRITE"))?;
    let kind = ScopeKind::from_code(request.kind).ok_or_else(|| out_of_range("this scope kind does not exist"))?;
    if right == Right::Read && purposes.is_empty() {
        return Err(out_of_range("a request to read must name a purpose"));
    }
    if right == Right::Write && kind == ScopeKind::Record {
        return Err(out_of_range("a grant to write must be over a category or all records"));
    }
    let now = app.clock.now();
    request.check_ends(now)?;
    if request.deadline <= U256::from(now) || request.until.to::<u64>() <= now {
        return Err(ApiError::new(
            ErrorCode::Expired,
            "the request's deadline, or the end of the requested period, has passed",
        ));
    }
    if body.note.len() != NOTE_LEN {
        return Err(ApiError::new(ErrorCode::InvalidCapsule, "the note does not have the required length"));
    }
    if Sha256::digest(&body.note).as_slice() != request.noteHash.as_slice() {
        return Err(ApiError::invalid("the note does not match the hash in the request"));
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
            return Err(ApiError::new(ErrorCode::NotAccredited, "no accreditor vouches for the requester now"));
        }
    }
    Ok(())
}

/// Limits the number of requests to a patient, from one person and from all strangers together.
async fn expect_room(app: &App, caller: &Caller, patient: Address, now: u64) -> Result<(), ApiError> {
    let max = app.settings.limits.open_requests_max;
    let waiting = requests::open_between(&app.database, &app.at_rest, (caller.address, patient), now).await?;
    let waits = |request: &RequestDoc| request.asked(&app.at_rest).is_ok_and(|asked| asked.deadline() > now);
    if waiting.into_iter().filter(waits).count() as u64 >= max {
        return Err(ApiError::new(ErrorCode::RateLimited, "you have too many unanswered requests to this patient")
            .retry_after(3_600));
    }
    // A blocked requester gets the same answer as one that comes too late.
    let tomorrow = || {
        ApiError::new(ErrorCode::RateLimited, "this person accepts no more requests from you today")
            .retry_after(daily::seconds_left(now))
    };
    if blocks::is_blocked(&app.database, &app.at_rest, patient, caller.address).await? {
        return Err(tomorrow());
    }
    if !relations::is_stranger(app, patient, caller.address).await? {
        return Ok(());
    }
    let limits = &app.settings.limits;
    if !daily::take(app, Daily::RequestsToStrangers, caller.address, limits.stranger_requests_per_day_max).await? {
        return Err(ApiError::new(
            ErrorCode::RateLimited,
            "you have sent too many requests today to people who do not know you",
        )
        .retry_after(daily::seconds_left(now)));
    }
    if !daily::take(app, Daily::RequestsOfStrangers, patient, limits.strangers_requests_per_day_max).await? {
        return Err(tomorrow());
    }
    Ok(())
}
