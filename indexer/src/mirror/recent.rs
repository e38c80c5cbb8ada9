//! [`Recent`]: rows as they were last written, so that they need not be read again.
//!
//! While one indexer holds the lease, a row at a given cursor can only be what that indexer has written, and the
//! transaction itself checks both. After a failure, after a change of the lease and in a rollback, nothing is taken from
//! here: a rebuild may have put another mirror into the place of this one.

use std::collections::HashMap;

use protocol::mirror::{AccreditorDoc, GrantDoc, PatientDoc, PractitionerDoc, RecordDoc};

use crate::{reorg::BlockRef, views::Row};

/// How many rows are kept at most; a grant with what stands around it takes about a kilobyte.
const MOST: usize = 20_000;

/// Rows as they are when the cursor stands at a certain block.
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
    /// Takes out the rows that are true at this block; none when it is another one.
    pub(super) fn take_at(&mut self, block: BlockRef) -> Self {
        let taken = std::mem::take(self);
        if taken.at == Some(block) { taken } else { Self::default() }
    }

    /// Now that the cursor stands at this block.
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

/// A row that is kept.
pub(super) trait Kept: Row {
    /// The rows of this kind, by `_id`.
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
