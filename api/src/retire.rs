//! Destroys data whose permission has ended, once the end cannot be undone any more: the capsules of revoked grants,
//! and the capsules and release shares of withdrawn records. `blobs::sweeper` removes pins. A patient can lift a
//! tombstone for a while, so a record's data is destroyed only when the confirmed block has a time after that period.
//!
//! Ends are stored when the mirror's events are processed (`events`), and carried out when they can no longer be
//! undone. Before anything is destroyed, the chain is asked again, at the confirmed block, whether the permission is
//! over. A permission that was given and ended again later has a separate entry.

use std::time::Duration;

use alloy::{eips::BlockId, primitives::Address};
use contracts::{
    ChainEvent, Terms, grant_registry::GrantRegistry::GrantRegistryEvents,
    record_registry::RecordRegistry::RecordRegistryEvents,
};
use futures::TryStreamExt;
use mongodb::{
    Collection, Database,
    bson::{Document, doc},
};
use protocol::{
    bodies::grants::BundleBody,
    codes::{RecordStatus, ScopeKind},
    hex_text,
    ids::{GrantId, RecordId},
    mirror::{EventDoc, RecordDoc},
};
use serde::{Deserialize, Serialize};

use crate::{
    app::App,
    chain::Block,
    error::ApiError,
    lease::Lease,
    store::{
        bundles::{self, BundleName},
        collection, index,
        received::{self, Received, ReceivedRow},
        shares,
    },
};

/// Interval of the search for ends that are deep enough.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Most ends that are carried out in one round.
const ROUND_MAX: i64 = 100;

/// A permission or record that may have ended.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
enum Ended {
    /// One grant.
    Grant { id: GrantId },
    /// All grants that a patient had given.
    Patient {
        #[serde(with = "hex_text")]
        address: Address,
    },
    /// A record.
    Record { id: RecordId },
}

/// An end that must be carried out. `_id`: the event.
#[derive(Serialize, Deserialize)]
struct EndDoc {
    #[serde(rename = "_id")]
    event: String,
    block_number: i64,
    /// Unix seconds of block time before which nothing is destroyed. Zero if the end cannot be undone.
    due: i64,
    ended: Ended,
}

fn ends(database: &Database) -> Collection<EndDoc> {
    database.collection(collection::ENDS)
}

/// Creates the index over due times and block numbers.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn create_indexes(database: &Database) -> mongodb::error::Result<()> {
    ends(database).create_index(index(doc! { "due": 1, "block_number": 1 })).await?;
    Ok(())
}

/// Stores the end that an event causes. Storing it twice changes nothing.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn note(database: &Database, event: &EventDoc, decoded: &ChainEvent) -> mongodb::error::Result<()> {
    let (ended, due) = match decoded {
        ChainEvent::Grant(GrantRegistryEvents::Revoked(revoked)) => {
            let Some(kind) = ScopeKind::from_code(revoked.kind) else { return Ok(()) };
            (Ended::Grant { id: GrantId::derive(revoked.patient, revoked.tag.into(), kind, revoked.scopeId) }, 0)
        }
        ChainEvent::Grant(GrantRegistryEvents::AllRevoked(revoked)) => (Ended::Patient { address: revoked.patient }, 0),
        ChainEvent::Record(RecordRegistryEvents::RecordStatusChanged(changed))
            if changed.status == RecordStatus::Tombstoned.code() =>
        {
            (Ended::Record { id: changed.id.into() }, changed.liftableUntil.to::<u64>())
        }
        _ => return Ok(()),
    };
    put(database, &event.id, event.place.block_number, due, ended).await
}

/// Stores the end of a tombstoned record whose release shares were restored from a backup, so that they are destroyed
/// too.
///
/// # Errors
/// Returns an error when the database does not answer.
pub(crate) async fn note_restored(database: &Database, record: &RecordDoc) -> mongodb::error::Result<()> {
    let ended = Ended::Record { id: record.id };
    put(database, &format!("restored:{}", record.id), record.place.block_number, record.liftable_until, ended).await
}

async fn put(
    database: &Database,
    event: &str,
    block_number: u64,
    due: u64,
    ended: Ended,
) -> mongodb::error::Result<()> {
    let as_bson = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let end = EndDoc { event: event.to_owned(), block_number: as_bson(block_number), due: as_bson(due), ended };
    ends(database).replace_one(doc! { "_id": event }, end).upsert(true).await?;
    Ok(())
}

/// Carries out ends until the server shuts down. One replica does this at a time.
pub(crate) async fn run(app: App) {
    let mut lease = Lease::new(&app.database, "retire", Duration::from_secs(app.settings.limits.lease_seconds));
    loop {
        tokio::select! {
            () = app.shutdown.cancelled() => break,
            () = tokio::time::sleep(LOOK_EVERY.min(lease.interval())) => {}
        }
        match lease.hold().await {
            Ok(true) => {
                if let Err(error) = round(&app).await {
                    tracing::warn!(code = error.code().as_str(), "ended data could not be destroyed yet; trying again");
                }
            }
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "the lease to destroy ended data could not be requested"),
        }
    }
    if let Err(error) = lease.release().await {
        tracing::warn!(%error, "the lease to destroy ended data was not released; it ends by itself");
    }
}

