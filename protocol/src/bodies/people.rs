//! Published keys and the directory of accredited people.

use alloy::primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::{codes::Role, statements::SignedProfile};

/// `GET /v1/keys/{address}`: the current identity key. Clients check its hash against the chain.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PublishedKey {
    /// The owner of the key.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub owner: Address,
    /// The epoch of the key, from 1.
    pub epoch: u32,
    /// The HPKE KEM id.
    #[schema(maximum = 65535)]
    pub kem: u16,
    /// The key: 1,216 bytes.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x([0-9a-fA-F]{2})*$")]
    pub key: Bytes,
    /// The keccak256 hash of `key`.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub key_hash: B256,
    /// The time of publication, in Unix seconds.
    pub since: u64,
}

/// One entry of `GET /v1/directory?role=&name=`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DirectoryEntry {
    /// The practitioner.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub address: Address,
    /// The accreditor who vouches for the practitioner.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub accreditor: Address,
    /// The roles of the practitioner.
    pub roles: Vec<Role>,
    /// The first second of the accreditation, in Unix seconds.
    pub valid_from: u64,
    /// The first second after the accreditation, in Unix seconds.
    pub valid_until: u64,
    /// Whether the practitioner is suspended, or its accreditor was removed after it vouched.
    pub suspended: bool,
    /// Whether the practitioner has published a key, which is needed to share with it.
    pub has_key: bool,
    /// The profile that the accreditor signed, as `PUT /v1/directory/{address}` accepts it.
    pub profile: Option<SignedProfile>,
}

/// Filters of the directory.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::IntoParams, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DirectoryQuery {
    /// Only practitioners with this role.
    pub role: Option<Role>,
    /// Only names that begin with this text, ignoring case.
    pub name: Option<String>,
    /// Where to continue: the `next` of the page before.
    pub cursor: Option<String>,
    /// The largest number of items, 1 to 500; 100 if absent.
    #[param(minimum = 1, maximum = 500)]
    #[serde(default, deserialize_with = "crate::digits::option")]
    pub limit: Option<u32>,
}

/// One entry of `GET /v1/blocks`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BlockView {
    /// The address whose grants and requests the caller does not want.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub address: Address,
    /// The time of blocking, in Unix seconds.
    pub since: u64,
}
