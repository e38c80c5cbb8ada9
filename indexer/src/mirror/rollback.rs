//! Undoing the events above a block, inside a transaction.

use mongodb::bson::{Document, doc};
use protocol::mirror::{EventDoc, OrphanDoc, collection};

use super::{
    Commit, Mirror, MirrorError, Transaction,
    commit::{decoded, encoded, inconsistent, replace, signed},
};
use crate::{
    decode::{Contracts, MinedLog, mined_log},
    mutant::{self, Mutant},
    reorg::BlockRef,
    views::{BEFORE_ROW_EVENTS, Batch, ROW_EVENTS, Row, Rows},
};

const CHUNK: usize = 1_000;

impl Mirror {
    /// Sets the events above `block` aside as orphans, removes their facts, and folds the rows they touched anew from the
    /// events that remain. Returns how many events were undone.
    pub(super) async fn roll_back(
        &self,
        transaction: &mut dyn Transaction,
        contracts: &Contracts,
        block: BlockRef,
        plan: &Commit<'_>,
    ) -> Result<usize, MirrorError> {
        let above = doc! { "$gt": signed(block.number) };
        transaction.delete(collection::BLOCKS, doc! { "_id": above.clone() }).await?;
        let events = events(transaction, doc! { "place.block_number": above.clone() }).await?;
        if events.is_empty() {
            return Ok(0);
        }
        set_aside(transaction, &events, block, plan).await?;
        let orphans = logs(events)?;
        let orphaned = Batch::of(contracts, &orphans)?;
        transaction.delete(collection::EVENTS, doc! { "place.block_number": above }).await?;
        let Batch { versions, keys, accesses, checkpoints, .. } = &orphaned;
        delete(transaction, collection::VERSIONS, versions.iter().map(|fact| fact.id.as_str())).await?;
        delete(transaction, collection::KEYS, keys.iter().map(|fact| fact.id.as_str())).await?;
        delete(transaction, collection::ACCESSES, accesses.iter().map(|fact| fact.id.as_str())).await?;
        delete(transaction, collection::CHECKPOINTS, checkpoints.iter().map(|fact| fact.id.as_str())).await?;

        let remaining = remaining(transaction, contracts, &orphaned).await?;
        fold_anew(transaction, &orphaned.records, &remaining.records).await?;
        if !mutant::is(Mutant::GrantsStay) {
            fold_anew(transaction, &orphaned.grants, &remaining.grants).await?;
        }
        fold_anew(transaction, &orphaned.patients, &remaining.patients).await?;
        fold_anew(transaction, &orphaned.accreditors, &remaining.accreditors).await?;
        fold_anew(transaction, &orphaned.practitioners, &remaining.practitioners).await?;
        Ok(orphans.len())
    }
}

/// Keeps the events for audit. A branch may be left more than once: the last time counts.
async fn set_aside(
    transaction: &mut dyn Transaction,
    events: &[EventDoc],
    fork: BlockRef,
    plan: &Commit<'_>,
) -> Result<(), MirrorError> {
    let orphans: Vec<OrphanDoc> = events
        .iter()
        .map(|event| OrphanDoc {
            id: event.id.clone(),
            event: event.clone(),
            forked_at: fork.number,
            replaced_by: plan.tip.hash,
            replaced_time: plan.tip_time,
        })
        .collect();
    transaction.replace(collection::ORPHANS, encoded(&orphans)?).await
}

/// The events that remain of the rows which the orphaned ones touched.
async fn remaining(
    transaction: &mut dyn Transaction,
    contracts: &Contracts,
    orphaned: &Batch,
) -> Result<Batch, MirrorError> {
    fn subjects<R: Row>(rows: &Rows<R>) -> impl Iterator<Item = &str> {
        rows.iter().map(|row| row.subject.as_str())
    }
    let mut subjects: Vec<&str> = subjects(&orphaned.records)
        .chain(subjects(&orphaned.grants))
        .chain(subjects(&orphaned.patients))
        .chain(subjects(&orphaned.accreditors))
        .chain(subjects(&orphaned.practitioners))
        .collect();
    subjects.sort_unstable();
    subjects.dedup();
    let mut found = Vec::new();
    for subjects in subjects.chunks(CHUNK) {
        // In the words of the index, or the database would not take it.
        let of_rows = doc! { "about": { "$in": subjects }, "name": { "$gt": BEFORE_ROW_EVENTS } };
        let mut events = events(transaction, of_rows).await?;
        events.retain(|event| ROW_EVENTS.contains(&event.name.as_str()));
        found.extend(events);
    }
    let mut logs = logs(found)?;
    // An event about several of the subjects was found with each of their chunks.
    logs.dedup_by_key(|log| (log.place.block_number, log.place.log_index));
    Ok(Batch::of(contracts, &logs)?)
}

/// Stored events, in no order.
async fn events(transaction: &mut dyn Transaction, filter: Document) -> Result<Vec<EventDoc>, MirrorError> {
    let found = transaction.find(collection::EVENTS, filter).await?;
    found.iter().map(|event| decoded(collection::EVENTS, event)).collect()
}

/// Their logs in the order of the chain.
fn logs(events: Vec<EventDoc>) -> Result<Vec<MinedLog>, MirrorError> {
    let mut logs = events.into_iter().map(mined_log).collect::<Result<Vec<_>, _>>()?;
    logs.sort_by_key(|log| (log.place.block_number, log.place.log_index));
    Ok(logs)
}

async fn delete(
    transaction: &mut dyn Transaction,
    collection: &'static str,
    ids: impl Iterator<Item = &str>,
) -> Result<(), MirrorError> {
    let ids: Vec<&str> = ids.collect();
    for ids in ids.chunks(CHUNK) {
        transaction.delete(collection, doc! { "_id": { "$in": ids } }).await?;
    }
    Ok(())
}

async fn fold_anew<R: Row>(
    transaction: &mut dyn Transaction,
    orphaned: &Rows<R>,
    remaining: &Rows<R>,
) -> Result<(), MirrorError> {
    let (mut gone, mut rows) = (Vec::new(), Vec::new());
    for touched in orphaned.iter() {
        match remaining.find(&touched.id) {
            Some(history) => rows.push(history.fold(None).ok_or_else(|| inconsistent::<R>(&touched.id))?),
            None => gone.push(touched.id.as_str()),
        }
    }
    delete(transaction, R::COLLECTION, gone.into_iter()).await?;
    replace(transaction, &rows).await
}
