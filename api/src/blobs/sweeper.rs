//! The sweeper. It removes uploads that were never registered, and the blobs of withdrawn records once the withdrawal
//! is final.

use std::time::Duration;

use alloy::eips::BlockId;
use anyhow::Context;
use futures::TryStreamExt;
use mongodb::bson::doc;
use protocol::{
    codes::RecordStatus,
    mirror::{CURSOR_ID, CursorDoc, RecordDoc, VersionDoc, collection as mirror},
};

use super::ledger::{PinDoc, PinState, pins, seconds, set_state};
use crate::{app::App, chain::Block, lease::Lease};

/// Sweeps at intervals until the server shuts down. One replica does this at a time.
pub(crate) async fn run(app: App) {
    let limits = &app.settings.limits;
    let mut lease = Lease::new(&app.database, "sweeper", Duration::from_secs(limits.lease_seconds));
    let pause = Duration::from_secs(limits.sweep_seconds.max(1));
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = app.shutdown.cancelled() => break,
        }
        match lease.hold().await {
            Ok(true) => {
                if let Err(error) = sweep(&app, Some(&mut lease)).await {
                    tracing::warn!(cause = format!("{error:#}"), "sweeping was interrupted; the next sweep continues");
                }
            }
            Ok(false) => {}
            Err(error) => tracing::warn!(cause = %error, "the sweeper's lease could not be requested"),
        }
    }
    let _ = lease.release().await;
}

/// Sweeps once, without the lease. For tests and maintenance, where no other sweep is running.
///
/// # Errors
/// Returns an error when a service does not answer.
pub async fn sweep_once(app: &App) -> anyhow::Result<()> {
    sweep(app, None).await
}

/// Sweeps once. Does nothing while the mirror is behind the chain, because it cannot show then which uploads are
/// unregistered.
///
/// # Errors
/// Returns an error when a service does not answer. The next sweep continues.
async fn sweep(app: &App, mut lease: Option<&mut Lease>) -> anyhow::Result<()> {
    let Some(mirrored) = fresh_mirror(app).await? else { return Ok(()) };
    let now = app.clock.now();
    let before = i64::try_from(now.saturating_sub(app.settings.limits.unregistered_seconds_max))?;

    let mut old = pins(app).find(doc! { "state": "stored", "changed_at": { "$lt": before } }).await?;
    while old.advance().await? {
        let row: PinDoc = old.deserialize_current()?;
        if is_registered(app, &row).await? {
            set_state(app, &row.id, PinState::Registered)
                .await
                .map_err(|_| anyhow::anyhow!("the ledger is not writable"))?;
        } else if !may_be_registered(app, &row).await? {
            let_go(app, &row, Why::Unregistered).await?;
        }
        if let Some(lease) = &mut lease {
            anyhow::ensure!(lease.hold().await?, "the sweeper's lease has ended");
        }
    }

    let deepest = deepest(app, &mirrored).await?;
    let over = doc! {
        "status": i32::from(RecordStatus::Tombstoned.code()),
        "liftable_until": { "$lte": i64::try_from(deepest.time)? },
    };
    let mut withdrawn = app.database.collection::<RecordDoc>(mirror::RECORDS).find(over).await?;
    while withdrawn.advance().await? {
        let record: RecordDoc = withdrawn.deserialize_current()?;
        let of_record = doc! { "record": record.id.to_string(), "state": { "$ne": "uploading" } };
        let rows: Vec<PinDoc> = pins(app).find(of_record).await?.try_collect().await?;
        // The mirror finds candidates. The chain decides whether the patient could still lift the tombstone.
        if rows.is_empty() || !is_tombstone_final(app, &record, &deepest).await? {
            continue;
        }
        for row in rows {
            let_go(app, &row, Why::Withdrawn).await?;
        }
        if let Some(lease) = &mut lease {
            anyhow::ensure!(lease.hold().await?, "the sweeper's lease has ended");
        }
    }

    // A server that was killed during an upload leaves its reservation behind. One that was killed while unpinning
    // leaves a row to finish.
    pins(app).delete_many(doc! { "state": "uploading", "changed_at": { "$lt": before } }).await?;
    let mut unfinished = pins(app).find(doc! { "state": "leaving" }).await?;
    while unfinished.advance().await? {
        let_go(app, &unfinished.deserialize_current()?, Why::Unregistered).await?;
    }
    Ok(())
}

