//! Reads: the signed request to open a record, the log leaf made from it, and the operator's receipt.

use alloy::{
    primitives::{Address, B256, Bytes},
    sol_types::SolStruct,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    codes::Purpose,
    deployment::{ContractName, Deployment},
    ids::{LeafHash, RecordId, Salt, Tag},
    messages::{SignatureError, verify_signature},
    typed_data::{described, typed_data},
};

/// The longest time for which a read request may be valid, in seconds.
pub const READ_REQUEST_SECONDS_MAX: u64 = 60;
/// The longest time that the operator may promise for anchoring a leaf on chain, in seconds after [`Leaf::time`].
pub const ANCHOR_SECONDS_MAX: u64 = 300;
const REQUEST_LABEL: &[u8] = b"medlock/v1/read-request";
const LEAF_LABEL: &[u8] = b"medlock/v1/log-leaf";

/// A request to open one version of a record. The session key signs it in the byte form of SPEC, section 10.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadRequest {
    /// The SHA-256 hash of the session's login message.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub login_hash: B256,
    /// The record to open.
    pub record: RecordId,
    /// The version to open, from 1.
    #[schema(maximum = 65535)]
    pub version: u16,
    /// The purpose of the read.
    pub purpose: Purpose,
    /// The reader: the address of the session.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{40}$")]
    pub grantee: Address,
    /// The salt that opens the reader's READ tag.
    pub salt: Salt,
    /// 32 random bytes, unique within the session.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub nonce: B256,
    /// The end of validity, in Unix seconds; at most 60 seconds from now.
    pub deadline: u64,
}

impl ReadRequest {
    /// Returns the bytes to sign: label ‖ chain id u64 ‖ RecordRegistry ‖ operator ‖ login hash ‖ record ‖ version u16
    /// ‖ purpose u16 ‖ grantee ‖ salt ‖ nonce ‖ deadline u64, big-endian.
    #[must_use]
    pub fn signed_bytes(&self, deployment: &Deployment) -> Vec<u8> {
        let registry = deployment.address_of(ContractName::RecordRegistry);
        [
            REQUEST_LABEL,
            &deployment.chain_id.to_be_bytes(),
            registry.as_slice(),
            deployment.operator.as_slice(),
            self.login_hash.as_slice(),
            self.record.0.as_slice(),
            &self.version.to_be_bytes(),
            &self.purpose.bit().to_be_bytes(),
            self.grantee.as_slice(),
            self.salt.0.as_slice(),
            self.nonce.as_slice(),
            &self.deadline.to_be_bytes(),
        ]
        .concat()
    }

    /// Returns the tag that grantee and salt open.
    #[must_use]
    pub fn tag(&self) -> Tag {
        Tag::derive(self.grantee, self.salt)
    }
}

/// The operator's evidence of one read. It proves who asked for what, when, and that the read was permitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// The signed request.
    pub request: ReadRequest,
    /// The session key's signature over the request: 64 bytes r ‖ s.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x([0-9a-fA-F]{2})*$")]
    pub signature: Bytes,
    /// The login message, which contains the session key.
    pub login_message: String,
    /// The wallet's signature over the login message.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x([0-9a-fA-F]{2})*$")]
    pub login_signature: Bytes,
    /// The hash of the block at which the permission was checked.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub block_hash: B256,
    /// The time of the read, in Unix seconds: the operator's clock or the time of that block, whichever is later.
    pub time: u64,
    /// The time by which the leaf is on chain, in Unix seconds. At most 300 seconds after `time`.
    pub anchor_by: u64,
    /// 32 random bytes, so that a leaf hash reveals nothing about its content.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-fA-F]{64}$")]
    pub blinding: B256,
}

