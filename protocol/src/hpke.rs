//! The part of HPKE (RFC 9180) that capsules use: base mode, one message, DHKEM(secp256k1, HKDF-SHA256) = 0x0016
//! (draft-wahby-cfrg-hpke-kem-secp256k1), HKDF-SHA256 = 0x0001, AES-256-GCM = 0x0002.
//!
//! This is our own code over `k256`, `hkdf` and `aes-gcm`, because sealing is deterministic: the caller passes the
//! ephemeral key pair, which HPKE crates do not allow, for good reasons. Names follow the RFC. Public test vectors
//! check the code.

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use k256::{SecretKey, ecdh::diffie_hellman};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use crate::{
    codes::KEM_SECP256K1,
    key_pair::{IdentityKey, PublicKey},
};

const VERSION: &[u8] = b"HPKE-v1";
const KDF_HKDF_SHA256: u16 = 0x0001;
pub(crate) const AEAD_AES_256_GCM: u16 = 0x0002;

fn kem_suite() -> [u8; 5] {
    let id = KEM_SECP256K1.to_be_bytes();
    [b'K', b'E', b'M', id[0], id[1]]
}

fn hpke_suite(aead: u16) -> [u8; 10] {
    let (kem, kdf, aead) = (KEM_SECP256K1.to_be_bytes(), KDF_HKDF_SHA256.to_be_bytes(), aead.to_be_bytes());
    [b'H', b'P', b'K', b'E', kem[0], kem[1], kdf[0], kdf[1], aead[0], aead[1]]
}

/// `LabeledExtract(salt, label, ikm)` (RFC 9180, section 4).
fn labeled_extract(suite: &[u8], salt: &[u8], label: &[u8], ikm: &[u8]) -> (Zeroizing<[u8; 32]>, Hkdf<Sha256>) {
    let labeled = Zeroizing::new([VERSION, suite, label, ikm].concat());
    let (prk, hkdf) = Hkdf::<Sha256>::extract(Some(salt), &labeled);
    (Zeroizing::new(prk.into()), hkdf)
}

/// `LabeledExpand(prk, label, info, L = output.len())` (RFC 9180, section 4).
fn labeled_expand(prk: &Hkdf<Sha256>, suite: &[u8], label: &[u8], info: &[&[u8]], output: &mut [u8]) {
    let length = u16::try_from(output.len()).expect("every output here is at most 32 bytes").to_be_bytes();
    let mut parts = vec![length.as_slice(), VERSION, suite, label];
    parts.extend_from_slice(info);
    prk.expand_multi_info(&parts, output).expect("every output here is at most 32 bytes");
}

/// `DeriveKeyPair(ikm)` (RFC 9180, section 7.1.3, with bit mask 0xff).
pub(crate) fn derive_key_pair(ikm: &[u8; 32]) -> SecretKey {
    let suite = kem_suite();
    let (_, prk) = labeled_extract(&suite, &[], b"dkp_prk", ikm);
    let mut candidate = Zeroizing::new([0; 32]);
    for counter in 0..=u8::MAX {
        labeled_expand(&prk, &suite, b"candidate", &[&[counter]], candidate.as_mut_slice());
        if let Ok(key) = SecretKey::from_slice(candidate.as_slice()) {
            return key;
        }
    }
    // A candidate is out of range once in 2^128. Nobody can find an input that gives 256 such candidates in a row.
    unreachable!("256 candidates in a row outside the field")
}

/// `ExtractAndExpand(dh, kem_context)` after `DH(sk, pk)`, which is the x coordinate of the shared point.
fn shared_secret(sk: &SecretKey, pk: &PublicKey, enc: &[u8; 65], recipient: &[u8; 65]) -> Zeroizing<[u8; 32]> {
    let suite = kem_suite();
    let dh = diffie_hellman(sk.to_nonzero_scalar(), pk.point().as_affine());
    let (_, prk) = labeled_extract(&suite, &[], b"eae_prk", dh.raw_secret_bytes().as_slice());
    let mut secret = Zeroizing::new([0; 32]);
    labeled_expand(&prk, &suite, b"shared_secret", &[enc, recipient], secret.as_mut_slice());
    secret
}

/// `Encap(pkR)` with a given ephemeral key. Returns the shared secret and `enc`.
pub(crate) fn encap(ephemeral: &SecretKey, recipient: &PublicKey) -> (Zeroizing<[u8; 32]>, [u8; 65]) {
    let enc = *PublicKey::from_point(ephemeral.public_key()).as_bytes();
    (shared_secret(ephemeral, recipient, &enc, recipient.as_bytes()), enc)
}

/// `Decap(enc, skR)`.
pub(crate) fn decap(enc: &PublicKey, recipient: &IdentityKey) -> Zeroizing<[u8; 32]> {
    shared_secret(recipient.secret_key(), enc, enc.as_bytes(), recipient.public_key().as_bytes())
}

/// `KeySchedule(mode_base, shared_secret, info, "", "")`: writes the AEAD key, returns the base nonce.
fn key_schedule(aead: u16, shared_secret: &[u8; 32], info: &[u8], key: &mut [u8]) -> [u8; 12] {
    let suite = hpke_suite(aead);
    let (psk_id_hash, _) = labeled_extract(&suite, &[], b"psk_id_hash", &[]);
    let (info_hash, _) = labeled_extract(&suite, &[], b"info_hash", info);
    let context: [&[u8]; 3] = [&[0x00], psk_id_hash.as_slice(), info_hash.as_slice()];
    let (_, secret) = labeled_extract(&suite, shared_secret, b"secret", &[]);
    labeled_expand(&secret, &suite, b"key", &context, key);
    let mut nonce = [0; 12];
    labeled_expand(&secret, &suite, b"base_nonce", &context, &mut nonce);
    nonce
}

/// `SealBase` of 32 bytes, sequence number 0.
pub(crate) fn seal(shared_secret: &[u8; 32], info: &[u8], aad: &[u8], plaintext: &[u8; 32]) -> [u8; 48] {
    let mut key = Zeroizing::new([0; 32]);
    let nonce = key_schedule(AEAD_AES_256_GCM, shared_secret, info, key.as_mut_slice());
    let sealed = Aes256Gcm::new((&*key).into())
        .encrypt((&nonce).into(), Payload { msg: plaintext, aad })
        .expect("48 bytes are within the limits of AES-GCM");
    sealed.try_into().expect("32 bytes and a tag of 16")
}

/// Computes `OpenBase` of 48 bytes with sequence number 0. Returns `None` when the key or the binding is different.
pub(crate) fn open(
    shared_secret: &[u8; 32],
    info: &[u8],
    aad: &[u8],
    ciphertext: &[u8; 48],
) -> Option<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    let nonce = key_schedule(AEAD_AES_256_GCM, shared_secret, info, key.as_mut_slice());
    let mut opened = Aes256Gcm::new((&*key).into()).decrypt((&nonce).into(), Payload { msg: ciphertext, aad }).ok()?;
    let secret = <[u8; 32]>::try_from(opened.as_slice()).ok().map(Zeroizing::new);
    opened.zeroize();
    secret
}

#[cfg(test)]
mod tests;
