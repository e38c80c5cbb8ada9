//! Why an action was not taken.

use std::borrow::Cow;

use alloy::transports::{TransportError, TransportErrorKind};
use protocol::error_code::ErrorCode;

use crate::{error::ApiError, time::seconds_until_tomorrow};

/// Why an action was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum RelayError {
    /// It can never succeed as it is, or not now; the code says which and why.
    #[error("{code}: {detail}")]
    Refused {
        /// The stable code.
        code: ErrorCode,
        /// One sentence that names no person.
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
    /// For calls that cannot revert, so that every error is the node's.
    fn from(error: alloy::contract::Error) -> Self {
        match error {
            alloy::contract::Error::TransportError(error) => Self::Chain(error),
            error => Self::Chain(TransportErrorKind::custom(error)),
        }
    }
}
