use alloy::primitives::B256;
use protocol::ends::TooFarAhead;

use crate::{
    api::{Refusal, ServerError},
    chain::ChainError,
    error::{Cause, codes, failure, sentence},
    wallet::WalletError,
};

/// Why an action was not carried out, or cannot be seen yet.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ActError {
    /// The action ends later than a server would take.
    #[error("{}", sentence(.0))]
    TooFarAhead(#[from] TooFarAhead),
    /// The server has accepted the action, and it is not mined yet.
    #[error("The server has accepted the action, but it is not mined yet.")]
    Pending,
    /// The server has accepted the action, and actions of others are sent before it.
    #[error("The server has accepted the action, but it is not mined yet: others go first.")]
    PendingForRoom,
    /// The server has accepted the action, and the chain costs more than the server pays.
    #[error(
        "The server has accepted the action, but it is not mined yet: the chain costs more now than the server pays."
    )]
    PendingForFees,
    /// The server has accepted the action, and cannot pay for it.
    #[error("The server has accepted the action, but it is not mined yet: the server has too little ether for it.")]
    PendingForFunds,
    /// The wallet has sent the transaction, and it is not mined yet.
    #[error("The transaction {tx_hash} is not mined yet.")]
    NotMined {
        /// The transaction.
        tx_hash: B256,
        /// The cause.
        source: Cause,
    },
    /// The transaction of the relayer failed, and the server does not say why.
    #[error("The relayed action failed without a reason.")]
    FailedWithoutReason,
    /// The transaction was mined and failed.
    #[error("The transaction {0} failed.")]
    Failed(B256),
    /// The contract refuses the action, with an error that this version does not know.
    #[error("The contract refuses the action.")]
    Reverts(#[source] Cause),
    /// The contract refuses the action.
    #[error(transparent)]
    Refused(Refusal),
    /// The server says that the action is mined, and this device's own node does not show it.
    #[error("The server says that the action is mined; this device's own view of the chain does not show it.")]
    NotSeen,
    /// The wallet cannot pay for the transaction.
    #[error("The wallet cannot pay for the transaction.")]
    NoFunds(#[source] Cause),
    /// The wallet cannot send transactions.
    #[error("This wallet signs but cannot send.")]
    CannotSend,
    /// Only the server can carry out the action.
    #[error("This action cannot be sent directly.")]
    OnlyRelayed,
    /// The server does not do what it was asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The chain does not answer, or it is not the chain of the deployment.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The wallet does not sign.
    #[error(transparent)]
    Wallet(#[from] WalletError),
}

failure! { ActError {
    TooFarAhead => codes::USAGE;
    Pending => codes::STILL_PENDING;
    PendingForRoom => codes::STILL_PENDING;
    PendingForFees => codes::STILL_PENDING,
        "It goes on by itself once the fees fall. To pay yourself and not wait: --direct.";
    PendingForFunds => codes::STILL_PENDING,
        "Tell the operator of the server; it goes on by itself then. To pay yourself and not wait: --direct.";
    NotMined => codes::STILL_PENDING;
    FailedWithoutReason => codes::REVERTED;
    Failed => codes::REVERTED;
    Reverts => codes::REVERTED;
    NotSeen => codes::WRONG_ANSWER,
        "Run: medlock doctor; if the Ethereum node is up to date, do not rely on this server.";
    NoFunds => codes::NO_FUNDS;
    CannotSend => codes::WALLET, "Leave --direct out.";
    OnlyRelayed => codes::USAGE;
    ..Refused;
    ..Server;
    ..Chain;
    ..Wallet;
} }
