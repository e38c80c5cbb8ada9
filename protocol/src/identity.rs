//! Key pairs and salts that are derived from a person's seed.

use alloy::primitives::{Address, B256};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::{
    codes::{Category, Right},
    ids::{Salt, Tag},
    kdf,
    secret::{CategorySecret, Seed},
};
pub use crate::{
    kem::secp256k1::{CategoryKey, CategoryPublicKey},
    key_pair::{IdentityKey, InvalidPublicKey, PUBLIC_KEY_LEN, PublicKey},
};

impl Seed {
    /// Returns the identity key of an epoch. Its private key is `HKDF-Expand(seed, "medlock/v1/identity-key\0" ‖ epoch32)`.
    /// The first epoch is 1, as on chain.
    #[must_use]
    pub fn identity_key(&self, epoch: u32) -> IdentityKey {
        IdentityKey::derive(&kdf::expand(self.expose(), kdf::IDENTITY_KEY, &[&epoch.to_be_bytes()]))
    }

    /// Returns the secret of a category key pair: `HKDF-Expand(seed, "medlock/v1/category-key\0" ‖ category16 ‖
    /// epoch32)`. A category capsule contains this secret, not the private scalar.
    #[must_use]
    pub fn category_secret(&self, category: Category, epoch: u32) -> CategorySecret {
        CategorySecret::from_bytes(*kdf::expand(
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
        let key = kdf::expand(self.expose(), kdf::TAG_SECRET, &[]);
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
    pub fn key_pair(&self) -> CategoryKey {
        CategoryKey::derive(self.expose())
    }
}

/// Returns whether `salt` opens `tag` for `grantee`. The comparison takes constant time, since a salt is a secret that
/// two people share.
#[must_use]
pub fn opens_tag(tag: Tag, grantee: Address, salt: Salt) -> bool {
    Tag::derive(grantee, salt).0.as_slice().ct_eq(tag.0.as_slice()).into()
}
