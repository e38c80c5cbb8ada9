//! Public vectors for the algorithms that this crate uses: FLOE (five implementations) and Wycheproof.
//! The HPKE vectors run in `src/hpke/tests.rs`, beside the private functions they test.

#[path = "../src/public_vectors.rs"]
mod public_vectors;
#[path = "../examples/vectors/reference_floe.rs"]
#[expect(dead_code, reason = "shared with the vectors, which encrypt too")]
mod reference_floe;

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use fast_floe::{Key, decrypt};
use hkdf::Hkdf;
use k256::elliptic_curve::ecdh::diffie_hellman;
use protocol::{identity::CategoryPublicKey, session::verify_session_signature};
use reference_floe::ReferenceFloe;
use serde_json::Value;
use sha2::{Sha256, Sha384};

const FLOE_AAD: &[u8] = b"This is AAD";

fn floe(file: &str) -> Option<Vec<u8>> {
    let text = std::fs::read_to_string(public_vectors::find(&format!("floe/{file}"))?).unwrap();
    Some(hex::decode(text.trim()).unwrap())
}

#[test]
fn floe_known_answers_open_with_both_implementations() {
    let names = [
        "cpp_GCM256_IV256_4K",
        "cpp_GCM256_IV256_64",
        "go_GCM256_IV256_4K",
        "go_GCM256_IV256_64",
        "java_GCM256_IV256_4K",
        "java_GCM256_IV256_64",
        "pub_java_GCM256_IV256_4K",
        "pub_java_GCM256_IV256_64",
        "rust_GCM256_IV256_4K",
        "rust_GCM256_IV256_64",
    ];
    for name in names {
        let (Some(sealed), Some(plain)) = (floe(&format!("{name}_ct.txt")), floe(&format!("{name}_pt.txt"))) else {
            return;
        };
        assert_eq!(decrypt(&Key::from_bytes([0; 32]), FLOE_AAD, &sealed).unwrap(), plain, "{name}");
        assert_eq!(ReferenceFloe::decrypt_all(&[0; 32], FLOE_AAD, &sealed, 20).unwrap(), plain, "{name}");
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(decrypt(&Key::from_bytes([0; 32]), FLOE_AAD, &changed).is_err(), "{name}");
    }
}

/// The segments in these vectors have 40 bytes, which is less than `fast-floe` accepts.
#[test]
fn floe_known_answers_at_the_last_border_open_with_the_reference() {
    for name in ["java_lastSegAligned", "java_lastSegEmpty"] {
        let (Some(sealed), Some(plain)) = (floe(&format!("{name}_ct.txt")), floe(&format!("{name}_pt.txt"))) else {
            return;
        };
        assert_eq!(ReferenceFloe::decrypt_all(&[0; 32], FLOE_AAD, &sealed, 20).unwrap(), plain, "{name}");
    }
}

#[test]
fn floe_rotation_vectors_open_with_the_reference() {
    for name in ["cpp_rotation", "go_rotation", "java_rotation", "pub_java_rotation", "rust_rotation"] {
        let (Some(sealed), Some(plain)) = (floe(&format!("{name}_ct.txt")), floe(&format!("{name}_pt.txt"))) else {
            return;
        };
        assert_eq!(ReferenceFloe::decrypt_all(&[0; 32], FLOE_AAD, &sealed, 2).unwrap(), plain, "{name}");
        assert!(ReferenceFloe::decrypt_all(&[0; 32], FLOE_AAD, &sealed, 20).is_none(), "the key does rotate in {name}");
    }
}

/// Runs `test` for every test in every group of a Wycheproof file.
fn wycheproof(file: &str, mut test: impl FnMut(&Value, &Value)) {
    let Some(path) = public_vectors::find(&format!("wycheproof/{file}")) else { return };
    let json: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut run = 0;
    for group in json["testGroups"].as_array().unwrap() {
        for case in group["tests"].as_array().unwrap() {
            test(group, case);
            run += 1;
        }
    }
    assert_eq!(run, json["numberOfTests"].as_u64().unwrap());
}

fn field(case: &Value, name: &str) -> Vec<u8> {
    hex::decode(case[name].as_str().unwrap()).unwrap()
}

fn is_valid(case: &Value) -> bool {
    case["result"] == "valid"
}

