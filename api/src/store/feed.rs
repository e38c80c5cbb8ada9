//! Entries of the event feed, their numbers, and the place in the mirror's events up to which the feed is complete.

use std::{collections::HashSet, fmt::Display};

use alloy::primitives::Address;
use futures::{FutureExt, TryStreamExt};
use mongodb::{
    ClientSession, Collection, Database,
    bson::{Bson, DateTime, Document, doc, to_bson},
    change_stream::{
        ChangeStream,
        event::{ChangeStreamEvent, ResumeToken},
    },
    options::ReturnDocument,
};
use protocol::{
    bodies::feed::{FeedEvent, FeedKind},
    hex_text,
};
use serde::{Deserialize, Serialize};

use super::{collection, create_clustered, index, is_duplicate, ttl_index, unique_index};
use crate::{
    at_rest::{AtRest, Lookup, Sealed, Use},
    time::Clock,
};

const DAY_SECONDS: u64 = 86_400;
/// Number of whole days for which entries are kept. A client that was away longer reads the lists.
const KEPT_DAYS: u64 = 30;
/// The counter's `_id`.
const COUNTER: &str = "counter";
/// The `_id` of the document with the place in the mirror's events.
const MIRROR: &str = "mirror";

/// An event for one person. `_id` is the blind index of the event and the person, so each person gets one entry for
/// each event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FeedEntry {
    #[serde(rename = "_id")]
    id: String,
    /// Its place in the feed, from 1; 0 until it is written.
    number: i64,
    /// Blind index of the person ([`Lookup::Feed`]).
    to: String,
    /// The content and time of the event: [`Told`]. The time is sealed because it is the time of a block, which could
    /// identify the event.
    sealed: Sealed,
    /// The day (UTC) of an event that a stranger caused. Absent for all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    strangers_day: Option<i64>,
    delete_at: DateTime,
    /// The blind indexes of its id and its person under older secrets.
    #[serde(skip)]
    older: Older,
}

/// The blind indexes of an entry under older secrets.
#[derive(Clone, Debug, Default)]
struct Older {
    ids: Vec<String>,
    to: Vec<String>,
}

/// The sealed part of an entry.
#[derive(Serialize, Deserialize)]
struct Told {
    #[serde(with = "hex_text")]
    to: Address,
    /// Unix seconds.
    time: u64,
    kind: FeedKind,
    subject: String,
}

impl FeedEntry {
    /// Returns an entry for something that happens to `subject` once, at `time` (Unix seconds).
    pub(crate) fn new(at_rest: &AtRest, to: Address, kind: FeedKind, subject: impl Display, time: u64) -> Self {
        Self::caused_by(at_rest, &format!("{kind:?}:{subject}"), to, (kind, subject), time)
    }

    /// Returns an entry for something that can happen to `subject` several times. `cause` distinguishes the times.
    pub(crate) fn caused_by(
        at_rest: &AtRest,
        cause: &str,
        to: Address,
        (kind, subject): (FeedKind, impl Display),
        time: u64,
    ) -> Self {
        let cause = format!("{cause}:{to:#x}");
        let id = at_rest.blind(Lookup::FeedCause, &cause);
        let older = Older { ids: at_rest.older(Lookup::FeedCause, cause), to: at_rest.older(Lookup::Feed, to) };
        // Rounded to the day, so that it does not show the second.
        let delete_at = Clock::date_at((time / DAY_SECONDS).saturating_add(KEPT_DAYS + 1).saturating_mul(DAY_SECONDS));
        let told = Told { to, time, kind, subject: subject.to_string() };
        let sealed = at_rest.seal(Use::Feed, &id, &told);
        Self { id, number: 0, to: at_rest.blind(Lookup::Feed, to), sealed, strangers_day: None, delete_at, older }
    }

    /// Marks the entry as caused by a stranger. A person gets only a limited number of such entries in a day.
    pub(crate) fn of_stranger(self, time: u64) -> Self {
        Self { strangers_day: Some(i64::try_from(time / DAY_SECONDS).unwrap_or(i64::MAX)), ..self }
    }

    pub(crate) const fn number(&self) -> i64 {
        self.number
    }

    /// Returns the blind index of the person.
    pub(crate) fn into_to(self) -> String {
        self.to
    }

    /// Returns the event for its person. Returns `None` when this operator did not seal it for this person.
    pub(crate) fn event(&self, at_rest: &AtRest, person: Address) -> Option<FeedEvent> {
        let Told { to, time, kind, subject } = at_rest.open(Use::Feed, &self.id, &self.sealed).ok()?;
        (to == person).then(|| FeedEvent { id: id_of(self.number), kind, subject, time })
    }
}

/// Returns the id of an event.
fn id_of(number: i64) -> String {
    format!("{number:016x}")
}

/// Parses an event id. Returns `None` for text that is not an id of this server.
pub(crate) fn parse_id(id: &str) -> Option<i64> {
    // `from_str_radix` would also accept a sign.
    let is_ours = id.len() == 16 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_ours.then(|| i64::from_str_radix(id, 16).ok()).flatten()
}

fn feed(database: &Database) -> Collection<FeedEntry> {
    database.collection(collection::FEED)
}

