//! The vectors of draft-ietf-hpke-pq for KEM 0x647a, and Wycheproof's vectors of ML-KEM-768.

use ml_kem::{Decapsulate as _, FromSeed, KeyExport, MlKem768, TryKeyInit, ml_kem_768};
use serde::Deserialize;

use super::*;
use crate::hpke::{KDF_HKDF_SHA256, key_schedule};

#[derive(Deserialize)]
#[expect(non_snake_case, reason = "the field names of RFC 9180")]
struct Vector {
    kem_id: u16,
    kdf_id: u16,
    aead_id: u16,
    info: String,
    ikmE: String,
    skRm: String,
    pkRm: String,
    enc: String,
    shared_secret: String,
    key: String,
    base_nonce: String,
}

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

#[test]
fn draft_hpke_pq_vectors() {
    let Some(path) = crate::public_vectors::find("hpke-pq/mlkem768-x25519.json") else { return };
    let vectors: Vec<Vector> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let (mut kems, mut schedules) = (0, 0);
    for vector in &vectors {
        assert_eq!(vector.kem_id, KEM_X_WING);
        let recipient = IdentityKey::derive(&bytes(&vector.skRm).try_into().unwrap());
        assert_eq!(recipient.public_key().as_bytes().as_slice(), bytes(&vector.pkRm));
        let again = PublicKey::from_bytes(&bytes(&vector.pkRm)).unwrap();

        let (shared, enc) = encapsulate_with(&again, &bytes(&vector.ikmE).try_into().unwrap());
        assert_eq!(enc, bytes(&vector.enc));
        assert_eq!(shared.as_slice(), bytes(&vector.shared_secret));
        assert_eq!(*recipient.decapsulate(&enc).unwrap(), *shared);
        kems += 1;

        // The other KDF of the vectors is not ours.
        if vector.kdf_id == KDF_HKDF_SHA256 {
            let mut key = [0; 32];
            let nonce = key_schedule((KEM_X_WING, vector.aead_id), &shared, &bytes(&vector.info), &mut key);
            assert_eq!(key.as_slice(), bytes(&vector.key));
            assert_eq!(nonce.as_slice(), bytes(&vector.base_nonce));
            schedules += 1;
        }
    }
    assert_eq!((kems, schedules), (2, 1));
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wycheproof<T> {
    number_of_tests: usize,
    test_groups: Vec<Group<T>>,
}

#[derive(Deserialize)]
struct Group<T> {
    tests: Vec<T>,
}

fn wycheproof<T: serde::de::DeserializeOwned>(file: &str) -> Option<Vec<T>> {
    let path = crate::public_vectors::find(&format!("wycheproof/{file}"))?;
    let file: Wycheproof<T> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let tests: Vec<T> = file.test_groups.into_iter().flat_map(|group| group.tests).collect();
    assert_eq!(tests.len(), file.number_of_tests);
    Some(tests)
}

/// A test of any of the three files; what a file does not have is empty.
#[derive(Deserialize)]
struct MlKem {
    result: String,
    #[serde(default)]
    seed: String,
    #[serde(default)]
    m: String,
    #[serde(default)]
    ek: String,
    #[serde(default)]
    c: String,
    #[serde(default, rename = "K")]
    shared: String,
}

impl MlKem {
    fn is_valid(&self) -> bool {
        self.result == "valid"
    }

    /// The public key of our KEM with this encapsulation key and some X25519 key.
    fn public_key(&self) -> Result<PublicKey, crate::key_pair::InvalidPublicKey> {
        let x25519 = IdentityKey::derive(&[9; 32]).public_key().as_bytes()[1_184..].to_vec();
        PublicKey::from_bytes(&[bytes(&self.ek), x25519].concat())
    }
}

#[test]
fn wycheproof_encapsulation_keys() {
    let Some(tests) = wycheproof::<MlKem>("mlkem_768_encaps_test.json") else { return };
    let mut refused = 0;
    for test in &tests {
        let key = ml_kem_768::EncapsulationKey::new_from_slice(&bytes(&test.ek));
        assert_eq!(key.is_ok(), test.is_valid());
        assert_eq!(test.public_key().is_ok(), test.is_valid(), "our keys are checked alike");
        match key {
            Ok(key) => {
                let m: [u8; 32] = bytes(&test.m).try_into().unwrap();
                let (c, shared) = key.encapsulate_deterministic(&m.into());
                assert_eq!((c.to_vec(), shared.to_vec()), (bytes(&test.c), bytes(&test.shared)));
            }
            Err(_) => refused += 1,
        }
    }
    assert_eq!(refused, 132);
}

#[test]
fn wycheproof_keys_from_seeds() {
    let Some(tests) = wycheproof::<MlKem>("mlkem_768_keygen_seed_test.json") else { return };
    for test in &tests {
        let seed: [u8; 64] = bytes(&test.seed).try_into().unwrap();
        let (_, public) = MlKem768::from_seed(&seed.into());
        assert_eq!(public.to_bytes().to_vec(), bytes(&test.ek));
        assert!(test.public_key().is_ok());
    }
}

#[test]
fn wycheproof_decapsulation() {
    let Some(tests) = wycheproof::<MlKem>("mlkem_768_test.json") else { return };
    for test in &tests {
        let seed = <[u8; 64]>::try_from(bytes(&test.seed));
        let c = bytes(&test.c);
        let shared = seed.ok().and_then(|seed| {
            let (private, _) = MlKem768::from_seed(&seed.into());
            Some(private.decapsulate(&c.as_slice().try_into().ok()?).to_vec())
        });
        match shared {
            Some(shared) if test.is_valid() => assert_eq!(shared, bytes(&test.shared)),
            shared => assert!(shared.is_none() && !test.is_valid()),
        }
    }
}

#[test]
fn low_order_points_are_refused() {
    // RFC 7748: 0, 1, and p - 1; with the other bits of the last byte set, too.
    let mut minus_one = [0xff; 32];
    (minus_one[0], minus_one[31]) = (0xec, 0x7f);
    let mut one = [0; 32];
    one[0] = 1;
    let recipient = IdentityKey::derive(&[5; 32]);
    for low in [[0; 32], one, minus_one] {
        for top in [0, 0x80] {
            let mut point = low;
            point[31] |= top;
            let mut key = *recipient.public_key().as_bytes();
            key[1_184..].copy_from_slice(&point);
            assert!(PublicKey::from_bytes(&key).is_err());
            let (_, mut enc) = encapsulate_with(recipient.public_key(), &[3; 64]);
            enc[X25519_AT..].copy_from_slice(&point);
            assert!(recipient.decapsulate(&enc).is_none());
        }
    }
}
