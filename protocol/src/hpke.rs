//! The part of HPKE (RFC 9180) that capsules use: base mode, one message, HKDF-SHA256 = 0x0001, AES-256-GCM = 0x0002. The
//! KEM is the caller's ([`crate::kem`]). Names follow the RFC. Public test vectors check the code.

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

const VERSION: &[u8] = b"HPKE-v1";
pub(crate) const KDF_HKDF_SHA256: u16 = 0x0001;
pub(crate) const AEAD_AES_256_GCM: u16 = 0x0002;

fn hpke_suite(kem: u16, aead: u16) -> [u8; 10] {
    let (kem, kdf, aead) = (kem.to_be_bytes(), KDF_HKDF_SHA256.to_be_bytes(), aead.to_be_bytes());
    [b'H', b'P', b'K', b'E', kem[0], kem[1], kdf[0], kdf[1], aead[0], aead[1]]
}

/// `LabeledExtract(salt, label, ikm)` (RFC 9180, section 4).
pub(crate) fn labeled_extract(
    suite: &[u8],
    salt: &[u8],
    label: &[u8],
    ikm: &[u8],
) -> (Zeroizing<[u8; 32]>, Hkdf<Sha256>) {
    let labeled = Zeroizing::new([VERSION, suite, label, ikm].concat());
    let (prk, hkdf) = Hkdf::<Sha256>::extract(Some(salt), &labeled);
    (Zeroizing::new(prk.into()), hkdf)
}

/// `LabeledExpand(prk, label, info, L = output.len())` (RFC 9180, section 4).
pub(crate) fn labeled_expand(prk: &Hkdf<Sha256>, suite: &[u8], label: &[u8], info: &[&[u8]], output: &mut [u8]) {
    let length = u16::try_from(output.len()).expect("every output here is at most 32 bytes").to_be_bytes();
    let mut parts = vec![length.as_slice(), VERSION, suite, label];
    parts.extend_from_slice(info);
    prk.expand_multi_info(&parts, output).expect("every output here is at most 32 bytes");
}

/// `KeySchedule(mode_base, shared_secret, info, "", "")`: writes the AEAD key, returns the base nonce.
pub(crate) fn key_schedule((kem, aead): (u16, u16), shared_secret: &[u8; 32], info: &[u8], key: &mut [u8]) -> [u8; 12] {
    let suite = hpke_suite(kem, aead);
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
pub(crate) fn seal(kem: u16, shared_secret: &[u8; 32], info: &[u8], aad: &[u8], plaintext: &[u8; 32]) -> [u8; 48] {
    let mut key = Zeroizing::new([0; 32]);
    let nonce = key_schedule((kem, AEAD_AES_256_GCM), shared_secret, info, key.as_mut_slice());
    let sealed = Aes256Gcm::new((&*key).into())
        .encrypt((&nonce).into(), Payload { msg: plaintext, aad })
        .expect("48 bytes are within the limits of AES-GCM");
    sealed.try_into().expect("32 bytes and a tag of 16")
}

/// Computes `OpenBase` of 48 bytes with sequence number 0. Returns `None` when the key or the binding is different.
pub(crate) fn open(
    kem: u16,
    shared_secret: &[u8; 32],
    info: &[u8],
    aad: &[u8],
    ciphertext: &[u8; 48],
) -> Option<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    let nonce = key_schedule((kem, AEAD_AES_256_GCM), shared_secret, info, key.as_mut_slice());
    let mut opened = Aes256Gcm::new((&*key).into()).decrypt((&nonce).into(), Payload { msg: ciphertext, aad }).ok()?;
    let secret = <[u8; 32]>::try_from(opened.as_slice()).ok().map(Zeroizing::new);
    opened.zeroize();
    secret
}
