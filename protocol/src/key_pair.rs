//! Encryption keys on secp256k1: the public key that the chain publishes, and the key pair that one device holds.

use alloy::primitives::{B256, keccak256};
use k256::SecretKey;
use serde::{Deserialize, Serialize};
use zeroize::ZeroizeOnDrop;

/// The length of a public key: uncompressed SEC 1, `04 ‖ x ‖ y`.
pub const PUBLIC_KEY_LEN: usize = 65;

/// The bytes are not a point on secp256k1 in uncompressed form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an uncompressed public key on secp256k1")]
pub struct InvalidPublicKey;

/// A public encryption key: a point on secp256k1 other than infinity, uncompressed. The point is checked when the value
/// is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey {
    bytes: [u8; PUBLIC_KEY_LEN],
    point: k256::PublicKey,
}

impl PublicKey {
    /// Parses 65 bytes and checks that the point lies on the curve.
    ///
    /// # Errors
    /// [`InvalidPublicKey`] for another length or form, or for a point that is not on the curve.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidPublicKey> {
        let bytes: [u8; PUBLIC_KEY_LEN] = bytes.try_into().map_err(|_| InvalidPublicKey)?;
        if bytes[0] != 0x04 {
            return Err(InvalidPublicKey);
        }
        let point = k256::PublicKey::from_sec1_bytes(&bytes).map_err(|_| InvalidPublicKey)?;
        Ok(Self { bytes, point })
    }

    pub(crate) fn from_point(point: k256::PublicKey) -> Self {
        use k256::elliptic_curve::sec1::ToSec1Point;
        let bytes = point.to_sec1_point(false).as_bytes().try_into().expect("uncompressed points have 65 bytes");
        Self { bytes, point }
    }

    /// Returns the 65 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; PUBLIC_KEY_LEN] {
        &self.bytes
    }

    /// Returns the keccak256 hash of the 65 bytes, as `KeyRegistry` stores it.
    #[must_use]
    pub fn hash(&self) -> B256 {
        keccak256(self.bytes)
    }

    pub(crate) const fn point(&self) -> &k256::PublicKey {
        &self.point
    }
}

impl std::fmt::Display for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "0x{}", hex::encode(self.bytes))
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({self})")
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

/// A private encryption key with its public half: an identity key, a category key, or the operator's key.
/// It is never a wallet's signing key.
#[derive(Clone, ZeroizeOnDrop)]
pub struct IdentityKey {
    // `k256::SecretKey` wipes itself; the public key need not be wiped.
    secret: SecretKey,
    #[zeroize(skip)]
    public: PublicKey,
}

impl IdentityKey {
    /// Returns the pair of a secret scalar.
    pub(crate) fn from_secret(secret: SecretKey) -> Self {
        let public = PublicKey::from_point(secret.public_key());
        Self { secret, public }
    }

    /// Returns the public key.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public
    }

    pub(crate) const fn secret_key(&self) -> &SecretKey {
        &self.secret
    }
}
