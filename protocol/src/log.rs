//! The operator's log: an RFC 6962 tree of leaf hashes, and the chain of its heads.
//!
//! `leaf hash = SHA-256(0x00 ‖ leaf)`, `node = SHA-256(0x01 ‖ left ‖ right)`, root of no leaves = SHA-256 of nothing;
//! `head = keccak256(previous head 32 ‖ size 8 ‖ root 32)`, and the head of an empty log is zero.
//!
//! All functions work on leaf hashes, because the chain stores only these. So the root can be computed from `Accessed`
//! events, without the leaves.

use alloy::primitives::{B256, keccak256};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ids::LeafHash;

/// Returns the RFC 6962 hash of a leaf.
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> LeafHash {
    LeafHash(B256::from_slice(&Sha256::new().chain_update([0x00]).chain_update(leaf).finalize()))
}

fn node_hash(left: B256, right: B256) -> B256 {
    B256::from_slice(&Sha256::new().chain_update([0x01]).chain_update(left).chain_update(right).finalize())
}

/// The state of a log: the preimage of the head that `AccessLog` stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The head before this one; zero for the first.
    #[serde(with = "crate::hex_text")]
    pub previous: B256,
    /// The number of leaves.
    pub size: u64,
    /// The RFC 6962 root over the leaves.
    #[serde(with = "crate::hex_text")]
    pub root: B256,
}

impl Head {
    /// The preimage of the head of an empty log.
    pub const EMPTY: Self = Self { previous: B256::ZERO, size: 0, root: B256::ZERO };

    /// Returns the head that the chain stores: keccak256(previous ‖ size ‖ root); zero for an empty log.
    #[must_use]
    pub fn hash(&self) -> B256 {
        if *self == Self::EMPTY {
            return B256::ZERO;
        }
        let mut bytes = [0; 72];
        bytes[..32].copy_from_slice(self.previous.as_slice());
        bytes[32..40].copy_from_slice(&self.size.to_be_bytes());
        bytes[40..].copy_from_slice(self.root.as_slice());
        keccak256(bytes)
    }

    /// Returns the next head, for a log that now has `size` leaves and this root.
    #[must_use]
    pub fn next(&self, size: u64, root: B256) -> Self {
        Self { previous: self.hash(), size, root }
    }
}

/// The right edge of a tree. It is enough to append leaves and to compute the root, in O(log n).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "FrontierText", into = "FrontierText")]
pub struct Frontier {
    size: u64,
    // Roots of the complete subtrees, largest first: one for each bit that is set in `size`.
    peaks: Vec<B256>,
}

/// The number of peaks is not the number of bits set in the size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the number of peaks does not match the number of leaves")]
pub struct InvalidFrontier;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FrontierText {
    size: u64,
    peaks: Vec<LeafHash>,
}

impl TryFrom<FrontierText> for Frontier {
    type Error = InvalidFrontier;
    fn try_from(text: FrontierText) -> Result<Self, InvalidFrontier> {
        Self::new(text.size, text.peaks.into_iter().map(B256::from).collect())
    }
}

impl From<Frontier> for FrontierText {
    fn from(frontier: Frontier) -> Self {
        Self { size: frontier.size, peaks: frontier.peaks.into_iter().map(LeafHash).collect() }
    }
}

impl Frontier {
    /// Makes a frontier from stored parts.
    ///
    /// # Errors
    /// [`InvalidFrontier`] unless there is one peak for each bit set in `size`.
    pub fn new(size: u64, peaks: Vec<B256>) -> Result<Self, InvalidFrontier> {
        if peaks.len() == size.count_ones() as usize { Ok(Self { size, peaks }) } else { Err(InvalidFrontier) }
    }

