//! Access requests in the database.

use alloy::primitives::{Address, Bytes};
use futures::TryStreamExt;
use mongodb::{
    Collection, Database,
    bson::{DateTime, doc},
};
use protocol::{
    bodies::{
        feed::FeedKind,
        grants::{RequestState, RequestView},
    },
    codes::{Purpose, Right},
    ids::RequestId,
    statements::{SignedAccessRequest, SignedDenial},
};
use serde::{Deserialize, Serialize};

use super::{
    collection, create_clustered,
    feed::{self, FeedEntry},
    index, is_duplicate, ttl_index,
};
use crate::{
    at_rest::{AtRest, Lookup, Sealed, Use},
    error::ApiError,
    paging::{WEEK_SECONDS, week_of},
    time::Clock,
};

/// A request. `_id`: its [`RequestId`].
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct RequestDoc {
    #[serde(rename = "_id")]
    pub(crate) id: RequestId,
    /// Requester, patient and subject of the request: [`Asked`].
    sealed: Sealed,
    /// Blind index of the requester ([`Lookup::Requester`]).
    requester: String,
    /// Blind index of the patient ([`Lookup::Requested`]).
    patient: String,
    /// `open`, `approved` or `denied`. Whether it has expired follows from the deadline.
    pub(crate) state: RequestState,
    /// The week in which it was made. Lists are roughly ordered by it.
    pub(crate) week: i64,
    /// The week of its deadline.
    deadline_week: i64,
    /// Time and kind of the answer: [`Answered`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answered: Option<Sealed>,
    /// The time at which the request is deleted: a while after its deadline, whatever its state.
    delete_at: DateTime,
}

/// The sealed part of a request.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) signed: SignedAccessRequest,
    /// The reason, which only the patient can open.
    pub(crate) note: Bytes,
    /// Unix seconds.
    pub(crate) created_at: u64,
}

/// The answer to a request. The time is sealed, because an approval is followed by a grant on chain within seconds.
#[derive(Clone, Serialize, Deserialize)]
struct Answered {
    /// Unix seconds.
    at: u64,
    /// The patient's signed denial.
    denial: Option<SignedDenial>,
}

impl Asked {
    pub(crate) const fn requester(&self) -> Address {
        self.signed.request.requester
    }

    pub(crate) const fn patient(&self) -> Address {
        self.signed.request.patient
    }

    /// Returns the deadline in Unix seconds. Requests end within 90 days.
    pub(crate) fn deadline(&self) -> u64 {
        u64::try_from(self.signed.request.deadline).unwrap_or(u64::MAX)
    }

    /// Returns whether the person is its requester or its patient.
    pub(crate) fn is_of(&self, person: Address) -> bool {
        [self.patient(), self.requester()].contains(&person)
    }

    /// Returns whether the requester must be accredited to receive what it asks for.
    pub(crate) fn needs_accreditation(&self) -> bool {
        let request = &self.signed.request;
        needs_accreditation(Right::from_bit(request.rights), &Purpose::from_mask(request.purposes))
    }
}

impl RequestDoc {
    /// Returns a new, open request. `kept_until` is the time (Unix seconds) until which it is kept.
    pub(crate) fn new(at_rest: &AtRest, id: RequestId, asked: &Asked, kept_until: u64) -> Self {
        Self {
            id,
            requester: at_rest.blind(Lookup::Requester, asked.requester()),
            patient: at_rest.blind(Lookup::Requested, asked.patient()),
            sealed: at_rest.seal(Use::Request, &id.to_string(), asked),
            state: RequestState::Open,
            week: week_of(seconds(asked.created_at)),
            deadline_week: week_of(seconds(asked.deadline())),
            answered: None,
            // Rounded to the week, so that it does not show when the request was made.
            delete_at: Clock::date_at(
                u64::try_from((week_of(seconds(kept_until)) + 1) * WEEK_SECONDS).unwrap_or(u64::MAX),
            ),
        }
    }

