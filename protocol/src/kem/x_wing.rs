//! MLKEM768-X25519 = 0x647a (draft-ietf-hpke-pq, draft-connolly-cfrg-xwing-kem), over the crate `x-wing`.
//!
//! ```text
//! private key = 32 bytes, expanded by SHAKE256 to d 32 ‖ z 32 ‖ x 32
//! enc         = ML-KEM-768 ciphertext 1,088 ‖ X25519 public key 32
//! ss          = SHA3-256(ss_PQ ‖ ss_T ‖ ct_T ‖ ek_T ‖ 5c2e2f2f5e5c)
//! ```

use x_wing::{CIPHERTEXT_SIZE, Ciphertext, Decapsulate as _};
use zeroize::Zeroizing;

use super::{Decapsulate, Encapsulate, SharedSecret};
use crate::{
    codes::KEM_X_WING,
    kdf,
    key_pair::{IdentityKey, PublicKey, is_low_order},
};

/// Where the X25519 public key begins in `enc`.
const X25519_AT: usize = CIPHERTEXT_SIZE - 32;

impl Encapsulate for PublicKey {
    const KEM: u16 = KEM_X_WING;

    /// Every 1,120 bytes decapsulate to something (FIPS 203, section 7.3).
    fn is_well_formed(_enc: &[u8]) -> bool {
        true
    }

    fn encapsulate(&self, secret: &[u8; 32], header: &[u8], binding: &[u8]) -> (SharedSecret, Vec<u8>) {
        let fields = [header, self.as_bytes(), binding];
        let mut randomness = Zeroizing::new([0; 64]);
        randomness[..32].copy_from_slice(kdf::expand(secret, kdf::CAPSULE_MLKEM, &fields).as_slice());
        randomness[32..].copy_from_slice(kdf::expand(secret, kdf::CAPSULE_X25519, &fields).as_slice());
        encapsulate_with(self, &randomness)
    }
}

/// `EncapsDerand(pkR, m ‖ X25519 private key)`.
pub(super) fn encapsulate_with(to: &PublicKey, randomness: &[u8; 64]) -> (SharedSecret, Vec<u8>) {
    let (enc, shared) = to.encapsulation_key().encapsulate_deterministic(randomness.into());
    (Zeroizing::new(shared.into()), enc.to_vec())
}

impl Decapsulate for IdentityKey {
    type PublicKey = PublicKey;

    fn public_key(&self) -> &PublicKey {
        Self::public_key(self)
    }

    fn decapsulate(&self, enc: &[u8]) -> Option<SharedSecret> {
        let enc = Ciphertext::try_from(enc).ok()?;
        if is_low_order(&enc[X25519_AT..]) {
            return None;
        }
        Some(Zeroizing::new(self.decapsulation_key().decapsulate(&enc).into()))
    }
}

#[cfg(test)]
mod tests;
