//! A database with transactions in memory, and clients whose connections break.
//!
//! Transactions see a snapshot. Writing a document that another transaction has written meanwhile, or is writing, is a
//! conflict. As in MongoDB, a killed client leaves its transaction open, and the documents locked, for a minute.

// The program that simulates includes this file by its path, so the paths of its parts are written here.
#[path = "store/database.rs"]
mod database;
#[path = "store/filters.rs"]
mod filters;

pub(crate) use database::Database;

use std::{
    collections::BTreeSet,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use indexer::{
    mirror::{MirrorError, Store, Transaction, Write},
    time::{Instant, sleep},
};
use mongodb::bson::{Bson, Document, RawDocumentBuf, doc};
use protocol::mirror::collection;
use tokio::sync::Notify;

use self::{
    database::{Collections, Key, Open, Stored, encode, key_of, stored},
    filters::{fits, number, updated},
};
use crate::dice::Dice;

const BESIDE: &str = "rebuild.";

/// The frequency of faults of a connection: one in this many operations; zero means never.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// The connection is cut.
    pub(crate) cuts: u64,
    /// The answer to a commit is lost, whether the commit succeeded or not.
    pub(crate) unknown_commits: u64,
    /// An operation takes seconds.
    pub(crate) stalls: u64,
}

/// The connection of one process.
#[derive(Clone)]
pub(crate) struct Client {
    database: Arc<Mutex<Database>>,
    link: Arc<Link>,
    prefix: &'static str,
    session: i64,
}

/// The part that a connection and its copies share.
struct Link {
    name: String,
    dice: Mutex<Dice>,
    faults: Mutex<Faults>,
    is_down: AtomicBool,
    operations: AtomicU64,
    /// The operation before or after which the process is killed; zero for none.
    crash_at: AtomicU64,
    crashed: Notify,
    is_killed: AtomicBool,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("name", &self.link.name).finish()
    }
}

impl Client {
    pub(crate) fn new(database: &Arc<Mutex<Database>>, name: &str, dice: Dice) -> Self {
        let session = {
            let mut database = database.lock().expect("no panic");
            database.next += 1;
            i64::try_from(database.next).expect("small")
        };
        let link = Link {
            name: name.to_owned(),
            dice: Mutex::new(dice),
            faults: Mutex::default(),
            is_down: AtomicBool::new(false),
            operations: AtomicU64::new(0),
            crash_at: AtomicU64::new(0),
            crashed: Notify::new(),
            is_killed: AtomicBool::new(false),
        };
        Self { database: database.clone(), link: Arc::new(link), prefix: "", session }
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        *self.link.faults.lock().expect("no panic") = faults;
    }

    pub(crate) fn set_down(&self, is_down: bool) {
        self.link.is_down.store(is_down, Ordering::Relaxed);
    }

    /// Kills the process at the operation that comes this many operations later.
    pub(crate) fn crash_in(&self, operations: u64) {
        let now = self.link.operations.load(Ordering::Relaxed);
        self.link.crash_at.store(now + operations.max(1), Ordering::Relaxed);
    }

    /// Resolves at the moment of the crash.
    pub(crate) async fn crashed(&self) {
        self.link.crashed.notified().await;
    }

    /// Everything that is dropped from now on is not cleaned up.
    pub(crate) fn kill(&self) {
        self.link.is_killed.store(true, Ordering::Relaxed);
    }

    fn database(&self) -> MutexGuard<'_, Database> {
        self.database.lock().expect("no panic")
    }

    fn name(&self, collection: &str) -> String {
        format!("{}{collection}", self.prefix)
    }

    fn falls(&self, once_in: impl Fn(&Faults) -> u64) -> bool {
        let times = once_in(&self.link.faults.lock().expect("no panic"));
        self.link.dice.lock().expect("no panic").once_in(times)
    }

    fn draw(&self, bound: u64) -> u64 {
        self.link.dice.lock().expect("no panic").below(bound)
    }

    /// Simulates the way to the database and back, where connections break and processes are killed. At odd counts the
    /// process is killed before the operation, at even counts after it.
    async fn travel(&self, is_way_back: bool) -> Result<(), MirrorError> {
        let operation = self.link.operations.fetch_add(1, Ordering::Relaxed) + 1;
        if self.link.crash_at.load(Ordering::Relaxed) == operation {
            self.kill();
            self.link.crashed.notify_one();
            std::future::pending::<()>().await;
        }
        sleep(Duration::from_micros(100 + self.draw(500))).await;
        if self.falls(|faults| faults.stalls) {
            sleep(Duration::from_millis(self.draw(6_000))).await;
        }
        let is_cut = !is_way_back && self.falls(|faults| faults.cuts);
        if is_cut || self.link.is_down.load(Ordering::Relaxed) {
            return Err(MirrorError::Away("the connection was cut"));
        }
        Ok(())
    }
}

