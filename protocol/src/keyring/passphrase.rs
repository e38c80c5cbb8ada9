//! The passphrase unlocker: `KEK = Argon2id(NFKC(passphrase), salt, m, t, p)`, 32 bytes (RFC 9106).

use alloy::primitives::FixedBytes;
use argon2::{Algorithm, Argon2, Params, Version};
use rand::CryptoRng;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::KeyringError;
use crate::secret::KeyEncryptionKey;

/// The smallest number of characters of a new passphrase.
pub const MIN_PASSPHRASE_CHARS: usize = 10;
/// The longest passphrase, in bytes of UTF-8.
pub const MAX_PASSPHRASE_LEN: usize = 1_024;

/// The parameters of a new entry: 64 MiB, three passes, one lane.
const MEMORY_KIB: u32 = 64 * 1024;
const ITERATIONS: u32 = 3;
const LANES: u32 = 1;
/// The parameters that a stored entry may have. With larger ones, a hostile server could block the client for a long
/// time; smaller ones were never written.
const MEMORY_KIB_RANGE: std::ops::RangeInclusive<u32> = 19_456..=262_144;
const ITERATIONS_RANGE: std::ops::RangeInclusive<u32> = 2..=10;
const LANES_RANGE: std::ops::RangeInclusive<u32> = 1..=4;

/// The parameters of Argon2id, as stored in an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PassphraseParams {
    memory_kib: u32,
    iterations: u32,
    lanes: u32,
    #[serde(with = "crate::hex_text")]
    salt: FixedBytes<16>,
}

impl PassphraseParams {
    /// Returns the parameters of SPEC.md with a new salt.
    pub(super) fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut salt = [0; 16];
        rng.fill_bytes(&mut salt);
        Self { memory_kib: MEMORY_KIB, iterations: ITERATIONS, lanes: LANES, salt: salt.into() }
    }

    pub(super) fn is_in_range(&self) -> bool {
        MEMORY_KIB_RANGE.contains(&self.memory_kib)
            && ITERATIONS_RANGE.contains(&self.iterations)
            && LANES_RANGE.contains(&self.lanes)
    }

    pub(super) fn to_bytes(&self) -> [u8; 28] {
        let mut bytes = [0; 28];
        bytes[0..4].copy_from_slice(&self.memory_kib.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.iterations.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.lanes.to_be_bytes());
        bytes[12..].copy_from_slice(self.salt.as_slice());
        bytes
    }

    pub(super) fn key_encryption_key(&self, passphrase: &str) -> Result<KeyEncryptionKey, KeyringError> {
        if !self.is_in_range() || passphrase.len() > MAX_PASSPHRASE_LEN {
            return Err(KeyringError::Malformed);
        }
        let params =
            Params::new(self.memory_kib, self.iterations, self.lanes, Some(32)).map_err(|_| KeyringError::Malformed)?;
        let normal = Zeroizing::new(passphrase.nfkc().collect::<String>());
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(normal.as_bytes(), self.salt.as_slice(), key.as_mut_slice())
            .map_err(|_| KeyringError::Memory)?;
        Ok(KeyEncryptionKey::from_bytes(*key))
    }
}

pub(super) fn check_length(passphrase: &str) -> Result<(), KeyringError> {
    let long_enough = passphrase.chars().count() >= MIN_PASSPHRASE_CHARS;
    if long_enough && passphrase.len() <= MAX_PASSPHRASE_LEN { Ok(()) } else { Err(KeyringError::PassphraseLength) }
}
