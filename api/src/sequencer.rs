//! The sequencer: orders leaves into the log and anchors its head on chain.
//!
//! API replicas only append leaves. One sequencer, under a lease, gives each leaf its index in the RFC 6962 tree,
//! durably and once. It anchors batches with `checkpointBySig`, signed by the operator and sent by the relay. Only the
//! chain decides what is anchored, so every round begins with its head. After a restart, a reorg, or a reset of the
//! chain, the same leaves are anchored again from there. The contract accepts a batch only on top of the head that the
//! message names, so no batch can be added twice.

mod anchor;
mod error;
mod order;
mod promise;
mod recover;

use std::time::Duration;

use protocol::{codes::MAX_BATCH, error_code::ErrorCode};
use tokio::time::Instant;

pub(crate) use promise::{figures, seconds_ahead};

use self::{anchor::chain_head, error::SequencerError};
use crate::{app::App, lease::Lease, relay::RelayError};

/// Starts the sequencer. It ends with the server.
pub(crate) fn start(app: &App) {
    let app = app.clone();
    tokio::spawn(async move {
        let duration = Duration::from_secs(app.settings.limits.lease_seconds);
        let mut lease = Lease::new(&app.database, "sequencer", duration);
        let shutdown = app.shutdown.clone();
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = run(&app, &mut lease) => {}
        }
        if let Err(error) = lease.release().await {
            tracing::warn!(%error, "the sequencer's lease was not released; it ends by itself");
        }
    });
}

async fn run(app: &App, lease: &mut Lease) {
    let longest = Duration::from_millis(app.settings.limits.checkpoint_ms_max.max(1));
    let mut oldest_waiting: Option<Instant> = None;
    let mut renewed: Option<Instant> = None;
    loop {
        let pause = longest.min(lease.interval());
        tokio::select! {
            () = app.log_wake.woken() => { oldest_waiting.get_or_insert_with(Instant::now); }
            () = tokio::time::sleep(pause) => {}
        }
        if renewed.is_none_or(|at| at.elapsed() >= lease.interval()) || !lease.is_held() {
            match lease.hold().await {
                Ok(_) => renewed = Some(Instant::now()),
                Err(error) => tracing::warn!(%error, "the sequencer's lease could not be renewed"),
            }
        }
        if !lease.is_held() {
            continue;
        }
        let is_due = oldest_waiting.is_none_or(|since| since.elapsed() >= longest);
        match round(app, lease, is_due).await {
            Ok(Round::Anchored | Round::NothingToDo) => oldest_waiting = None,
            Ok(Round::Waiting) => {
                oldest_waiting.get_or_insert_with(Instant::now);
            }
            // Somebody else's checkpoint, or one of ours that was believed lost. The next round begins with the new
            // head.
            Err(SequencerError::Relay(RelayError::Refused {
                code: ErrorCode::StaleState | ErrorCode::NonceUsed,
                ..
            })) => {
                tracing::info!("the log's head has moved; starting again from the chain");
            }
            Err(error) => {
                tracing::warn!(%error, cause = ?std::error::Error::source(&error), "the log was not anchored; trying again")
            }
        }
    }
}

enum Round {
    NothingToDo,
    /// There are leaves, but they are too few and too recent for a checkpoint.
    Waiting,
    Anchored,
}

/// Orders new leaves, and anchors up to one batch if it is due or large enough.
async fn round(app: &App, lease: &Lease, is_due: bool) -> Result<Round, SequencerError> {
    let on_chain = chain_head(app).await?;
    let position = anchor::find(app, on_chain).await?;
    let position = match position {
        Some(position) => position,
        None => recover::from_chain(app, on_chain).await?,
    };
    order::place_new(app, position.frontier.size()).await?;
    if !lease.is_held() {
        return Ok(Round::NothingToDo);
    }
    // Two pending checkpoints would replace the same head, and the second would waste its gas.
    if let Some(pending) = app.relay.pending_checkpoint().await? {
        app.relay.settle(pending, anchor::PATIENCE).await;
        return Ok(Round::Waiting);
    }
    let reads_max = MAX_BATCH.min(app.relay.checkpoint_reads_max().await?);
    let batch = order::batch(app, position.frontier.size(), reads_max).await?;
    if batch.is_empty() {
        return Ok(Round::NothingToDo);
    }
    if !is_due && batch.len() < app.settings.limits.checkpoint_reads_max.min(reads_max) {
        return Ok(Round::Waiting);
    }
    anchor::anchor(app, position, &batch).await?;
    Ok(Round::Anchored)
}
