//! One active worker among several replicas: a lease in MongoDB.
//!
//! Clocks of different machines are never compared. The holder increments a beat. A replica that wants the lease
//! watches the beat, and takes the lease by compare-and-set once the beat has not changed for the whole duration on its
//! own monotonic clock. The holder stops acting earlier than that, measured from before it sent its last beat. A lease
//! prevents work from being done twice. Where doing it twice would do harm, a unique index prevents it as well.

use std::time::{Duration, Instant};

use mongodb::{Collection, Database, bson::doc, error::Error};
use serde::{Deserialize, Serialize};

use crate::store::{collection, is_duplicate};

/// A lease in the database. `_id` is the name of the work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct LeaseDoc {
    #[serde(rename = "_id")]
    name: String,
    /// The replica that holds it. Empty after a release.
    holder: String,
    beat: i64,
}

/// One replica's side of a lease.
#[derive(Debug)]
pub(crate) struct Lease {
    leases: Collection<LeaseDoc>,
    name: &'static str,
    holder: String,
    duration: Duration,
    /// The document that another holder wrote last, and the time when this replica first saw it.
    seen: Option<(LeaseDoc, Instant)>,
    /// The time until which this replica may act.
    held_until: Option<Instant>,
}

impl Lease {
    /// Creates a lease on the work called `name`. Another replica takes over `duration` after the last [`Lease::hold`].
    pub(crate) fn new(database: &Database, name: &'static str, duration: Duration) -> Self {
        Self {
            leases: database.collection(collection::LEASES),
            name,
            holder: uuid::Uuid::new_v4().to_string(),
            duration,
            seen: None,
            held_until: None,
        }
    }

    /// Returns the interval at which the holder should call [`Lease::hold`].
    pub(crate) fn interval(&self) -> Duration {
        self.duration / 4
    }

    /// Returns whether this replica may act now.
    pub(crate) fn is_held(&self) -> bool {
        self.held_until.is_some_and(|until| Instant::now() < until)
    }

    /// Renews the lease, or takes it if it is free or its holder is silent. Returns whether this replica holds it.
    ///
    /// # Errors
    /// Returns an error when the database does not answer. The lease then ends by itself.
    pub(crate) async fn hold(&mut self) -> Result<bool, Error> {
        let asked = Instant::now();
        let taken = match self.leases.find_one(doc! { "_id": self.name }).await? {
            None => self.create().await?,
            Some(current) if current.holder == self.holder || current.holder.is_empty() => {
                self.replace(&current).await?
            }
            Some(current) => match &self.seen {
                Some((seen, since)) if *seen == current => {
                    since.elapsed() >= self.duration && self.replace(&current).await?
                }
                _ => {
                    self.seen = Some((current, asked));
                    false
                }
            },
        };
        self.held_until = taken.then(|| asked + self.duration * 2 / 3);
        Ok(taken)
    }

    /// Releases the lease, so that another replica need not wait.
    ///
    /// # Errors
    /// Returns an error when the database does not answer. The lease then ends by itself.
    pub(crate) async fn release(&mut self) -> Result<(), Error> {
        self.held_until = None;
        let ours = doc! { "_id": self.name, "holder": &self.holder };
        self.leases.update_one(ours, doc! { "$set": { "holder": "" }, "$inc": { "beat": 1_i64 } }).await?;
        Ok(())
    }

    async fn create(&self) -> Result<bool, Error> {
        let first = LeaseDoc { name: self.name.to_owned(), holder: self.holder.clone(), beat: 1 };
        match self.leases.insert_one(first).await {
            Ok(_) => Ok(true),
            Err(error) if is_duplicate(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn replace(&self, current: &LeaseDoc) -> Result<bool, Error> {
        let unchanged = doc! { "_id": self.name, "holder": &current.holder, "beat": current.beat };
        let next = doc! { "$set": { "holder": &self.holder, "beat": current.beat + 1 } };
        Ok(self.leases.update_one(unchanged, next).await?.matched_count == 1)
    }
}
