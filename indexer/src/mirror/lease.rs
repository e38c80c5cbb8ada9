//! The lease: at most one indexer writes a mirror.
//!
//! One document names the holder, a term that grows with every change of holder, and a beat that grows with every sign of
//! life. Nobody compares clocks: whoever waits takes over when the document has not changed for a while of its own time.
//! Every transaction checks holder and term and raises the beat, so an indexer that has lost the lease without knowing
//! cannot commit, and one that commits needs no other sign of life.
//!
//! An indexer that is killed inside a transaction leaves its documents locked, the lease among them, until the database
//! gives the transaction up (a minute, by default). So the document also names the session, and a successor ends it.

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
/// How long a word about the lease may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// The lease in the database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct LeaseDoc {
    #[serde(rename = "_id")]
    id: String,
    /// Which indexer; empty when free.
    holder: String,
    /// Grows with every change of holder.
    term: i64,
    /// Grows with every sign of life.
    beat: i64,
    /// The holder's database session.
    session: Bson,
    /// Who asks the holder to step back for a moment; empty when nobody does.
    wanted: String,
}

/// Our side of it.
#[derive(Clone, Debug)]
pub(super) struct Held {
    holder: String,
    term: i64,
    session: Bson,
}

/// Why the lease was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Another indexer has taken over.
    Taken,
    /// A rebuild asks for it, to swap.
    Wanted,
}

/// What one who waits for the lease has seen of it.
#[derive(Debug)]
pub struct Watch {
    name: String,
    patience: Duration,
    is_insistent: bool,
    seen: Option<(LeaseDoc, Instant)>,
}

impl Watch {
    /// Waits under a name of its own; takes over when the lease has not changed for `patience`.
    #[must_use]
    pub fn new(patience: Duration) -> Self {
        Self { name: uuid::Uuid::new_v4().to_string(), patience, is_insistent: false, seen: None }
    }

    /// Asks the holder to step back.
    #[must_use]
    pub fn insistent(self) -> Self {
        Self { is_insistent: true, ..self }
    }

    /// Under another name: a simulation repeats everything.
    #[must_use]
    pub fn named(self, name: String) -> Self {
        Self { name, ..self }
    }

    /// How often to look.
    #[must_use]
    pub fn interval(&self) -> Duration {
        (self.patience / 4).min(Duration::from_millis(500))
    }

    /// Whether the lease, found like this, is ours to take.
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
    /// Takes the lease if it is free, or its holder has fallen silent. Says whether we hold it now.
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
        // A database that does not allow it gives the transaction up by itself, later.
        if found.session != Bson::Null
            && let Err(error) = self.store.end_session(&found.session).await
        {
            tracing::debug!("the session of the holder before could not be ended: {error}");
        }
        let held = Held { holder: watch.name.clone(), term: found.term + 1, session: self.store.session().await? };
        let unchanged = doc! { "_id": LEASE_ID, "holder": &found.holder, "term": found.term, "beat": found.beat };
        let ours = doc! { "$set": {
            "holder": &held.holder, "term": held.term, "session": held.session.clone(), "wanted": "",
        }, "$inc": { "beat": 1_i64 } };
        Ok(self.store.update(collection::LEASE, unchanged, ours).await?.then_some(held))
    }

    /// Gives signs of life while nothing is committed; returns when the lease is lost or wanted.
    pub async fn keep_lease(&self, every: Duration) -> Loss {
        loop {
            sleep(every).await;
            // A transaction that is under way gives the sign itself.
            let Ok(_gate) = self.gate.try_lock() else { continue };
            // When the database is away nobody else can take the lease either.
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

    /// Gives the lease up, so that nobody need wait for it.
    pub async fn release_lease(&self) {
        let _gate = self.gate.lock().await;
        let held = self.held().take();
        if let Some(held) = held {
            let free = doc! { "$set": { "holder": "", "session": Bson::Null }, "$inc": { "beat": 1_i64 } };
            let released = in_time(self.store.update(collection::LEASE, held.filter(), free)).await;
            if let Err(error) = released {
                tracing::debug!("the lease was not given up and will be taken in time: {error}");
            }
        }
    }

    /// Whether the lease is still ours; a sign of life.
    pub(crate) async fn check_lease(&self) -> Result<(), MirrorError> {
        match in_time(self.renew()).await? {
            None | Some(Loss::Wanted) => Ok(()),
            Some(Loss::Taken) => Err(MirrorError::LeaseLost),
        }
    }

    /// Gives signs of life while `work` goes on.
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

    /// Before a transaction: whoever ends it after us must know its session.
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

    /// In every transaction, before all else that it writes: it goes through only while the lease is ours. The write,
    /// unlike a read, collides with that of a successor. What goes with it in one command may lock documents for the
    /// moment until the transaction is given up.
    pub(super) fn fence(&self) -> Result<Option<Write>, MirrorError> {
        if mutant::is(Mutant::NoFence) {
            return Ok(None);
        }
        let Some(held) = self.held().clone() else { return Err(MirrorError::LeaseLost) };
        Ok(Some(Write::Update { collection: collection::LEASE, filter: held.filter(), update: beat() }))
    }

    /// Why a transaction was refused. One that finds nothing to update has lost the lease, or else the mirror has moved.
    /// One that inserts what is there already may have lost the lease as well: of several writes in one command, the
    /// later ones are carried out although an update has found nothing.
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