#[async_trait]
impl Store for Client {
    async fn begin(&self) -> Result<Box<dyn Transaction>, MirrorError> {
        self.travel(false).await?;
        let mut database = self.database();
        database.next += 1;
        let id = database.next;
        database.open.insert(id, Open { session: self.session, began: Instant::now(), writes: BTreeSet::new() });
        let (view, version) = (database.collections.clone(), database.version);
        drop(database);
        Ok(Box::new(SimulatedTransaction { client: self.clone(), id, view, version, is_over: false }))
    }

    async fn session(&self) -> Result<Bson, MirrorError> {
        Ok(Bson::Int64(self.session))
    }

    async fn end_session(&self, session: &Bson) -> Result<(), MirrorError> {
        self.travel(false).await?;
        let session = number(session).expect("a session of this database");
        self.database().open.retain(|_, open| open.session != session);
        Ok(())
    }

    async fn find(
        &self,
        collection: &'static str,
        filter: Document,
        limit: i64,
    ) -> Result<Vec<RawDocumentBuf>, MirrorError> {
        self.travel(false).await?;
        let limit = if limit == 0 { usize::MAX } else { usize::try_from(limit).expect("small") };
        let database = self.database();
        let Some(documents) = database.collections.get(&self.name(collection)) else { return Ok(Vec::new()) };
        let found = documents.values().filter(|stored| fits(&stored.document, &filter));
        Ok(found.take(limit).map(|stored| stored.raw.clone()).collect())
    }

    async fn insert_new(&self, collection: &'static str, document: Document) -> Result<bool, MirrorError> {
        self.travel(false).await?;
        let (key, stored) = stored(encode(&document));
        let name = self.name(collection);
        {
            let mut database = self.database();
            if database.collections.get(&name).is_some_and(|documents| documents.contains_key(&key)) {
                return Ok(false);
            }
            database.write((name, key), Some(stored));
        }
        self.travel(true).await?;
        Ok(true)
    }

    async fn update(&self, collection: &'static str, filter: Document, update: Document) -> Result<bool, MirrorError> {
        self.travel(false).await?;
        let name = self.name(collection);
        loop {
            {
                let mut database = self.database();
                let documents = database.collections.get(&name).cloned().unwrap_or_default();
                let Some((key, found)) = documents.iter().find(|(_, stored)| fits(&stored.document, &filter)) else {
                    return Ok(false);
                };
                let place = (name.clone(), key.clone());
                if !database.is_locked(&place, 0) {
                    let (_, changed) = stored(encode(&updated(&found.document, &update)));
                    database.write(place, Some(changed));
                    break;
                }
            }
            // A write outside a transaction waits for the lock.
            sleep(Duration::from_millis(50)).await;
        }
        self.travel(true).await?;
        Ok(true)
    }

    async fn prepare(&self) -> Result<(), MirrorError> {
        self.travel(false).await
    }

    async fn ping(&self) -> Result<(), MirrorError> {
        self.travel(false).await
    }

    async fn drop_collections(&self, collections: &[&'static str]) -> Result<(), MirrorError> {
        for name in collections {
            self.travel(false).await?;
            let name = self.name(name);
            self.database().collections.remove(&name);
        }
        Ok(())
    }

    fn beside(&self) -> Arc<dyn Store> {
        Arc::new(Self { prefix: BESIDE, session: self.session + 1_000_000, ..self.clone() })
    }

    async fn take_over(&self, collection: &'static str) -> Result<(), MirrorError> {
        self.travel(false).await?;
        {
            let mut database = self.database();
            if let Some(documents) = database.collections.remove(&format!("{BESIDE}{collection}")) {
                database.collections.insert(collection.to_owned(), documents);
                database.version += 1;
                // A rebuild starts with its own window.
                database.final_block = 0;
                database.events.clear();
            }
        }
        self.travel(true).await
    }
}

struct SimulatedTransaction {
    client: Client,
    id: u64,
    view: Collections,
    version: u64,
    is_over: bool,
}

impl Drop for SimulatedTransaction {
    fn drop(&mut self) {
        // The server does not notice that a process was killed.
        if !self.is_over && !self.client.link.is_killed.load(Ordering::Relaxed) {
            self.client.database().open.remove(&self.id);
        }
    }
}

impl SimulatedTransaction {
    fn is_open(&self, database: &mut Database) -> Result<(), MirrorError> {
        database.expire();
        if database.open.contains_key(&self.id) { Ok(()) } else { Err(MirrorError::Conflict) }
    }

    fn put(&mut self, name: String, key: Key, stored: Option<Arc<Stored>>) -> Result<(), MirrorError> {
        let place = (name, key);
        {
            let mut database = self.client.database.lock().expect("no panic");
            self.is_open(&mut database)?;
            let is_newer = database.modified.get(&place).is_some_and(|version| *version > self.version);
            if is_newer || database.is_locked(&place, self.id) {
                return Err(MirrorError::Conflict);
            }
            database.open.get_mut(&self.id).expect("checked").writes.insert(place.clone());
        }
        let documents = Arc::make_mut(self.view.entry(place.0).or_default());
        match stored {
            Some(stored) => documents.insert(place.1, stored),
            None => documents.remove(&place.1),
        };
        Ok(())
    }

