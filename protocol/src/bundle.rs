//! The capsules of a grant over one record. There is one capsule for each version: S sealed to the grantee.
//!
//! `bundle hash = SHA-256("medlock/v1/bundle\0" ‖ scope kind 1 ‖ scope id 32 ‖ (version 2 ‖ capsule 1,172)…)`, versions
//! ascending. The signed `Grant` contains the hash, so a server cannot replace capsules. A WRITE grant has no capsules,
//! and its hash is zero. Capsules of later versions are added off chain, after the signed ones. The grantee finds the
//! signed ones with [`Bundle::signed_len`] and checks every capsule by opening it.

use alloy::primitives::B256;
use sha2::{Digest, Sha256};

use crate::{
    bodies::grants::{BundleBody, VersionCapsule},
    capsule::{Capsule, CapsuleKind},
    codes::ScopeKind,
    ids::RecordId,
    kdf,
};

/// The largest number of capsules in one bundle, and in all bundles of one message together. This number fits into the
/// body of one request, 2 MiB.
pub const CAPSULES_MAX: usize = 800;

/// The reason why the capsules of a grant are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// A capsule is malformed, or it contains something other than a reader share.
    #[error("a capsule of the bundle is malformed")]
    Capsule,
    /// The versions do not start at 1 or higher, are not ascending, or one occurs twice.
    #[error("the versions of the bundle are not ascending from 1")]
    Versions,
    /// The bundle has more than [`CAPSULES_MAX`] capsules.
    #[error("the bundle has too many capsules for one request")]
    Length,
    /// The grant is not over one record, so it cannot have capsules.
    #[error("only a grant over one record has a bundle")]
    Scope,
}

/// The capsules of one grant over one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    record: RecordId,
    capsules: Vec<(u16, Capsule)>,
}

impl Bundle {
    /// The hash in a `Grant` that has no bundle (a WRITE grant).
    pub const NONE: B256 = B256::ZERO;

    /// Makes a bundle from capsules in ascending order of version.
    ///
    /// # Errors
    /// [`BundleError::Versions`] when the order is wrong, [`BundleError::Capsule`] for a capsule that is not a reader
    /// share.
    pub fn new(record: RecordId, capsules: Vec<(u16, Capsule)>) -> Result<Self, BundleError> {
        let ascending = capsules.windows(2).all(|pair| pair[0].0 < pair[1].0);
        if !ascending || capsules.first().is_some_and(|(version, _)| *version == 0) {
            return Err(BundleError::Versions);
        }
        if capsules.iter().any(|(_, capsule)| capsule.kind() != CapsuleKind::ReaderShare) {
            return Err(BundleError::Capsule);
        }
        Ok(Self { record, capsules })
    }

    /// Returns the record that the bundle opens.
    #[must_use]
    pub const fn record(&self) -> RecordId {
        self.record
    }

    /// Returns the pairs of version and capsule, in ascending order of version.
    #[must_use]
    pub fn capsules(&self) -> &[(u16, Capsule)] {
        &self.capsules
    }

    /// Returns the capsule of a version.
    #[must_use]
    pub fn find(&self, version: u16) -> Option<&Capsule> {
        let at = self.capsules.binary_search_by_key(&version, |(of, _)| *of).ok()?;
        self.capsules.get(at).map(|(_, capsule)| capsule)
    }

    /// Returns whether this bundle contains every capsule of `other`. One pass over both is enough, since both are
    /// ascending.
    #[must_use]
    pub fn holds_all_of(&self, other: &Self) -> bool {
        let mut here = self.capsules.iter();
        self.record == other.record && other.capsules.iter().all(|wanted| here.any(|capsule| capsule == wanted))
    }

    /// Returns the bundle hash, which the signed `Grant` contains.
    #[must_use]
    pub fn hash(&self) -> B256 {
        let mut hash = self.begin();
        self.capsules.iter().for_each(|entry| absorb(&mut hash, entry));
        B256::from_slice(&hash.finalize())
    }

    /// Returns how many capsules, counted from the first, a `Grant` with this hash has signed. Returns `None` when no
    /// beginning of this bundle has the hash: then the signed capsules were changed. Each capsule is hashed once,
    /// however long the bundle is.
    #[must_use]
    pub fn signed_len(&self, hash: B256) -> Option<usize> {
        let mut state = self.begin();
        let mut len = 0;
        loop {
            if state.clone().finalize().as_slice() == hash.as_slice() {
                return Some(len);
            }
            absorb(&mut state, self.capsules.get(len)?);
            len += 1;
        }
    }

    fn begin(&self) -> Sha256 {
        Sha256::new().chain_update(kdf::BUNDLE).chain_update([ScopeKind::Record as u8]).chain_update(self.record.0)
    }
}

fn absorb(hash: &mut Sha256, (version, capsule): &(u16, Capsule)) {
    hash.update(version.to_be_bytes());
    hash.update(capsule.as_bytes());
}

impl From<&Bundle> for BundleBody {
    fn from(bundle: &Bundle) -> Self {
        let capsules = bundle.capsules.iter().map(|(version, capsule)| VersionCapsule {
            version: *version,
            capsule: capsule.as_bytes().to_vec().into(),
        });
        Self { kind: ScopeKind::Record, scope_id: bundle.record.0, capsules: capsules.collect() }
    }
}

impl TryFrom<&BundleBody> for Bundle {
    type Error = BundleError;

    fn try_from(body: &BundleBody) -> Result<Self, BundleError> {
        if body.kind != ScopeKind::Record {
            return Err(BundleError::Scope);
        }
        if body.capsules.len() > CAPSULES_MAX {
            return Err(BundleError::Length);
        }
        let capsules = body.capsules.iter().map(|entry| {
            Capsule::from_bytes(&entry.capsule)
                .map(|capsule| (entry.version, capsule))
                .map_err(|_| BundleError::Capsule)
        });
        Self::new(RecordId(body.scope_id), capsules.collect::<Result<_, _>>()?)
    }
}