/// Returns the mirror's position, if it is close to the head.
async fn fresh_mirror(app: &App) -> anyhow::Result<Option<CursorDoc>> {
    let cursors = app.database.collection::<CursorDoc>(mirror::CURSOR);
    let Some(cursor) = cursors.find_one(doc! { "_id": CURSOR_ID }).await? else { return Ok(None) };
    let head = app.chain_view.head().await.map_err(|error| anyhow::anyhow!("{}", error.code()))?;
    Ok((cursor.block_number + app.settings.limits.mirror_lag_blocks_max >= head.number).then_some(cursor))
}

/// Returns the block up to which nothing can be undone any more, as far as the mirror has come.
async fn deepest(app: &App, mirrored: &CursorDoc) -> anyhow::Result<Block> {
    let number = mirrored.block_number.saturating_sub(app.settings.limits.confirmations);
    app.chain_view.block_at(number).await.map_err(|error| anyhow::anyhow!("{}", error.code()))
}

async fn is_tombstone_final(app: &App, record: &RecordDoc, at: &Block) -> anyhow::Result<bool> {
    app.chain_view.is_tombstone_final(record.id, at).await.context("the chain does not answer")
}

async fn is_registered(app: &App, row: &PinDoc) -> anyhow::Result<bool> {
    let versions = app.database.collection::<VersionDoc>(mirror::VERSIONS);
    let version = versions.find_one(doc! { "_id": row.version_id() }).await?;
    Ok(version.is_some_and(|version| Some(&version.cid) == row.cid.as_ref()))
}

/// Returns whether the row's blob may be registered in a way that the mirror does not show yet.
async fn may_be_registered(app: &App, row: &PinDoc) -> anyhow::Result<bool> {
    Ok(is_relay_in_flight(app, row).await? || is_ahead_of_mirror(app, row).await?)
}

/// Returns whether the chain has this version of the record and the mirror does not yet. The CID is then unknown.
async fn is_ahead_of_mirror(app: &App, row: &PinDoc) -> anyhow::Result<bool> {
    let on_chain = app.chain_view.find_record(row.record, BlockId::latest()).await;
    let on_chain = on_chain.context("the chain does not answer")?;
    if on_chain.is_none_or(|record| record.version < row.version) {
        return Ok(false);
    }
    // The mirror is asked after the chain. If it caught up in between, it has either this CID or another one that
    // counts.
    let versions = app.database.collection::<VersionDoc>(mirror::VERSIONS);
    let version = versions.find_one(doc! { "_id": row.version_id() }).await?;
    Ok(version.is_none_or(|version| Some(&version.cid) == row.cid.as_ref()))
}

/// Returns whether a registration by this uploader is pending.
async fn is_relay_in_flight(app: &App, row: &PinDoc) -> anyhow::Result<bool> {
    Ok(app.relay.is_registering(row.uploader).await?)
}

/// The reason why a row is removed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    /// It is not registered. A new upload or registration takes precedence.
    Unregistered,
    /// Its record was withdrawn. Nothing delays the removal.
    Withdrawn,
}

/// Removes a row, and the pin if this was the last row of its CID. `upload::reserve` explains why no upload can lose
/// its pin to this.
async fn let_go(app: &App, row: &PinDoc, why: Why) -> anyhow::Result<()> {
    let Some(cid) = &row.cid else { return Ok(()) };
    let leaving = doc! { "$set": { "state": PinState::Leaving.as_str(), "changed_at": seconds(app) } };
    // Does not match if the row has changed since it was read: a registration may be pending.
    let seen = doc! { "_id": &row.id, "changed_at": i64::try_from(row.changed_at)? };
    if pins(app).update_one(seen, leaving).await?.matched_count == 0 {
        return Ok(());
    }
    let version = doc! { "record": row.record.to_string(), "version": i32::from(row.version), "state": "uploading" };
    // An upload may have begun, or an action may have been mined, between the first check and `leaving`. From here on
    // no registration can begin.
    if why == Why::Unregistered && (pins(app).find_one(version).await?.is_some() || may_be_registered(app, row).await?)
    {
        // The upload does not wait. The next sweep tries again.
        pins(app).update_one(doc! { "_id": &row.id }, doc! { "$set": { "state": PinState::Stored.as_str() } }).await?;
        return Ok(());
    }
    let others = doc! { "cid": cid, "_id": { "$ne": &row.id }, "state": { "$ne": "leaving" } };
    if pins(app).find_one(others).await?.is_none() {
        app.content.unpin(cid).await.context("cannot unpin")?;
    }
    pins(app).delete_one(doc! { "_id": &row.id }).await?;
    Ok(())
}
