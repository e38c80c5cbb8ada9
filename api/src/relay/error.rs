//! The reason why an action was not accepted.

use std::borrow::Cow;

use alloy::transports::{TransportError, TransportErrorKind};
use protocol::error_code::ErrorCode;

use crate::{error::ApiError, time::seconds_until_tomorrow};

/// The reason why an action was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum RelayError {
    /// The action can never succeed, or cannot succeed now. The code says which, and why.
    #[error("{code}: {detail}")]
    Refused {
        /// The stable code.
        code: ErrorCode,
        /// One sentence that identifies no person.
        detail: Cow<'static, str>,
    },
    /// The database does not answer.
    #[error("the database does not answer")]
    Store(#[from] mongodb::error::Error),
    /// The chain does not answer.
    #[error("the chain does not answer")]
    Chain(#[from] TransportError),
    /// The server is stopping.
    #[error("the relay has stopped")]
    Stopped,
}

impl From<RelayError> for ApiError {
    fn from(error: RelayError) -> Self {
        match error {
            RelayError::Refused { code, detail } => {
                let refused = Self::new(code, detail);
                match code {
                    ErrorCode::BudgetExceeded => refused.retry_after(seconds_until_tomorrow()),
                    ErrorCode::RelayerPoor => refused.retry_after(60),
                    _ => refused,
                }
            }
            RelayError::Store(error) => error.into(),
            RelayError::Chain(error) => error.into(),
            error @ RelayError::Stopped => Self::unavailable("the relay", error),
        }
    }
}

impl RelayError {
    pub(crate) fn refused(code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::Refused { code, detail: detail.into() }
    }
}

impl From<alloy::contract::Error> for RelayError {
    /// Converts an error of a call that cannot revert, so every error comes from the node.
    fn from(error: alloy::contract::Error) -> Self {
        match error {
            alloy::contract::Error::TransportError(error) => Self::Chain(error),
            error => Self::Chain(TransportErrorKind::custom(error)),
        }
    }
}