    /// Returns the number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Returns the roots of the complete subtrees, largest first.
    #[must_use]
    pub fn peaks(&self) -> &[B256] {
        &self.peaks
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: LeafHash) {
        let mut hash = leaf.0;
        // Each trailing one bit of the size is a complete subtree that the new leaf completes into a larger one.
        for _ in 0..self.size.trailing_ones() {
            let left = self.peaks.pop().expect("one peak for each bit set in the size");
            hash = node_hash(left, hash);
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// Returns the RFC 6962 root over all leaves so far.
    #[must_use]
    pub fn root(&self) -> B256 {
        self.peaks.iter().rev().copied().reduce(|right, left| node_hash(left, right)).unwrap_or_else(empty_root)
    }
}

impl Extend<LeafHash> for Frontier {
    fn extend<I: IntoIterator<Item = LeafHash>>(&mut self, leaves: I) {
        leaves.into_iter().for_each(|leaf| self.push(leaf));
    }
}

fn empty_root() -> B256 {
    B256::from_slice(&Sha256::digest([]))
}

/// Returns the RFC 6962 root over leaves.
#[must_use]
pub fn root(leaves: &[LeafHash]) -> B256 {
    let mut frontier = Frontier::default();
    frontier.extend(leaves.iter().copied());
    frontier.root()
}

/// Returns PATH(index, leaves) of RFC 6962, section 2.1.1: the siblings from the leaf up to the root. Returns `None`
/// when there is no leaf at `index`.
#[must_use]
pub fn inclusion_proof(leaves: &[LeafHash], index: u64) -> Option<Vec<B256>> {
    let index = usize::try_from(index).ok().filter(|index| *index < leaves.len())?;
    let mut proof = Vec::new();
    let (mut leaves, mut index) = (leaves, index);
    while leaves.len() > 1 {
        let (left, right) = leaves.split_at(largest_power_below(leaves.len()));
        if index < left.len() {
            proof.push(root(right));
            leaves = left;
        } else {
            proof.push(root(left));
            index -= left.len();
            leaves = right;
        }
    }
    proof.reverse();
    Some(proof)
}

/// Checks an inclusion proof (RFC 9162, section 2.1.3.2).
#[must_use]
pub fn verify_inclusion(leaf: LeafHash, index: u64, size: u64, proof: &[B256], root: B256) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last, mut hash) = (index, size - 1, leaf.0);
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(*sibling, hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(hash, *sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == root
}

/// Returns PROOF(old size, leaves) of RFC 6962, section 2.1.2, which shows that the tree of all leaves extends the tree
/// of the first `old_size` leaves. Returns `None` unless `0 < old_size <= leaves.len()`.
#[must_use]
pub fn consistency_proof(leaves: &[LeafHash], old_size: u64) -> Option<Vec<B256>> {
    let old = usize::try_from(old_size).ok().filter(|old| (1..=leaves.len()).contains(old))?;
    let mut proof = Vec::new();
    let (mut leaves, mut old, mut is_old_root) = (leaves, old, true);
    while old < leaves.len() {
        let (left, right) = leaves.split_at(largest_power_below(leaves.len()));
        if old <= left.len() {
            proof.push(root(right));
            leaves = left;
        } else {
            proof.push(root(left));
            old -= left.len();
            leaves = right;
            is_old_root = false;
        }
    }
    if !is_old_root {
        proof.push(root(leaves));
    }
    proof.reverse();
    Some(proof)
}

/// Checks a consistency proof (RFC 9162, section 2.1.4.2).
#[must_use]
pub fn verify_consistency(old_size: u64, old_root: B256, size: u64, root: B256, proof: &[B256]) -> bool {
    if old_size == 0 || old_size > size {
        return false;
    }
    if old_size == size {
        return proof.is_empty() && old_root == root;
    }
    let mut path = proof.iter().copied();
    let (mut node, mut last) = (old_size - 1, size - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    // When the old size is a power of two, its root is a node of the new tree and is left out of the proof.
    let Some(first) = (if old_size.is_power_of_two() { Some(old_root) } else { path.next() }) else { return false };
    let (mut old_hash, mut new_hash) = (first, first);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(sibling, old_hash);
            new_hash = node_hash(sibling, new_hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(new_hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && old_hash == old_root && new_hash == root
}

fn largest_power_below(len: usize) -> usize {
    debug_assert!(len > 1);
    1 << (len - 1).ilog2()
}

#[cfg(test)]
mod tests;
