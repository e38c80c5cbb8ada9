//! The interface to the chain: heads, headers and logs. [`Rpc`] asks a node; tests may use another implementation.

mod endpoints;
mod heads;
mod rpc;

pub use endpoints::Endpoints;
pub use heads::{subscription_url, watch_heads};
pub use rpc::Rpc;

use alloy::{
    primitives::{Address, B256, Bloom, BloomInput},
    rpc::types::Log,
};
use async_trait::async_trait;
use protocol::mirror::Place;
use serde::Deserialize;

use crate::{
    decode::MinedLog,
    reorg::{BlockRef, Link},
};

/// The part of a block header that the indexer needs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// The block hash.
    pub hash: B256,
    /// The hash of the block before.
    pub parent_hash: B256,
    /// The block number.
    #[serde(with = "alloy::serde::quantity")]
    pub number: u64,
    /// The block time, in Unix seconds.
    #[serde(with = "alloy::serde::quantity")]
    pub timestamp: u64,
    /// The bloom filter of the logs in the block.
    pub logs_bloom: Bloom,
}

impl Header {
    /// Returns the number and hash.
    #[must_use]
    pub fn block(&self) -> BlockRef {
        BlockRef { number: self.number, hash: self.hash }
    }

    /// Returns the block together with the hash of its parent.
    #[must_use]
    pub fn link(&self) -> Link {
        Link { block: self.block(), parent: self.parent_hash }
    }

    /// Returns whether the bloom filter allows that the block has logs of one of these contracts.
    #[must_use]
    pub fn may_have_logs_of(&self, contracts: &[Address]) -> bool {
        contracts.iter().any(|contract| self.logs_bloom.contains_input(BloomInput::Raw(contract.as_slice())))
    }

    /// Returns whether `logs` are certainly all logs of these contracts in the block. This is so when the bloom filter
    /// allows no such logs, or when the logs explain every bit of the filter and their indexes have no gap. For a block
    /// that also has logs of other contracts, the answer is always `false`; use its receipts instead.
    ///
    /// One case is not detected: the last logs are missing, and they repeat topics of earlier ones.
    #[must_use]
    pub fn is_explained_by(&self, logs: &[Log], contracts: &[Address]) -> bool {
        if !self.may_have_logs_of(contracts) {
            return logs.is_empty();
        }
        let mut indexes: Vec<u64> = logs.iter().filter_map(|log| log.log_index).collect();
        indexes.sort_unstable();
        indexes.dedup();
        let has_no_gap = indexes.iter().zip(0..).all(|(index, expected)| *index == expected);
        let mut bloom = Bloom::ZERO;
        for log in logs {
            bloom.accrue_raw_log(log.inner.address, log.inner.data.topics());
        }
        has_no_gap && bloom == self.logs_bloom
    }
}

/// The reason why the chain did not answer. Trying again may help for each of them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// The connection failed. The text never contains the address of the endpoint, which may contain a key.
    #[error("the RPC endpoint cannot be reached: {0}")]
    Unreachable(String),
    /// The endpoint did not answer in time.
    #[error("the RPC endpoint did not answer within {seconds} s")]
    TimedOut {
        /// The waiting time in seconds.
        seconds: u64,
    },
    /// The answer would be too large, or the request covers too many blocks.
    #[error("the RPC endpoint refuses so many blocks or results at once: {0}")]
    TooLarge(String),
    /// The endpoint asks for a pause.
    #[error("the RPC endpoint asks for fewer requests per second")]
    Limited,
    /// The endpoint answered with an error.
    #[error("the RPC endpoint refused {method}: {message} (code {code})")]
    Refused {
        /// The JSON-RPC method.
        method: &'static str,
        /// The JSON-RPC error code.
        code: i64,
        /// The error message of the endpoint.
        message: String,
    },
    /// A block is missing that should exist: the chain has changed, or the endpoint is behind.
    #[error("the RPC endpoint does not know block {0}")]
    Missing(String),
    /// Answers contradict each other or themselves. This can happen for a moment while the chain changes.
    #[error("the answers of the RPC endpoint contradict each other: {0}")]
    Contradiction(&'static str),
    /// Several endpoints gave different answers.
    #[error("the RPC endpoints disagree about {0}")]
    Disagreement(String),
}

impl ChainError {
    /// Returns whether the fault is in the endpoint, so that another endpoint may succeed at once.
    #[must_use]
    pub fn is_of_the_endpoint(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::TimedOut { .. } | Self::Limited | Self::Refused { .. })
    }
}

/// The answer of one of several endpoints about a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// The endpoint does not answer.
    Silent,
    /// The endpoint has no block with this number.
    Lacks,
    /// The endpoint's block with this number has this hash.
    Has(B256),
}

