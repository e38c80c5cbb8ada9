//! DHKEM(secp256k1, HKDF-SHA256) = 0x0016 (draft-wahby-cfrg-hpke-kem-secp256k1): RFC 9180, section 4.1, with
//! Nsecret = 32, Nenc = Npk = 65, Nsk = 32. Public keys are uncompressed SEC 1 points, and `DH` is the x coordinate of the
//! shared point.
//!
//! This is our own code over `k256`, because sealing is deterministic: the caller passes the ephemeral key pair, which HPKE
//! crates do not allow, for good reasons. Names follow the RFC. Public test vectors check the code.

use hkdf::Hkdf;
use k256::{PublicKey as Point, SecretKey, ecdh::diffie_hellman, elliptic_curve::sec1::ToSec1Point};
use sha2::Sha256;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::{Decapsulate, Encapsulate, SharedSecret};
use crate::{
    codes::KEM_SECP256K1,
    hpke::{labeled_expand, labeled_extract},
    kdf,
    key_pair::InvalidPublicKey,
};

/// The length of a public key.
const POINT_LEN: usize = 65;

/// The public half of a category key: a point on secp256k1 other than infinity. The point is checked when the value is
/// made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CategoryPublicKey {
    bytes: [u8; POINT_LEN],
    point: Point,
}

impl CategoryPublicKey {
    /// Parses 65 bytes, `04 ‖ x ‖ y`, and checks that the point lies on the curve.
    ///
    /// # Errors
    /// [`InvalidPublicKey`] for another length or form, or for a point that is not on the curve.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidPublicKey> {
        let bytes: [u8; POINT_LEN] = bytes.try_into().map_err(|_| InvalidPublicKey)?;
        if bytes[0] != 0x04 {
            return Err(InvalidPublicKey);
        }
        let point = Point::from_sec1_bytes(&bytes).map_err(|_| InvalidPublicKey)?;
        Ok(Self { bytes, point })
    }

    fn from_point(point: Point) -> Self {
        let bytes = point.to_sec1_point(false).as_bytes().try_into().expect("uncompressed points have 65 bytes");
        Self { bytes, point }
    }

    /// Returns the 65 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; POINT_LEN] {
        &self.bytes
    }
}

impl std::fmt::Debug for CategoryPublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CategoryPublicKey(0x{})", hex::encode(self.bytes))
    }
}

/// The key pair of a category and epoch of one patient.
#[derive(Clone, ZeroizeOnDrop)]
pub struct CategoryKey {
    // `k256::SecretKey` wipes itself; the public key need not be wiped.
    secret: SecretKey,
    #[zeroize(skip)]
    public: CategoryPublicKey,
}

impl CategoryKey {
    /// Derives a key pair: `DeriveKeyPair(ikm)` of HPKE (RFC 9180, section 7.1.3); `ikm` is 32 uniform bytes.
    #[must_use]
    pub fn derive(ikm: &[u8; 32]) -> Self {
        let secret = derive_key_pair(ikm);
        let public = CategoryPublicKey::from_point(secret.public_key());
        Self { secret, public }
    }

    /// Returns the public key.
    #[must_use]
    pub const fn public_key(&self) -> &CategoryPublicKey {
        &self.public
    }
}

impl Encapsulate for CategoryPublicKey {
    const KEM: u16 = KEM_SECP256K1;

    fn is_well_formed(enc: &[u8]) -> bool {
        Self::from_bytes(enc).is_ok()
    }

    fn encapsulate(&self, secret: &[u8; 32], header: &[u8], binding: &[u8]) -> (SharedSecret, Vec<u8>) {
        let ikm = kdf::expand(secret, kdf::CAPSULE_EPHEMERAL, &[header, self.as_bytes(), binding]);
        let (shared, enc) = encap(&derive_key_pair(&ikm), self);
        (shared, enc.to_vec())
    }
}

impl Decapsulate for CategoryKey {
    type PublicKey = CategoryPublicKey;

    fn public_key(&self) -> &CategoryPublicKey {
        Self::public_key(self)
    }

    fn decapsulate(&self, enc: &[u8]) -> Option<SharedSecret> {
        let enc = CategoryPublicKey::from_bytes(enc).ok()?;
        Some(shared_secret(&self.secret, &enc, enc.as_bytes(), self.public.as_bytes()))
    }
}

fn suite() -> [u8; 5] {
    let id = KEM_SECP256K1.to_be_bytes();
    [b'K', b'E', b'M', id[0], id[1]]
}

/// `DeriveKeyPair(ikm)` (RFC 9180, section 7.1.3, with bit mask 0xff).
fn derive_key_pair(ikm: &[u8; 32]) -> SecretKey {
    let suite = suite();
    let (_, prk) = labeled_extract(&suite, &[], b"dkp_prk", ikm);
    let mut candidate = Zeroizing::new([0; 32]);
    for counter in 0..=u8::MAX {
        labeled_expand(&prk, &suite, b"candidate", &[&[counter]], candidate.as_mut_slice());
        if let Ok(key) = SecretKey::from_slice(candidate.as_slice()) {
            return key;
        }
    }
    // A candidate is out of range once in 2^128. Nobody can find an input that gives 256 of them in a row.
    unreachable!("256 candidates in a row outside the field")
}

/// `ExtractAndExpand(dh, kem_context)` after `DH(sk, pk)`.
fn shared_secret(sk: &SecretKey, pk: &CategoryPublicKey, enc: &[u8; 65], recipient: &[u8; 65]) -> SharedSecret {
    let suite = suite();
    let dh = diffie_hellman(sk.to_nonzero_scalar(), pk.point.as_affine());
    let (_, prk): (_, Hkdf<Sha256>) = labeled_extract(&suite, &[], b"eae_prk", dh.raw_secret_bytes().as_slice());
    let mut secret = Zeroizing::new([0; 32]);
    labeled_expand(&prk, &suite, b"shared_secret", &[enc, recipient], secret.as_mut_slice());
    secret
}

/// `Encap(pkR)` with a given ephemeral key. Returns the shared secret and `enc`.
fn encap(ephemeral: &SecretKey, recipient: &CategoryPublicKey) -> (SharedSecret, [u8; 65]) {
    let enc = *CategoryPublicKey::from_point(ephemeral.public_key()).as_bytes();
    (shared_secret(ephemeral, recipient, &enc, recipient.as_bytes()), enc)
}

#[cfg(test)]
mod tests;
