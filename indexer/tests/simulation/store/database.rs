//! The content of the simulated database: documents, open transactions, and the invariants after every commit.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use indexer::time::Instant;
use mongodb::bson::{Bson, Document, RawDocumentBuf};
use protocol::mirror::{CURSOR_ID, collection};

use super::BESIDE;

/// The time after which an open transaction is aborted: `transactionLifetimeLimitSeconds`.
const LIFETIME: Duration = Duration::from_secs(60);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Key {
    Number(i64),
    Text(String),
}

#[derive(Debug)]
pub(super) struct Stored {
    pub(super) document: Document,
    pub(super) raw: RawDocumentBuf,
}

pub(super) type Collections = BTreeMap<String, Arc<BTreeMap<Key, Arc<Stored>>>>;
pub(super) type Place = (String, Key);

#[derive(Debug)]
pub(super) struct Open {
    pub(super) session: i64,
    pub(super) began: Instant,
    pub(super) writes: BTreeSet<Place>,
}

/// The database.
#[derive(Debug, Default)]
pub(crate) struct Database {
    pub(super) collections: Collections,
    pub(super) version: u64,
    pub(super) modified: HashMap<Place, u64>,
    pub(super) open: BTreeMap<u64, Open>,
    pub(super) next: u64,
    /// The ids of all events that were ever committed.
    pub(super) events: BTreeSet<Key>,
    /// The oldest recent block. Blocks below it are final.
    pub(super) final_block: i64,
    /// The violations of invariants.
    pub(crate) violations: Vec<String>,
    pub(crate) commits: u64,
}

impl Database {
    /// Returns the documents of a collection of the live mirror.
    pub(crate) fn documents(&self, name: &str) -> Vec<Document> {
        self.collections
            .get(name)
            .map(|documents| documents.values().map(|stored| stored.document.clone()).collect())
            .unwrap_or_default()
    }

    /// Returns the number of events that were once in the mirror and are now stored nowhere.
    pub(crate) fn lost_events(&self) -> usize {
        let is_in = |name: &str, key: &Key| self.collections.get(name).is_some_and(|them| them.contains_key(key));
        let kept = |key: &&Key| is_in(collection::EVENTS, key) || is_in(collection::ORPHANS, key);
        self.events.len() - self.events.iter().filter(kept).count()
    }

    /// Returns the collections that rebuilds have left.
    pub(crate) fn collections_beside(&self) -> Vec<String> {
        let beside =
            self.collections.iter().filter(|(name, documents)| name.starts_with(BESIDE) && !documents.is_empty());
        beside.map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn expire(&mut self) {
        self.open.retain(|_, open| open.began.elapsed() < LIFETIME);
    }

    pub(super) fn is_locked(&mut self, place: &Place, except: u64) -> bool {
        self.expire();
        self.open.iter().any(|(id, open)| *id != except && open.writes.contains(place))
    }

    pub(super) fn write(&mut self, place: Place, stored: Option<Arc<Stored>>) {
        self.version += 1;
        if place.0 == collection::EVENTS && stored.is_some() {
            self.events.insert(place.1.clone());
        }
        let documents = Arc::make_mut(self.collections.entry(place.0.clone()).or_default());
        match stored {
            Some(stored) => documents.insert(place.1.clone(), stored),
            None => documents.remove(&place.1),
        };
        self.modified.insert(place, self.version);
    }

    /// Checks that a client that commits a cursor holds the lease.
    pub(super) fn check_lease(&mut self, client: &str) {
        let lease = self.documents(collection::LEASE);
        let holder = lease.first().and_then(|lease| lease.get_str("holder").ok()).unwrap_or_default();
        if holder != client {
            self.violations.push(format!("{client} writes while {holder:?} holds the lease"));
        }
    }

    /// Checks the invariants after every commit to the live mirror.
    pub(super) fn check(&mut self) {
        self.commits += 1;
        let oldest = self.collections.get(collection::BLOCKS).and_then(|blocks| blocks.keys().next().cloned());
        if let Some(Key::Number(oldest)) = oldest {
            if oldest < self.final_block {
                self.violations.push(format!("finality moved from block {} back to {oldest}", self.final_block));
            }
            self.final_block = oldest;
        }
        let cursor = self.documents(collection::CURSOR);
        let newest = self.collections.get(collection::BLOCKS).and_then(|blocks| blocks.values().next_back().cloned());
        if let (Some(cursor), Some(newest)) = (cursor.first(), newest)
            && cursor.get("block_hash") != newest.document.get("hash")
        {
            self.violations.push(format!("the recent blocks do not end with the cursor: {CURSOR_ID}"));
        }
    }
}

pub(super) fn key_of(document: &Document) -> Key {
    match document.get("_id") {
        Some(Bson::Int64(number)) => Key::Number(*number),
        Some(Bson::Int32(number)) => Key::Number(i64::from(*number)),
        Some(Bson::String(text)) => Key::Text(text.clone()),
        other => panic!("an _id of another type: {other:?}"),
    }
}

pub(super) fn stored(raw: RawDocumentBuf) -> (Key, Arc<Stored>) {
    let document = raw.to_document().expect("documents are well-formed");
    (key_of(&document), Arc::new(Stored { document, raw }))
}

pub(super) fn encode(document: &Document) -> RawDocumentBuf {
    RawDocumentBuf::from_document(document).expect("documents can be encoded")
}