async fn round(app: &App) -> Result<(), ApiError> {
    let head = app.chain_view.head().await?;
    let deepest = app.chain_view.block_at(head.number.saturating_sub(app.settings.limits.confirmations)).await?;
    let until = |number: u64| doc! { "$lte": i64::try_from(number).unwrap_or(i64::MAX) };
    // Ends that are not due yet are not read, so any number of them causes no delay.
    let deep = doc! { "due": until(deepest.time), "block_number": until(deepest.number) };
    let due: Vec<EndDoc> =
        ends(&app.database).find(deep).sort(doc! { "due": 1 }).limit(ROUND_MAX).await?.try_collect().await?;
    received::close_expired(&app.database, app.clock.now()).await?;
    for end in due {
        match end.ended {
            Ended::Grant { id } => {
                erase_if_over(app, received::find(&app.database, &app.at_rest, id).await?.into_iter(), deepest.id())
                    .await?
            }
            Ended::Patient { address } => {
                let all = received::of_mirrored(&app.database, &app.at_rest, address, Document::new()).await?;
                erase_if_over(app, all.into_iter(), deepest.id()).await?;
            }
            Ended::Record { id } => withdraw(app, id, &deepest).await?,
        }
        ends(&app.database).delete_one(doc! { "_id": end.event }).await?;
    }
    Ok(())
}

/// Erases the capsules of those grants that are over on chain `at` a block. The patient can still see who received
/// them.
async fn erase_if_over(app: &App, grants: impl Iterator<Item = ReceivedRow>, at: BlockId) -> Result<(), ApiError> {
    for ReceivedRow { doc: row, opened: grant } in grants {
        let patient_epoch = app.chain_view.patient_epoch_of(grant.patient, at).await?;
        let scope = (grant.kind, grant.scope_id);
        let terms = app.chain_view.terms_of(grant.patient, grant.tag, scope, at).await?;
        erase(app, &grant, |bundle| is_over(&terms, patient_epoch, bundle.epoch)).await?;
        if is_over(&terms, patient_epoch, row.epoch) {
            // The filter does not match if a new bundle was stored in the meantime.
            received::close(&app.database, doc! { "_id": row.id, "sealed": row.sealed }).await?;
        }
    }
    Ok(())
}

/// Returns whether a bundle of this grant epoch can never be used again. A bundle of a later epoch belongs to a pending
/// Grant.
fn is_over(terms: &Terms, patient_epoch: u32, bundle_epoch: i64) -> bool {
    let epoch = i64::from(terms.epoch);
    bundle_epoch < epoch || (bundle_epoch == epoch && (terms.rights == 0 || terms.patient_epoch != patient_epoch))
}

/// Destroys the capsules and release shares of a record whose tombstone can no longer be lifted `at` a block.
async fn withdraw(app: &App, record: RecordId, at: &Block) -> Result<(), ApiError> {
    let on_chain = app.chain_view.find_record(record, at.id()).await?;
    if !app.chain_view.is_tombstone_final(record, at).await? {
        return Ok(());
    }
    if let Some(on_chain) = on_chain {
        let over_record = doc! { "scope_id": record.to_string(), "kind": ScopeKind::Record.as_str() };
        for grant in received::of_mirrored(&app.database, &app.at_rest, on_chain.patient, over_record).await? {
            erase(app, &grant.opened, |_| true).await?;
            received::close(&app.database, doc! { "_id": grant.doc.id }).await?;
        }
    }
    Ok(shares::delete_of_record(&app.database, record).await?)
}

/// Destroys the capsules of the selected bundles of a grant.
async fn erase(app: &App, grant: &Received, which: impl Fn(&BundleName) -> bool) -> Result<(), ApiError> {
    let empty = BundleBody { kind: grant.kind, scope_id: grant.scope_id, capsules: Vec::new() };
    for bundle in bundles::names_of(&app.database, &app.at_rest, grant.grant).await? {
        if which(&bundle) {
            bundles::erase(&app.database, &app.at_rest, &bundle, &empty).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_is_over_with_its_epoch_its_grant_or_its_patients_epoch() {
        let standing =
            Terms { not_before: 0, not_after: 1, epoch: 3, patient_epoch: 1, purposes: 1, rights: 1, kind: None };
        assert!(!is_over(&standing, 1, 3));
        assert!(is_over(&standing, 1, 2));
        assert!(!is_over(&standing, 1, 4));
        assert!(is_over(&standing, 2, 3));
        assert!(is_over(&Terms { rights: 0, ..standing }, 1, 3));
        assert!(!is_over(&Terms { rights: 0, ..standing }, 1, 4));
    }
}
