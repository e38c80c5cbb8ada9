//! One leaf of the operator's log as it is stored: the evidence of one read.

use alloy::primitives::Address;
use protocol::{
    codes::Purpose,
    hex_text,
    ids::{LeafHash, RecordId, Tag},
    reads::{Leaf, SignedReceipt},
};
use serde::{Deserialize, Serialize};

use crate::store::json_text;

/// A read. `_id`: its leaf hash. Once written, only its place in the log is ever added.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct LeafDoc {
    #[serde(rename = "_id")]
    pub(crate) id: LeafHash,
    /// SHA-256 of the login message, hex: names the session key.
    pub(crate) session: String,
    /// The request's nonce, hex; unique for the session.
    pub(crate) nonce: String,
    /// Everything that the hash commits to.
    #[serde(with = "json_text")]
    pub(crate) leaf: Leaf,
    #[serde(with = "json_text")]
    pub(crate) receipt: SignedReceipt,
    #[serde(with = "hex_text")]
    pub(crate) patient: Address,
    #[serde(with = "hex_text")]
    pub(crate) reader: Address,
    pub(crate) record: RecordId,
    pub(crate) tag: Tag,
    pub(crate) purpose: Purpose,
    /// Unix seconds of the key release.
    pub(crate) time: i64,
    /// Unix milliseconds, to keep the order of arrival.
    pub(crate) appended_at: i64,
    /// Whether the sequencer has given it its place.
    pub(crate) is_placed: bool,
    /// Its index in the log, once it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) index: Option<i64>,
}

impl LeafDoc {
    pub(super) fn new(id: LeafHash, leaf: Leaf, patient: Address, receipt: SignedReceipt) -> Self {
        let request = &leaf.request;
        Self {
            id,
            session: format!("{:#x}", request.login_hash),
            nonce: format!("{:#x}", request.nonce),
            patient,
            reader: request.grantee,
            record: request.record,
            tag: request.tag(),
            purpose: request.purpose,
            time: i64::try_from(leaf.time).unwrap_or(i64::MAX),
            appended_at: jiff::Timestamp::now().as_millisecond(),
            is_placed: false,
            index: None,
            leaf,
            receipt,
        }
    }
}
