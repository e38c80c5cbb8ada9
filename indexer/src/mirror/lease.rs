//! The lease: makes sure that at most one indexer writes to a mirror.
//!
//! One document contains the holder, a term that grows with every change of holder, and a beat that grows with every
//! renewal. Clocks are not compared: a waiting indexer takes over when the document has not changed for a certain time
//! on its own clock. Every transaction checks holder and term and raises the beat. So an indexer that has lost the
//! lease without noticing cannot commit, and one that commits needs no other renewal.
//!
//! An indexer that is killed during a transaction leaves its documents locked, including the lease, until the database
//! aborts the transaction (after a minute, by default). Therefore the document also contains the session, and the next
//! holder ends it.

use std::time::Duration;

use mongodb::bson::{Bson, Document, doc};
use protocol::mirror::collection;
use serde::{Deserialize, Serialize};

use super::{Mirror, MirrorError, Write, commit::decoded, recent::Recent};
use crate::{
    mutant::{self, Mutant},
    time::{Instant, sleep, timeout},
};

const LEASE_ID: &str = "lease";
/// The longest time for a request about the lease.
const PATIENCE: Duration = Duration::from_secs(3);

/// The lease document in the database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct LeaseDoc {
    #[serde(rename = "_id")]
    id: String,
    /// The name of the holder; empty when the lease is free.
    holder: String,
    /// A number that grows with every change of holder.
    term: i64,
    /// A number that grows with every renewal.
    beat: i64,
    /// The holder's database session.
    session: Bson,
    /// The name of the indexer that asks the holder to release the lease for a moment; empty when none does.
    wanted: String,
}

/// The data of the holder in this process.
#[derive(Clone, Debug)]
pub(super) struct Held {
    holder: String,
    term: i64,
    session: Bson,
}

/// The reason why the lease was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Another indexer has taken over.
    Taken,
    /// A rebuild asks for the lease, to swap the mirrors.
    Wanted,
}

/// The state of the lease, as a waiting indexer has seen it.
#[derive(Debug)]
pub struct Watch {
    name: String,
    patience: Duration,
    is_insistent: bool,
    seen: Option<(LeaseDoc, Instant)>,
}

impl Watch {
    /// Starts waiting under a new name. Takes over when the lease has not changed for `patience`.
    #[must_use]
    pub fn new(patience: Duration) -> Self {
        Self { name: uuid::Uuid::new_v4().to_string(), patience, is_insistent: false, seen: None }
    }

    /// Asks the holder to release the lease.
    #[must_use]
    pub fn insistent(self) -> Self {
        Self { is_insistent: true, ..self }
    }

    /// Uses a given name, so that a simulation can be repeated.
    #[must_use]
    pub fn named(self, name: String) -> Self {
        Self { name, ..self }
    }

    /// Returns the interval at which to look at the lease.
    #[must_use]
    pub fn interval(&self) -> Duration {
        (self.patience / 4).min(Duration::from_millis(500))
    }

    /// Returns whether the lease, in this state, may be taken.
    fn may_take(&mut self, found: &LeaseDoc) -> bool {
        let is_free = found.holder.is_empty() && (found.wanted.is_empty() || found.wanted == self.name);
        if is_free || found.holder == self.name {
            return true;
        }
        match &self.seen {
            Some((seen, since)) if seen == found => since.elapsed() >= self.patience,
            _ => {
                self.seen = Some((found.clone(), Instant::now()));
                false
            }
        }
    }
}

impl Mirror {
    /// Takes the lease if it is free, or if its holder has stopped renewing it. Returns whether this process holds it
    /// now.
    ///
    /// # Errors
    /// [`MirrorError::Database`].
    pub async fn try_lease(&self, watch: &mut Watch) -> Result<bool, MirrorError> {
        let _gate = self.gate.lock().await;
        let taken = in_time(self.take(watch)).await?;
        if taken.is_some() {
            watch.seen = None;
        }
        let is_taken = taken.is_some();
        *self.held() = taken;
        *self.recent() = Recent::default();
        Ok(is_taken)
    }

    async fn take(&self, watch: &mut Watch) -> Result<Option<Held>, MirrorError> {
        let Some(found) = self.find_lease().await? else {
            let held = Held { holder: watch.name.clone(), term: 1, session: self.store.session().await? };
            let first = doc! {
                "_id": LEASE_ID, "holder": &held.holder, "term": held.term, "beat": 0_i64,
                "session": held.session.clone(), "wanted": "",
            };
            return Ok(self.store.insert_new(collection::LEASE, first).await?.then_some(held));
        };
        if !watch.may_take(&found) {
            if watch.is_insistent && found.wanted != watch.name {
                let wanted = doc! { "$set": { "wanted": &watch.name } };
                self.store.update(collection::LEASE, doc! { "_id": LEASE_ID }, wanted).await?;
            }
            return Ok(None);
        }
        // A database that does not allow this aborts the transaction itself, later.
        if found.session != Bson::Null
            && let Err(error) = self.store.end_session(&found.session).await
        {
            tracing::debug!("could not end the session of the previous holder: {error}");
        }
        let held = Held { holder: watch.name.clone(), term: found.term + 1, session: self.store.session().await? };
        let unchanged = doc! { "_id": LEASE_ID, "holder": &found.holder, "term": found.term, "beat": found.beat };
        let ours = doc! { "$set": {
            "holder": &held.holder, "term": held.term, "session": held.session.clone(), "wanted": "",
        }, "$inc": { "beat": 1_i64 } };
        Ok(self.store.update(collection::LEASE, unchanged, ours).await?.then_some(held))
    }

