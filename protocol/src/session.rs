//! Sign-in: the one login message (EIP-4361) that medlock asks for and accepts, and the session key in it.
//!
//! The message carries exactly one resource, the public half of a P-256 session key. Read requests are signed by that
//! key, so that the log can show that the wallet's owner stood behind each read without a wallet prompt each time.

use alloy::primitives::Address;
use p256::ecdsa::{Signature, VerifyingKey, signature::Verifier};

/// The statement of every login message.
pub const LOGIN_STATEMENT: &str = "Sign in to medlock. This device may list what you may see and ask for records in your name until the session ends.";
/// The prefix of the one resource; the uncompressed point (65 bytes, lower-case hex) follows.
pub const SESSION_RESOURCE_PREFIX: &str = "urn:medlock:session:p256:";

/// What a login message says; every part is fixed by the server's challenge but the address and the key.
#[derive(Clone, Debug)]
pub struct LoginMessage<'a> {
    /// RFC 3986 authority that asks, as the challenge gives it.
    pub domain: &'a str,
    /// Who signs in.
    pub address: Address,
    /// RFC 3986 URI of the API, as the challenge gives it.
    pub uri: &'a str,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The challenge's nonce.
    pub nonce: &'a str,
    /// RFC 3339 time of signing.
    pub issued_at: &'a str,
    /// RFC 3339 time at which the session ends.
    pub expiration_time: &'a str,
    /// The session key, uncompressed point.
    pub session_key: &'a [u8; 65],
}

impl std::fmt::Display for LoginMessage<'_> {
    /// The exact text to sign (EIP-4361), address in checksum form (EIP-55).
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} wants you to sign in with your Ethereum account:\n{}\n\n{LOGIN_STATEMENT}\n\nURI: {}\nVersion: 1\nChain ID: {}\nNonce: {}\nIssued At: {}\nExpiration Time: {}\nResources:\n- {SESSION_RESOURCE_PREFIX}{}",
            self.domain,
            self.address.to_checksum(None),
            self.uri,
            self.chain_id,
            self.nonce,
            self.issued_at,
            self.expiration_time,
            hex::encode(self.session_key),
        )
    }
}

/// Reads the session key out of a resource URI; `None` if it is anything else.
#[must_use]
pub fn parse_session_resource(resource: &str) -> Option<VerifyingKey> {
    let point = resource.strip_prefix(SESSION_RESOURCE_PREFIX)?;
    if point.len() != 130 || point.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let bytes = hex::decode(point).ok()?;
    if bytes[0] != 0x04 {
        return None;
    }
    VerifyingKey::from_sec1_bytes(&bytes).ok()
}

/// Checks a session key's signature: 64 bytes r ‖ s (IEEE P1363), ECDSA with SHA-256.
#[must_use]
pub fn verify_session_signature(key: &VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
    Signature::from_slice(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
}
