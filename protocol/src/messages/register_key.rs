//! `RegisterKey`: the only message whose form for the API and the call differs from the form that is signed.

use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    sol_types::{Eip712Domain, SolStruct},
};
use serde::{Deserialize, Serialize};

/// A person publishes an encryption key. `epoch` is the epoch that this message replaces.
///
/// The signer signs the hash of the key, so that a wallet shows one line:
/// `RegisterKey(address owner,uint8 slot,uint32 epoch,uint16 kem,bytes32 keyHash,uint256 nonce,uint256 deadline)`, where
/// `keyHash` is keccak256 of `key`. The contract computes the hash from the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterKey {
    /// The owner of the key, who signs.
    #[serde(with = "crate::hex_text")]
    pub owner: Address,
    /// 0 for the identity key, 1 for the list of category keys.
    pub slot: u8,
    /// The epoch that this message replaces, 0 for the first key.
    pub epoch: u32,
    /// The HPKE KEM id of the key.
    pub kem: u16,
    /// The public key.
    #[serde(with = "crate::hex_text")]
    pub key: Bytes,
    /// The nonce; nonces may be used in any order.
    #[serde(with = "crate::hex_text::quantity")]
    pub nonce: U256,
    /// The deadline, in Unix seconds.
    #[serde(with = "crate::hex_text::quantity")]
    pub deadline: U256,
}

mod signed {
    alloy::sol! {
        struct RegisterKey {
            address owner; uint8 slot; uint32 epoch; uint16 kem; bytes32 keyHash; uint256 nonce; uint256 deadline;
        }
    }
}

impl RegisterKey {
    /// The form for the API, in the notation of EIP-712 types, from which the OpenAPI schema is made.
    pub(super) const FORM: &str =
        "RegisterKey(address owner,uint8 slot,uint32 epoch,uint16 kem,bytes key,uint256 nonce,uint256 deadline)";

    /// Returns the 32 bytes that the owner's wallet signs (EIP-712).
    #[must_use]
    pub fn eip712_signing_hash(&self, domain: &Eip712Domain) -> B256 {
        let Self { owner, slot, epoch, kem, nonce, deadline, .. } = *self;
        let key_hash = keccak256(&self.key);
        signed::RegisterKey { owner, slot, epoch, kem, keyHash: key_hash, nonce, deadline }.eip712_signing_hash(domain)
    }
}
