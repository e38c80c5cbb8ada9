//! [`Recent`]: rows as they were last written, so that they need not be read again.
//!
//! What a row holds follows from the chain up to the cursor, so at a given cursor a row can only be what was written. The
//! transaction itself checks the cursor. After whatever failed, and after a rollback, nothing is taken from here.

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
