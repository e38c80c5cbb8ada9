//! HPKE base mode for KEM 0x0016, written a second time from RFC 9180. The caller chooses the ephemeral key material,
//! so it can also make capsules that do not follow the protocol.

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use hmac::{Hmac, Mac};
use k256::{SecretKey, ecdh::diffie_hellman};
use protocol::{
    capsule::{Binding, CapsuleKind},
    identity::{IdentityKey, PublicKey},
};
use sha2::Sha256;

fn hmac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

fn extract(suite: &[u8], salt: &[u8], label: &[u8], ikm: &[u8]) -> Vec<u8> {
    hmac(if salt.is_empty() { &[0; 32] } else { salt }, &[b"HPKE-v1", suite, label, ikm])
}

fn expand(prk: &[u8], suite: &[u8], label: &[u8], info: &[u8], len: u8) -> Vec<u8> {
    let mut okm = hmac(prk, &[&[0, len], b"HPKE-v1", suite, label, info, &[1]]);
    okm.truncate(len.into());
    okm
}

pub(crate) fn seal(secret: &[u8; 32], to: &PublicKey, binding: &Binding, kind: CapsuleKind, ikm: &[u8; 32]) -> Vec<u8> {
    let kem = b"KEM\x00\x16";
    let suite = b"HPKE\x00\x16\x00\x01\x00\x02";
    let scalar = expand(&extract(kem, &[], b"dkp_prk", ikm), kem, b"candidate", &[0], 32);
    let ephemeral = SecretKey::from_slice(&scalar).expect("the first candidate is nearly always in range");
    let enc = IdentityKey::derive(ikm).public_key().as_bytes().to_vec();
    let point = k256::PublicKey::from_sec1_bytes(to.as_bytes()).expect("checked");
    let dh = diffie_hellman(ephemeral.to_nonzero_scalar(), point.as_affine());
    let context = [enc.as_slice(), to.as_bytes()].concat();
    let shared = expand(&extract(kem, &[], b"eae_prk", dh.raw_secret_bytes()), kem, b"shared_secret", &context, 32);

    let header = [1, 0, 0x16, kind as u8];
    let info = [b"medlock/v1/capsule\0".as_slice(), &header].concat();
    let context =
        [&[0][..], &extract(suite, &[], b"psk_id_hash", &[]), &extract(suite, &[], b"info_hash", &info)].concat();
    let schedule = extract(suite, &shared, b"secret", &[]);
    let key = expand(&schedule, suite, b"key", &context, 32);
    let nonce: [u8; 12] = expand(&schedule, suite, b"base_nonce", &context, 12).try_into().expect("12 bytes");
    let sealed = Aes256Gcm::new_from_slice(&key)
        .expect("32 bytes")
        .encrypt(&nonce.into(), Payload { msg: secret, aad: &binding.to_bytes() })
        .expect("a short text");
    [header.as_slice(), &enc, &sealed].concat()
}
