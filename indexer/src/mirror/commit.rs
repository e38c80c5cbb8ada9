//! One transaction: the rollback, if any, the documents of a batch, the cursor, the recent blocks.

use std::collections::HashMap;

use mongodb::bson::{RawDocumentBuf, doc, from_slice, to_raw_document_buf};
use protocol::mirror::{BlockDoc, CURSOR_ID, MIRROR_VERSION, collection};
use serde::Serialize;

use super::{
    Mirror, MirrorError, TRIES, Transaction, Write, in_time, is_transient,
    recent::{Kept, Recent},
};
use crate::{
    decode::Contracts,
    mutant::{self, Mutant},
    reorg::BlockRef,
    views::{Batch, Row, Rows},
};

/// The number of ids in one filter. The documents of a mirror are small, so the filter is far below 16 MB.
const CHUNK: usize = 5_000;
/// The largest number of events that are written, with all that follows from them, in one command with lease and
/// cursor.
const FEW: usize = 10;
/// The number of blocks after which final blocks are deleted from the recent blocks.
const FORGET_EVERY: u64 = 32;

/// The content of a transaction.
#[derive(Debug)]
pub struct Commit<'a> {
    /// The position of the cursor before the transaction.
    pub expected: BlockRef,
    /// When given, everything above this block is undone first.
    pub rollback_to: Option<BlockRef>,
    /// The changes of the new blocks.
    pub batch: &'a Batch,
    /// The position of the cursor after the transaction.
    pub tip: BlockRef,
    /// The time of the tip, in Unix seconds.
    pub tip_time: u64,
    /// The blocks to add to the recent blocks.
    pub remember: &'a [BlockRef],
    /// Recent blocks below this number are deleted.
    pub forget_below: u64,
}

impl Mirror {
    /// Runs the transaction, which changes everything or nothing. Returns the number of events that were undone.
    ///
    /// # Errors
    /// [`MirrorError`]. After a retryable error, the cursor shows whether the transaction was committed.
    pub async fn commit(&self, contracts: &Contracts, plan: &Commit<'_>) -> Result<usize, MirrorError> {
        // A renewal of the lease would conflict with the transaction, which renews the lease itself.
        let _gate = self.gate.lock().await;
        let mut tries = 1;
        loop {
            match in_time(self.try_commit(contracts, plan)).await {
                Err(error) if is_transient(&error) && tries < TRIES => tries += 1,
                result => return result,
            }
        }
    }

    async fn try_commit(&self, contracts: &Contracts, plan: &Commit<'_>) -> Result<usize, MirrorError> {
        self.name_session().await?;
        let mut rows = self.recent().take_at(plan.expected);
        let mut transaction = self.store.begin().await?;
        match self.write(&mut transaction, &mut rows, contracts, plan).await {
            Ok(undone) => {
                transaction.commit().await?;
                *self.recent() = rows.stands_at(plan.tip);
                Ok(undone)
            }
            Err(error) => {
                transaction.abort().await;
                Err(self.explained(error).await)
            }
        }
    }

    /// Writes lease and cursor first. Near the head, where each request to the database matters, a few events are
    /// written in the same command. Before that, the rows that they change are read, unless they are known.
    async fn write(
        &self,
        transaction: &mut Box<dyn Transaction>,
        rows: &mut Recent,
        contracts: &Contracts,
        plan: &Commit<'_>,
    ) -> Result<usize, MirrorError> {
        let mut writes: Vec<Write> = self.fence()?.into_iter().chain([move_cursor(plan)]).collect();
        if mutant::is(Mutant::CursorBeforeData) {
            remember(&mut writes, plan)?;
            transaction.write(std::mem::take(&mut writes)).await?;
            let cursor_only = std::mem::replace(transaction, self.store.begin().await?);
            cursor_only.commit().await?;
        }
        let transaction = &mut **transaction;
        let mut undone = 0;
        if plan.rollback_to.is_some() || plan.batch.events.len() > FEW {
            transaction.write(std::mem::take(&mut writes)).await?;
        }
        if let Some(block) = plan.rollback_to {
            *rows = Recent::default();
            undone = self.roll_back(transaction, contracts, block, plan).await?;
        }
        let Batch { events, versions, keys, accesses, checkpoints, .. } = plan.batch;
        let mut documents = Vec::new();
        insert(&mut documents, collection::EVENTS, events)?;
        insert(&mut documents, collection::VERSIONS, versions)?;
        insert(&mut documents, collection::KEYS, keys)?;
        insert(&mut documents, collection::ACCESSES, accesses)?;
        insert(&mut documents, collection::CHECKPOINTS, checkpoints)?;
        match write_all_rows(transaction, &mut documents, rows, plan.batch).await {
            // When the lease is lost or the cursor has moved, the rows may not fit. Writing lease and cursor shows
            // whether that is the reason.
            Err(error) if !error.is_retryable() => {
                transaction.write(writes).await?;
                return Err(error);
            }
            written => written?,
        }
        writes.append(&mut documents);
        if !mutant::is(Mutant::CursorBeforeData) {
            remember(&mut writes, plan)?;
        }
        transaction.write(writes).await?;
        Ok(undone)
    }
}