impl Leaf {
    /// Returns the bytes of the leaf: label ‖ signed request ‖ u32 length-prefixed signature, login message and login
    /// signature ‖ block hash ‖ time u64 ‖ anchorBy u64 ‖ blinding, big-endian.
    #[must_use]
    pub fn to_bytes(&self, deployment: &Deployment) -> Vec<u8> {
        let mut bytes = LEAF_LABEL.to_vec();
        bytes.extend(self.request.signed_bytes(deployment));
        for part in [&self.signature[..], self.login_message.as_bytes(), &self.login_signature[..]] {
            let length = u32::try_from(part.len()).expect("parts are bounded by the body limit, far below 4 GiB");
            bytes.extend(length.to_be_bytes());
            bytes.extend(part);
        }
        bytes.extend(self.block_hash);
        bytes.extend(self.time.to_be_bytes());
        bytes.extend(self.anchor_by.to_be_bytes());
        bytes.extend(self.blinding);
        bytes
    }

    /// Returns the leaf hash: SHA-256(0x00 ‖ leaf bytes) (RFC 6962, section 2.1).
    #[must_use]
    pub fn hash(&self, deployment: &Deployment) -> LeafHash {
        let digest = Sha256::new().chain_update([0_u8]).chain_update(self.to_bytes(deployment)).finalize();
        LeafHash(B256::from_slice(&digest))
    }

    /// Returns whether `anchor_by` is later than `time`, by at most [`ANCHOR_SECONDS_MAX`].
    #[must_use]
    pub const fn is_promised_in_time(&self) -> bool {
        self.time < self.anchor_by && self.anchor_by <= self.time.saturating_add(ANCHOR_SECONDS_MAX)
    }
}

typed_data! {
    /// The operator's promise that a leaf is in its log and will be anchored on chain by `anchorBy` (Unix seconds).
    /// `anchorBy` is the same as in the leaf.
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct ReadReceipt { address operator; bytes32 leaf; bytes32 record; uint16 version; uint64 anchorBy; }
}

described! { ReadReceipt }

/// A receipt for a read, with the operator's EIP-712 signature in the domain of `AccessLog`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedReceipt {
    /// The promise.
    pub receipt: ReadReceipt,
    /// The operator's signature: 65 bytes r ‖ s ‖ v.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x([0-9a-fA-F]{2})*$")]
    pub signature: Bytes,
}

impl SignedReceipt {
    /// Returns the hash that the operator signs.
    #[must_use]
    pub fn signing_hash(receipt: &ReadReceipt, deployment: &Deployment) -> B256 {
        receipt.eip712_signing_hash(&deployment.domain_of(ContractName::AccessLog))
    }

    /// Checks that the deployment's operator has signed the receipt.
    ///
    /// # Errors
    /// [`SignatureError`] when the signature is malformed or was made by another address.
    pub fn verify(&self, deployment: &Deployment) -> Result<(), SignatureError> {
        if self.receipt.operator != deployment.operator {
            return Err(SignatureError::WrongSigner);
        }
        verify_signature(Self::signing_hash(&self.receipt, deployment), deployment.operator, &self.signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(time: u64, anchor_by: u64) -> Leaf {
        let request = ReadRequest {
            login_hash: B256::ZERO,
            record: RecordId(B256::ZERO),
            version: 1,
            purpose: Purpose::Treatment,
            grantee: Address::ZERO,
            salt: Salt(B256::ZERO),
            nonce: B256::ZERO,
            deadline: 0,
        };
        let (signature, login_signature) = (Bytes::new(), Bytes::new());
        let login_message = String::new();
        let (block_hash, blinding) = (B256::ZERO, B256::ZERO);
        Leaf { request, signature, login_message, login_signature, block_hash, time, anchor_by, blinding }
    }

    #[test]
    fn a_leaf_is_promised_after_its_time_and_within_five_minutes() {
        assert!(!leaf(1_000, 1_000).is_promised_in_time());
        assert!(leaf(1_000, 1_001).is_promised_in_time());
        assert!(leaf(1_000, 1_300).is_promised_in_time());
        assert!(!leaf(1_000, 1_301).is_promised_in_time());
        assert!(!leaf(1_000, u64::MAX).is_promised_in_time());
        assert!(!leaf(u64::MAX, u64::MAX).is_promised_in_time());
    }
}
