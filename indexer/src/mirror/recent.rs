//! [`Recent`]: rows as they were last written, kept in memory so that they need not be read again.
//!
//! While one indexer holds the lease, only that indexer writes rows, and the transaction itself checks lease and
//! cursor. So a row that was written at a given cursor is still the same. After a failure, after a change of the lease,
//! and in a rollback, these rows are not used: a rebuild may have replaced the mirror.

use std::collections::HashMap;

use protocol::mirror::{AccreditorDoc, GrantDoc, PatientDoc, PractitionerDoc, RecordDoc};

use crate::{reorg::BlockRef, views::Row};

/// The largest number of rows that are kept. A grant, including the overhead of the map, needs about a kilobyte.
const MOST: usize = 20_000;

/// Rows as they are when the cursor is at a certain block.
#[derive(Debug, Default)]
pub(super) struct Recent {
    at: Option<BlockRef>,
    records: HashMap<String, RecordDoc>,
    grants: HashMap<String, GrantDoc>,
    patients: HashMap<String, PatientDoc>,
    accreditors: HashMap<String, AccreditorDoc>,
    practitioners: HashMap<String, PractitionerDoc>,
}

impl Recent {
    /// Removes and returns the rows for this block; none when the rows are for another block.
    pub(super) fn take_at(&mut self, block: BlockRef) -> Self {
        let taken = std::mem::take(self);
        if taken.at == Some(block) { taken } else { Self::default() }
    }

    /// Records that the rows are now those for this block.
    pub(super) fn stands_at(mut self, block: BlockRef) -> Self {
        let Self { records, grants, patients, accreditors, practitioners, .. } = &self;
        let rows = records.len() + grants.len() + patients.len() + accreditors.len() + practitioners.len();
        if rows > MOST {
            self = Self::default();
        }
        self.at = Some(block);
        self
    }
}

/// A kind of row that is kept in memory.
pub(super) trait Kept: Row {
    /// Returns the rows of this kind, by `_id`.
    fn of(recent: &mut Recent) -> &mut HashMap<String, Self>;
}

impl Kept for RecordDoc {
    fn of(recent: &mut Recent) -> &mut HashMap<String, Self> {
        &mut recent.records
    }
}

impl Kept for GrantDoc {
    fn of(recent: &mut Recent) -> &mut HashMap<String, Self> {
        &mut recent.grants
    }
}

impl Kept for PatientDoc {
    fn of(recent: &mut Recent) -> &mut HashMap<String, Self> {
        &mut recent.patients
    }
}

impl Kept for AccreditorDoc {
    fn of(recent: &mut Recent) -> &mut HashMap<String, Self> {
        &mut recent.accreditors
    }
}

impl Kept for PractitionerDoc {
    fn of(recent: &mut Recent) -> &mut HashMap<String, Self> {
        &mut recent.practitioners
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, B256};
    use protocol::mirror::Place;

    use super::*;

    const HERE: BlockRef = BlockRef { number: 7, hash: B256::repeat_byte(7) };

    fn with_patients(count: usize) -> Recent {
        let place = Place { block_number: 7, block_hash: HERE.hash, block_time: 1, tx_hash: B256::ZERO, log_index: 0 };
        let patient = PatientDoc { address: Address::ZERO, patient_epoch: 1, place };
        let patients = (0..count).map(|number| (number.to_string(), patient.clone())).collect();
        Recent { patients, ..Recent::default() }
    }

    #[test]
    fn rows_are_taken_out_once_and_only_at_their_block() {
        let mut recent = with_patients(1).stands_at(HERE);
        assert_eq!(recent.take_at(HERE).patients.len(), 1);
        assert_eq!(recent.take_at(HERE).patients.len(), 0, "whoever took them may have failed");
        for other in [BlockRef { number: 8, ..HERE }, BlockRef { hash: B256::ZERO, ..HERE }] {
            let mut recent = with_patients(1).stands_at(HERE);
            assert_eq!(recent.take_at(other).patients.len(), 0);
            assert_eq!(recent.take_at(HERE).patients.len(), 0);
        }
        assert_eq!(with_patients(1).take_at(HERE).patients.len(), 0, "nobody has said where they are true");
    }

    #[test]
    fn too_many_are_not_kept() {
        assert_eq!(with_patients(MOST).stands_at(HERE).take_at(HERE).patients.len(), MOST);
        assert_eq!(with_patients(MOST + 1).stands_at(HERE).take_at(HERE).patients.len(), 0);
    }
}
