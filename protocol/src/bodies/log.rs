//! The access log.

use alloy::primitives::{Address, B256};
use serde::{Deserialize, Serialize};

use crate::{
    codes::Purpose,
    ids::{LeafHash, RecordId, Tag},
    reads::Leaf,
};

/// One read. Patients see those of their records; auditors see all, without reader or evidence.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LogEntry {
    /// Index of the leaf in the operator's log; absent until it is anchored.
    pub index: Option<u64>,
    /// Leaf hash.
    pub leaf: LeafHash,
    /// Which record.
    pub record: RecordId,
    /// The version, if the operator's evidence is at hand.
    #[schema(maximum = 65535)]
    pub version: Option<u16>,
    /// The reader's tag.
    pub tag: Tag,
    /// Why.
    pub purpose: Purpose,
    /// Who read; for the patient of the record and for the reader.
    #[serde(default, with = "crate::hex_text::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub reader: Option<Address>,
    /// Unix seconds of the key release.
    pub time: u64,
    /// Block of the `Accessed` event.
    pub block_number: Option<u64>,
    /// Transaction of the `Accessed` event.
    #[serde(default, with = "crate::hex_text::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub tx_hash: Option<B256>,
}

/// `GET /v1/log/leaves/{leaf}`: the operator's evidence, for the patient of the record and for the reader.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LogEvidence {
    /// Everything the leaf hash commits to.
    pub leaf: Leaf,
    /// The leaf hash.
    pub hash: LeafHash,
}

/// A checkpoint on chain.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CheckpointView {
    /// Whose log.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub operator: Address,
    /// Number of leaves.
    pub size: u64,
    /// RFC 6962 root.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub root: B256,
    /// Chained head.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub head: B256,
    /// Block number.
    pub block_number: u64,
    /// Unix seconds.
    pub time: u64,
    /// Transaction.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub tx_hash: B256,
}

/// Filters of `GET /v1/log`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::IntoParams, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LogQuery {
    /// Only reads of this record (hex).
    #[param(value_type = Option<String>, pattern = "^0x[0-9a-fA-F]{64}$")]
    #[schema(value_type = Option<String>, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub record: Option<RecordId>,
    /// Only reads for this purpose.
    pub purpose: Option<Purpose>,
    /// Only reads from this second on.
    #[param(maximum = 1_099_511_627_775_u64)]
    #[schema(maximum = 1_099_511_627_775_u64)]
    #[serde(default, deserialize_with = "crate::digits::option")]
    pub from: Option<u64>,
    /// Only reads before this second.
    #[param(maximum = 1_099_511_627_775_u64)]
    #[schema(maximum = 1_099_511_627_775_u64)]
    #[serde(default, deserialize_with = "crate::digits::option")]
    pub until: Option<u64>,
    /// Where to go on.
    pub cursor: Option<String>,
    /// At most this many items, 1 to 500.
    #[param(minimum = 1, maximum = 500)]
    #[serde(default, deserialize_with = "crate::digits::option")]
    pub limit: Option<u32>,
}
