//! The reason why a round of the sequencer was not finished.

use crate::relay::RelayError;

/// The reason why a round of the sequencer was not finished. The next round starts again.
#[derive(Debug, thiserror::Error)]
pub(super) enum SequencerError {
    #[error("the database does not answer")]
    Store(#[from] mongodb::error::Error),
    #[error("the chain does not answer")]
    Chain(#[from] alloy::contract::Error),
    #[error("the chain does not answer")]
    Transport(#[from] alloy::transports::TransportError),
    #[error("the checkpoint was not accepted: {0}")]
    Relay(#[from] RelayError),
    #[error("{0}")]
    Inconsistent(&'static str),
}
