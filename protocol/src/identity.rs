//! Key pairs and salts that are derived from a person's seed.

use alloy::primitives::{Address, B256, keccak256};
use hmac::{Hmac, KeyInit, Mac};
use k256::SecretKey;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::{
    codes::{Category, Right},
    hpke,
    ids::{Salt, Tag},
    kdf,
    secret::{CategorySecret, Seed},
};

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
    /// Derives a key pair: `DeriveKeyPair(ikm)` of HPKE (RFC 9180, section 7.1.3) for KEM 0x0016; `ikm` is 32 uniform
    /// bytes.
    #[must_use]
    pub fn derive(ikm: &[u8; 32]) -> Self {
        let secret = hpke::derive_key_pair(ikm);
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

impl Seed {
    /// Returns the identity key of an epoch: `DeriveKeyPair(HKDF-Expand(seed, "medlock/v1/identity-key\0" ‖ epoch32))`.
    /// The first epoch is 1, as on chain.
    #[must_use]
    pub fn identity_key(&self, epoch: u32) -> IdentityKey {
        IdentityKey::derive(&Zeroizing::new(kdf::expand(self.expose(), kdf::IDENTITY_KEY, &[&epoch.to_be_bytes()])))
    }

    /// Returns the secret of a category key pair: `HKDF-Expand(seed, "medlock/v1/category-key\0" ‖ category16 ‖
    /// epoch32)`. A category capsule contains this secret, not the private scalar.
    #[must_use]
    pub fn category_secret(&self, category: Category, epoch: u32) -> CategorySecret {
        CategorySecret::from_bytes(kdf::expand(
            self.expose(),
            kdf::CATEGORY_KEY,
            &[&category.code().to_be_bytes(), &epoch.to_be_bytes()],
        ))
    }

    /// Returns the salt that opens the tag of `grantee` for one right:
    /// `HMAC-SHA-256(HKDF-Expand(seed, "medlock/v1/tag-secret\0"), chain id 8 ‖ GrantRegistry 20 ‖ grantee 20 ‖ right 1)`.
    /// The right is 1 for READ and 2 for WRITE.
    #[must_use]
    pub fn tag_salt(&self, chain_id: u64, grant_registry: Address, grantee: Address, right: Right) -> Salt {
        let key = Zeroizing::new(kdf::expand(self.expose(), kdf::TAG_SECRET, &[]));
        let mut mac = Hmac::<Sha256>::new_from_slice(key.as_slice()).expect("HMAC takes keys of any length");
        mac.update(&chain_id.to_be_bytes());
        mac.update(grant_registry.as_slice());
        mac.update(grantee.as_slice());
        mac.update(&[right.bit()]);
        Salt(B256::from_slice(&mac.finalize().into_bytes()))
    }

    /// Returns the tag of `grantee` for one right, with the salt that opens it.
    #[must_use]
    pub fn tag(&self, chain_id: u64, grant_registry: Address, grantee: Address, right: Right) -> (Tag, Salt) {
        let salt = self.tag_salt(chain_id, grant_registry, grantee, right);
        (Tag::derive(grantee, salt), salt)
    }
}

impl CategorySecret {
    /// Returns the key pair of the category.
    #[must_use]
    pub fn key_pair(&self) -> IdentityKey {
        IdentityKey::derive(self.expose())
    }
}

/// Returns whether `salt` opens `tag` for `grantee`. The comparison takes constant time, since a salt is a secret that
/// two people share.
#[must_use]
pub fn opens_tag(tag: Tag, grantee: Address, salt: Salt) -> bool {
    Tag::derive(grantee, salt).0.as_slice().ct_eq(tag.0.as_slice()).into()
}
