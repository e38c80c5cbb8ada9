//! The errors that end the indexer, and what to do about them.

use crate::{chain::ChainError, decode::DecodeError, mirror::MirrorError};

/// The reason why the indexer stops. Trying again does not help; [`Refusal::remedy`] says what does.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The deployment file does not exist or cannot be read.
    #[error("cannot read the deployment file {path}: {source}")]
    DeploymentUnreadable {
        /// The path of the file.
        path: String,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The file is not a deployment file of this version.
    #[error("{path} is not a deployment file that this version reads: {reason}")]
    DeploymentForm {
        /// The path of the file.
        path: String,
        /// The reason why it cannot be used.
        reason: String,
    },
    /// The endpoint serves another chain than the one in the deployment file.
    #[error("the RPC endpoint serves chain {found}, the deployment file is for chain {expected}")]
    OtherChainId {
        /// The chain id in the deployment file.
        expected: u64,
        /// The chain id of the endpoint.
        found: u64,
    },
    /// The endpoint serves a chain with the same id but another genesis block.
    #[error("the RPC endpoint serves another chain {chain_id} than the deployment file: block 0 differs")]
    OtherGenesis {
        /// The EIP-155 chain id.
        chain_id: u64,
    },
    /// The mirror belongs to another chain or other contracts.
    #[error("the mirror in this database belongs to {what}")]
    OtherMirror {
        /// The chain or contracts that the mirror belongs to.
        what: &'static str,
    },
    /// The mirror has another format, or a rebuild of it did not finish.
    #[error("the mirror in this database has another form, or its rebuild did not finish")]
    OtherForm,
    /// There are documents of a mirror but no cursor.
    #[error("the database holds collections with the mirror's names, but no cursor")]
    Leftovers,
    /// A reorg is deeper than the window.
    #[error("the chain has reorganised deeper than the {window} blocks that the mirror can undo")]
    TooDeep {
        /// The number of recent blocks in the window.
        window: u64,
    },
    /// The chain ends before the window begins.
    #[error("the chain ends at block {head}, far behind the mirror at block {cursor}: it was reset or restored")]
    ChainBehind {
        /// The chain's newest block.
        head: u64,
        /// The mirror's newest block.
        cursor: u64,
    },
    /// The chain does not answer, and the command cannot wait, because a person expects its result.
    #[error("{0}")]
    Unreachable(String),
    /// An event does not match the mirror or this program.
    #[error("an event cannot be applied: {0}")]
    Event(String),
}

/// The remedy of several refusals: rebuild the mirror.
const REINDEX: &str = "run `medlock-indexer reindex`: it builds the mirror again and does not change the API's data";

impl Refusal {
    /// Returns the sentence that says what to do now.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::DeploymentUnreadable { .. } | Self::DeploymentForm { .. } => {
                "name the deployment file with --deployment or MEDLOCK_DEPLOYMENT"
            }
            Self::OtherChainId { .. } | Self::OtherGenesis { .. } => {
                "check MEDLOCK_RPC_URL, or name the deployment file of that chain with MEDLOCK_DEPLOYMENT"
            }
            Self::OtherMirror { .. } => {
                "name another database with MEDLOCK_MONGODB_DATABASE, or run `medlock-indexer reindex --other-chain`"
            }
            Self::OtherForm | Self::Leftovers | Self::TooDeep { .. } | Self::ChainBehind { .. } => REINDEX,
            Self::Unreachable(_) => "check MEDLOCK_RPC_URL and that the node runs",
            Self::Event(_) => "use the version that belongs to these contracts, then run `medlock-indexer reindex`",
        }
    }

    /// Returns the exit code: 1 the chain does not answer, 2 wrong settings, 3 the mirror must be rebuilt, 4 another
    /// chain or other contracts.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Unreachable(_) => 1,
            Self::DeploymentUnreadable { .. } | Self::DeploymentForm { .. } => 2,
            Self::OtherForm | Self::Leftovers | Self::TooDeep { .. } | Self::ChainBehind { .. } | Self::Event(_) => 3,
            Self::OtherChainId { .. } | Self::OtherGenesis { .. } | Self::OtherMirror { .. } => 4,
        }
    }
}

/// The reason why a step of the indexer failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexerError {
    /// The indexer must stop.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The chain did not answer. Wait and try again.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The mirror could not be read or written. Wait and try again.
    #[error(transparent)]
    Mirror(MirrorError),
}

impl From<MirrorError> for IndexerError {
    fn from(error: MirrorError) -> Self {
        if error.is_retryable() { Self::Mirror(error) } else { Self::Refused(Refusal::Event(error.to_string())) }
    }
}

impl From<DecodeError> for IndexerError {
    fn from(error: DecodeError) -> Self {
        Self::Refused(Refusal::Event(error.to_string()))
    }
}