#[test]
fn wycheproof_aes_256_gcm() {
    wycheproof("aes_gcm_test.json", |group, case| {
        if group["keySize"] != 256 || group["ivSize"] != 96 || group["tagSize"] != 128 {
            return;
        }
        let iv: [u8; 12] = field(case, "iv").try_into().unwrap();
        let sealed = [field(case, "ct"), field(case, "tag")].concat();
        let opened = Aes256Gcm::new_from_slice(&field(case, "key"))
            .unwrap()
            .decrypt(&iv.into(), Payload { msg: &sealed, aad: &field(case, "aad") });
        assert_eq!(opened.is_ok(), is_valid(case), "{}", case["tcId"]);
        if let Ok(opened) = opened {
            assert_eq!(opened, field(case, "msg"));
        }
    });
}

#[test]
fn wycheproof_hkdf() {
    wycheproof("hkdf_sha256_test.json", |_, case| {
        let mut okm = vec![0; usize::try_from(case["size"].as_u64().unwrap()).unwrap()];
        let hkdf = Hkdf::<Sha256>::new(Some(&field(case, "salt")), &field(case, "ikm"));
        let expanded = hkdf.expand(&field(case, "info"), &mut okm).is_ok();
        assert_eq!(expanded, is_valid(case), "{}", case["tcId"]);
        assert!(!expanded || okm == field(case, "okm"), "{}", case["tcId"]);
    });
    wycheproof("hkdf_sha384_test.json", |_, case| {
        let mut okm = vec![0; usize::try_from(case["size"].as_u64().unwrap()).unwrap()];
        let hkdf = Hkdf::<Sha384>::new(Some(&field(case, "salt")), &field(case, "ikm"));
        let expanded = hkdf.expand(&field(case, "info"), &mut okm).is_ok();
        assert_eq!(expanded, is_valid(case), "{}", case["tcId"]);
        assert!(!expanded || okm == field(case, "okm"), "{}", case["tcId"]);
    });
}

/// The bytes before an uncompressed point in the ASN.1 of a secp256k1 public key.
const SPKI: &str = "3056301006072a8648ce3d020106052b8104000a034200";

#[test]
fn wycheproof_ecdh_secp256k1() {
    let mut agreed = 0;
    wycheproof("ecdh_secp256k1_test.json", |_, case| {
        let public = field(case, "public");
        let key = public.strip_prefix(hex::decode(SPKI).unwrap().as_slice()).ok_or(()).and_then(|point| {
            // Our parser decides: uncompressed, on the curve, not infinity.
            CategoryPublicKey::from_bytes(point).map_err(|_| ())
        });
        let Ok(key) = key else {
            // "acceptable" is other ASN.1 for the same key; our parser accepts only one form.
            assert!(!is_valid(case), "{}", case["tcId"]);
            return;
        };
        assert_ne!(case["result"], "invalid", "{}", case["tcId"]);
        let private = field(case, "private");
        let mut scalar = [0; 32];
        let digits = &private[private.len().saturating_sub(32)..];
        scalar[32 - digits.len()..].copy_from_slice(digits);
        let secret = k256::SecretKey::from_slice(&scalar).unwrap();
        let point = k256::PublicKey::from_sec1_bytes(key.as_bytes()).unwrap();
        let shared = diffie_hellman::<k256::Secp256k1>(secret.to_nonzero_scalar(), point.as_affine());
        assert_eq!(shared.raw_secret_bytes().as_slice(), field(case, "shared"), "{}", case["tcId"]);
        agreed += 1;
    });
    assert!(agreed == 0 || agreed > 300, "only {agreed}");
}

#[test]
fn wycheproof_session_signatures() {
    wycheproof("ecdsa_secp256r1_sha256_p1363_test.json", |group, case| {
        let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&field(&group["publicKey"], "uncompressed")).unwrap();
        let verified = verify_session_signature(&key, &field(case, "msg"), &field(case, "sig"));
        assert_eq!(verified, is_valid(case), "{} {}", case["tcId"], case["comment"]);
    });
}

#[test]
fn wycheproof_ecdsa_secp256k1_low_s() {
    use k256::ecdsa::{Signature, VerifyingKey, signature::Verifier};
    wycheproof("ecdsa_secp256k1_sha256_bitcoin_test.json", |group, case| {
        let key = VerifyingKey::from_sec1_bytes(&field(&group["publicKey"], "uncompressed")).unwrap();
        // The same as in the keyring: strict parsing, and a high s is not the same signature as its low twin.
        let verified = Signature::from_der(&field(case, "sig")).is_ok_and(|signature| {
            signature.normalize_s() == signature && key.verify(&field(case, "msg"), &signature).is_ok()
        });
        assert_eq!(verified, is_valid(case), "{} {}", case["tcId"], case["comment"]);
    });
}
