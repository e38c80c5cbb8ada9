//! Reads.

use alloy::primitives::{B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::{
    ids::LeafHash,
    reads::{ReadRequest, SignedReceipt},
};

/// `POST /v1/reads`: the same bytes again give the same receipt.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadBody {
    /// What is wished.
    pub request: ReadRequest,
    /// 64 bytes r ‖ s by the session key over the request's signed bytes.
    #[serde(with = "crate::signature_text")]
    #[schema(value_type = String, pattern = "^0x([0-9a-fA-F]{2})*$", max_length = 16386)]
    pub signature: Bytes,
}

/// The answer: the release share, and the promise that the read is in the log.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReadAnswer {
    /// Release share B, 32 bytes. Useless without the reader share.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub release_share: B256,
    /// Hash of the log leaf.
    pub leaf: LeafHash,
    /// The operator's promise.
    pub receipt: SignedReceipt,
    /// Unix seconds until which the permission lasts, all else unchanged.
    pub allowed_until: u64,
}
