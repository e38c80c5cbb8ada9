//! One transaction: the rollback, if any, the documents of a batch, the cursor, the recent blocks.

use std::collections::HashMap;

use mongodb::{
    ClientSession,
    bson::{Document, doc, to_document},
};
use protocol::mirror::{BlockDoc, CURSOR_ID, collection};
use serde::Serialize;

use super::{Mirror, MirrorError, commit, in_time, is_transient};
use crate::{
    decode::Contracts,
    reorg::BlockRef,
    views::{Batch, Row, Rows},
};

const TRIES: usize = 5;
/// How many ids or writes go into one command; documents of a mirror are small, so it stays far below 16 MB.
const CHUNK: usize = 5_000;

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
        for _ in 1..TRIES {
            match in_time(self.try_commit(contracts, plan)).await {
                Err(error) if is_transient(&error) => {}
                result => return result,
            }
        }
        in_time(self.try_commit(contracts, plan)).await
    }

    async fn try_commit(&self, contracts: &Contracts, plan: &Commit<'_>) -> Result<usize, MirrorError> {
        let mut session = self.begin().await?;
        let written = self.write(&mut session, contracts, plan).await;
        match written {
            Ok(undone) => {
                commit(&mut session).await?;
                Ok(undone)
            }
            Err(error) => {
                // The error that counts is the first one; a transaction that cannot be aborted expires.
                drop(session.abort_transaction().await);
                Err(error)
            }
        }
    }

    async fn write(
        &self,
        session: &mut ClientSession,
        contracts: &Contracts,
        plan: &Commit<'_>,
    ) -> Result<usize, MirrorError> {
        self.move_cursor(session, plan).await?;
        let undone = match plan.rollback_to {
            Some(block) => self.roll_back(session, contracts, block).await?,
            None => 0,
        };
        let Batch { events, versions, keys, accesses, checkpoints, .. } = plan.batch;
        self.insert(session, collection::EVENTS, events).await?;
        self.insert(session, collection::VERSIONS, versions).await?;
        self.insert(session, collection::KEYS, keys).await?;
        self.insert(session, collection::ACCESSES, accesses).await?;
        self.insert(session, collection::CHECKPOINTS, checkpoints).await?;
        self.write_rows(session, &plan.batch.records).await?;
        self.write_rows(session, &plan.batch.grants).await?;
        self.write_rows(session, &plan.batch.patients).await?;
        self.write_rows(session, &plan.batch.accreditors).await?;
        self.write_rows(session, &plan.batch.practitioners).await?;
        self.remember(session, plan).await?;
        Ok(undone)
    }

    async fn move_cursor(&self, session: &mut ClientSession, plan: &Commit<'_>) -> Result<(), MirrorError> {
        let at = doc! { "_id": CURSOR_ID, "block_hash": hex(plan.expected) };
        let to = doc! { "$set": {
            "block_number": signed(plan.tip.number), "block_hash": hex(plan.tip), "block_time": signed(plan.tip_time),
        } };
        let moved = self.cursor().update_one(at, to).session(session).await?;
        if moved.matched_count == 1 { Ok(()) } else { Err(MirrorError::Moved) }
    }

    async fn remember(&self, session: &mut ClientSession, plan: &Commit<'_>) -> Result<(), MirrorError> {
        let blocks: Vec<_> =
            plan.remember.iter().map(|block| BlockDoc { number: block.number, hash: block.hash }).collect();
        let old = doc! { "_id": { "$lt": signed(plan.forget_below) } };
        self.blocks().delete_many(old).session(&mut *session).await?;
        self.insert(session, collection::BLOCKS, &blocks).await
    }

    /// Inserts documents that cannot be there yet.
    pub(super) async fn insert<T: Serialize + Send + Sync>(
        &self,
        session: &mut ClientSession,
        collection: &'static str,
        documents: &[T],
    ) -> Result<(), MirrorError> {
        if !documents.is_empty() {
            self.collection::<T>(collection).insert_many(documents).ordered(false).session(session).await?;
        }
        Ok(())
    }

    /// One write for each touched row, however many events it has.
    async fn write_rows<R: Row>(&self, session: &mut ClientSession, rows: &Rows<R>) -> Result<(), MirrorError> {
        let unsure: Vec<&str> = rows.iter().filter(|row| !row.is_new).map(|row| row.id.as_str()).collect();
        let mut stored: HashMap<String, R> = self.load(session, &unsure).await?;
        let (mut inserts, mut replacements) = (Vec::new(), Vec::new());
        for touched in rows.iter() {
            let before = stored.remove(&touched.id);
            let is_stored = before.is_some();
            let row = touched.fold(before).ok_or_else(|| inconsistent::<R>(&touched.id))?;
            if is_stored { replacements.push(row) } else { inserts.push(row) }
        }
        self.insert(session, R::COLLECTION, &inserts).await?;
        self.replace(session, &replacements).await
    }

    async fn load<R: Row>(&self, session: &mut ClientSession, ids: &[&str]) -> Result<HashMap<String, R>, MirrorError> {
        let mut rows = HashMap::with_capacity(ids.len());
        for ids in ids.chunks(CHUNK) {
            let wanted = doc! { "_id": { "$in": ids } };
            let mut found = self.collection::<R>(R::COLLECTION).find(wanted).session(&mut *session).await?;
            while let Some(row) = found.next(session).await.transpose()? {
                rows.insert(row.id(), row);
            }
        }
        Ok(rows)
    }

    /// Replaces rows, or puts them there: the driver has no such call for many documents in one transaction.
    pub(super) async fn replace<R: Row>(&self, session: &mut ClientSession, rows: &[R]) -> Result<(), MirrorError> {
        for rows in rows.chunks(CHUNK) {
            let updates = rows
                .iter()
                .map(|row| Ok(doc! { "q": { "_id": row.id() }, "u": to_document(row)?, "upsert": true }))
                .collect::<Result<Vec<Document>, MirrorError>>()?;
            let command = doc! { "update": R::COLLECTION, "updates": updates, "ordered": true };
            let answer = self.db.run_command(command).session(&mut *session).await?;
            if let Ok(errors) = answer.get_array("writeErrors") {
                let reason = errors.first().map(ToString::to_string).unwrap_or_default();
                return Err(MirrorError::Write { collection: R::COLLECTION, reason });
            }
        }
        Ok(())
    }
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
