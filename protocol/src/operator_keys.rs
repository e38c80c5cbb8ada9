//! The operator's encryption keys. Checks that the operator has signed each key and that no key was removed (`SPEC.md`,
//! section 12).

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

/// The largest number of keys in a deployment file.
pub const OPERATOR_KEYS_MAX: usize = 64;

typed_data! {
    /// The operator's encryption key of an epoch. Release shares are sealed to it. Domain: `AccessLog`.
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct OperatorKey { address operator; uint32 epoch; bytes key; }
}

/// One entry of the list in the deployment file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedOperatorKey {
    /// The epoch, from 1, without gaps.
    pub epoch: u32,
    /// The key: a public key of MLKEM768-X25519, 1,216 bytes.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-f]{2432}$")]
    pub key: Bytes,
    /// The operator's EIP-712 signature over `OperatorKey(address operator,uint32 epoch,bytes key)`: 65 bytes r ‖ s ‖ v.
    #[serde(with = "crate::hex_text")]
    #[schema(value_type = String, pattern = "^0x[0-9a-f]{130}$")]
    pub signature: Bytes,
}

/// A checked encryption key of the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorPublicKey {
    /// The epoch of the key, for the binding of capsules that are sealed to it.
    pub epoch: u32,
    /// The key.
    pub key: PublicKey,
}

/// The reason why the operator's keys in a deployment file are not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OperatorKeysError {
    /// There is no key yet.
    #[error("the deployment file has no encryption key of the operator yet")]
    None,
    /// The epochs are not 1, 2, 3 and so on, or there are too many.
    #[error("the epochs of the operator's encryption keys are not 1, 2, 3 and so on")]
    Epoch,
    /// A key is malformed, or is in the list twice.
    #[error("an encryption key of the operator is malformed or repeated")]
    Key,
    /// A signature was not made by the operator.
    #[error("an encryption key is not signed by the operator")]
    Signature,
    /// The file is for another deployment, or keys that were seen before are missing or changed.
    #[error("the deployment file is for another deployment, or changes keys that were seen before")]
    Pinned,
}

impl OperatorKeysError {
    /// Returns the error class, as the vectors write it.
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
    /// Returns the hash that the operator signs for its key of an epoch.
    #[must_use]
    pub fn signing_hash(operator: Address, epoch: u32, key: &PublicKey, deployment: &Deployment) -> B256 {
        let message = OperatorKey { operator, epoch, key: Bytes::copy_from_slice(key.as_bytes()) };
        message.eip712_signing_hash(&deployment.domain_of(ContractName::AccessLog))
    }
}

/// Checks all keys of a deployment file and returns them in the order of the file.
///
/// # Errors
/// [`OperatorKeysError`] for the first fault. An empty list is not an error here.
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
