//! Sign-in, and the data of the caller's own account.

use alloy::primitives::{Address, Bytes};
use serde::{Deserialize, Serialize};

use crate::{codes::Role, deployment::Deployment};

/// `GET /v1/auth/challenge`: the parts of the login message that the server chooses.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Challenge {
    /// A nonce that can be used once, until `nonce_expires_at`.
    pub nonce: String,
    /// The EIP-4361 domain.
    pub domain: String,
    /// The EIP-4361 URI.
    pub uri: String,
    /// The EIP-155 chain id.
    pub chain_id: u64,
    /// The server's time, in Unix seconds.
    pub server_time: u64,
    /// The time until which the nonce is valid, in Unix seconds.
    pub nonce_expires_at: u64,
    /// The longest duration of a session, in seconds from `Issued At`.
    pub session_seconds_max: u64,
}

/// `POST /v1/auth/login`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginBody {
    /// The exact EIP-4361 text that was signed.
    pub message: String,
    /// The wallet's signature over it (EIP-191), or a signature that the account's contract accepts (ERC-1271).
    #[serde(with = "crate::signature_text")]
    #[schema(value_type = String, pattern = "^0x([0-9a-fA-F]{2})*$", max_length = 16386)]
    pub signature: Bytes,
}

/// The answer to a login.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SessionToken {
    /// The token for `Authorization: Bearer …`. Browsers may ignore it and use the cookie.
    pub token: String,
    /// The address that is signed in.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub address: Address,
    /// The end of the session, in Unix seconds.
    pub expires_at: u64,
}

/// `GET /v1/me`: the caller's own account.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Me {
    /// The address that is signed in.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub address: Address,
    /// The end of the session, in Unix seconds.
    pub session_expires_at: u64,
    /// The roles for which the address is accredited now; empty for a patient.
    pub roles: Vec<Role>,
    /// Whether the address may vouch for practitioners.
    pub accreditor: bool,
    /// The epoch of the published identity key; 0 if none.
    pub key_epoch: u32,
    /// Whether the server stores a keyring of this account.
    #[serde(default)]
    pub has_keyring: bool,
    /// Whether the server stores an address book of this account.
    #[serde(default)]
    pub has_address_book: bool,
    /// The number of bytes stored for this account.
    pub stored_bytes: u64,
    /// The largest number of bytes that this account may store.
    pub quota_bytes: u64,
}

/// `GET /v1/deployment`: the contracts and the server. A client compares the deployment with its own copy.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ServerInfo {
    /// The server's copy of the deployment file, with the keys to which release shares are sealed.
    pub deployment: Deployment,
    /// The largest envelope that the server accepts, in bytes.
    pub envelope_bytes_max: u64,
    /// The longest time from a read until its leaf is on chain, in seconds.
    pub anchor_seconds_max: u64,
    /// The server's version.
    pub version: String,
}

/// `GET` and `PUT /v1/keyring`, `/v1/address-book`: bytes that only their owner can decrypt. `PUT` needs `If-Match`
/// with the revision that it replaces, or `If-None-Match: *` for the first.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrivateBlob {
    /// The content, in base64. The server cannot decrypt it.
    pub content: String,
}
