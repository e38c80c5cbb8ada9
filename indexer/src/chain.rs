//! The chain as the indexer sees it: heads, headers and logs. [`Rpc`] asks a node; tests may put something else there.

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

/// Of a block, what the indexer needs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// Block hash.
    pub hash: B256,
    /// Hash of the block before.
    pub parent_hash: B256,
    /// Block number.
    #[serde(with = "alloy::serde::quantity")]
    pub number: u64,
    /// Unix seconds.
    #[serde(with = "alloy::serde::quantity")]
    pub timestamp: u64,
    /// Which logs may be in the block.
    pub logs_bloom: Bloom,
}

impl Header {
    /// Number and hash.
    #[must_use]
    pub fn block(&self) -> BlockRef {
        BlockRef { number: self.number, hash: self.hash }
    }

    /// The block and its parent.
    #[must_use]
    pub fn link(&self) -> Link {
        Link { block: self.block(), parent: self.parent_hash }
    }

    /// Whether the bloom filter allows a log of one of these contracts in the block.
    #[must_use]
    pub fn may_have_logs_of(&self, contracts: &[Address]) -> bool {
        contracts.iter().any(|contract| self.logs_bloom.contains_input(BloomInput::Raw(contract.as_slice())))
    }

    /// Whether `logs` are surely all logs of these contracts in the block: there cannot be any, or they explain every bit
    /// of the bloom filter and leave no gap. A block that other contracts share is never sure; its receipts are.
    ///
    /// One thing stays unnoticed: that the last logs are missing which repeat the topics of earlier ones.
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

/// Why the chain could not be asked. Each is worth another try.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// No connection, or it broke. The text never contains the endpoint's address, which may hold a key.
    #[error("the RPC endpoint cannot be reached: {0}")]
    Unreachable(String),
    /// No answer in time.
    #[error("the RPC endpoint did not answer within {seconds} s")]
    TimedOut {
        /// How long was waited.
        seconds: u64,
    },
    /// The answer would be too large, or covers too many blocks.
    #[error("the RPC endpoint refuses so many blocks or results at once: {0}")]
    TooLarge(String),
    /// The endpoint asks for a pause.
    #[error("the RPC endpoint limits the rate of requests")]
    Limited,
    /// The endpoint answers with an error.
    #[error("the RPC endpoint refused {method}: {message} (code {code})")]
    Refused {
        /// The JSON-RPC method.
        method: &'static str,
        /// JSON-RPC error code.
        code: i64,
        /// Its message.
        message: String,
    },
    /// A block that should be there is not: the chain has moved on, or the endpoint lags.
    #[error("the RPC endpoint does not know block {0}")]
    Missing(String),
    /// Answers that contradict each other or themselves; a moving chain does this for a moment.
    #[error("the RPC endpoint's answers do not fit together: {0}")]
    Contradiction(&'static str),
    /// Several endpoints say different things.
    #[error("the RPC endpoints disagree about {0}")]
    Disagreement(String),
}

impl ChainError {
    /// Whether the fault lies with the endpoint that was asked, so that another one may do better at once.
    #[must_use]
    pub fn is_of_the_endpoint(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::TimedOut { .. } | Self::Limited | Self::Refused { .. })
    }
}

/// What one of several endpoints says about a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// It gives no answer.
    Silent,
    /// It knows no block of this number.
    Lacks,
    /// Its block of this number has this hash.
    Has(B256),
}

/// What the indexer asks the chain. Logs are those of the deployment's contracts only.
#[async_trait]
pub trait Chain: Send + Sync {
    /// EIP-155 chain id.
    async fn chain_id(&self) -> Result<u64, ChainError>;
    /// The newest block.
    async fn head(&self) -> Result<Header, ChainError>;
    /// The headers of these blocks, in this order; [`ChainError::Missing`] when one is not there.
    async fn headers(&self, numbers: &[u64]) -> Result<Vec<Header>, ChainError>;
    /// The logs of a range of blocks, both ends included.
    async fn logs_in(&self, from: u64, to: u64) -> Result<Vec<Log>, ChainError>;
    /// The logs of each of these blocks, in this order.
    async fn logs_of(&self, blocks: &[B256]) -> Result<Vec<Vec<Log>>, ChainError>;
    /// The logs of a block, taken from its receipts instead of the node's log index. The receipts must explain the bloom
    /// filter of the block, unless the chain leaves it empty.
    async fn receipt_logs(&self, block: &Header) -> Result<Vec<Log>, ChainError>;
    /// What each endpoint says about the block of this number, when there are several; otherwise nothing.
    async fn opinions(&self, _number: u64) -> Vec<Opinion> {
        Vec::new()
    }
    /// As [`Self::logs_in`], but where there are several endpoints, two must give the same answer;
    /// [`ChainError::Disagreement`] otherwise. For logs that nothing else confirms.
    async fn confirmed_logs_in(&self, from: u64, to: u64) -> Result<Vec<Log>, ChainError> {
        self.logs_in(from, to).await
    }
    /// Lets another endpoint answer from now on, where there is one: this one lags, or stands alone with what it says.
    fn hand_over(&self) {}
}

/// Checks the logs of all receipts of a block against its bloom filter, and keeps those of `contracts`.
///
/// # Errors
/// [`ChainError::Contradiction`] when they do not explain it; some chains leave it empty, which contradicts nothing.
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

/// Puts the logs of a block in order and checks that they are this block's.
///
/// # Errors
/// [`ChainError::Contradiction`] when one is of another block, incomplete, marked as removed, or comes twice with
/// different content.
pub fn logs_of_block(header: &Header, logs: Vec<Log>) -> Result<Vec<MinedLog>, ChainError> {
    if logs.iter().any(|log| log.block_hash != Some(header.hash)) {
        return Err(ChainError::Contradiction("a log belongs to another block"));
    }
    logs_in_order(logs, |_| Some(header.timestamp))
}

/// Puts logs in the order of the chain. `time_of` gives the time of a block whose logs do not carry it.
///
/// # Errors
/// [`ChainError::Contradiction`] when a log is incomplete, marked as removed, or comes twice with different content.
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
            let place = place.ok_or(ChainError::Contradiction("a log does not say where it stands"))?;
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
        return Err(ChainError::Contradiction("two logs stand in one place"));
    }
    Ok(mined)
}
