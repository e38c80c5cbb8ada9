//! The two key encapsulation mechanisms (KEM) of capsules, as HPKE uses them, with encapsulation that is derived from the
//! sealed secret instead of random numbers.
//!
//! | id | KEM | sealed to it |
//! |---|---|---|
//! | 0x647a | MLKEM768-X25519, X-Wing ([`x_wing`]) | identity keys, the operator's keys |
//! | 0x0016 | DHKEM(secp256k1, HKDF-SHA256) ([`secp256k1`]) | category keys |

pub(crate) mod secp256k1;
pub(crate) mod x_wing;

use zeroize::Zeroizing;

/// The shared secret of an encapsulation: 32 bytes in both mechanisms.
pub type SharedSecret = Zeroizing<[u8; 32]>;

/// A public key to which capsules are sealed: the sending half of a KEM.
pub trait Encapsulate {
    /// The id in the IANA registry "HPKE KEM Identifiers".
    const KEM: u16;
    /// Checks the form of `enc`, the encapsulated secret, as far as it can be checked without a private key.
    fn is_well_formed(enc: &[u8]) -> bool;
    /// `Encap(pkR)` with randomness that is derived from `secret`, 32 uniform bytes. `header` and `binding` are those of
    /// the capsule. Returns the shared secret and `enc`.
    fn encapsulate(&self, secret: &[u8; 32], header: &[u8], binding: &[u8]) -> (SharedSecret, Vec<u8>);
}

/// A private key that opens capsules: the receiving half of a KEM.
pub trait Decapsulate {
    /// Its public key.
    type PublicKey: Encapsulate;
    /// Returns the public key of this private key.
    fn public_key(&self) -> &Self::PublicKey;
    /// `Decap(enc, skR)`. Returns `None` when `enc` cannot be an encapsulated secret.
    fn decapsulate(&self, enc: &[u8]) -> Option<SharedSecret>;
}
