//! Read requests and their answers.

use alloy::primitives::{B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::{
    ids::LeafHash,
    reads::{ReadRequest, SignedReceipt},
};

/// `POST /v1/reads`: a request to open a record. Sending the same bytes again gives the same receipt.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadBody {
    /// The read request.
    pub request: ReadRequest,
    /// The session key's signature over the signed bytes of the request: 64 bytes r ‖ s.
    #[serde(with = "crate::signature_text")]
    #[schema(value_type = String, pattern = "^0x([0-9a-fA-F]{2})*$", max_length = 16386)]
    pub signature: Bytes,
}

/// The answer to a read request: the release share, and the promise that the read is in the log.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReadAnswer {
    /// The release share B, 32 bytes. It is useless without the reader share.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub release_share: B256,
    /// The hash of the log leaf.
    pub leaf: LeafHash,
    /// The operator's receipt.
    pub receipt: SignedReceipt,
    /// The time until which the permission lasts, in Unix seconds, if nothing else changes.
    pub allowed_until: u64,
}
