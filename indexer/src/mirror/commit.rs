//! One transaction: the rollback, if any, the documents of a batch, the cursor, the recent blocks.

use std::collections::HashMap;

use mongodb::bson::{RawDocumentBuf, doc, from_slice, to_raw_document_buf};
use protocol::mirror::{BlockDoc, CURSOR_ID, collection};
use serde::Serialize;

use super::{Mirror, MirrorError, Transaction, in_time, is_transient};
use crate::{
    decode::Contracts,
    mutant::{self, Mutant},
    reorg::BlockRef,
    views::{Batch, Row, Rows},
};

const TRIES: usize = 5;
/// How many ids go into one filter; documents of a mirror are small, so it stays far below 16 MB.
const CHUNK: usize = 5_000;
/// After how many blocks those that no reorg reaches any more are forgotten.
const FORGET_EVERY: u64 = 32;

/// What a transaction does.
#[derive(Debug)]
pub struct Commit<'a> {
    /// Where the cursor must be before it.
    pub expected: BlockRef,
    /// Undo everything above this block first.
    pub rollback_to: Option<BlockRef>,
    /// What the new blocks change.
    pub batch: &'a Batch,
    /// Where the cursor is after it.
    pub tip: BlockRef,
    /// Time of the tip, unix seconds.
    pub tip_time: u64,
    /// Blocks to remember.
    pub remember: &'a [BlockRef],
    /// Forget blocks below this number.
    pub forget_below: u64,
}

impl Mirror {
    /// Carries it out, or changes nothing. Returns how many events were undone.
    ///
    /// # Errors
    /// [`MirrorError`]; after a retryable one the cursor tells whether it happened.
    pub async fn commit(&self, contracts: &Contracts, plan: &Commit<'_>) -> Result<usize, MirrorError> {
        // A renewal of the lease would collide with the transaction, which renews it itself.
        let _gate = self.gate.lock().await;
        for _ in 1..TRIES {
            match in_time(self.try_commit(contracts, plan)).await {
                Err(error) if is_transient(&error) => {}
                result => return result,
            }
        }
        in_time(self.try_commit(contracts, plan)).await
    }

    async fn try_commit(&self, contracts: &Contracts, plan: &Commit<'_>) -> Result<usize, MirrorError> {
        self.name_session().await?;
        let mut transaction = self.store.begin().await?;
        match self.write(&mut transaction, contracts, plan).await {
            Ok(undone) => {
                transaction.commit().await?;
                Ok(undone)
            }
            Err(error) => {
                transaction.abort().await;
                Err(error)
            }
        }
    }

    async fn write(
        &self,
        transaction: &mut Box<dyn Transaction>,
        contracts: &Contracts,
        plan: &Commit<'_>,
    ) -> Result<usize, MirrorError> {
        self.fence(&mut **transaction).await?;
        move_cursor(&mut **transaction, plan).await?;
        if mutant::is(Mutant::CursorBeforeData) {
            remember(&mut **transaction, plan).await?;
            let cursor_only = std::mem::replace(transaction, self.store.begin().await?);
            cursor_only.commit().await?;
        }
        let transaction = &mut **transaction;
        let undone = match plan.rollback_to {
            Some(block) => self.roll_back(transaction, contracts, block, plan).await?,
            None => 0,
        };
        let Batch { events, versions, keys, accesses, checkpoints, .. } = plan.batch;
        insert(transaction, collection::EVENTS, events).await?;
        insert(transaction, collection::VERSIONS, versions).await?;
        insert(transaction, collection::KEYS, keys).await?;
        insert(transaction, collection::ACCESSES, accesses).await?;
        insert(transaction, collection::CHECKPOINTS, checkpoints).await?;
        write_rows(transaction, &plan.batch.records).await?;
        write_rows(transaction, &plan.batch.grants).await?;
        write_rows(transaction, &plan.batch.patients).await?;
        write_rows(transaction, &plan.batch.accreditors).await?;
        write_rows(transaction, &plan.batch.practitioners).await?;
        if !mutant::is(Mutant::CursorBeforeData) {
            remember(transaction, plan).await?;
        }
        Ok(undone)
    }
}

async fn move_cursor(transaction: &mut dyn Transaction, plan: &Commit<'_>) -> Result<(), MirrorError> {
    let mut at = doc! { "_id": CURSOR_ID, "block_hash": hex(plan.expected) };
    if mutant::is(Mutant::NoFence) || mutant::is(Mutant::CommitIsAssumed) {
        at.remove("block_hash");
    }
    let to = doc! { "$set": {
        "block_number": signed(plan.tip.number), "block_hash": hex(plan.tip), "block_time": signed(plan.tip_time),
    } };
    if transaction.update(collection::CURSOR, at, to).await? { Ok(()) } else { Err(MirrorError::Moved) }
}

async fn remember(transaction: &mut dyn Transaction, plan: &Commit<'_>) -> Result<(), MirrorError> {
    let blocks: Vec<_> =
        plan.remember.iter().map(|block| BlockDoc { number: block.number, hash: block.hash }).collect();
    // Not with each block: it takes as long as writing one, and a few blocks more do no harm.
    if plan.expected.number / FORGET_EVERY != plan.tip.number / FORGET_EVERY {
        let old = doc! { "_id": { "$lt": signed(plan.forget_below) } };
        transaction.delete(collection::BLOCKS, old).await?;
    }
    insert(transaction, collection::BLOCKS, &blocks).await
}

/// Inserts documents that cannot be there yet.
async fn insert<T: Serialize>(
    transaction: &mut dyn Transaction,
    collection: &'static str,
    documents: &[T],
) -> Result<(), MirrorError> {
    if documents.is_empty() {
        return Ok(());
    }
    transaction.insert(collection, encoded(documents)?).await
}

/// One write for each touched row, however many events it has.
async fn write_rows<R: Row>(transaction: &mut dyn Transaction, rows: &Rows<R>) -> Result<(), MirrorError> {
    let unsure: Vec<&str> = rows.iter().filter(|row| !row.is_new).map(|row| row.id.as_str()).collect();
    let mut stored: HashMap<String, R> = load(transaction, &unsure).await?;
    let (mut inserts, mut replacements) = (Vec::new(), Vec::new());
    for touched in rows.iter() {
        let before = stored.remove(&touched.id);
        let is_stored = before.is_some();
        let row = touched.fold(before).ok_or_else(|| inconsistent::<R>(&touched.id))?;
        if is_stored { replacements.push(row) } else { inserts.push(row) }
    }
    insert(transaction, R::COLLECTION, &inserts).await?;
    replace(transaction, &replacements).await
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

/// Replaces rows, or puts them there.
pub(super) async fn replace<R: Row>(transaction: &mut dyn Transaction, rows: &[R]) -> Result<(), MirrorError> {
    if rows.is_empty() {
        return Ok(());
    }
    transaction.replace(R::COLLECTION, encoded(rows)?).await
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

/// BSON has signed numbers only; block numbers and times are far from the border.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
