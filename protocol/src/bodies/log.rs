//! The access log.

use alloy::primitives::{Address, B256};
use serde::{Deserialize, Serialize};

use crate::{
    codes::Purpose,
    ids::{LeafHash, RecordId, Tag},
    reads::Leaf,
};

/// One read. Patients see the reads of their records. Auditors see all reads, without reader or evidence.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LogEntry {
    /// The index of the leaf in the operator's log; absent until it is anchored.
    pub index: Option<u64>,
    /// The leaf hash.
    pub leaf: LeafHash,
    /// The record that was read.
    pub record: RecordId,
    /// The version, if the server has the operator's evidence.
    #[schema(maximum = 65535)]
    pub version: Option<u16>,
    /// The reader's tag.
    pub tag: Tag,
    /// The purpose of the read.
    pub purpose: Purpose,
    /// The reader; only for the patient of the record and for the reader.
    #[serde(default, with = "crate::hex_text::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub reader: Option<Address>,
    /// The time of the key release, in Unix seconds.
    pub time: u64,
    /// The block of the `Accessed` event.
    pub block_number: Option<u64>,
    /// The transaction of the `Accessed` event.
    #[serde(default, with = "crate::hex_text::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub tx_hash: Option<B256>,
}

/// `GET /v1/log/leaves/{leaf}`: the operator's evidence. Only for the patient of the record and for the reader.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LogEvidence {
    /// The leaf: everything that the leaf hash commits to.
    pub leaf: Leaf,
    /// The leaf hash.
    pub hash: LeafHash,
}

/// A checkpoint on chain.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CheckpointView {
    /// The operator of the log.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub operator: Address,
    /// The number of leaves.
    pub size: u64,
    /// The RFC 6962 root.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub root: B256,
    /// The head, which includes the head before it.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub head: B256,
    /// The block number.
    pub block_number: u64,
    /// The block time, in Unix seconds.
    pub time: u64,
    /// The transaction hash.
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
    /// Only reads at or after this time, in Unix seconds.
    #[param(maximum = 1_099_511_627_775_u64)]
    #[schema(maximum = 1_099_511_627_775_u64)]
    #[serde(default, deserialize_with = "crate::digits::option")]
    pub from: Option<u64>,
    /// Only reads before this time, in Unix seconds.
    #[param(maximum = 1_099_511_627_775_u64)]
    #[schema(maximum = 1_099_511_627_775_u64)]
    #[serde(default, deserialize_with = "crate::digits::option")]
    pub until: Option<u64>,
    /// Where to continue: the `next` of the page before.
    pub cursor: Option<String>,
    /// The largest number of items, 1 to 500; 100 if absent.
    #[param(minimum = 1, maximum = 500)]
    #[serde(default, deserialize_with = "crate::digits::option")]
    pub limit: Option<u32>,
}
