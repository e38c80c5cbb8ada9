use alloy::primitives::Address;

use crate::error::{Cause, codes, failure};

/// Why the chain cannot be asked, or does not have what was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// The configured URL is not an http or https URL.
    #[error("`rpc` is not an http or https URL.")]
    InvalidUrl,
    /// The node is on another chain than the deployment.
    #[error("The Ethereum node is on chain {found}, the deployment on chain {expected}.")]
    OtherChain {
        /// The node's chain id.
        found: u64,
        /// The deployment's chain id.
        expected: u64,
    },
    /// The node is on another chain that has the same id.
    #[error("The Ethereum node is on another chain with the same id: its first block differs.")]
    OtherGenesis,
    /// A contract's code is not the one of the deployment file.
    #[error("{contract} at {address} has {}.", if *is_missing { "no code there" } else { "other code" })]
    OtherCode {
        /// The name of the contract.
        contract: &'static str,
        /// Its address in the deployment file.
        address: Address,
        /// Whether there is no code at all.
        is_missing: bool,
    },
    /// The node cannot be reached.
    #[error("The Ethereum node at {node} does not answer.")]
    NodeUnreachable {
        /// Its scheme, host and port.
        node: String,
        /// The cause.
        source: Cause,
    },
    /// The node does not answer, or its answer makes no sense.
    #[error("{what}")]
    Rpc {
        /// One sentence.
        what: &'static str,
        /// The cause, if there is one.
        source: Option<Cause>,
    },
    /// The node no longer has the events that the answer is in.
    #[error("{0}")]
    NoHistory(&'static str),
    /// The chain has no such record.
    #[error("There is no such record on chain.")]
    UnknownRecord,
    /// Somebody has not published an encryption key.
    #[error("{0} has not published an encryption key.")]
    NoKey(Address),
    /// Somebody has not published an encryption key with this number.
    #[error("{owner} has not published encryption key {epoch}.")]
    NoKeyAt {
        /// The address.
        owner: Address,
        /// The epoch.
        epoch: u32,
    },
    /// Nothing can be sealed to the key that somebody has published.
    #[error("The key that {owner} has published cannot be used.")]
    UnusableKey {
        /// The address.
        owner: Address,
        /// The cause, if there is one.
        source: Option<Cause>,
    },
}

failure! { ChainError {
    InvalidUrl => codes::INVALID_CONFIG, "Correct --rpc, or `rpc` in config.toml.";
    OtherChain => codes::OTHER_CHAIN;
    OtherGenesis => codes::OTHER_CHAIN;
    OtherCode => codes::OTHER_CODE;
    NodeUnreachable => codes::RPC;
    Rpc => codes::RPC;
    NoHistory => codes::NO_HISTORY;
    UnknownRecord => codes::UNKNOWN_RECORD;
    NoKey => codes::KEY_NOT_REGISTERED;
    NoKeyAt => codes::KEY_NOT_REGISTERED;
    UnusableKey => codes::KEY_NOT_REGISTERED;
} }
