//! The decision about reorgs as pure functions: numbers and hashes are the input, actions the result.
//!
//! A [`Window`] is the end of the chain as the mirror has it. No function here uses the network or the database, so a
//! test can check every case.

use std::{collections::VecDeque, ops::RangeInclusive};

use alloy::primitives::B256;

use crate::mutant::{self, Mutant};

/// A block, by number and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockRef {
    /// Block number.
    pub number: u64,
    /// Block hash.
    pub hash: B256,
}

/// A block of the chain and the hash of its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The block.
    pub block: BlockRef,
    /// The hash of the block before it.
    pub parent: B256,
}

/// The relation of the chain's head to the mirror's tip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The head is the tip: nothing to do.
    Same,
    /// The head follows the tip directly.
    Extends,
    /// The head is further ahead. The next fetched block will show whether its branch contains the tip.
    Ahead,
    /// The head is one of the window's blocks below the tip, or the chain ends below the window: the chain became
    /// shorter, or the endpoint is behind.
    Behind {
        /// Whether the head is known to be a block of the mirror's own branch.
        is_ours: bool,
    },
    /// The head is on another branch.
    Forked,
}

/// The next blocks of the chain to compare with the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    numbers: RangeInclusive<u64>,
}

impl Search {
    /// Returns the numbers of the blocks to request.
    #[must_use]
    pub fn numbers(&self) -> RangeInclusive<u64> {
        self.numbers.clone()
    }
}

/// The result of comparing the chain's answer to a [`Search`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meeting {
    /// This is the last block that both branches share.
    At(BlockRef),
    /// None of the requested blocks is shared: continue further down.
    Further(Search),
    /// No block of the window is shared: the reorg is deeper than the mirror can undo.
    TooDeep,
}

/// The last blocks of the mirror, without gaps, with the tip last. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    blocks: VecDeque<BlockRef>,
    capacity: usize,
}

/// A block does not follow the tip of the window.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("block {found} cannot follow block {tip}")]
pub struct Gap {
    /// The number of the tip.
    pub tip: u64,
    /// The number of the block that should follow it.
    pub found: u64,
}

const FIRST_SEARCH: u64 = 8;

impl Window {
    /// Returns a window with one block, which keeps at most `capacity` blocks, but at least one.
    #[must_use]
    pub fn new(tip: BlockRef, capacity: usize) -> Self {
        Self { blocks: VecDeque::from([tip]), capacity: capacity.max(1) }
    }

    /// Returns the newest block.
    #[must_use]
    pub fn tip(&self) -> BlockRef {
        *self.blocks.back().expect("a window is never empty")
    }

    /// Returns the oldest block that is still kept.
    #[must_use]
    pub fn oldest(&self) -> BlockRef {
        *self.blocks.front().expect("a window is never empty")
    }

    /// Returns the kept block with this number.
    #[must_use]
    pub fn find(&self, number: u64) -> Option<BlockRef> {
        let index = number.checked_sub(self.oldest().number)?;
        self.blocks.get(usize::try_from(index).ok()?).copied()
    }

    /// Adds the block after the tip, and removes the oldest when there are too many.
    ///
    /// # Errors
    /// [`Gap`] when the block does not have the next number; then the window is unchanged.
    pub fn push(&mut self, block: BlockRef) -> Result<(), Gap> {
        let tip = self.tip().number;
        if block.number != tip + 1 {
            return Err(Gap { tip, found: block.number });
        }
        self.blocks.push_back(block);
        if self.blocks.len() > self.capacity {
            self.blocks.pop_front();
        }
        Ok(())
    }

    /// Removes every block above `number`, but never the oldest.
    pub fn truncate(&mut self, number: u64) {
        while self.blocks.len() > 1 && self.tip().number > number {
            self.blocks.pop_back();
        }
    }

    /// Returns the relation of the chain's head to the tip.
    #[must_use]
    pub fn judge(&self, head: &Link) -> Verdict {
        let (tip, number) = (self.tip(), head.block.number);
        if number > tip.number + 1 {
            return Verdict::Ahead;
        }
        if number == tip.number + 1 {
            return if head.parent == tip.hash || mutant::is(Mutant::NoParentCheck) {
                Verdict::Extends
            } else {
                Verdict::Forked
            };
        }
        match self.find(number) {
            Some(ours) if ours.hash != head.block.hash => Verdict::Forked,
            Some(_) if number == tip.number => Verdict::Same,
            Some(_) => Verdict::Behind { is_ours: true },
            None => Verdict::Behind { is_ours: false },
        }
    }

    /// Starts the search for the common ancestor with the branch whose head has the number `head`.
    #[must_use]
    pub fn search(&self, head: u64) -> Search {
        let to = head.min(self.tip().number).max(self.oldest().number);
        self.search_below(to, FIRST_SEARCH)
    }

    fn search_below(&self, to: u64, width: u64) -> Search {
        Search { numbers: to.saturating_sub(width - 1).max(self.oldest().number)..=to }
    }

    /// Compares the chain's blocks, which are the answer to `search` in any order, with the window.
    #[must_use]
    pub fn meet(&self, search: &Search, answers: &[BlockRef]) -> Meeting {
        let shared = answers.iter().filter(|answer| self.find(answer.number) == Some(**answer));
        if let Some(ancestor) = shared.max_by_key(|block| block.number) {
            return Meeting::At(*ancestor);
        }
        let (from, to) = (*search.numbers.start(), *search.numbers.end());
        if from <= self.oldest().number {
            return Meeting::TooDeep;
        }
        Meeting::Further(self.search_below(from - 1, (to - from + 1) * 2))
    }
}

#[cfg(test)]
mod tests;
