//! The capsules of a grant over one record: for each version, S sealed to the grantee.
//!
//! `bundle hash = SHA-256("medlock/v1/bundle\0" ‖ scope kind 1 ‖ scope id 32 ‖ (version 2 ‖ capsule 117)…)`, versions
//! ascending. The signed `Grant` names the hash, so that no server can put other capsules in. A WRITE grant has no
//! capsules and names zero. Versions that come later are added off chain, behind those that were signed: the grantee
//! finds the signed ones by [`Bundle::signed_len`] and checks all by opening.

use alloy::primitives::B256;
use sha2::{Digest, Sha256};

use crate::{
    bodies::grants::{BundleBody, VersionCapsule},
    capsule::{Capsule, CapsuleKind},
    codes::ScopeKind,
    ids::RecordId,
    kdf,
};

/// The most capsules of one bundle, and of all bundles of one message together: what fits the body of one request.
pub const CAPSULES_MAX: usize = 4_096;

/// Why the capsules of a grant are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// A capsule is malformed, or holds something other than a reader share.
    #[error("a capsule of the bundle is malformed")]
    Capsule,
    /// Versions count from 1, ascend, and none comes twice.
    #[error("the versions of the bundle are not ascending from 1")]
    Versions,
    /// A bundle has at most [`CAPSULES_MAX`] capsules.
    #[error("the bundle has more capsules than a request may carry")]
    Length,
    /// Only grants over one record carry capsules.
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
    /// Hash of no bundle: what a WRITE grant names.
    pub const NONE: B256 = B256::ZERO;

    /// Puts capsules of ascending versions together.
    ///
    /// # Errors
    /// [`BundleError::Versions`], or [`BundleError::Capsule`] for one that is not a reader share.
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

    /// The record it opens.
    #[must_use]
    pub const fn record(&self) -> RecordId {
        self.record
    }

    /// Version and capsule, ascending.
    #[must_use]
    pub fn capsules(&self) -> &[(u16, Capsule)] {
        &self.capsules
    }

    /// The capsule of a version.
    #[must_use]
    pub fn find(&self, version: u16) -> Option<&Capsule> {
        let at = self.capsules.binary_search_by_key(&version, |(of, _)| *of).ok()?;
        self.capsules.get(at).map(|(_, capsule)| capsule)
    }

    /// Whether every capsule of `other` is here, too. In one pass over both, since both ascend.
    #[must_use]
    pub fn holds_all_of(&self, other: &Self) -> bool {
        let mut here = self.capsules.iter();
        self.record == other.record && other.capsules.iter().all(|wanted| here.any(|capsule| capsule == wanted))
    }

    /// What the signed `Grant` names.
    #[must_use]
    pub fn hash(&self) -> B256 {
        let mut hash = self.begin();
        self.capsules.iter().for_each(|entry| absorb(&mut hash, entry));
        B256::from_slice(&hash.finalize())
    }

    /// How many of the capsules, from the first, are those that a `Grant` with this hash signed. `None`: the hash is
    /// not of a beginning of this bundle, so somebody changed what was signed. Each capsule is hashed once, however many
    /// beginnings there are.
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
