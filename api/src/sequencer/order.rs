//! The order of leaves. An index is assigned once and never changes, whatever happens to checkpoints.

use futures::TryStreamExt;
use mongodb::{Collection, bson::doc};

use super::error::SequencerError;
use crate::{
    app::App,
    store::{
        is_duplicate,
        leaves::{self, LeafDoc},
    },
};

/// Most leaves that get their index in one round.
const GO_MAX: i64 = 2_000;

/// Gives an index to all leaves without one, in the order of their arrival, after all others.
///
/// `anchored` is the size of the log on chain. If the evidence was lost, the order continues from there.
pub(super) async fn place_new(app: &App, anchored: u64) -> Result<(), SequencerError> {
    let leaves = leaves::leaves(&app.log_database);
    let mut next: Option<i64> = None;
    loop {
        let new: Vec<LeafDoc> = leaves
            .find(doc! { "is_placed": false })
            .sort(doc! { "is_placed": 1, "appended_at": 1 })
            .limit(GO_MAX)
            .await?
            .try_collect()
            .await?;
        if new.is_empty() {
            return Ok(());
        }
        let mut place = match next {
            Some(place) => place,
            None => first_free(&leaves, anchored).await?,
        };
        for leaf in &new {
            match leaves::place(&app.log_database, leaf.id, place).await {
                Ok(true) => place += 1,
                // Another sequencer, whose lease has ended in the meantime, has placed it.
                Ok(false) => {}
                Err(error) if is_duplicate(&error) => {
                    return Err(SequencerError::Inconsistent("another sequencer is placing leaves"));
                }
                Err(error) => return Err(error.into()),
            }
        }
        next = Some(place);
    }
}

/// Returns at most `max` leaves from index `from` on, without gaps.
pub(super) async fn batch(app: &App, from: u64, max: usize) -> Result<Vec<LeafDoc>, SequencerError> {
    let leaves = leaves::leaves(&app.log_database);
    let first = i64::try_from(from).map_err(|_| SequencerError::Inconsistent("the log is too long"))?;
    let limit = i64::try_from(max).unwrap_or(i64::MAX);
    let batch: Vec<LeafDoc> = leaves
        .find(doc! { "index": { "$gte": first } })
        .sort(doc! { "index": 1 })
        .limit(limit)
        .await?
        .try_collect()
        .await?;
    let is_gapless = batch.iter().zip(first..).all(|(leaf, index)| leaf.index == Some(index));
    if is_gapless {
        Ok(batch)
    } else {
        Err(SequencerError::Inconsistent("a leaf is missing: restore the log's evidence"))
    }
}

async fn first_free(leaves: &Collection<LeafDoc>, anchored: u64) -> Result<i64, SequencerError> {
    let anchored = i64::try_from(anchored).unwrap_or(i64::MAX);
    // Lower indexes are left out, because some servers read a whole range to find its end.
    let last = leaves.find_one(doc! { "index": { "$gte": anchored } }).sort(doc! { "index": -1 }).await?;
    Ok(last.and_then(|leaf| leaf.index).map_or(anchored, |index| index + 1))
}
