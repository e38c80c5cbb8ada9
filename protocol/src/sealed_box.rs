//! AES-256-GCM over short texts, padded so that their length says little.

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use zeroize::Zeroizing;

/// Encrypts; the caller makes sure that a key and nonce never meet twice.
pub(crate) fn encrypt(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
    Aes256Gcm::new(key.into())
        .encrypt(nonce.into(), Payload { msg: plaintext, aad })
        .expect("short texts are within the limits of AES-GCM")
}

/// Decrypts; `None` when the tag does not hold.
pub(crate) fn decrypt(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], ciphertext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    Aes256Gcm::new(key.into()).decrypt(nonce.into(), Payload { msg: ciphertext, aad }).ok().map(Zeroizing::new)
}

/// Length (u32) ‖ text ‖ zeros up to `len`. `None` when it does not fit.
pub(crate) fn pad(text: &[u8], len: usize) -> Option<Zeroizing<Vec<u8>>> {
    if text.len() + 4 > len {
        return None;
    }
    let mut padded = Zeroizing::new(Vec::with_capacity(len));
    padded.extend_from_slice(&u32::try_from(text.len()).ok()?.to_be_bytes());
    padded.extend_from_slice(text);
    padded.resize(len, 0);
    Some(padded)
}

/// The text of [`pad`]; `None` unless length and zeros are right.
pub(crate) fn unpad(padded: &[u8]) -> Option<&[u8]> {
    let (length, rest) = padded.split_first_chunk::<4>()?;
    let (text, zeros) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    zeros.iter().all(|&byte| byte == 0).then_some(text)
}
