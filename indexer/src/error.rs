//! What ends the indexer, and what to do then.

use crate::{chain::ChainError, decode::DecodeError, mirror::MirrorError};

/// Why the indexer will not go on. Trying again does not help; each says what does.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The deployment file is not there or not readable.
    #[error("cannot read the deployment file {path}: {source}")]
    DeploymentUnreadable {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is not a deployment file of this version.
    #[error("{path} is not a deployment file that this version reads: {reason}")]
    DeploymentForm {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// The endpoint serves another chain than the deployment's.
    #[error("the RPC endpoint serves chain {found}, the deployment file is for chain {expected}")]
    OtherChainId {
        /// Of the deployment.
        expected: u64,
        /// Of the endpoint.
        found: u64,
    },
    /// The endpoint serves a chain with the same id and another beginning.
    #[error("the RPC endpoint serves another chain {chain_id} than the deployment file: block 0 differs")]
    OtherGenesis {
        /// EIP-155 chain id.
        chain_id: u64,
    },
    /// The mirror belongs elsewhere.
    #[error("the mirror in this database belongs to {what}")]
    OtherMirror {
        /// To what.
        what: &'static str,
    },
    /// The mirror has another form, or a rebuild of it did not finish.
    #[error("the mirror in this database has another form, or its rebuild did not finish")]
    OtherForm,
    /// There are documents and no cursor.
    #[error("the database holds collections with the mirror's names, but no cursor")]
    Leftovers,
    /// A reorg goes deeper than the window.
    #[error("the chain has reorganised deeper than the {window} blocks that the mirror can undo")]
    TooDeep {
        /// Blocks kept.
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
    /// The chain cannot be asked, and waiting would leave the person without an answer.
    #[error("{0}")]
    Unreachable(String),
    /// An event does not fit the mirror or this program.
    #[error("an event cannot be applied: {0}")]
    Event(String),
}

/// What the command line is told about a [`Refusal`].
const REINDEX: &str = "run `medlock-indexer reindex`: it builds the mirror anew and leaves the API's data alone";

impl Refusal {
    /// What to do now.
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

    /// The exit code: 1 the chain is away, 2 wrong settings, 3 the mirror must be rebuilt, 4 another chain or other contracts.
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

/// Why a step of the indexer failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexerError {
    /// It ends here.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The chain could not be asked: wait and try again.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The mirror could not be read or written: wait and try again.
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