    /// Opens the request.
    ///
    /// # Errors
    /// Returns `internal` when this operator did not seal it.
    pub(crate) fn asked(&self, at_rest: &AtRest) -> Result<Asked, ApiError> {
        at_rest.open(Use::Request, &self.id.to_string(), &self.sealed).map_err(ApiError::internal)
    }

    /// Returns the state of the request at `now`. `counts` says whether the requester may still receive what it asks
    /// for.
    pub(crate) fn state(&self, asked: &Asked, now: u64, counts: bool) -> RequestState {
        let is_over = asked.deadline() <= now;
        match self.state {
            RequestState::Open if is_over || !counts => RequestState::Lapsed,
            state => state,
        }
    }

    pub(crate) fn view(&self, at_rest: &AtRest, asked: Asked, state: RequestState) -> RequestView {
        // If the time does not open, the rest is still shown.
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

/// Returns the collection of requests.
pub(crate) fn requests(database: &Database) -> Collection<RequestDoc> {
    database.collection(collection::REQUESTS)
}

/// Creates the indexes of requests.
///
/// # Errors
/// Returns an error when the database does not answer.
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

/// Returns the request with this id, or `None`.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn find(database: &Database, id: RequestId) -> mongodb::error::Result<Option<RequestDoc>> {
    requests(database).find_one(doc! { "_id": id.to_string() }).await
}

/// Stores a new request, unless it exists already.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn insert(database: &Database, request: &RequestDoc) -> mongodb::error::Result<()> {
    match requests(database).insert_one(request).await {
        Err(error) if !is_duplicate(&error) => Err(error),
        _ => Ok(()),
    }
}

/// Returns the open requests of `requester` to `patient` whose deadline is in the week of `now` (Unix seconds) or
/// later. There are only a few a week.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn open_between(
    database: &Database,
    at_rest: &AtRest,
    (requester, patient): (Address, Address),
    now: u64,
) -> mongodb::error::Result<Vec<RequestDoc>> {
    let open = doc! {
        "requester": at_rest.find(Lookup::Requester, requester),
        "patient": at_rest.find(Lookup::Requested, patient),
        "state": "open",
        "deadline_week": { "$gte": week_of(seconds(now)) },
    };
    requests(database).find(open).await?.try_collect().await
}

/// Stores the patient's denial of a request, unless it was answered before.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn deny(
    database: &Database,
    at_rest: &AtRest,
    id: RequestId,
    now: u64,
    denial: SignedDenial,
) -> mongodb::error::Result<()> {
    let answered = Answered { at: now, denial: Some(denial) };
    let answered = at_rest.seal(Use::RequestAnswer, &id.to_string(), &answered);
    let open = doc! { "_id": id.to_string(), "state": "open" };
    let denied = doc! { "$set": { "state": "denied", "answered": answered } };
    requests(database).update_one(open, denied).await?;
    Ok(())
}

/// Stores that the patient granted something for a request, and notifies its requester. Repeating it changes nothing.
///
/// # Errors
/// Returns an error when the database does not answer.
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
    feed::append(database, vec![FeedEntry::new(at_rest, asked.requester(), FeedKind::RequestAnswered, id, now)]).await
}

/// Returns whether `requester` has ever asked `patient` for access, whatever the answer was.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn has_asked(
    database: &Database,
    at_rest: &AtRest,
    requester: Address,
    patient: Address,
) -> Result<bool, ApiError> {
    let of_both = doc! {
        "requester": at_rest.find(Lookup::Requester, requester),
        "patient": at_rest.find(Lookup::Requested, patient),
    };
    Ok(requests(database).find_one(of_both).await?.is_some())
}

/// Returns whether a request for this right and these purposes needs an accredited requester.
pub(crate) fn needs_accreditation(right: Option<Right>, purposes: &[Purpose]) -> bool {
    right == Some(Right::Write) || purposes.iter().any(|purpose| purpose.needs_accreditation())
}

/// Converts seconds to BSON's integer type.
pub(crate) fn seconds(unix: u64) -> i64 {
    i64::try_from(unix).unwrap_or(i64::MAX)
}
