//! Lines of transactions. Each has its own relayer key, and therefore its own nonces and balance. No line waits for
//! another.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use alloy::{
    primitives::{Address, U256},
    signers::local::PrivateKeySigner,
};
use protocol::{ids::ActionId, messages::Action};
use serde::{Deserialize, Serialize};

use super::error::RelayError;

/// A sequence of transactions with one relayer's key. `ordinary`: keys, records, grants, accreditation. `urgent`:
/// revocations, suspensions, removed accreditors, tombstones. `checkpoint`: the checkpoints of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// Ordinary actions: keys, records, grants, accreditation.
    Ordinary,
    /// Urgent actions: revocations, suspensions, removed accreditors, tombstones.
    Urgent,
    /// The log's checkpoints.
    Checkpoint,
}

impl Line {
    /// Every line.
    pub(crate) const ALL: [Self; 3] = [Self::Ordinary, Self::Urgent, Self::Checkpoint];

    /// Returns the line's name in the database, in answers and in metrics.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ordinary => "ordinary",
            Self::Urgent => "urgent",
            Self::Checkpoint => "checkpoint",
        }
    }

    /// Returns the line that carries an action.
    pub(super) fn of(action: &Action) -> Self {
        match action {
            Action::Checkpoint(_) => Self::Checkpoint,
            action if action.takes_away() => Self::Urgent,
            _ => Self::Ordinary,
        }
    }

    /// Returns the gas that this line must be able to pay for in addition to pending transactions. A line with less
    /// counts as poor.
    pub(super) const fn reserve_gas(self) -> u64 {
        match self {
            Self::Ordinary => 5_000_000,
            Self::Urgent => 3_000_000,
            Self::Checkpoint => 8_000_000,
        }
    }

    /// Returns the most gas that may be pending at once. Ordinary transactions use at most half of each block, so that
    /// urgent ones and checkpoints always have room, in any order in which a proposer includes them.
    pub(super) const fn gas_in_flight_max(self, block_gas_limit: u64) -> u64 {
        match self {
            Self::Ordinary => block_gas_limit / 2,
            Self::Urgent => block_gas_limit,
            Self::Checkpoint => u64::MAX,
        }
    }
}

/// One line of this replica.
pub(super) struct LineState {
    pub(super) line: Line,
    pub(super) signer: Arc<PrivateKeySigner>,
    /// The actions whose transaction a task of this replica watches, with the gas limit of each.
    watched: Mutex<HashMap<ActionId, u64>>,
    balance: Mutex<Option<U256>>,
}

impl LineState {
    pub(super) fn new(line: Line, signer: Arc<PrivateKeySigner>) -> Self {
        Self { line, signer, watched: Mutex::default(), balance: Mutex::default() }
    }

    pub(super) fn relayer(&self) -> Address {
        self.signer.address()
    }

    /// Registers a task that watches an action. Returns false if one does already.
    pub(super) fn begin(&self, id: ActionId, gas: u64) -> bool {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        match watched.entry(id) {
            std::collections::hash_map::Entry::Occupied(_) => false,
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(gas);
                true
            }
        }
    }

    pub(super) fn end(&self, id: ActionId) {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    pub(super) fn is_watched(&self, id: ActionId) -> bool {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&id)
    }

    /// Returns the number of pending transactions, and their gas limits in total.
    pub(super) fn in_flight(&self) -> (usize, u64) {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        (watched.len(), watched.values().fold(0, |sum, gas| sum.saturating_add(*gas)))
    }

    pub(super) fn balance(&self) -> Option<U256> {
        *self.balance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_balance(&self, wei: U256) {
        *self.balance.lock().unwrap_or_else(PoisonError::into_inner) = Some(wei);
    }

    /// Returns whether the balance is less than the cost of the pending transactions and the line's reserve at
    /// `max_fee` (wei per gas). Returns false before the chain was asked.
    pub(super) fn is_poor(&self, max_fee: u128) -> bool {
        let (_, gas) = self.in_flight();
        let needed = U256::from(gas.saturating_add(self.line.reserve_gas())).saturating_mul(U256::from(max_fee));
        self.balance().is_some_and(|balance| balance < needed)
    }

    /// Returns the room for further transactions.
    pub(super) fn room(&self, block_gas_limit: u64) -> Room {
        Room { used: self.in_flight().1, max: self.line.gas_in_flight_max(block_gas_limit) }
    }
}

