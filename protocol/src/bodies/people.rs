//! Published keys and the directory of accredited people.

use alloy::primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::{codes::Role, statements::SignedProfile};

/// `GET /v1/keys/{address}`: the current identity key. Clients check its hash against the chain.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PublishedKey {
    /// Whose key.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub owner: Address,
    /// From 1.
    pub epoch: u32,
    /// HPKE KEM id.
    #[schema(maximum = 65535)]
    pub kem: u16,
    /// Uncompressed point, 65 bytes.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x([0-9a-fA-F]{2})*$")]
    pub key: Bytes,
    /// keccak256 of `key`.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub key_hash: B256,
    /// Unix seconds.
    pub since: u64,
}

/// One entry of `GET /v1/directory?role=&name=`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DirectoryEntry {
    /// The practitioner.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub address: Address,
    /// Who vouches.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub accreditor: Address,
    /// In which roles.
    pub roles: Vec<Role>,
    /// Unix seconds.
    pub valid_from: u64,
    /// Unix seconds.
    pub valid_until: u64,
    /// Whether it is suspended, or its accreditor is.
    pub suspended: bool,
    /// Whether a key is published, so that one can share with it.
    pub has_key: bool,
    /// What the accreditor signed about it (`PUT /v1/directory/{address}` takes a [`SignedProfile`]).
    pub profile: Option<SignedProfile>,
}

/// Filters of the directory.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::IntoParams, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DirectoryQuery {
    /// Only this role.
    pub role: Option<Role>,
    /// Only names that begin so, ignoring case.
    pub name: Option<String>,
    /// Where to go on.
    pub cursor: Option<String>,
    /// At most this many items, 1 to 500.
    #[param(minimum = 1, maximum = 500)]
    #[serde(default, deserialize_with = "crate::digits::option")]
    pub limit: Option<u32>,
}

/// One entry of `GET /v1/blocks`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BlockView {
    /// Whose grants and requests the caller does not want.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub address: Address,
    /// Unix seconds.
    pub since: u64,
}
