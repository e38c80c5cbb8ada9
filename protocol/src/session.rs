//! Sign-in: the only login message (EIP-4361) that medlock accepts, and the session key in it.
//!
//! The message has exactly one resource, the public half of a P-256 session key. That key signs read requests. So the
//! log can show that the wallet's owner authorised each read, without a wallet prompt for each one.

use alloy::primitives::Address;
use p256::ecdsa::{Signature, VerifyingKey, signature::Verifier};

/// The statement in every login message.
pub const LOGIN_STATEMENT: &str = "Sign in to medlock. This device may list what you may see and ask for records in your name until the session ends.";
/// The prefix of the resource. The uncompressed point (65 bytes, lower-case hex) follows.
pub const SESSION_RESOURCE_PREFIX: &str = "urn:medlock:session:p256:";

/// The content of a login message. The server's challenge determines every part except the address, the times and the
/// key.
#[derive(Clone, Debug)]
pub struct LoginMessage<'a> {
    /// The RFC 3986 authority of the site, from the challenge.
    pub domain: &'a str,
    /// The address that signs in.
    pub address: Address,
    /// The RFC 3986 URI of the API, from the challenge.
    pub uri: &'a str,
    /// The EIP-155 chain id.
    pub chain_id: u64,
    /// The nonce of the challenge.
    pub nonce: &'a str,
    /// The RFC 3339 time of signing.
    pub issued_at: &'a str,
    /// The RFC 3339 time at which the session ends.
    pub expiration_time: &'a str,
    /// The session key, as an uncompressed point.
    pub session_key: &'a [u8; 65],
}

impl std::fmt::Display for LoginMessage<'_> {
    /// Writes the exact text to sign (EIP-4361), with the address in checksum form (EIP-55).
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

/// Parses the session key from a resource URI. Returns `None` for every other resource.
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

/// Returns whether the session key has signed the message: 64 bytes r ‖ s (IEEE P1363), ECDSA with SHA-256.
#[must_use]
pub fn verify_session_signature(key: &VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
    Signature::from_slice(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
}
