//! Compares a person's identity keys on chain with the keys of the person's seed (SPEC, section 2, key epochs).
//!
//! One signature of a wallet is enough to register a key in its owner's name, and a key cannot be removed from the
//! chain. Therefore a seed is compared with every epoch, so that one foreign key does not exclude the owner.

use std::collections::{BTreeMap, HashMap};

use alloy::primitives::B256;

use crate::{identity::IdentityKey, secret::Seed};

/// The key on chain in one epoch, compared with a seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EpochKey {
    /// The seed's identity key with this number: the key of this epoch, or the key of another epoch that was registered
    /// again.
    Own(u32),
    /// A key that does not derive from the seed. Nothing that is sealed to it can be opened.
    Foreign,
}

/// The key epochs of a person, compared with a seed. Contains no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyEpochs {
    epochs: BTreeMap<u32, EpochKey>,
}

impl KeyEpochs {
    /// Compares a seed with the keys on chain, given as pairs of epoch and key hash. Derives one key for each epoch.
    #[must_use]
    pub fn compare(seed: &Seed, registered: impl IntoIterator<Item = (u32, B256)>) -> Self {
        let registered: BTreeMap<u32, B256> = registered.into_iter().collect();
        let derived: HashMap<B256, u32> =
            registered.keys().rev().map(|epoch| (seed.identity_key(*epoch).public_key().hash(), *epoch)).collect();
        let compare = |(epoch, hash): (&u32, &B256)| {
            (*epoch, derived.get(hash).map_or(EpochKey::Foreign, |number| EpochKey::Own(*number)))
        };
        Self { epochs: registered.iter().map(compare).collect() }
    }

    /// Returns the newest epoch on chain; 0 when no key is registered.
    #[must_use]
    pub fn newest(&self) -> u32 {
        self.epochs.keys().next_back().copied().unwrap_or_default()
    }

    /// Returns the newest epoch whose key derives from the seed.
    #[must_use]
    pub fn newest_own(&self) -> Option<u32> {
        self.own().next()
    }

    /// Returns every epoch whose key derives from the seed, newest first.
    pub fn own(&self) -> impl Iterator<Item = u32> {
        self.epochs.iter().rev().filter(|(_, key)| matches!(key, EpochKey::Own(_))).map(|(epoch, _)| *epoch)
    }

    /// Returns every epoch whose key does not derive from the seed, in ascending order.
    pub fn foreign(&self) -> impl Iterator<Item = u32> {
        self.epochs.iter().filter(|(_, key)| **key == EpochKey::Foreign).map(|(epoch, _)| *epoch)
    }

    /// Returns whether the newest key, to which others seal now, does not derive from the seed.
    #[must_use]
    pub fn is_newest_foreign(&self) -> bool {
        self.epochs.values().next_back() == Some(&EpochKey::Foreign)
    }

    /// Returns the key of an epoch, or `None` when the history does not contain the epoch.
    #[must_use]
    pub fn find(&self, epoch: u32) -> Option<EpochKey> {
        self.epochs.get(&epoch).copied()
    }

    /// Returns the key that opens a capsule or note bound to an epoch; `None` for a foreign epoch. An epoch that is not
    /// in the history is treated as the seed's own.
    #[must_use]
    pub fn opener(&self, seed: &Seed, epoch: u32) -> Option<IdentityKey> {
        match self.find(epoch) {
            Some(EpochKey::Own(number)) => Some(seed.identity_key(number)),
            Some(EpochKey::Foreign) => None,
            None => Some(seed.identity_key(epoch)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(seed: &Seed, number: u32) -> B256 {
        seed.identity_key(number).public_key().hash()
    }

    #[test]
    fn own_keys_are_found_between_foreign_ones() {
        let (seed, other) = (Seed::from_bytes([1; 32]), Seed::from_bytes([2; 32]));
        let history = [
            (1, hash(&other, 1)),
            (2, hash(&seed, 2)),
            (3, hash(&other, 3)),
            (4, hash(&seed, 2)),
            (5, hash(&other, 9)),
        ];
        let epochs = KeyEpochs::compare(&seed, history);
        assert_eq!((epochs.newest(), epochs.newest_own()), (5, Some(4)));
        assert_eq!(epochs.own().collect::<Vec<_>>(), [4, 2]);
        assert_eq!(epochs.foreign().collect::<Vec<_>>(), [1, 3, 5]);
        assert!(epochs.is_newest_foreign());
        assert_eq!(epochs.find(4), Some(EpochKey::Own(2)), "an own key that was registered again");
        let opener = |epoch| epochs.opener(&seed, epoch).map(|key| key.public_key().hash());
        assert_eq!(opener(4), Some(hash(&seed, 2)));
        assert_eq!(opener(5), None);
        assert_eq!(opener(6), Some(hash(&seed, 6)), "the node may be a moment behind");
    }

    #[test]
    fn an_empty_history_has_no_foreign_key() {
        let epochs = KeyEpochs::compare(&Seed::from_bytes([1; 32]), []);
        assert_eq!((epochs.newest(), epochs.newest_own(), epochs.is_newest_foreign()), (0, None, false));
    }

    #[test]
    fn a_newest_epoch_alone_costs_one_derivation() {
        // The part of the history that a node shows when it no longer has old events.
        let seed = Seed::from_bytes([1; 32]);
        let epochs = KeyEpochs::compare(&seed, [(u32::MAX, hash(&seed, u32::MAX))]);
        assert_eq!(epochs.newest_own(), Some(u32::MAX));
    }
}