/// Creates the feed's indexes and its counter.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn create_indexes(database: &Database) -> mongodb::error::Result<()> {
    create_clustered(database, collection::FEED).await?;
    let by_person = unique_index(doc! { "to": 1, "number": 1 });
    let of_strangers = index(doc! { "to": 1, "strangers_day": 1 });
    feed(database)
        .create_indexes([by_person, of_strangers, unique_index(doc! { "number": 1 }), ttl_index("delete_at")])
        .await?;
    let counters: Collection<Document> = database.collection(collection::FEED_CURSOR);
    let first = doc! { "$setOnInsert": { "number": 0_i64 } };
    match counters.update_one(doc! { "_id": COUNTER }, first).upsert(true).await {
        Ok(_) => Ok(()),
        // Another replica has created it.
        Err(error) if is_duplicate(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Returns the number of the newest entry.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn newest(database: &Database) -> mongodb::error::Result<i64> {
    let newest = feed(database).find_one(doc! {}).sort(doc! { "number": -1 }).await?;
    Ok(newest.map_or(0, |entry| entry.number))
}

/// Returns the entries for `person` with a number above `after`, oldest first, at most `max`.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn newer(
    database: &Database,
    at_rest: &AtRest,
    person: Address,
    after: i64,
    max: i64,
) -> mongodb::error::Result<Vec<FeedEntry>> {
    let newer = doc! { "to": at_rest.find(Lookup::Feed, person), "number": { "$gt": after } };
    feed(database).find(newer).sort(doc! { "to": 1, "number": 1 }).limit(max).await?.try_collect().await
}

/// Returns a stream of the entries that are written from now on.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn watch(database: &Database) -> mongodb::error::Result<ChangeStream<ChangeStreamEvent<FeedEntry>>> {
    let inserts = [doc! { "$match": { "operationType": "insert" } }];
    feed(database).watch().pipeline(inserts).await
}

/// The place in the mirror's events up to which the feed is complete.
#[derive(Serialize, Deserialize)]
pub(crate) struct MirrorPlace {
    #[serde(rename = "_id")]
    id: String,
    /// The token from which the change stream continues.
    pub(crate) token: Option<ResumeToken>,
    /// The block of the last event in the feed.
    pub(crate) block_number: i64,
}

/// Returns the place in the mirror's events up to which the feed is complete. Returns `None` at the first start.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn mirror_place(database: &Database) -> mongodb::error::Result<Option<MirrorPlace>> {
    database.collection(collection::FEED_CURSOR).find_one(doc! { "_id": MIRROR }).await
}

/// Stores the place in the mirror's events up to which the feed is complete.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn set_mirror_place(
    database: &Database,
    token: Option<ResumeToken>,
    block_number: i64,
) -> mongodb::error::Result<()> {
    let token = token.map(|token| to_bson(&token)).transpose()?.unwrap_or(Bson::Null);
    let place = doc! { "$set": { "token": token, "block_number": block_number } };
    let cursors: Collection<MirrorPlace> = database.collection(collection::FEED_CURSOR);
    cursors.update_one(doc! { "_id": MIRROR }, place).upsert(true).await?;
    Ok(())
}

/// Writes entries that are not in the feed yet, durably and in order.
///
/// # Errors
/// Returns an error when the database does not answer. Writing the entries again is harmless.
pub(crate) async fn append(database: &Database, entries: Vec<FeedEntry>) -> mongodb::error::Result<()> {
    let mut attempts = 0;
    loop {
        let new = unknown(database, &entries).await?;
        if new.is_empty() {
            return Ok(());
        }
        match write(database, new).await {
            // Another writer added the same entry at the same moment.
            Err(error) if is_duplicate(&error) && attempts < 5 => attempts += 1,
            outcome => return outcome,
        }
    }
}

/// Removes entries that strangers caused above `max` a day (UTC) for each person. The feed is only a hint; the lists
/// are complete.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn bounded(
    database: &Database,
    entries: Vec<FeedEntry>,
    max: u64,
) -> mongodb::error::Result<Vec<FeedEntry>> {
    let mut kept = Vec::with_capacity(entries.len());
    for entry in entries {
        if let Some(day) = entry.strangers_day {
            let mut to = vec![entry.to.clone()];
            to.extend_from_slice(&entry.older.to);
            let of_day = doc! { "to": { "$in": to }, "strangers_day": day };
            if feed(database).count_documents(of_day).limit(max).await? >= max {
                continue;
            }
        }
        kept.push(entry);
    }
    Ok(kept)
}

async fn unknown(database: &Database, entries: &[FeedEntry]) -> mongodb::error::Result<Vec<FeedEntry>> {
    let ids = entries.iter().flat_map(|entry| std::iter::once(&entry.id).chain(&entry.older.ids));
    let ids: Vec<&str> = ids.map(String::as_str).collect();
    let known: Vec<FeedEntry> = feed(database).find(doc! { "_id": { "$in": ids } }).await?.try_collect().await?;
    let mut seen: HashSet<String> = known.into_iter().map(|entry| entry.id).collect();
    let is_new = |entry: &&FeedEntry| {
        // An entry that was written under an older secret counts as written.
        entry.older.ids.iter().all(|older| !seen.contains(older)) && seen.insert(entry.id.clone())
    };
    Ok(entries.iter().filter(is_new).cloned().collect())
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

/// Numbers and inserts entries. Writers at the same moment collide on the counter, and all but one start again, so
/// numbers are committed in order.
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
    fn an_entry_opens_only_for_its_recipient_and_its_time_is_sealed() {
        let at_rest = AtRest::for_tests(7);
        let (to, other) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let time = 20_000 * DAY_SECONDS + 12_345;
        let mut entry = FeedEntry::new(&at_rest, to, FeedKind::Granted, "x", time);
        entry.to = at_rest.blind(Lookup::Feed, other);
        assert!(entry.event(&at_rest, other).is_none());
        assert_eq!(entry.event(&at_rest, to).map(|event| event.time), Some(time));
        assert_eq!(entry.delete_at, Clock::date_at((20_000 + KEPT_DAYS + 1) * DAY_SECONDS));
    }

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
