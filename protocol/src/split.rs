//! The two halves of a data key.
//!
//! `B = HKDF-Expand(DEK, "medlock/v1/release-share\0" ‖ chain id 8 ‖ RecordRegistry 20 ‖ record 32 ‖ version 2)` and `S
//! = DEK xor B`. If HMAC-SHA-256 is a random oracle, B is uniform and independent of the DEK for everyone who does not
//! have the DEK, and S is the DEK under a one-time pad: neither half alone reveals anything. Both can be computed again
//! from the DEK.

use alloy::primitives::Address;

use crate::{
    ids::RecordId,
    kdf,
    secret::{DataKey, ReaderShare, ReleaseShare},
};

/// The record version that a data key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordVersion {
    /// The EIP-155 chain id.
    pub chain_id: u64,
    /// The address of `RecordRegistry`.
    pub registry: Address,
    /// The record.
    pub record: RecordId,
    /// The version of the record, from 1.
    pub version: u16,
}

impl DataKey {
    /// Returns B, the half for the operator.
    #[must_use]
    pub fn release_share(&self, of: &RecordVersion) -> ReleaseShare {
        ReleaseShare::from_bytes(*kdf::expand(
            self.expose(),
            kdf::RELEASE_SHARE,
            &[&of.chain_id.to_be_bytes(), of.registry.as_slice(), of.record.0.as_slice(), &of.version.to_be_bytes()],
        ))
    }

    /// Returns S, the half for readers.
    #[must_use]
    pub fn reader_share(&self, of: &RecordVersion) -> ReaderShare {
        let release = self.release_share(of);
        ReaderShare::from_bytes(xor(self.expose(), release.expose()))
    }

    /// Joins the two halves. Any two shares give some key; [`crate::envelope::Header::check_commitment`] checks whether
    /// it is the right one.
    #[must_use]
    pub fn join(reader: &ReaderShare, release: &ReleaseShare) -> Self {
        Self::from_bytes(xor(reader.expose(), release.expose()))
    }
}

fn xor(a: &[u8; 32], b: &[u8; 32]) -> [u8; 32] {
    std::array::from_fn(|i| a[i] ^ b[i])
}
