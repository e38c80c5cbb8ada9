//! Copies the mirror's events to the feed. One replica does this, under a lease. The place in the change stream is
//! stored, so that a restart continues from there. Writing the same event twice changes nothing.

use std::time::{Duration, Instant};

use futures::TryStreamExt;
use mongodb::{Collection, bson::doc};
use protocol::mirror::{self, EventDoc};

use super::interest;
use crate::{app::App, error::ApiError, lease::Lease, retire, store::feed};

/// The number of past blocks that are read again after an interruption.
const OVERLAP_BLOCKS: i64 = 64;

/// The reason why following stopped. It starts again.
#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error("the database does not answer: {0}")]
    Store(#[from] mongodb::error::Error),
    #[error("an event could not be added to the feed: {0:?}")]
    Api(ApiError),
}

pub(super) async fn follow(app: App) {
    let mut lease = Lease::new(&app.database, "feed", Duration::from_secs(app.settings.limits.lease_seconds));
    loop {
        tokio::select! {
            () = app.shutdown.cancelled() => break,
            outcome = follow_while_held(&app, &mut lease) => {
                if let Err(error) = outcome {
                    tracing::warn!(%error, "the mirror's events could not be followed; starting again");
                }
            }
        }
        tokio::time::sleep(lease.interval().min(Duration::from_secs(1))).await;
    }
    if let Err(error) = lease.release().await {
        tracing::warn!(%error, "the feed's lease was not released; it ends by itself");
    }
}

async fn follow_while_held(app: &App, lease: &mut Lease) -> Result<(), FollowError> {
    if !lease.hold().await? {
        return Ok(());
    }
    let mut renewed = Instant::now();
    let place = feed::mirror_place(&app.database).await?;
    let events: Collection<EventDoc> = app.database.collection(mirror::collection::EVENTS);
    let inserts = [doc! { "$match": { "operationType": "insert" } }];
    let (token, mut block_number) = match place {
        Some(place) => (place.token, place.block_number),
        None => (None, -1),
    };
    let resumed = match token {
        Some(token) => events.watch().pipeline(inserts.clone()).resume_after(token).await.ok(),
        None => None,
    };
    let mut changes = match resumed {
        Some(changes) => changes,
        None => {
            // The server has discarded the place, or there was none. Watches from now on, and then reads the events in
            // between.
            let changes = events.watch().pipeline(inserts).await?;
            if block_number >= 0 {
                tell_again(app, block_number - OVERLAP_BLOCKS).await?;
            }
            changes
        }
    };
    while lease.is_held() {
        let next = tokio::time::timeout(lease.interval(), changes.next_if_any()).await;
        if renewed.elapsed() >= lease.interval() {
            lease.hold().await?;
            renewed = Instant::now();
        }
        let Ok(next) = next else { continue };
        let Some(change) = next? else {
            if !changes.is_alive() {
                return Ok(());
            }
            continue;
        };
        if let Some(event) = change.full_document {
            block_number = i64::try_from(event.place.block_number).unwrap_or(i64::MAX);
            tell(app, &event).await?;
        }
        feed::set_mirror_place(&app.database, changes.resume_token(), block_number).await?;
    }
    Ok(())
}

async fn tell_again(app: &App, from_block: i64) -> Result<(), FollowError> {
    let events: Collection<EventDoc> = app.database.collection(mirror::collection::EVENTS);
    let mut recent = events
        .find(doc! { "place.block_number": { "$gte": from_block } })
        .sort(doc! { "place.block_number": 1, "place.log_index": 1 })
        .await?;
    while let Some(event) = recent.try_next().await? {
        tell(app, &event).await?;
    }
    Ok(())
}

async fn tell(app: &App, event: &EventDoc) -> Result<(), FollowError> {
    let Some(decoded) = interest::decode(&app.deployment, event) else { return Ok(()) };
    retire::note(&app.database, event, &decoded).await?;
    let entries = interest::entries(app, event, decoded).await.map_err(FollowError::Api)?;
    let entries = feed::bounded(&app.database, entries, app.settings.limits.strangers_events_per_day_max).await?;
    Ok(feed::append(&app.database, entries).await?)
}
