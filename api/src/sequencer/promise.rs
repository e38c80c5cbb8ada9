//! Estimates the latest time at which a new leaf will be on chain. A receipt promises this time, so it must count
//! the leaves that wait.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use alloy::primitives::B256;
use mongodb::{
    Collection,
    bson::{Document, doc},
};
use protocol::{codes::MAX_BATCH, error_code::ErrorCode, reads::ANCHOR_SECONDS_MAX};

use super::anchor::{self, chain_head};
use crate::{
    app::App,
    error::ApiError,
    log_queue::Queue,
    relay::{Line, Pace},
    store::leaves,
};

/// Time for which an estimate is reused. Leaves that this replica appends in the meantime are added to it.
const FRESH: Duration = Duration::from_secs(1);
/// Safety margin of a promise, in milliseconds, for differences of clocks and slow machines.
const SLACK_MS: u64 = 10_000;
/// Assumed duration of a checkpoint, in milliseconds, before one was observed.
const UNSEEN_MS: u64 = 15_000;
/// Counting of waiting leaves stops here. More than this exceed any promise.
const COUNTED_MAX: u64 = 100_000;
/// Seconds after which a caller should try again when the log is behind.
const RETRY_SECONDS: u64 = 15;

/// Returns the number of seconds within which a leaf that is written now will be on chain.
///
/// # Errors
/// Returns `log_behind` when that takes longer than a receipt may promise, or cannot be estimated.
pub(crate) async fn seconds_ahead(app: &App) -> Result<u64, ApiError> {
    let status = app.relay.line_status(Line::Checkpoint);
    if !status.has_funds {
        return Err(behind("the relayer of the log does not have enough ether"));
    }
    if status.is_at_fee_ceiling {
        return Err(behind("the chain's fees are higher than the relayer of the log may pay"));
    }
    let queue = queue(app).await?;
    let due_ms = app.settings.limits.checkpoint_ms_max;
    let appended = app.promises.appended.load(Ordering::Relaxed);
    let seconds = estimate_ms(&Queue { leaves: queue.leaves + appended, ..queue }, due_ms).div_ceil(1_000);
    let seconds = seconds.max(app.settings.limits.anchor_seconds_min.max(1));
    if seconds > ANCHOR_SECONDS_MAX {
        return Err(behind("reads cannot be anchored in time at the moment"));
    }
    Ok(seconds)
}

fn behind(detail: &'static str) -> ApiError {
    ApiError::new(ErrorCode::LogBehind, detail).retry_after(RETRY_SECONDS)
}

/// Estimates the time until a new leaf is anchored. The batches before it and its own follow one after another. Each is
/// assumed to take as long as the slowest of the recent ones, twice.
fn estimate_ms(queue: &Queue, due_ms: u64) -> u64 {
    let pace = &queue.pace;
    let seen_ms = pace.slowest_ms.unwrap_or(UNSEEN_MS).max(pace.block_interval_ms);
    // Leaves that have waited longer show that it takes longer.
    let waited_ms = queue.oldest_ms.saturating_sub(due_ms) / 2;
    let batch_ms = seen_ms.max(waited_ms).saturating_mul(2).max(1_000);
    let per_batch = (MAX_BATCH.min(pace.accesses_max) as u64).max(1);
    // The new leaf counts too. A batch in flight contains leaves that are counted, but may be smaller than the maximum.
    let batches = (queue.leaves + 1).div_ceil(per_batch) + u64::from(pace.is_one_on_its_way || queue.leaves > 0);
    batches.saturating_mul(batch_ms).saturating_add(due_ms).saturating_add(SLACK_MS)
}

/// Returns the waiting leaves. The value may be a moment old.
async fn queue(app: &App) -> Result<Queue, ApiError> {
    let mut known = app.promises.queue.lock().await;
    if let Some((queue, since)) = *known
        && since.elapsed() < FRESH
    {
        return Ok(queue);
    }
    // Leaves appended during the query are counted twice rather than not at all.
    app.promises.appended.store(0, Ordering::Relaxed);
    let queue = look(app).await?;
    *known = Some((queue, Instant::now()));
    Ok(queue)
}

