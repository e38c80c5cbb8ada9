//! Entries of the feed, and their numbers.

use std::{collections::HashSet, fmt::Display};

use alloy::primitives::Address;
use futures::{FutureExt, TryStreamExt};
use mongodb::{
    ClientSession, Collection, Database,
    bson::{DateTime, Document, doc},
    options::ReturnDocument,
};
use protocol::bodies::feed::{FeedEvent, FeedKind};
use serde::{Deserialize, Serialize};

use crate::{
    at_rest::{AtRest, Lookup, Sealed, Use},
    store::{collection, index, is_duplicate, ttl_index, unique_index},
    time::Clock,
};

/// Entries are kept so long, in seconds; whoever was away longer looks at the lists.
const KEPT_SECONDS: u64 = 30 * 86_400;
/// The counter's `_id`.
const COUNTER: &str = "counter";

/// Something that concerns one person. `_id` is the blind index of what happened and to whom it is told, so that it is told
/// once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FeedEntry {
    #[serde(rename = "_id")]
    id: String,
    /// Its place in the feed, from 1; 0 until it is written.
    number: i64,
    /// Blind index of the person ([`Lookup::Feed`]).
    to: String,
    /// What is told: [`Told`].
    sealed: Sealed,
    /// Unix seconds.
    time: i64,
    /// Whether a stranger has caused it.
    #[serde(default)]
    of_stranger: bool,
    delete_at: DateTime,
}

/// The sealed part of an entry.
#[derive(Serialize, Deserialize)]
struct Told {
    kind: FeedKind,
    subject: String,
}

impl FeedEntry {
    /// An entry about something that happens to `subject` once, at `time` (unix seconds).
    pub(crate) fn new(at_rest: &AtRest, to: Address, kind: FeedKind, subject: impl Display, time: u64) -> Self {
        Self::caused_by(at_rest, &format!("{kind:?}:{subject}"), to, (kind, subject), time)
    }

    /// An entry about something that can happen to `subject` repeatedly; `cause` tells the times apart.
    pub(crate) fn caused_by(
        at_rest: &AtRest,
        cause: &str,
        to: Address,
        (kind, subject): (FeedKind, impl Display),
        time: u64,
    ) -> Self {
        let id = at_rest.blind(Lookup::FeedCause, format!("{cause}:{to:#x}"));
        Self {
            number: 0,
            to: at_rest.blind(Lookup::Feed, to),
            sealed: at_rest.seal(Use::Feed, &id, &Told { kind, subject: subject.to_string() }),
            id,
            time: i64::try_from(time).unwrap_or(i64::MAX),
            of_stranger: false,
            delete_at: Clock::date_at(time.saturating_add(KEPT_SECONDS)),
        }
    }

    /// The same as something that a stranger has caused: a person is told a number of such things a day.
    pub(super) fn of_stranger(self) -> Self {
        Self { of_stranger: true, ..self }
    }

    pub(super) const fn number(&self) -> i64 {
        self.number
    }

    /// The blind index of the person.
    pub(super) fn into_to(self) -> String {
        self.to
    }

    /// The event as its person sees it; `None` when it was not sealed by this operator.
    pub(super) fn event(&self, at_rest: &AtRest) -> Option<FeedEvent> {
        let Told { kind, subject } = at_rest.open(Use::Feed, &self.id, &self.sealed).ok()?;
        Some(FeedEvent { id: id_of(self.number), kind, subject, time: u64::try_from(self.time).unwrap_or(0) })
    }
}

/// The id of an event.
fn id_of(number: i64) -> String {
    format!("{number:016x}")
}

/// Reads an event id; `None` for what this server never gave.
pub(super) fn parse_id(id: &str) -> Option<i64> {
    // `from_str_radix` would take a sign, too.
    let is_ours = id.len() == 16 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_ours.then(|| i64::from_str_radix(id, 16).ok()).flatten()
}

pub(super) fn feed(database: &Database) -> Collection<FeedEntry> {
    database.collection(collection::FEED)
}

