//! Blobs, records and versions.

use alloy::primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::{
    codes::{Category, RecordStatus},
    ids::RecordId,
    messages::SignedAction,
};

/// `POST /v1/blobs` (body: the envelope's bytes, `application/octet-stream`, with `Content-Length`): the stored
/// envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StoredBlob {
    /// The CIDv1 in base32.
    pub cid: String,
    /// The length of the envelope, in bytes.
    pub size: u64,
}

/// `POST /v1/records`: a signed `RegisterRecord` or `RegisterVersion`. The answer is 201 when it is mined, or 202 if it
/// is not mined within some seconds.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterBody {
    /// The signed message. Absent when the uploader sent the transaction directly (`--direct`); then `record` and
    /// `version` name a version that is already on chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<SignedAction>,
    /// The record that the message registers.
    pub record: RecordId,
    /// The version that the message registers, from 1.
    #[schema(maximum = 65535)]
    pub version: u16,
    /// The release share B: a capsule (1,172 bytes) sealed to the operator's key.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x([0-9a-fA-F]{2})*$")]
    pub release_share: Bytes,
    /// The salt that opens the record id for its first uploader. It proves that a depositor who is not the patient is
    /// the uploader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<crate::ids::Salt>,
    /// The salt that opens the uploader's WRITE tag for the patient. When there is no signed message, it proves that
    /// the uploader may still upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write_salt: Option<crate::ids::Salt>,
}

/// `PUT /v1/records/{record}/versions/{version}/release-share`: the patient deposits B again, or replaces a wrong one.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseShareBody {
    /// The release share B: a capsule (1,172 bytes) sealed to the operator's key.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x([0-9a-fA-F]{2})*$")]
    pub release_share: Bytes,
}

/// The largest number of versions in a [`RecordView`].
pub const VERSIONS_SHOWN: u16 = 50;

/// A record, as the caller may see it.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RecordView {
    /// The id of the record.
    pub id: RecordId,
    /// The patient.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub patient: Address,
    /// The uploader of version 1.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub uploader: Address,
    /// The category.
    pub category: Category,
    /// The status.
    pub status: RecordStatus,
    /// The number of times the record was tombstoned or its tombstone lifted. Messages that tombstone or lift contain
    /// this number.
    pub tombstone_epoch: u32,
    /// The time from which the tombstone can no longer be lifted and servers destroy the data, in Unix seconds; absent
    /// when the record has no tombstone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liftable_until: Option<u64>,
    /// The time of version 1, in Unix seconds.
    pub created: u64,
    /// The number of versions.
    pub version_count: u16,
    /// The newest versions, at most 50, oldest first; `GET /v1/records/{record}/versions` returns all.
    pub versions: Vec<VersionView>,
}

/// One version of a record.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct VersionView {
    /// The version number, from 1.
    #[schema(maximum = 65535)]
    pub version: u16,
    /// The uploader of this version.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub uploader: Address,
    /// Whether the uploader says that the version must not be relied on. It can still be read.
    pub retracted: bool,
    /// The CIDv1 of the envelope.
    pub cid: String,
    /// The length of the envelope in bytes, if this server has it.
    pub size: Option<u64>,
    /// Whether the operator has the release share of this version, which grantees need to open it.
    pub has_release_share: bool,
    /// The time of the registration, in Unix seconds.
    pub registered_at: u64,
    /// The block of the registration.
    pub block_number: u64,
    /// The transaction of the registration.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub tx_hash: B256,
}

/// Filters of `GET /v1/records`, which lists the records that the caller owns, uploaded, or was granted.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::IntoParams, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RecordQuery {
    /// Only this record (hex), if the caller may see it, also if a stranger granted it.
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
    /// Where to continue: the `next` of the page before.
    pub cursor: Option<String>,
    /// The largest number of items, 1 to 500; 100 if absent.
    #[param(minimum = 1, maximum = 500)]
    #[serde(default, deserialize_with = "crate::digits::option")]
    pub limit: Option<u32>,
}
