//! Notes: the reason in an access request, which only the patient can read.
//!
//! ```text
//!  off  len
//!    0 1172  capsule of the note's key, sealed to the patient
//! 1172 1040  AES-256-GCM, nonce of zeros, over: length 4 ‖ UTF-8 text ‖ zeros up to 1,024; and its tag
//! ```
//!
//! The key is new for each note, so the nonce may be constant. Associated data: `"medlock/v1/note\0"` ‖ capsule ‖ the
//! [`Binding`] ‖ author 20. The author is included so that nobody can present the note of another person as their own.

use alloy::primitives::Address;
use rand::CryptoRng;
use zeroize::Zeroizing;

use crate::{
    capsule::{Binding, CAPSULE_LEN, Capsule, CapsuleError},
    identity::{IdentityKey, PublicKey},
    kdf, sealed_box,
    secret::NoteKey,
};

/// The length of a sealed note, in bytes.
pub const NOTE_LEN: usize = CAPSULE_LEN + PADDED_LEN + 16;
/// The longest text, in bytes of UTF-8.
pub const MAX_NOTE_TEXT_LEN: usize = PADDED_LEN - 4;
const PADDED_LEN: usize = 1_024;

/// The reason why a note cannot be made or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// The text is longer than [`MAX_NOTE_TEXT_LEN`] bytes.
    #[error("the note is too long")]
    TooLong,
    /// The note is not [`NOTE_LEN`] bytes, or does not begin with a capsule.
    #[error("malformed note")]
    Malformed,
    /// The note is for another key, chain, registry or epoch.
    #[error("the note is not for this key")]
    NoMatch,
    /// The note was changed, or another person than the given author wrote it.
    #[error("the note was changed or has another author")]
    Tag,
}

/// Seals a text to a patient. `binding` is [`Binding::note`].
///
/// # Errors
/// [`NoteError::TooLong`] for a text longer than [`MAX_NOTE_TEXT_LEN`].
pub fn seal(
    text: &str,
    author: Address,
    patient_key: &PublicKey,
    binding: &Binding,
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, NoteError> {
    let padded = sealed_box::pad(text.as_bytes(), PADDED_LEN).ok_or(NoteError::TooLong)?;
    let key = NoteKey::generate(rng);
    let capsule = Capsule::seal(&key, patient_key, binding);
    let ciphertext = sealed_box::encrypt(key.expose(), &[0; 12], &aad(&capsule, binding, author), &padded);
    Ok([capsule.as_bytes(), &ciphertext].concat())
}

/// Opens a note that `author` sent.
///
/// # Errors
/// [`NoteError`] when the note is malformed, was changed, or is for another key or author.
pub fn open(
    note: &[u8],
    author: Address,
    patient_key: &IdentityKey,
    binding: &Binding,
) -> Result<Zeroizing<String>, NoteError> {
    if note.len() != NOTE_LEN {
        return Err(NoteError::Malformed);
    }
    let (capsule, ciphertext) = note.split_at(CAPSULE_LEN);
    let capsule = Capsule::from_bytes(capsule).map_err(|_| NoteError::Malformed)?;
    let key: NoteKey = capsule.open(patient_key, binding).map_err(|error| match error {
        CapsuleError::NoMatch => NoteError::NoMatch,
        CapsuleError::Malformed | CapsuleError::Commitment => NoteError::Malformed,
    })?;
    let padded = sealed_box::decrypt(key.expose(), &[0; 12], &aad(&capsule, binding, author), ciphertext)
        .ok_or(NoteError::Tag)?;
    let text = sealed_box::unpad(&padded).ok_or(NoteError::Malformed)?;
    let text = std::str::from_utf8(text).map_err(|_| NoteError::Malformed)?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn aad(capsule: &Capsule, binding: &Binding, author: Address) -> Vec<u8> {
    [kdf::NOTE, capsule.as_bytes(), &binding.to_bytes(), author.as_slice()].concat()
}