async fn look(app: &App) -> Result<Queue, ApiError> {
    let (head, pace) = tokio::join!(chain_head(app), app.relay.checkpoint_pace());
    let (head, pace): (B256, Pace) = (head.map_err(ApiError::internal)?, pace?);
    let anchored = anchor::find(app, head).await.map_err(ApiError::internal)?;
    // The sequencer rebuilds an unknown position. Until then all ordered leaves count as waiting.
    let anchored = anchored.map_or(0, |position| position.frontier.size());
    let leaves: Collection<Document> = leaves::leaves(&app.log_database).clone_with_type();
    let first = i64::try_from(anchored).unwrap_or(i64::MAX);
    let brief = doc! { "_id": 0, "index": 1, "appended_at": 1 };
    let unplaced = leaves.count_documents(doc! { "is_placed": false }).limit(COUNTED_MAX);
    let oldest_unplaced =
        leaves.find_one(doc! { "is_placed": false }).sort(doc! { "appended_at": 1 }).projection(brief.clone());
    let last_placed =
        leaves.find_one(doc! { "index": { "$gte": first } }).sort(doc! { "index": -1 }).projection(brief.clone());
    let first_waiting = leaves.find_one(doc! { "index": first }).projection(brief);
    let (unplaced, oldest_unplaced, last_placed, first_waiting) = tokio::join!(
        unplaced.into_future(),
        oldest_unplaced.into_future(),
        last_placed.into_future(),
        first_waiting.into_future()
    );
    let placed = last_placed?.and_then(|leaf| leaf.get_i64("index").ok()).map_or(0, |last| last + 1 - first);
    let oldest = [oldest_unplaced?, first_waiting?].into_iter().flatten();
    let oldest = oldest.filter_map(|leaf| leaf.get_i64("appended_at").ok()).min();
    let now = jiff::Timestamp::now().as_millisecond();
    Ok(Queue {
        leaves: unplaced? + u64::try_from(placed).unwrap_or(0),
        oldest_ms: oldest.and_then(|oldest| u64::try_from(now - oldest).ok()).unwrap_or(0),
        pace,
    })
}

/// Returns two values for the metrics: the number of waiting leaves, and the promise in seconds that a read would get
/// now (0 if none).
pub(crate) async fn figures(app: &App) -> (u64, u64) {
    let leaves = queue(app).await.map_or(0, |queue| queue.leaves);
    (leaves, seconds_ahead(app).await.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(leaves: u64, slowest_ms: Option<u64>, block_interval_ms: u64) -> Queue {
        let pace = Pace { slowest_ms, is_one_on_its_way: leaves > 0, block_interval_ms, accesses_max: 2_000 };
        Queue { leaves, oldest_ms: 0, pace }
    }

    #[test]
    fn the_promise_follows_from_the_waiting_leaves() {
        let seconds = |queue: &Queue| estimate_ms(queue, 2_000) / 1_000;
        // Blocks of 12 seconds. A leaf waits for the batch in flight, if there is one, and then for its own batch.
        assert_eq!(seconds(&queue(0, Some(12_500), 12_000)), 37);
        assert_eq!(seconds(&queue(10, Some(12_500), 12_000)), 62);
        assert_eq!(seconds(&queue(1_000, Some(12_500), 12_000)), 87);
        assert!(seconds(&queue(12_000, Some(12_500), 12_000)) > ANCHOR_SECONDS_MAX);
        // One fast checkpoint does not make blocks faster.
        assert_eq!(seconds(&queue(0, Some(200), 12_000)), 36);
        // A chain that mines at once.
        assert!(seconds(&queue(1_000, Some(300), 0)) <= 20);
        // A batch that has been in flight for minutes, and leaves that have waited as long.
        assert!(seconds(&queue(10, Some(100_000), 12_000)) > ANCHOR_SECONDS_MAX);
        assert!(seconds(&Queue { oldest_ms: 200_000, ..queue(1, Some(300), 0) }) > ANCHOR_SECONDS_MAX);
    }

    #[test]
    fn small_blocks_take_smaller_batches() {
        let small = Pace { accesses_max: 100, ..queue(1_000, Some(300), 0).pace };
        let of = |pace| estimate_ms(&Queue { pace, ..queue(1_000, Some(300), 0) }, 0);
        assert_eq!(of(queue(1_000, Some(300), 0).pace), 3_000 + SLACK_MS);
        assert_eq!(of(small), 12_000 + SLACK_MS);
    }
}
