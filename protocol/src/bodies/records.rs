//! Blobs, records and versions.

use alloy::primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::{
    codes::{Category, RecordStatus},
    ids::RecordId,
    messages::SignedAction,
};

/// `POST /v1/blobs` (body: the envelope's bytes, `application/octet-stream`, with `Content-Length`): where it lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StoredBlob {
    /// CIDv1, base32.
    pub cid: String,
    /// Bytes of the envelope.
    pub size: u64,
}

/// `POST /v1/records`: a signed `RegisterRecord`, `RegisterVersion`; answered 201 when mined, 202 after a while.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterBody {
    /// The signed message. Absent when the uploader sent the transaction itself (`--direct`): then `record` and
    /// `version` name what stands on chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<SignedAction>,
    /// The record that the message registers.
    pub record: RecordId,
    /// The version that the message registers, from 1.
    #[schema(maximum = 65535)]
    pub version: u16,
    /// The release share B, a capsule (117 bytes) sealed to the operator's key.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x([0-9a-fA-F]{2})*$")]
    pub release_share: Bytes,
    /// Opens the record id for its first uploader: proves that a depositor who is not the patient is the uploader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<crate::ids::Salt>,
    /// Opens the uploader's WRITE tag for the patient: without a signed message it proves that the uploader may still upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write_salt: Option<crate::ids::Salt>,
}

/// `PUT /v1/records/{record}/versions/{version}/release-share`: the patient puts B in again, or replaces a wrong one.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseShareBody {
    /// A capsule (117 bytes) sealed to the operator's key.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x([0-9a-fA-F]{2})*$")]
    pub release_share: Bytes,
}

/// How many versions a [`RecordView`] shows at most.
pub const VERSIONS_SHOWN: u16 = 50;

/// A record as the caller may see it.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RecordView {
    /// The record.
    pub id: RecordId,
    /// Whose it is.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub patient: Address,
    /// Who uploaded version 1.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub uploader: Address,
    /// Its folder.
    pub category: Category,
    /// Where it stands.
    pub status: RecordStatus,
    /// How often it was tombstoned or its tombstone lifted; a tombstone and a lift name it.
    pub tombstone_epoch: u32,
    /// Unix seconds from which on its tombstone can no longer be lifted, and servers destroy; absent where none stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liftable_until: Option<u64>,
    /// Unix seconds.
    pub created: u64,
    /// How many versions it has.
    pub version_count: u16,
    /// The newest [`VERSIONS_SHOWN`] at most, oldest first; `GET /v1/records/{record}/versions` gives all.
    pub versions: Vec<VersionView>,
}

/// One version of a record.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct VersionView {
    /// From 1.
    #[schema(maximum = 65535)]
    pub version: u16,
    /// Who uploaded it.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub uploader: Address,
    /// Whether its uploader says not to rely on it. It can be read as before.
    pub retracted: bool,
    /// CIDv1 of the envelope.
    pub cid: String,
    /// Bytes of the envelope, if this server holds it.
    pub size: Option<u64>,
    /// Whether the operator holds its release share, so that grantees can open it.
    pub has_release_share: bool,
    /// Unix seconds.
    pub registered_at: u64,
    /// Block of the registration.
    pub block_number: u64,
    /// Transaction of the registration.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub tx_hash: B256,
}

/// Filters of `GET /v1/records`: what the caller owns, uploaded, or was granted.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::IntoParams, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RecordQuery {
    /// Only this record (hex), if the caller may see it; whoever has granted it.
    #[param(value_type = Option<String>, pattern = "^0x[0-9a-fA-F]{64}$")]
    #[schema(value_type = Option<String>, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub record: Option<RecordId>,
    /// Only records of this patient (hex).
    #[param(value_type = Option<String>, pattern = "^0x[0-9a-fA-F]{40}$")]
    #[schema(value_type = Option<String>, pattern = "^0x[0-9a-fA-F]{40}$")]
    #[serde(default, with = "crate::hex_text::option")]
    pub patient: Option<Address>,
    /// Only this category.
    pub category: Option<Category>,
    /// Where to go on.
    pub cursor: Option<String>,
    /// At most this many items, 1 to 500.
    #[param(minimum = 1, maximum = 500)]
    #[serde(default, deserialize_with = "crate::digits::option")]
    pub limit: Option<u32>,
}
