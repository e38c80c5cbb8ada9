//! Signatures of contract accounts (ERC-1271).

use alloy::{
    primitives::{Address, B256, Bytes},
    providers::Provider,
    transports::TransportError,
};
use protocol::messages::{CONTRACT_SIGNATURE_BYTES_MAX, CONTRACT_SIGNATURE_CALL_GAS};

alloy::sol! {
    #[sol(rpc)]
    interface Erc1271 {
        /// A `bytes4` in ERC-1271. The whole word is read, because our contracts compare the whole word.
        function isValidSignature(bytes32 hash, bytes signature) external view returns (bytes32 word);
    }
}

/// Checks whether `signer` is a contract that accepts `signature` for `hash` (ERC-1271), as our contracts do it
/// (`contracts/src/SignedActions.sol`). Returns `false` for an account without code.
///
/// The signer's code is unknown, and it runs on the caller's node: the call is limited to the gas and the length of a
/// signature that our contracts allow.
///
/// # Errors
/// When the node does not answer. Every other outcome of the call means that the contract does not accept.
pub async fn accepts_signature(
    provider: &impl Provider,
    hash: B256,
    signer: Address,
    signature: &Bytes,
) -> Result<bool, TransportError> {
    // The selector and 28 zero bytes.
    let accepted = B256::right_padding_from(&[0x16, 0x26, 0xba, 0x7e]);
    if signature.len() > CONTRACT_SIGNATURE_BYTES_MAX || provider.get_code_at(signer).await?.is_empty() {
        return Ok(false);
    }
    let contract = Erc1271::new(signer, provider);
    let asked = contract.isValidSignature(hash, signature.clone()).gas(CONTRACT_SIGNATURE_CALL_GAS);
    match asked.call().await {
        Ok(word) => Ok(word == accepted),
        Err(alloy::contract::Error::TransportError(error)) if error.as_error_resp().is_none() => Err(error),
        Err(_) => Ok(false),
    }
}
