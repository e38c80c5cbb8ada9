//! Signing in, and what belongs to one's own account.

use alloy::primitives::{Address, Bytes};
use serde::{Deserialize, Serialize};

use crate::{codes::Role, deployment::Deployment};

/// `GET /v1/auth/challenge`: what a login message must say.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Challenge {
    /// To be used once, soon.
    pub nonce: String,
    /// EIP-4361 domain.
    pub domain: String,
    /// EIP-4361 URI.
    pub uri: String,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The server's time, unix seconds.
    pub server_time: u64,
    /// Unix seconds until which the nonce counts.
    pub nonce_expires_at: u64,
    /// The longest session, in seconds from `Issued At`.
    pub session_seconds_max: u64,
}

/// `POST /v1/auth/login`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginBody {
    /// The exact EIP-4361 text that was signed.
    pub message: String,
    /// The wallet's signature over it (EIP-191), or what its contract accepts (ERC-1271).
    #[serde(with = "crate::signature_text")]
    #[schema(value_type = String, pattern = "^0x([0-9a-fA-F]{2})*$", max_length = 16386)]
    pub signature: Bytes,
}

/// The answer to a login.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SessionToken {
    /// `Authorization: Bearer …`. Browsers may ignore it and use the cookie.
    pub token: String,
    /// Who is signed in.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub address: Address,
    /// Unix seconds.
    pub expires_at: u64,
}

/// `GET /v1/me`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Me {
    /// Who is signed in.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub address: Address,
    /// Unix seconds.
    pub session_expires_at: u64,
    /// Roles that count now; empty for a patient.
    pub roles: Vec<Role>,
    /// Whether the address may vouch for practitioners.
    pub accreditor: bool,
    /// Epoch of the published identity key; 0 if none.
    pub key_epoch: u32,
    /// Whether the server keeps a keyring of this account.
    #[serde(default)]
    pub has_keyring: bool,
    /// Whether the server keeps an address book of this account.
    #[serde(default)]
    pub has_address_book: bool,
    /// Bytes stored for this account.
    pub stored_bytes: u64,
    /// The most bytes this account may store.
    pub quota_bytes: u64,
}

/// `GET /v1/deployment`: where the contracts are and what this server is. A client compares it with its own copy.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ServerInfo {
    /// The server's copy of the deployment file, with the keys to which release shares are sealed.
    pub deployment: Deployment,
    /// Largest envelope, in bytes.
    pub envelope_bytes_max: u64,
    /// Within so many seconds of a read its leaf stands on chain.
    pub anchor_seconds_max: u64,
    /// The server's version.
    pub version: String,
}

/// `GET` and `PUT /v1/keyring`, `/v1/address-book`: bytes that only their owner can open. `PUT` needs `If-Match` with
/// the revision it replaces, or `If-None-Match: *` for the first.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrivateBlob {
    /// Opaque to the server; base64.
    pub content: String,
}
