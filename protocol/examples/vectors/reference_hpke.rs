//! HPKE base mode for KEM 0x647a, written a second time from RFC 9180 and the draft of X-Wing over ML-KEM and X25519. The
//! caller chooses the randomness, so it can also make capsules that do not follow the protocol.

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use hmac::{Hmac, Mac};
use ml_kem::{TryKeyInit, ml_kem_768};
use protocol::{
    capsule::{Binding, CapsuleKind},
    identity::PublicKey,
};
use sha2::Sha256;
use sha3::{Digest, Sha3_256};
use x25519_dalek::StaticSecret;

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

/// Seals with the given randomness, `m ‖ X25519 private key`; `ct_t` replaces the X25519 public key by one of low order.
pub(crate) fn seal(
    secret: &[u8; 32],
    to: &PublicKey,
    binding: &Binding,
    kind: CapsuleKind,
    randomness: &[u8; 64],
    ct_t: Option<[u8; 32]>,
) -> Vec<u8> {
    let suite = b"HPKE\x64\x7a\x00\x01\x00\x02";
    let (m, scalar) = randomness.split_first_chunk::<32>().expect("64 bytes");
    let (ek_pq, ek_t) = to.as_bytes().split_at(1_184);
    let key = ml_kem_768::EncapsulationKey::new_from_slice(ek_pq).expect("checked");
    let (ct_pq, ss_pq) = key.encapsulate_deterministic(&(*m).into());
    let scalar = StaticSecret::from(<[u8; 32]>::try_from(scalar).expect("64 bytes"));
    let (ct_t, ss_t) = match ct_t {
        // With a point of low order the shared secret is zero whatever the keys.
        Some(low_order) => (low_order, [0; 32]),
        None => {
            let shared = scalar.diffie_hellman(&<[u8; 32]>::try_from(ek_t).expect("32 bytes").into());
            (x25519_dalek::PublicKey::from(&scalar).to_bytes(), shared.to_bytes())
        }
    };
    let label = [0x5c, 0x2e, 0x2f, 0x2f, 0x5e, 0x5c];
    let shared = Sha3_256::digest([&ss_pq[..], &ss_t, &ct_t, ek_t, &label].concat());

    let header = [1, 0x64, 0x7a, kind as u8];
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
    [header.as_slice(), &ct_pq, &ct_t, &sealed].concat()
}
