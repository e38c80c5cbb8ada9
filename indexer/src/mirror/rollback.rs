//! Undoing the events above a block, inside a transaction.

use mongodb::{
    ClientSession,
    bson::{Document, doc},
};
use protocol::mirror::{EventDoc, collection};

use super::{
    Mirror, MirrorError,
    commit::{inconsistent, signed},
};
use crate::{
    decode::{Contracts, MinedLog, mined_log},
    reorg::BlockRef,
    views::{Batch, ROW_EVENTS, Row, Rows},
};

impl Mirror {
    /// Removes the events above `block` and their facts, and folds the rows they touched anew from the events that
    /// remain. Returns how many events were removed.
    pub(super) async fn roll_back(
        &self,
        session: &mut ClientSession,
        contracts: &Contracts,
        block: BlockRef,
    ) -> Result<usize, MirrorError> {
        let above = doc! { "$gt": signed(block.number) };
        self.blocks().delete_many(doc! { "_id": above.clone() }).session(&mut *session).await?;
        let orphans = self.logs(session, doc! { "place.block_number": above.clone() }).await?;
        if orphans.is_empty() {
            return Ok(0);
        }
        let orphaned = Batch::of(contracts, &orphans)?;
        self.collection::<EventDoc>(collection::EVENTS)
            .delete_many(doc! { "place.block_number": above })
            .session(&mut *session)
            .await?;
        let Batch { versions, keys, accesses, checkpoints, .. } = &orphaned;
        self.delete(session, collection::VERSIONS, versions.iter().map(|fact| fact.id.as_str())).await?;
        self.delete(session, collection::KEYS, keys.iter().map(|fact| fact.id.as_str())).await?;
        self.delete(session, collection::ACCESSES, accesses.iter().map(|fact| fact.id.as_str())).await?;
        self.delete(session, collection::CHECKPOINTS, checkpoints.iter().map(|fact| fact.id.as_str())).await?;

        let remaining = self.remaining(session, contracts, &orphaned).await?;
        self.fold_anew(session, &orphaned.records, &remaining.records).await?;
        self.fold_anew(session, &orphaned.grants, &remaining.grants).await?;
        self.fold_anew(session, &orphaned.patients, &remaining.patients).await?;
        self.fold_anew(session, &orphaned.accreditors, &remaining.accreditors).await?;
        self.fold_anew(session, &orphaned.practitioners, &remaining.practitioners).await?;
        Ok(orphans.len())
    }

    /// The events that remain of the rows which the orphaned ones touched.
    async fn remaining(
        &self,
        session: &mut ClientSession,
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
        let mut logs = Vec::new();
        for subjects in subjects.chunks(1_000) {
            let of_rows = doc! { "about": { "$in": subjects }, "name": { "$in": ROW_EVENTS.as_slice() } };
            logs.extend(self.logs(session, of_rows).await?);
        }
        // An event about several of the subjects was found with each of their chunks.
        logs.sort_by_key(|log| (log.place.block_number, log.place.log_index));
        logs.dedup_by_key(|log| (log.place.block_number, log.place.log_index));
        Ok(Batch::of(contracts, &logs)?)
    }

    /// Stored events in the order of the chain.
    async fn logs(&self, session: &mut ClientSession, filter: Document) -> Result<Vec<MinedLog>, MirrorError> {
        let events = self.collection::<EventDoc>(collection::EVENTS);
        let mut found = events.find(filter).session(&mut *session).await?;
        let mut logs = Vec::new();
        while let Some(event) = found.next(session).await.transpose()? {
            logs.push(mined_log(event)?);
        }
        logs.sort_by_key(|log| (log.place.block_number, log.place.log_index));
        Ok(logs)
    }

    async fn delete(
        &self,
        session: &mut ClientSession,
        collection: &'static str,
        ids: impl Iterator<Item = &str>,
    ) -> Result<(), MirrorError> {
        let ids: Vec<&str> = ids.collect();
        for ids in ids.chunks(1_000) {
            let those = doc! { "_id": { "$in": ids } };
            self.collection::<Document>(collection).delete_many(those).session(&mut *session).await?;
        }
        Ok(())
    }

    async fn fold_anew<R: Row>(
        &self,
        session: &mut ClientSession,
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
        self.delete(session, R::COLLECTION, gone.into_iter()).await?;
        self.replace(session, &rows).await
    }
}
