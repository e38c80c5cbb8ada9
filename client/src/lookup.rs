//! Why something that the server lists cannot be looked up.

use crate::{api::ServerError, chain::ChainError, error::failure};

/// Why the server's answer cannot be had or compared with the chain.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LookupError {
    /// The server does not do what it was asked, or contradicts the chain.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The chain does not answer, or it is not the chain of the deployment.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

failure! { LookupError {
    ..Server;
    ..Chain;
} }