    fn apply(&mut self, write: Write) -> Result<(), MirrorError> {
        match write {
            Write::Insert(collection, documents) => {
                let name = self.client.name(collection);
                for document in documents {
                    let (key, stored) = stored(document);
                    if self.view.get(&name).is_some_and(|documents| documents.contains_key(&key)) {
                        return Err(MirrorError::Write { collection, reason: format!("{key:?} is there already") });
                    }
                    self.put(name.clone(), key, Some(stored))?;
                }
            }
            Write::Replace(collection, documents) => {
                let name = self.client.name(collection);
                for document in documents {
                    let (key, stored) = stored(document);
                    self.put(name.clone(), key, Some(stored))?;
                }
            }
            Write::Update { collection, filter, update } => {
                let name = self.client.name(collection);
                let Some((key, found)) = self.matching(&name, &filter).into_iter().next() else {
                    return Err(MirrorError::Unmatched);
                };
                let (_, changed) = stored(encode(&updated(&found.document, &update)));
                self.put(name, key, Some(changed))?;
            }
            Write::Delete { collection, filter } => {
                let name = self.client.name(collection);
                for (key, _) in self.matching(&name, &filter) {
                    self.put(name.clone(), key, None)?;
                }
            }
        }
        Ok(())
    }

    fn matching(&self, name: &str, filter: &Document) -> Vec<(Key, Arc<Stored>)> {
        let Some(documents) = self.view.get(name) else { return Vec::new() };
        // The same result as with an index on `_id`.
        if let Some(ids) = filter.get_document("_id").ok().and_then(|wanted| wanted.get_array("$in").ok()) {
            let keys = ids.iter().map(|id| key_of(&doc! { "_id": id.clone() }));
            return keys.filter_map(|key| documents.get_key_value(&key)).map(|(k, v)| (k.clone(), v.clone())).collect();
        }
        let fitting = documents.iter().filter(|(_, stored)| fits(&stored.document, filter));
        fitting.map(|(key, stored)| (key.clone(), stored.clone())).collect()
    }
}

#[async_trait]
impl Transaction for SimulatedTransaction {
    async fn find(&mut self, collection: &'static str, filter: Document) -> Result<Vec<RawDocumentBuf>, MirrorError> {
        self.client.travel(false).await?;
        let name = self.client.name(collection);
        Ok(self.matching(&name, &filter).into_iter().map(|(_, stored)| stored.raw.clone()).collect())
    }

    /// Runs each write separately, as for many documents, so that a process can be killed between two; or all in one
    /// command, which continues after an update that found no document.
    async fn write(&mut self, writes: Vec<Write>) -> Result<(), MirrorError> {
        if self.client.draw(2) == 0 {
            for write in writes {
                self.client.travel(false).await?;
                self.apply(write)?;
                self.client.travel(true).await?;
            }
            return Ok(());
        }
        self.client.travel(false).await?;
        let mut is_unmatched = false;
        for write in writes {
            match self.apply(write) {
                Err(MirrorError::Unmatched) => is_unmatched = true,
                result => result?,
            }
        }
        self.client.travel(true).await?;
        if is_unmatched { Err(MirrorError::Unmatched) } else { Ok(()) }
    }

    async fn commit(mut self: Box<Self>) -> Result<(), MirrorError> {
        self.client.travel(false).await?;
        let is_unknown = self.client.falls(|faults| faults.unknown_commits);
        if is_unknown && self.client.draw(2) == 0 {
            // The abort did not reach the server; the transaction stays open there until it is ended.
            self.is_over = true;
            return Err(MirrorError::Away("the answer to a commit was lost"));
        }
        {
            let mut database = self.client.database.lock().expect("no panic");
            self.is_open(&mut database)?;
            let open = database.open.remove(&self.id).expect("checked");
            self.is_over = true;
            if open.writes.iter().any(|(name, _)| name == collection::CURSOR) {
                database.check_lease(&self.client.link.name);
            }
            for (name, key) in open.writes {
                let stored = self.view.get(&name).and_then(|documents| documents.get(&key)).cloned();
                database.write((name, key), stored);
            }
            if self.client.prefix.is_empty() {
                database.check();
            }
        }
        if is_unknown {
            return Err(MirrorError::Away("the answer to a commit was lost"));
        }
        self.client.travel(true).await
    }

    async fn abort(mut self: Box<Self>) {
        if self.client.travel(false).await.is_ok() {
            self.is_over = true;
            self.client.database().open.remove(&self.id);
        }
    }
}
