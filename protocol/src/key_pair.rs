//! Encryption key pairs of X-Wing: the public key that the chain publishes, and the key pair that one device holds.
//! X-Wing (draft-connolly-cfrg-xwing-kem) is ML-KEM-768 (FIPS 203) and X25519 (RFC 7748) in one; both have to be broken
//! before a capsule opens.

use std::sync::Arc;

use alloy::primitives::{B256, keccak256};
use serde::{Deserialize, Serialize};
use x_wing::{DecapsulationKey, Decapsulator, EncapsulationKey, KeyExport, KeyInit};
use zeroize::ZeroizeOnDrop;

/// The length of a public key: ML-KEM-768 encapsulation key 1,184 ‖ X25519 public key 32.
pub const PUBLIC_KEY_LEN: usize = x_wing::ENCAPSULATION_KEY_SIZE;
const X25519_AT: usize = PUBLIC_KEY_LEN - 32;

/// The bytes are not a public key of X-Wing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a public key of MLKEM768-X25519")]
pub struct InvalidPublicKey;

/// A public encryption key. It is checked when the value is made, and cheap to clone.
#[derive(Clone)]
pub struct PublicKey(Arc<Checked>);

struct Checked {
    bytes: [u8; PUBLIC_KEY_LEN],
    key: EncapsulationKey,
}

impl PublicKey {
    /// Parses and checks a public key: 1,216 bytes, every coefficient below the modulus (FIPS 203, section 7.2), and an
    /// X25519 key whose shared secrets are not all zero (RFC 7748, section 6.1).
    ///
    /// # Errors
    /// [`InvalidPublicKey`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidPublicKey> {
        let bytes: [u8; PUBLIC_KEY_LEN] = bytes.try_into().map_err(|_| InvalidPublicKey)?;
        let key = EncapsulationKey::try_from(bytes.as_slice()).map_err(|_| InvalidPublicKey)?;
        if is_low_order(&bytes[X25519_AT..]) {
            return Err(InvalidPublicKey);
        }
        Ok(Self(Arc::new(Checked { bytes, key })))
    }

    /// Returns the 1,216 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; PUBLIC_KEY_LEN] {
        &self.0.bytes
    }

    /// Returns the keccak256 hash of the 1,216 bytes, as `KeyRegistry` stores it.
    #[must_use]
    pub fn hash(&self) -> B256 {
        keccak256(self.0.bytes)
    }

    pub(crate) fn encapsulation_key(&self) -> &EncapsulationKey {
        &self.0.key
    }
}

/// Checks whether an X25519 public key or ciphertext gives the all-zero shared secret with every private key.
pub(crate) fn is_low_order(point: &[u8]) -> bool {
    let point: [u8; 32] = point.try_into().expect("the callers pass 32 bytes");
    // Every private key is a multiple of 8 once it is clamped, so any one of them tells.
    let shared = x25519_dalek::StaticSecret::from([0; 32]).diffie_hellman(&point.into());
    !shared.was_contributory()
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.bytes == other.0.bytes
    }
}

impl Eq for PublicKey {}

impl std::fmt::Display for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "0x{}", hex::encode(self.0.bytes))
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey(hash {})", self.hash())
    }
}

impl std::str::FromStr for PublicKey {
    type Err = InvalidPublicKey;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("0x").ok_or(InvalidPublicKey)?;
        let mut bytes = [0; PUBLIC_KEY_LEN];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| InvalidPublicKey)?;
        Self::from_bytes(&bytes)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A private encryption key with its public half: a person's identity key, or the operator's key. It is never a wallet's
/// signing key.
#[derive(Clone)]
pub struct IdentityKey {
    // Wipes itself when it is dropped.
    private: DecapsulationKey,
    public: PublicKey,
}

// The private half is the only secret, and wipes itself.
impl ZeroizeOnDrop for IdentityKey where DecapsulationKey: ZeroizeOnDrop {}

impl IdentityKey {
    /// Returns the key pair of a 32-byte private key of X-Wing, which is 32 uniform bytes.
    #[must_use]
    pub fn derive(private: &[u8; 32]) -> Self {
        let private = DecapsulationKey::new(private.into());
        let key = private.encapsulation_key().clone();
        let bytes = key.to_bytes().into();
        Self { private, public: PublicKey(Arc::new(Checked { bytes, key })) }
    }

    /// Returns the public key.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public
    }

    pub(crate) const fn decapsulation_key(&self) -> &DecapsulationKey {
        &self.private
    }
}
