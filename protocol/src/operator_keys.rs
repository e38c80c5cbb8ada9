//! The operator's encryption keys: which they are, that the operator has signed each, and that none was taken away
//! (`SPEC.md`, section 12).

use alloy::{
    primitives::{Address, B256, Bytes},
    sol_types::SolStruct,
};
use serde::{Deserialize, Serialize};

use crate::{
    deployment::{ContractName, Deployment},
    identity::PublicKey,
    messages::verify_signature,
    typed_data::typed_data,
};

/// The most keys that a deployment file lists.
pub const OPERATOR_KEYS_MAX: usize = 64;

typed_data! {
    /// The operator's encryption key of an epoch: release shares are sealed to it. Domain: `AccessLog`.
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct OperatorKey { address operator; uint32 epoch; bytes key; }
}

/// One entry of the list in the deployment file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedOperatorKey {
    /// From 1, without gaps.
    pub epoch: u32,
    /// Uncompressed secp256k1 point, 65 bytes.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x04[0-9a-f]{128}$")]
    pub key: Bytes,
    /// The operator's signature over [`OperatorKey`]: 65 bytes r ‖ s ‖ v.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-f]{130}$")]
    pub signature: Bytes,
}

/// An encryption key of the operator that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorPublicKey {
    /// Its epoch, for the binding of what is sealed to it.
    pub epoch: u32,
    /// The key.
    pub key: PublicKey,
}

/// Why the operator's keys of a deployment file do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OperatorKeysError {
    /// There is no key yet.
    #[error("the deployment file has no encryption key of the operator yet")]
    None,
    /// Epochs do not count up from 1, or there are too many.
    #[error("the epochs of the operator's encryption keys are not 1, 2, 3 and so on")]
    Epoch,
    /// A key is not a point on the curve, or stands in the list twice.
    #[error("an encryption key of the operator is malformed or repeated")]
    Key,
    /// A signature is not the operator's.
    #[error("an encryption key is not signed by the operator")]
    Signature,
    /// Another deployment, or keys that were seen before are missing or changed.
    #[error("the deployment file does not extend the one that was seen before")]
    Pinned,
}

impl OperatorKeysError {
    /// The class that vectors name.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Epoch => "epoch",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Pinned => "pinned",
        }
    }
}

impl SignedOperatorKey {
    /// The hash that the operator signs for its key of an epoch.
    #[must_use]
    pub fn signing_hash(operator: Address, epoch: u32, key: &PublicKey, deployment: &Deployment) -> B256 {
        let message = OperatorKey { operator, epoch, key: Bytes::copy_from_slice(key.as_bytes()) };
        message.eip712_signing_hash(&deployment.domain_of(ContractName::AccessLog))
    }
}

/// Checks the whole list of a deployment; gives the keys in its order.
///
/// # Errors
/// See [`OperatorKeysError`]. An empty list is not an error here.
pub fn check(deployment: &Deployment) -> Result<Vec<OperatorPublicKey>, OperatorKeysError> {
    let listed = &deployment.operator_keys;
    if listed.len() > OPERATOR_KEYS_MAX {
        return Err(OperatorKeysError::Epoch);
    }
    let mut keys: Vec<OperatorPublicKey> = Vec::with_capacity(listed.len());
    for (entry, epoch) in listed.iter().zip(1..) {
        if entry.epoch != epoch {
            return Err(OperatorKeysError::Epoch);
        }
        let key = PublicKey::from_bytes(&entry.key).map_err(|_| OperatorKeysError::Key)?;
        if keys.iter().any(|earlier| earlier.key == key) {
            return Err(OperatorKeysError::Key);
        }
        let hash = SignedOperatorKey::signing_hash(deployment.operator, epoch, &key, deployment);
        verify_signature(hash, deployment.operator, &entry.signature).map_err(|_| OperatorKeysError::Signature)?;
        keys.push(OperatorPublicKey { epoch, key });
    }
    Ok(keys)
}
