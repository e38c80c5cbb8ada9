//! The reorg decision, pure: numbers and hashes go in, what to do comes out.
//!
//! A [`Window`] is the end of the chain as the mirror knows it. Nothing here asks the network or the database, so every
//! case can be tried in a test.

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

/// A block of the chain and the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The block.
    pub block: BlockRef,
    /// Hash of the block before it.
    pub parent: B256,
}

/// How the chain's head relates to the mirror's tip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the tip: nothing to do.
    Same,
    /// It follows the tip directly.
    Extends,
    /// It lies further ahead: whether its branch contains the tip shows when the next block is fetched.
    Ahead,
    /// It is one of the window's blocks below the tip, or the chain ends below the window: it got shorter, or the
    /// endpoint lags.
    Behind {
        /// Whether the head is known to be a block of the mirror's own branch.
        is_ours: bool,
    },
    /// It lies on another branch.
    Forked,
}

/// Which of the chain's blocks to compare with the window next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    numbers: RangeInclusive<u64>,
}

impl Search {
    /// The numbers of the blocks to ask the chain for.
    #[must_use]
    pub fn numbers(&self) -> RangeInclusive<u64> {
        self.numbers.clone()
    }
}

/// What the chain's answer to a [`Search`] means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meeting {
    /// The last block that both branches share.
    At(BlockRef),
    /// None of the asked blocks is shared: look further down.
    Further(Search),
    /// No block of the window is shared: the reorg is deeper than the mirror can undo.
    TooDeep,
}

/// The last blocks of the mirror, without gaps, the tip last. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    blocks: VecDeque<BlockRef>,
    capacity: usize,
}

/// The blocks of a window do not follow one another.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("block {found} cannot follow block {tip}")]
pub struct Gap {
    /// The tip.
    pub tip: u64,
    /// What should have followed it.
    pub found: u64,
}

const FIRST_SEARCH: u64 = 8;

impl Window {
    /// A window that knows one block and will keep at most `capacity`, at least one.
    #[must_use]
    pub fn new(tip: BlockRef, capacity: usize) -> Self {
        Self { blocks: VecDeque::from([tip]), capacity: capacity.max(1) }
    }

    /// The newest block.
    #[must_use]
    pub fn tip(&self) -> BlockRef {
        *self.blocks.back().expect("a window is never empty")
    }

    /// The oldest block that is still kept.
    #[must_use]
    pub fn oldest(&self) -> BlockRef {
        *self.blocks.front().expect("a window is never empty")
    }

    /// The kept block of this number.
    #[must_use]
    pub fn find(&self, number: u64) -> Option<BlockRef> {
        let index = number.checked_sub(self.oldest().number)?;
        self.blocks.get(usize::try_from(index).ok()?).copied()
    }

    /// Adds the block after the tip and forgets the oldest when there are too many.
    ///
    /// # Errors
    /// [`Gap`] when it is not the next number; the window is unchanged.
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

    /// Forgets every block above `number`, but never the oldest.
    pub fn truncate(&mut self, number: u64) {
        while self.blocks.len() > 1 && self.tip().number > number {
            self.blocks.pop_back();
        }
    }

    /// How the chain's head relates to the tip.
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

    /// Starts looking for the common ancestor with the branch whose head has number `head`.
    #[must_use]
    pub fn search(&self, head: u64) -> Search {
        let to = head.min(self.tip().number).max(self.oldest().number);
        self.search_below(to, FIRST_SEARCH)
    }

    fn search_below(&self, to: u64, width: u64) -> Search {
        Search { numbers: to.saturating_sub(width - 1).max(self.oldest().number)..=to }
    }

    /// Compares the chain's blocks, which answer `search` in any order, with the window.
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
