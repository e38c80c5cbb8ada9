//! Key derivation: HKDF-SHA-256 (RFC 5869). Every use has its own label.
//!
//! A label is ASCII text that ends with one zero byte and contains no other zero byte. Therefore no label is the prefix
//! of another, and fields of fixed width can follow it without ambiguity.

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Identity key of an epoch, from the seed.
pub(crate) const IDENTITY_KEY: &[u8] = b"medlock/v1/identity-key\0";
/// Category key of an epoch, from the seed.
pub(crate) const CATEGORY_KEY: &[u8] = b"medlock/v1/category-key\0";
/// The HMAC key for all tag salts of a person, from the seed.
pub(crate) const TAG_SECRET: &[u8] = b"medlock/v1/tag-secret\0";
/// The key of the address book, from the seed.
pub(crate) const ADDRESS_BOOK: &[u8] = b"medlock/v1/address-book\0";
/// HPKE info of every capsule.
pub(crate) const CAPSULE: &[u8] = b"medlock/v1/capsule\0";
/// The message m of ML-KEM in a capsule of X-Wing, from the sealed secret.
pub(crate) const CAPSULE_MLKEM: &[u8] = b"medlock/v1/capsule-mlkem\0";
/// The ephemeral X25519 key of a capsule of X-Wing, from the sealed secret.
pub(crate) const CAPSULE_X25519: &[u8] = b"medlock/v1/capsule-x25519\0";
/// The ephemeral key of a capsule of DHKEM(secp256k1), from the sealed secret.
pub(crate) const CAPSULE_EPHEMERAL: &[u8] = b"medlock/v1/capsule-ephemeral\0";
/// B from the data key.
pub(crate) const RELEASE_SHARE: &[u8] = b"medlock/v1/release-share\0";
/// FLOE associated data of every envelope.
pub(crate) const ENVELOPE: &[u8] = b"medlock/v1/envelope\0";
/// Associated data of a note.
pub(crate) const NOTE: &[u8] = b"medlock/v1/note\0";
/// The first bytes of the input to the bundle hash.
pub(crate) const BUNDLE: &[u8] = b"medlock/v1/bundle\0";
/// Key-encryption key of the wallet unlocker, from the signature.
pub(crate) const KEYRING_WALLET: &[u8] = b"medlock/v1/keyring-wallet\0";
/// AES key of a keyring entry, from its key-encryption key.
pub(crate) const KEYRING_KEY: &[u8] = b"medlock/v1/keyring-key\0";
/// Commitment of a keyring entry, from its key-encryption key.
pub(crate) const KEYRING_COMMITMENT: &[u8] = b"medlock/v1/keyring-commitment\0";
/// AES key of the command line's wallet file, from its key-encryption key.
pub(crate) const WALLET_FILE_KEY: &[u8] = b"medlock/v1/wallet-file-key\0";
/// Commitment of a wallet file, from its key-encryption key.
pub(crate) const WALLET_FILE_COMMITMENT: &[u8] = b"medlock/v1/wallet-file-commitment\0";

/// `HKDF-Expand(PRK = secret, info = label ‖ fields…, L = 32)`.
///
/// Extract is left out because every secret passed here is 32 uniform bytes (RFC 5869, section 3.3). With L = 32 this
/// is one HMAC: `HMAC-SHA-256(secret, label ‖ fields… ‖ 0x01)`.
///
/// The result is wiped when it is dropped.
pub(crate) fn expand(secret: &[u8; 32], label: &[u8], fields: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let hkdf = Hkdf::<Sha256>::from_prk(secret).expect("32 bytes are the output length of SHA-256");
    expand_with(&hkdf, label, fields)
}

/// `HKDF(salt, IKM, info = label ‖ fields…, L = 32)`, for input that is not uniform.
pub(crate) fn extract_and_expand(salt: &[u8], ikm: &[u8], label: &[u8], fields: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    expand_with(&Hkdf::<Sha256>::new(Some(salt), ikm), label, fields)
}

fn expand_with(hkdf: &Hkdf<Sha256>, label: &[u8], fields: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut info = Vec::with_capacity(1 + fields.len());
    info.push(label);
    info.extend_from_slice(fields);
    let mut output = Zeroizing::new([0; 32]);
    hkdf.expand_multi_info(&info, output.as_mut_slice()).expect("32 bytes are less than 255 blocks");
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_label_is_the_prefix_of_another() {
        let labels = [
            IDENTITY_KEY,
            CATEGORY_KEY,
            TAG_SECRET,
            ADDRESS_BOOK,
            CAPSULE,
            CAPSULE_MLKEM,
            CAPSULE_X25519,
            CAPSULE_EPHEMERAL,
            RELEASE_SHARE,
            ENVELOPE,
            NOTE,
            BUNDLE,
            KEYRING_WALLET,
            KEYRING_KEY,
            KEYRING_COMMITMENT,
            WALLET_FILE_KEY,
            WALLET_FILE_COMMITMENT,
        ];
        for (i, one) in labels.iter().enumerate() {
            assert_eq!(one.iter().position(|&byte| byte == 0), Some(one.len() - 1), "ends with its only zero byte");
            for (j, other) in labels.iter().enumerate() {
                assert!(i == j || !other.starts_with(one));
            }
        }
    }
}