/// The gas that may still be sent.
pub(super) struct Room {
    used: u64,
    max: u64,
}

impl Room {
    /// Returns whether there is any room.
    pub(super) const fn is_open(&self) -> bool {
        self.used < self.max
    }

    /// Takes room for a transaction. A transaction that is larger than the whole room is sent alone.
    pub(super) const fn take(&mut self, gas: u64) -> bool {
        if self.used > 0 && self.used.saturating_add(gas) > self.max {
            return false;
        }
        self.used = self.used.saturating_add(gas);
        true
    }
}

/// The three lines.
pub(super) struct Lines([LineState; 3]);

impl Lines {
    /// Creates the lines, with one key each.
    ///
    /// # Errors
    /// Returns an error when two lines have the same key, because they would use each other's nonces.
    pub(super) fn new(keys: RelayerKeys) -> Result<Self, RelayError> {
        let RelayerKeys { ordinary, urgent, checkpoint } = keys;
        let addresses = [ordinary.address(), urgent.address(), checkpoint.address()];
        if addresses[0] == addresses[1] || addresses[0] == addresses[2] || addresses[1] == addresses[2] {
            return Err(RelayError::refused(
                protocol::error_code::ErrorCode::Forbidden,
                "two of the three relayers have the same private key; give each its own",
            ));
        }
        Ok(Self([
            LineState::new(Line::Ordinary, ordinary),
            LineState::new(Line::Urgent, urgent),
            LineState::new(Line::Checkpoint, checkpoint),
        ]))
    }

    pub(super) fn of(&self, line: Line) -> &LineState {
        let [ordinary, urgent, checkpoint] = &self.0;
        match line {
            Line::Ordinary => ordinary,
            Line::Urgent => urgent,
            Line::Checkpoint => checkpoint,
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &LineState> {
        self.0.iter()
    }
}

/// The relayers' keys, one for each line.
#[derive(Clone)]
pub struct RelayerKeys {
    /// For ordinary actions.
    pub ordinary: Arc<PrivateKeySigner>,
    /// For urgent actions.
    pub urgent: Arc<PrivateKeySigner>,
    /// For the log's checkpoints.
    pub checkpoint: Arc<PrivateKeySigner>,
}

impl RelayerKeys {
    /// Returns each key with its line.
    pub(super) fn each(&self) -> [(Line, &PrivateKeySigner); 3] {
        [(Line::Ordinary, &*self.ordinary), (Line::Urgent, &*self.urgent), (Line::Checkpoint, &*self.checkpoint)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> Arc<PrivateKeySigner> {
        Arc::new(PrivateKeySigner::from_slice(&[byte; 32]).unwrap())
    }

    #[test]
    fn lines_never_share_a_key() {
        let keys = |a, b, c| RelayerKeys { ordinary: key(a), urgent: key(b), checkpoint: key(c) };
        assert!(Lines::new(keys(1, 2, 3)).is_ok());
        for (a, b, c) in [(1, 1, 2), (1, 2, 1), (2, 1, 1)] {
            assert!(Lines::new(keys(a, b, c)).is_err());
        }
    }

    #[test]
    fn ordinary_transactions_leave_half_of_a_block_and_a_large_one_is_sent_alone() {
        let ordinary = LineState::new(Line::Ordinary, key(1));
        let mut room = ordinary.room(1_000);
        assert!(room.take(300) && room.take(200));
        assert!(!room.take(1) && !room.is_open());
        assert!(ordinary.room(1_000).take(5_000), "nothing else is pending");
        assert!(ordinary.begin(ActionId(Default::default()), 400));
        assert!(!ordinary.begin(ActionId(Default::default()), 400), "watched once");
        assert!(!ordinary.room(1_000).take(101));
        assert!(LineState::new(Line::Checkpoint, key(2)).room(1_000).take(u64::MAX));
    }

    #[test]
    fn a_line_is_poor_when_it_cannot_pay_for_pending_transactions_and_its_reserve() {
        let line = LineState::new(Line::Urgent, key(1));
        assert!(!line.is_poor(10), "the chain was not asked yet");
        line.set_balance(U256::from(30_000_000_u64));
        assert!(!line.is_poor(10));
        assert!(line.is_poor(11));
        line.begin(ActionId(Default::default()), 1);
        assert!(line.is_poor(10));
    }
}
