//! Undoes the events above a block, inside a transaction.

use mongodb::bson::{Document, doc};
use protocol::mirror::{EventDoc, OrphanDoc, collection};

use super::{
    Commit, Mirror, MirrorError, Transaction, Write,
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
    /// Moves the events above `block` to the orphans, removes their facts, and computes the touched rows again from the
    /// remaining events. Returns the number of events that were undone.
    pub(super) async fn roll_back(
        &self,
        transaction: &mut dyn Transaction,
        contracts: &Contracts,
        block: BlockRef,
        plan: &Commit<'_>,
    ) -> Result<usize, MirrorError> {
        let above = doc! { "$gt": signed(block.number) };
        let mut writes = vec![Write::Delete { collection: collection::BLOCKS, filter: doc! { "_id": above.clone() } }];
        let events = events(transaction, doc! { "place.block_number": above.clone() }).await?;
        if events.is_empty() {
            transaction.write(writes).await?;
            return Ok(0);
        }
        writes.push(set_aside(&events, block, plan)?);
        let orphans = logs(events)?;
        let orphaned = Batch::of(contracts, &orphans)?;
        writes.push(Write::Delete { collection: collection::EVENTS, filter: doc! { "place.block_number": above } });
        let Batch { versions, keys, accesses, checkpoints, .. } = &orphaned;
        delete(&mut writes, collection::VERSIONS, versions.iter().map(|fact| fact.id.as_str()));
        delete(&mut writes, collection::KEYS, keys.iter().map(|fact| fact.id.as_str()));
        delete(&mut writes, collection::ACCESSES, accesses.iter().map(|fact| fact.id.as_str()));
        delete(&mut writes, collection::CHECKPOINTS, checkpoints.iter().map(|fact| fact.id.as_str()));
        transaction.write(std::mem::take(&mut writes)).await?;

        let remaining = remaining(transaction, contracts, &orphaned).await?;
        fold_anew(&mut writes, &orphaned.records, &remaining.records)?;
        if !mutant::is(Mutant::GrantsStay) {
            fold_anew(&mut writes, &orphaned.grants, &remaining.grants)?;
        }
        fold_anew(&mut writes, &orphaned.patients, &remaining.patients)?;
        fold_anew(&mut writes, &orphaned.accreditors, &remaining.accreditors)?;
        fold_anew(&mut writes, &orphaned.practitioners, &remaining.practitioners)?;
        transaction.write(writes).await?;
        Ok(orphans.len())
    }
}

/// Keeps the events for audit. When a branch is left more than once, the last time is stored.
fn set_aside(events: &[EventDoc], fork: BlockRef, plan: &Commit<'_>) -> Result<Write, MirrorError> {
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
    Ok(Write::Replace(collection::ORPHANS, encoded(&orphans)?))
}

/// Returns the remaining events of the rows that the removed events changed.
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
        // The filter must have the same form as the index, otherwise the database would not use it.
        let of_rows = doc! { "about": { "$in": subjects }, "name": { "$gt": BEFORE_ROW_EVENTS } };
        let mut events = events(transaction, of_rows).await?;
        events.retain(|event| ROW_EVENTS.contains(&event.name.as_str()));
        found.extend(events);
    }
    let mut logs = logs(found)?;
    // An event about several of the subjects is found once for each of their chunks.
    logs.dedup_by_key(|log| (log.place.block_number, log.place.log_index));
    Ok(Batch::of(contracts, &logs)?)
}

/// Returns stored events, in no particular order.
async fn events(transaction: &mut dyn Transaction, filter: Document) -> Result<Vec<EventDoc>, MirrorError> {
    let found = transaction.find(collection::EVENTS, filter).await?;
    found.iter().map(|event| decoded(collection::EVENTS, event)).collect()
}

/// Returns the logs of events, in the order of the chain.
fn logs(events: Vec<EventDoc>) -> Result<Vec<MinedLog>, MirrorError> {
    let mut logs = events.into_iter().map(mined_log).collect::<Result<Vec<_>, _>>()?;
    logs.sort_by_key(|log| (log.place.block_number, log.place.log_index));
    Ok(logs)
}

fn delete<'a>(writes: &mut Vec<Write>, collection: &'static str, ids: impl Iterator<Item = &'a str>) {
    let ids: Vec<&str> = ids.collect();
    for ids in ids.chunks(CHUNK) {
        writes.push(Write::Delete { collection, filter: doc! { "_id": { "$in": ids } } });
    }
}

fn fold_anew<R: Row>(writes: &mut Vec<Write>, orphaned: &Rows<R>, remaining: &Rows<R>) -> Result<(), MirrorError> {
    let (mut gone, mut rows) = (Vec::new(), Vec::new());
    for touched in orphaned.iter() {
        match remaining.find(&touched.id) {
            Some(history) => rows.push(history.fold(None).ok_or_else(|| inconsistent::<R>(&touched.id))?),
            None => gone.push(touched.id.as_str()),
        }
    }
    delete(writes, R::COLLECTION, gone.into_iter());
    replace(writes, &rows)
}