/// The questions that the indexer asks the chain. Only logs of the deployment's contracts are returned.
#[async_trait]
pub trait Chain: Send + Sync {
    /// Returns the EIP-155 chain id.
    async fn chain_id(&self) -> Result<u64, ChainError>;
    /// Returns the newest block.
    async fn head(&self) -> Result<Header, ChainError>;
    /// Returns the headers of these blocks, in this order; [`ChainError::Missing`] when one does not exist.
    async fn headers(&self, numbers: &[u64]) -> Result<Vec<Header>, ChainError>;
    /// Returns the logs of a range of blocks, including both ends.
    async fn logs_in(&self, from: u64, to: u64) -> Result<Vec<Log>, ChainError>;
    /// Returns the logs of each of these blocks, in this order.
    async fn logs_of(&self, blocks: &[B256]) -> Result<Vec<Vec<Log>>, ChainError>;
    /// Returns the logs of a block from its receipts instead of the node's log index. The receipts must explain the
    /// bloom filter of the block, unless the chain leaves the filter empty.
    async fn receipt_logs(&self, block: &Header) -> Result<Vec<Log>, ChainError>;
    /// Returns the answer of each endpoint about the block with this number. Empty when there is only one endpoint.
    async fn opinions(&self, _number: u64) -> Vec<Opinion> {
        Vec::new()
    }
    /// The same as [`Self::logs_in`], but when there are several endpoints, two must give the same answer; otherwise
    /// [`ChainError::Disagreement`]. Used for logs that nothing else confirms.
    async fn confirmed_logs_in(&self, from: u64, to: u64) -> Result<Vec<Log>, ChainError> {
        self.logs_in(from, to).await
    }
    /// Chooses another endpoint, if there is one, to answer from now on: the present one is behind, or disagrees with
    /// all others.
    fn hand_over(&self) {}
}

/// Checks the logs of all receipts of a block against its bloom filter, and keeps those of `contracts`.
///
/// # Errors
/// [`ChainError::Contradiction`] when they do not explain it. Some chains leave the filter empty, which is not an
/// error.
pub fn logs_of_receipts(header: &Header, mut logs: Vec<Log>, contracts: &[Address]) -> Result<Vec<Log>, ChainError> {
    let mut bloom = Bloom::ZERO;
    for log in &logs {
        bloom.accrue_raw_log(log.inner.address, log.inner.data.topics());
    }
    if bloom != header.logs_bloom && !header.logs_bloom.is_zero() {
        return Err(ChainError::Contradiction("the receipts of a block do not explain its bloom filter"));
    }
    logs.retain(|log| contracts.contains(&log.inner.address));
    Ok(logs)
}

/// Sorts the logs of a block and checks that they belong to this block.
///
/// # Errors
/// [`ChainError::Contradiction`] when a log belongs to another block, is incomplete, is marked as removed, or occurs
/// twice with different content.
pub fn logs_of_block(header: &Header, logs: Vec<Log>) -> Result<Vec<MinedLog>, ChainError> {
    if logs.iter().any(|log| log.block_hash != Some(header.hash)) {
        return Err(ChainError::Contradiction("a log belongs to another block"));
    }
    logs_in_order(logs, |_| Some(header.timestamp))
}

/// Sorts logs into the order of the chain. `time_of` returns the time of a block whose logs do not contain it.
///
/// # Errors
/// [`ChainError::Contradiction`] when a log is incomplete, is marked as removed, or occurs twice with different
/// content.
pub fn logs_in_order(logs: Vec<Log>, time_of: impl Fn(B256) -> Option<u64>) -> Result<Vec<MinedLog>, ChainError> {
    let mut mined = logs
        .into_iter()
        .map(|log| {
            if log.removed {
                return Err(ChainError::Contradiction("a log is marked as removed"));
            }
            let place = (|| {
                let block_hash = log.block_hash?;
                Some(Place {
                    block_number: log.block_number?,
                    block_hash,
                    block_time: time_of(block_hash).or(log.block_timestamp)?,
                    tx_hash: log.transaction_hash?,
                    log_index: log.log_index?,
                })
            })();
            let place = place.ok_or(ChainError::Contradiction("a log has no block, transaction or index"))?;
            Ok(MinedLog { place, contract: log.inner.address, data: log.inner.data })
        })
        .collect::<Result<Vec<_>, _>>()?;
    mined.sort_by_key(|log| (log.place.block_number, log.place.log_index));
    mined.dedup();
    let is_twice = |pair: &[MinedLog]| {
        let (a, b) = (&pair[0].place, &pair[1].place);
        a.block_number == b.block_number && (a.log_index == b.log_index || a.block_hash != b.block_hash)
    };
    if mined.windows(2).any(is_twice) {
        return Err(ChainError::Contradiction("two logs have the same place"));
    }
    Ok(mined)
}
