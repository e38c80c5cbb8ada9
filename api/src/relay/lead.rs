//! Holds the lease on sending, and updates what all lines need: fees, balances, and revocations that are over.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use mongodb::{
    Collection,
    bson::{doc, to_bson},
    error::Error,
};
use protocol::{
    bodies::relay::ActionState,
    mirror::{CURSOR_ID, CursorDoc, collection as mirror},
};
use tokio_util::sync::CancellationToken;

use super::{error::RelayError, shared::Shared};
use crate::lease::Lease;

/// The longest interval between two rounds.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The interval for asking about fees.
const MARKET_EVERY: Duration = Duration::from_secs(3);
/// The interval for closing revocations that are over.
const CLOSE_EVERY: Duration = Duration::from_secs(2);
/// Runs until `shutdown`, then gives the lease up.
pub(super) async fn lead(shared: Arc<Shared>, mut lease: Lease, shutdown: CancellationToken) {
    let mut beat = tokio::time::interval(lease.interval().min(LOOK_EVERY));
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut renewed, mut asked, mut closed): (Option<Instant>, Option<Instant>, Option<Instant>) = (None, None, None);
    let is_due = |last: Option<Instant>, every| last.is_none_or(|at| at.elapsed() >= every);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            _ = beat.tick() => {}
        }
        if is_due(renewed, lease.interval()) || !lease.is_held() {
            match lease.hold().await {
                Ok(_) => renewed = Some(Instant::now()),
                Err(error) => tracing::warn!(%error, "the relay's lease could not be renewed"),
            }
            begin_or_end(&shared, lease.is_held());
        }
        // Replicas that do not send need the fees as well, because they refuse actions by them.
        if is_due(asked, MARKET_EVERY) {
            asked = Some(Instant::now());
            let shared = shared.clone();
            // Runs beside the lease, so that a slow node does not cause its loss.
            tokio::spawn(async move {
                if let Err(error) = shared.ask_market().await {
                    tracing::warn!(%error, "the chain node does not return the fees");
                }
            });
        }
        if lease.is_held() && is_due(closed, CLOSE_EVERY) {
            closed = Some(Instant::now());
            if let Err(error) = close_revocations(&shared).await {
                tracing::warn!(%error, "revocations that are over could not be closed; trying again");
            }
        }
    }
    begin_or_end(&shared, false);
    if let Err(error) = lease.release().await {
        tracing::warn!(%error, "the relay's lease was not released; it ends by itself");
    }
}

/// Begins or ends this replica's term of leadership.
fn begin_or_end(shared: &Shared, is_held: bool) {
    shared.leading.send_if_modified(|leading| match (is_held, leading.is_some()) {
        (true, false) => {
            *leading = Some(CancellationToken::new());
            true
        }
        (false, true) => {
            if let Some(term) = leading.take() {
                term.cancel();
            }
            true
        }
        _ => false,
    });
}

/// Closes revocations that are over for reads: they are final on chain and in the mirror, or their deadline has passed
/// and they were never mined.
async fn close_revocations(shared: &Shared) -> Result<(), RelayError> {
    let cursors: Collection<CursorDoc> = shared.database.collection(mirror::CURSOR);
    let mirrored = cursors.find_one(doc! { "_id": CURSOR_ID }).await?.map_or(0, |cursor| cursor.block_number);
    let narrow = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let [accepted, sent, mined, failed] =
        [ActionState::Accepted, ActionState::Sent, ActionState::Mined, ActionState::Failed]
            .map(|state| to_bson(&state));
    let [accepted, sent, mined, failed] = [accepted, sent, mined, failed].map(|state| state.map_err(Error::from));
    let is_held = doc! {
        "open_revocation_of": { "$gt": "" },
        "state": mined?,
        "is_final": true,
        "mined.block_number": { "$lte": narrow(mirrored) },
    };
    let is_late = doc! {
        "open_revocation_of": { "$gt": "" },
        "state": { "$in": [accepted?, sent?, failed?] },
        "deadline": { "$lte": narrow(shared.clock.now()) },
    };
    for is_over in [is_held, is_late] {
        shared.actions.update_many(is_over, doc! { "$unset": { "open_revocation_of": "" } }).await?;
    }
    Ok(())
}
