//! The serde form of a signature: `0x` hex as in [`crate::hex_text`], with a limited length. The length is checked
//! before anything else.

use alloy::primitives::Bytes;
use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// The longest signature that our programs read, in bytes. A wallet's signature has 65 bytes. A contract (ERC-1271) may
/// need the signatures of all its owners, or the answer of a passkey (about 1,000 bytes). A contract that is not
/// deployed yet needs also the data to deploy it (ERC-6492).
pub const SIGNATURE_BYTES_MAX: usize = 8_192;

/// The same limit in characters of text, for schemas.
pub const SIGNATURE_CHARS_MAX: usize = 2 + 2 * SIGNATURE_BYTES_MAX;

/// Writes lower-case hex with `0x`.
pub fn serialize<S: Serializer>(value: &Bytes, to: S) -> Result<S::Ok, S::Error> {
    crate::hex_text::serialize(value, to)
}

/// Reads hex text. The error never contains the input.
pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
    if text.len() > SIGNATURE_CHARS_MAX {
        return Err(D::Error::custom("a signature may have at most 8192 bytes"));
    }
    crate::hex_text::deserialize(serde::de::value::CowStrDeserializer::new(text))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::SIGNATURE_BYTES_MAX;
    use crate::messages::{KEY_BYTES_MAX, REVOKED_MAX, SignedAction};

    /// Returns a Revoke of `grants` grants with a signature of `signature` bytes.
    fn revoke(grants: usize, signature: usize) -> Value {
        let word = format!("0x{}", "01".repeat(32));
        let grant = json!({ "tag": word, "kind": 0, "id": word });
        let message = json!({
            "patient": format!("0x{}", "11".repeat(20)), "grants": vec![grant; grants], "nonce": "0x1", "deadline": "0x1",
        });
        json!({
            "action": { "type": "revoke", "message": message }, "signature": format!("0x{}", "ab".repeat(signature)),
        })
    }

    #[test]
    fn signed_messages_and_signatures_have_a_maximum_length() {
        let is_read = |grants, signature| serde_json::from_value::<SignedAction>(revoke(grants, signature)).is_ok();
        assert!(is_read(REVOKED_MAX, SIGNATURE_BYTES_MAX));
        assert!(!is_read(REVOKED_MAX + 1, 65));
        assert!(!is_read(1, SIGNATURE_BYTES_MAX + 1));

        let key = |bytes: usize| {
            let message = json!({
                "owner": format!("0x{}", "11".repeat(20)), "slot": 1, "epoch": 0, "kem": 1,
                "key": format!("0x{}", "ab".repeat(bytes)), "nonce": "0x1", "deadline": "0x1",
            });
            let signed = json!({ "action": { "type": "register_key", "message": message }, "signature": "0x" });
            serde_json::from_value::<SignedAction>(signed).is_ok()
        };
        assert!(key(KEY_BYTES_MAX) && !key(KEY_BYTES_MAX + 1));
    }
}
