//! The base vectors of draft-wahby-cfrg-hpke-kem-secp256k1. They end at the key schedule. Wycheproof's AES-GCM vectors
//! and the vectors of the other implementation cover the AEAD step of RFC 9180.

use serde::Deserialize;

use super::*;
use crate::hpke::{AEAD_AES_256_GCM, KDF_HKDF_SHA256, key_schedule};

#[derive(Deserialize)]
#[expect(non_snake_case, reason = "the field names of RFC 9180")]
struct Vector {
    mode: String,
    kem_id: u16,
    kdf_id: u16,
    aead: String,
    info: String,
    ikmE: String,
    skEm: String,
    pkEm: String,
    ikmR: String,
    skRm: String,
    pkRm: String,
    shared_secret: String,
    key: String,
    base_nonce: String,
}

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).unwrap().try_into().unwrap()
}

#[test]
fn draft_wahby_base_vectors() {
    let Some(path) = crate::public_vectors::find("hpke-secp256k1/vectors.json") else { return };
    let vectors: Vec<Vector> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut run = 0;
    for vector in vectors.iter().filter(|vector| vector.mode == "base") {
        assert_eq!((vector.kem_id, vector.kdf_id), (KEM_SECP256K1, KDF_HKDF_SHA256));
        let ephemeral = derive_key_pair(&bytes(&vector.ikmE));
        assert_eq!(hex::encode(ephemeral.to_bytes()), vector.skEm);
        let recipient = CategoryKey::derive(&bytes(&vector.ikmR));
        assert_eq!(hex::encode(recipient.secret.to_bytes()), vector.skRm);
        assert_eq!(hex::encode(recipient.public_key().as_bytes()), vector.pkRm);

        let (secret, enc) = encap(&ephemeral, recipient.public_key());
        assert_eq!(hex::encode(enc), vector.pkEm);
        assert_eq!(hex::encode(secret.as_slice()), vector.shared_secret);
        assert_eq!(*recipient.decapsulate(&enc).unwrap(), *secret);

        let (aead, key_len) = match vector.aead.as_str() {
            "AES-128-GCM" => (0x0001, 16),
            "AES-256-GCM" => (AEAD_AES_256_GCM, 32),
            "ChaCha20-Poly1305" => (0x0003, 32),
            other => panic!("unknown AEAD {other}"),
        };
        let mut key = vec![0; key_len];
        let nonce = key_schedule((KEM_SECP256K1, aead), &secret, &hex::decode(&vector.info).unwrap(), &mut key);
        assert_eq!(hex::encode(key), vector.key);
        assert_eq!(hex::encode(nonce), vector.base_nonce);
        run += 1;
    }
    assert_eq!(run, 9, "three vectors for each of three AEADs");
}