    /// Renews the lease while nothing is committed. Returns when the lease is lost or another indexer asks for it.
    pub async fn keep_lease(&self, every: Duration) -> Loss {
        loop {
            sleep(every).await;
            // A running transaction renews the lease itself.
            let Ok(_gate) = self.gate.try_lock() else { continue };
            // While the database is not available, no other indexer can take the lease either.
            if let Ok(Some(loss)) = in_time(self.renew()).await {
                return loss;
            }
        }
    }

    async fn renew(&self) -> Result<Option<Loss>, MirrorError> {
        let Some(held) = self.held().clone() else { return Ok(Some(Loss::Taken)) };
        match self.find_lease().await? {
            Some(found) if found.holder == held.holder && found.term == held.term => {
                if !found.wanted.is_empty() {
                    return Ok(Some(Loss::Wanted));
                }
            }
            _ => return Ok(Some(Loss::Taken)),
        }
        let is_ours = self.store.update(collection::LEASE, held.filter(), beat()).await?;
        Ok((!is_ours).then_some(Loss::Taken))
    }

    /// Releases the lease, so that no indexer has to wait for it.
    pub async fn release_lease(&self) {
        let _gate = self.gate.lock().await;
        let held = self.held().take();
        if let Some(held) = held {
            let free = doc! { "$set": { "holder": "", "session": Bson::Null }, "$inc": { "beat": 1_i64 } };
            let released = in_time(self.store.update(collection::LEASE, held.filter(), free)).await;
            if let Err(error) = released {
                tracing::debug!("could not release the lease; another indexer takes it after its time limit: {error}");
            }
        }
    }

    /// Checks that this process still holds the lease, and renews it.
    pub(crate) async fn check_lease(&self) -> Result<(), MirrorError> {
        match in_time(self.renew()).await? {
            None | Some(Loss::Wanted) => Ok(()),
            Some(Loss::Taken) => Err(MirrorError::LeaseLost),
        }
    }

    /// Renews the lease while `work` runs.
    pub(super) async fn while_beating<T>(
        &self,
        every: Duration,
        work: impl Future<Output = Result<T, MirrorError>>,
    ) -> Result<T, MirrorError> {
        let mut work = std::pin::pin!(work);
        loop {
            match timeout(every, &mut work).await {
                Ok(result) => return result,
                Err(_) => self.check_lease().await?,
            }
        }
    }

    /// Writes the session into the lease before a transaction, so that the next holder can end it.
    pub(super) async fn name_session(&self) -> Result<(), MirrorError> {
        let session = self.store.session().await?;
        let Some(held) = self.held().clone() else { return Err(MirrorError::LeaseLost) };
        if held.session == session {
            return Ok(());
        }
        let named = doc! { "$set": { "session": session.clone() }, "$inc": { "beat": 1_i64 } };
        if !self.store.update(collection::LEASE, held.filter(), named).await? {
            return Err(MirrorError::LeaseLost);
        }
        *self.held() = Some(Held { session, ..held });
        Ok(())
    }

    /// Returns the write that checks and renews the lease. It is the first write of every transaction and succeeds only
    /// while this process holds the lease. Unlike a read, it conflicts with the write of the next holder. Other writes
    /// in the same command may lock documents until the transaction is aborted.
    pub(super) fn fence(&self) -> Result<Option<Write>, MirrorError> {
        if mutant::is(Mutant::NoFence) {
            return Ok(None);
        }
        let Some(held) = self.held().clone() else { return Err(MirrorError::LeaseLost) };
        Ok(Some(Write::Update { collection: collection::LEASE, filter: held.filter(), update: beat() }))
    }

    /// Finds the reason why a transaction was refused. When an update found no document, either the lease was lost or
    /// the mirror has changed. When an inserted document exists already, the lease may have been lost as well: in a
    /// command with several writes, the later ones are executed even if an update found no document.
    pub(super) async fn explained(&self, error: MirrorError) -> MirrorError {
        if !matches!(error, MirrorError::Unmatched | MirrorError::Write { .. }) {
            return error;
        }
        let Some(held) = self.held().clone() else { return MirrorError::LeaseLost };
        match self.find_lease().await {
            Ok(Some(found)) if found.holder == held.holder && found.term == held.term => match error {
                MirrorError::Unmatched => MirrorError::Moved,
                other => other,
            },
            Ok(_) => MirrorError::LeaseLost,
            Err(error) => error,
        }
    }

    async fn find_lease(&self) -> Result<Option<LeaseDoc>, MirrorError> {
        let found = self.store.find(collection::LEASE, doc! { "_id": LEASE_ID }, 1).await?;
        found.first().map(|lease| decoded(collection::LEASE, lease)).transpose()
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Held {
    fn filter(&self) -> Document {
        doc! { "_id": LEASE_ID, "holder": &self.holder, "term": self.term }
    }
}

fn beat() -> Document {
    doc! { "$inc": { "beat": 1_i64 } }
}

async fn in_time<T>(work: impl Future<Output = Result<T, MirrorError>>) -> Result<T, MirrorError> {
    timeout(PATIENCE, work).await.unwrap_or(Err(MirrorError::TimedOut))
}