/// Creates the feed's indexes and its counter.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn create_indexes(database: &Database) -> mongodb::error::Result<()> {
    let by_person = unique_index(doc! { "to": 1, "number": 1 });
    let of_strangers = index(doc! { "to": 1, "of_stranger": 1, "time": 1 });
    feed(database)
        .create_indexes([by_person, of_strangers, unique_index(doc! { "number": 1 }), ttl_index("delete_at")])
        .await?;
    let counters: Collection<Document> = database.collection(collection::FEED_CURSOR);
    let first = doc! { "$setOnInsert": { "number": 0_i64 } };
    match counters.update_one(doc! { "_id": COUNTER }, first).upsert(true).await {
        Ok(_) => Ok(()),
        // Another replica was faster.
        Err(error) if is_duplicate(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The number of the newest entry.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn newest(database: &Database) -> mongodb::error::Result<i64> {
    let newest = feed(database).find_one(doc! {}).sort(doc! { "number": -1 }).await?;
    Ok(newest.map_or(0, |entry| entry.number))
}

/// Writes entries that are not in the feed yet, durably and in order.
///
/// # Errors
/// When the database does not answer; writing them again is harmless.
pub(crate) async fn append(database: &Database, entries: Vec<FeedEntry>) -> mongodb::error::Result<()> {
    let mut attempts = 0;
    loop {
        let new = unknown(database, &entries).await?;
        if new.is_empty() {
            return Ok(());
        }
        match write(database, new).await {
            // Somebody else told the same at the same moment.
            Err(error) if is_duplicate(&error) && attempts < 5 => attempts += 1,
            outcome => return outcome,
        }
    }
}

/// Leaves out what strangers have caused beyond `max` entries a day for each person. A feed is a hint; the lists have all.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn bounded(
    database: &Database,
    entries: Vec<FeedEntry>,
    max: u64,
) -> mongodb::error::Result<Vec<FeedEntry>> {
    let mut kept = Vec::with_capacity(entries.len());
    for entry in entries {
        if entry.of_stranger {
            let since = entry.time - 86_400;
            let of_day = doc! {
                "to": &entry.to, "of_stranger": true, "time": { "$gt": since, "$lte": entry.time },
            };
            if feed(database).count_documents(of_day).limit(max).await? >= max {
                continue;
            }
        }
        kept.push(entry);
    }
    Ok(kept)
}

async fn unknown(database: &Database, entries: &[FeedEntry]) -> mongodb::error::Result<Vec<FeedEntry>> {
    let ids: Vec<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
    let known: Vec<FeedEntry> = feed(database).find(doc! { "_id": { "$in": ids } }).await?.try_collect().await?;
    let mut seen: HashSet<String> = known.into_iter().map(|entry| entry.id).collect();
    Ok(entries.iter().filter(|entry| seen.insert(entry.id.clone())).cloned().collect())
}

async fn write(database: &Database, entries: Vec<FeedEntry>) -> mongodb::error::Result<()> {
    let mut session = database.client().start_session().await?;
    session
        .start_transaction()
        .and_run((database.clone(), entries), |session, (database, entries)| {
            number_and_insert(session, database, entries).boxed()
        })
        .await
}

/// Writers of one moment collide on the counter; all but one begin again, so that numbers are committed in order.
async fn number_and_insert(
    session: &mut ClientSession,
    database: &Database,
    entries: &mut [FeedEntry],
) -> mongodb::error::Result<()> {
    let counters: Collection<Document> = database.collection(collection::FEED_CURSOR);
    let count = i64::try_from(entries.len()).unwrap_or(i64::MAX);
    let counted = counters
        .find_one_and_update(doc! { "_id": COUNTER }, doc! { "$inc": { "number": count } })
        .upsert(true)
        .return_document(ReturnDocument::After)
        .session(&mut *session)
        .await?;
    let last = counted.and_then(|counter| counter.get_i64("number").ok()).unwrap_or(count);
    for (entry, number) in entries.iter_mut().zip(last - count + 1..) {
        entry.number = number;
    }
    feed(database).insert_many(&*entries).session(session).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_as_text_and_foreign_ones_are_refused() {
        assert!(id_of(9) < id_of(10) && id_of(255) < id_of(256));
        assert_eq!(parse_id(&id_of(77)), Some(77));
        assert_eq!(parse_id("77"), None);
        for foreign in
            ["zzzzzzzzzzzzzzzz", "+00000000000004d", "-00000000000004d", "00000000000000FF", "8000000000000000"]
        {
            assert_eq!(parse_id(foreign), None, "{foreign}");
        }
    }
}
