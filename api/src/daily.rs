//! Daily limits (UTC) on actions to or by one person.

use alloy::primitives::Address;
use mongodb::{
    Collection, Database,
    bson::{Document, doc},
    options::ReturnDocument,
};

use crate::{
    app::App,
    at_rest::Lookup,
    error::ApiError,
    store::{collection, find_id, is_duplicate, ttl_index},
    time::Clock,
};

const DAY_SECONDS: u64 = 86_400;

/// The kind of action that is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Daily {
    /// Requests from strangers to one person.
    RequestsOfStrangers,
    /// Requests from one person to people who do not know it.
    RequestsToStrangers,
}

impl Daily {
    const fn as_str(self) -> &'static str {
        match self {
            Self::RequestsOfStrangers => "requests_of_strangers",
            Self::RequestsToStrangers => "requests_to_strangers",
        }
    }
}

/// Creates the index that deletes the counts of past days.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn create_indexes(database: &Database) -> mongodb::error::Result<()> {
    database.collection::<Document>(collection::DAILY).create_index(ttl_index("delete_at")).await?;
    Ok(())
}

/// Returns the seconds until a new day begins.
pub(crate) fn seconds_left(now: u64) -> u64 {
    DAY_SECONDS - now % DAY_SECONDS
}

/// Counts one action, and returns whether it was within the day's maximum. An action above the maximum is not counted.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn take(app: &App, what: Daily, who: Address, max: u64) -> Result<bool, ApiError> {
    let now = app.clock.now();
    let counts: Collection<Document> = app.database.collection(collection::DAILY);
    let name = |who: String| format!("{}:{who}:{}", what.as_str(), now / DAY_SECONDS);
    // Actions that were counted today before the operator's secret was rotated still count.
    let older: Vec<String> = app.at_rest.older(Lookup::Daily, who).into_iter().map(name).collect();
    let standing = find_id(&counts, &older).await?;
    let id = doc! { "_id": standing.unwrap_or_else(|| name(app.at_rest.blind(Lookup::Daily, who))) };
    let count = doc! {
        "$inc": { "count": 1_i64 },
        "$setOnInsert": { "delete_at": Clock::date_at((now / DAY_SECONDS + 2) * DAY_SECONDS) },
    };
    let counting =
        || counts.find_one_and_update(id.clone(), count.clone()).upsert(true).return_document(ReturnDocument::After);
    let counted = match counting().await {
        // Two first actions of a day at the same moment.
        Err(error) if is_duplicate(&error) => counting().await?,
        other => other?,
    };
    let count = counted.and_then(|count| count.get_i64("count").ok()).unwrap_or(1);
    if u64::try_from(count).unwrap_or(u64::MAX) > max {
        counts.update_one(id, doc! { "$inc": { "count": -1_i64 } }).await?;
        return Ok(false);
    }
    Ok(true)
}