fn move_cursor(plan: &Commit<'_>) -> Write {
    let version = i64::from(MIRROR_VERSION);
    let mut filter = doc! { "_id": CURSOR_ID, "mirror_version": version, "block_hash": hex(plan.expected) };
    if mutant::is(Mutant::NoFence) || mutant::is(Mutant::CommitIsAssumed) {
        filter.remove("block_hash");
    }
    let update = doc! { "$set": {
        "block_number": signed(plan.tip.number), "block_hash": hex(plan.tip), "block_time": signed(plan.tip_time),
    } };
    Write::Update { collection: collection::CURSOR, filter, update }
}

fn remember(writes: &mut Vec<Write>, plan: &Commit<'_>) -> Result<(), MirrorError> {
    let blocks: Vec<_> =
        plan.remember.iter().map(|block| BlockDoc { number: block.number, hash: block.hash }).collect();
    // Not for every block: it takes as long as writing one, and keeping a few more blocks has no disadvantage.
    if plan.expected.number / FORGET_EVERY != plan.tip.number / FORGET_EVERY {
        let filter = doc! { "_id": { "$lt": signed(plan.forget_below) } };
        writes.push(Write::Delete { collection: collection::BLOCKS, filter });
    }
    insert(writes, collection::BLOCKS, &blocks)
}

/// Inserts documents that cannot exist yet.
fn insert<T: Serialize>(writes: &mut Vec<Write>, collection: &'static str, documents: &[T]) -> Result<(), MirrorError> {
    if !documents.is_empty() {
        writes.push(Write::Insert(collection, encoded(documents)?));
    }
    Ok(())
}

/// Replaces rows, or inserts them when they do not exist.
pub(super) fn replace<R: Row>(writes: &mut Vec<Write>, rows: &[R]) -> Result<(), MirrorError> {
    if !rows.is_empty() {
        writes.push(Write::Replace(R::COLLECTION, encoded(rows)?));
    }
    Ok(())
}

async fn write_all_rows(
    transaction: &mut dyn Transaction,
    writes: &mut Vec<Write>,
    rows: &mut Recent,
    batch: &Batch,
) -> Result<(), MirrorError> {
    write_rows(transaction, writes, rows, &batch.records).await?;
    write_rows(transaction, writes, rows, &batch.grants).await?;
    write_rows(transaction, writes, rows, &batch.patients).await?;
    write_rows(transaction, writes, rows, &batch.accreditors).await?;
    write_rows(transaction, writes, rows, &batch.practitioners).await
}

/// Makes one write for each touched row, however many events change it.
async fn write_rows<R: Kept>(
    transaction: &mut dyn Transaction,
    writes: &mut Vec<Write>,
    recent: &mut Recent,
    rows: &Rows<R>,
) -> Result<(), MirrorError> {
    let known = R::of(recent);
    let unsure = rows.iter().filter(|row| !row.is_new && !known.contains_key(&row.id));
    let unsure: Vec<&str> = unsure.map(|row| row.id.as_str()).collect();
    known.extend(load(transaction, &unsure).await?);
    let (mut inserts, mut replacements) = (Vec::new(), Vec::new());
    for touched in rows.iter() {
        let before = known.remove(&touched.id);
        let is_stored = before.is_some();
        let row = touched.fold(before).ok_or_else(|| inconsistent::<R>(&touched.id))?;
        known.insert(touched.id.clone(), row.clone());
        if is_stored { replacements.push(row) } else { inserts.push(row) }
    }
    insert(writes, R::COLLECTION, &inserts)?;
    replace(writes, &replacements)
}

async fn load<R: Row>(transaction: &mut dyn Transaction, ids: &[&str]) -> Result<HashMap<String, R>, MirrorError> {
    let mut rows = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(CHUNK) {
        for document in transaction.find(R::COLLECTION, doc! { "_id": { "$in": ids } }).await? {
            let row: R = decoded(R::COLLECTION, &document)?;
            rows.insert(row.id(), row);
        }
    }
    Ok(rows)
}

pub(super) fn encoded<T: Serialize>(documents: &[T]) -> Result<Vec<RawDocumentBuf>, MirrorError> {
    documents.iter().map(|document| Ok(to_raw_document_buf(document)?)).collect()
}

pub(super) fn decoded<T: serde::de::DeserializeOwned>(
    collection: &'static str,
    document: &RawDocumentBuf,
) -> Result<T, MirrorError> {
    from_slice(document.as_bytes()).map_err(|_| MirrorError::Form { collection })
}

pub(super) fn inconsistent<R: Row>(id: &str) -> MirrorError {
    MirrorError::Inconsistent { collection: R::COLLECTION, id: id.to_owned() }
}

fn hex(block: BlockRef) -> String {
    format!("{:#x}", block.hash)
}

/// Converts to a signed number, the only kind in BSON. Block numbers and times are far below the limit.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
