//! AES-256-GCM encryption, and padding for short texts that hides most of their length.

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use zeroize::Zeroizing;

/// Encrypts. The caller must never use the same key and nonce twice.
pub(crate) fn encrypt(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
    Aes256Gcm::new(key.into())
        .encrypt(nonce.into(), Payload { msg: plaintext, aad })
        .expect("short texts are within the limits of AES-GCM")
}

/// Decrypts. Returns `None` when the tag is wrong.
pub(crate) fn decrypt(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], ciphertext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    Aes256Gcm::new(key.into()).decrypt(nonce.into(), Payload { msg: ciphertext, aad }).ok().map(Zeroizing::new)
}

/// Returns length (u32) ‖ text ‖ zeros up to `len`, or `None` when the text does not fit.
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

/// Returns the text that was padded with [`pad`], or `None` when the length or the zeros are wrong.
pub(crate) fn unpad(padded: &[u8]) -> Option<&[u8]> {
    let (length, rest) = padded.split_first_chunk::<4>()?;
    let (text, zeros) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    zeros.iter().all(|&byte| byte == 0).then_some(text)
}
