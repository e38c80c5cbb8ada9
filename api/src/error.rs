//! The one error of the HTTP edge.
//!
//! Which error type where: functions below the handlers return their own `thiserror` enums or the driver's errors;
//! handlers return [`ApiError`]. It carries a stable [`ErrorCode`] and a sentence for people. The cause, if any, is
//! logged once, here, under the request's id, and never sent.

use std::borrow::Cow;

use alloy::transports::TransportError;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use protocol::error_code::{ErrorCode, Problem};

use crate::request_id;

/// What a handler answers when it cannot do what was asked.
#[derive(Debug)]
pub struct ApiError {
    code: ErrorCode,
    detail: Cow<'static, str>,
    cause: Option<anyhow::Error>,
    retry_after_seconds: Option<u64>,
}

impl ApiError {
    /// An error with its sentence. The sentence is sent: it names no secret and no person.
    #[must_use]
    pub fn new(code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into(), cause: None, retry_after_seconds: None }
    }

    /// Our fault; `cause` is logged and never sent.
    #[must_use]
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self::new(ErrorCode::Internal, "something went wrong on the server").because(cause)
    }

    /// A part of ours does not answer; trying again helps.
    #[must_use]
    pub fn unavailable(part: &'static str, cause: impl Into<anyhow::Error>) -> Self {
        Self::new(ErrorCode::Unavailable, format!("{part} does not answer")).because(cause)
    }

    /// Nobody is signed in.
    #[must_use]
    pub fn not_signed_in() -> Self {
        Self::new(ErrorCode::NotSignedIn, "there is no session, or it has ended")
    }

    /// The caller may not do this.
    #[must_use]
    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::Forbidden, detail)
    }

    /// Nothing by that name that the caller may see.
    #[must_use]
    pub fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::NotFound, detail)
    }

    /// The request cannot be read.
    #[must_use]
    pub fn invalid(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::InvalidRequest, detail)
    }

    /// Adds the cause for the log.
    #[must_use]
    pub fn because(mut self, cause: impl Into<anyhow::Error>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Says when to try again, in seconds.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// The problem as it is sent, or stored beside a failed action.
    #[must_use]
    pub fn problem(&self) -> Problem {
        Problem {
            kind: format!("urn:medlock:error:{}", self.code),
            status: self.code.status(),
            code: self.code.as_str().to_owned(),
            detail: self.detail.to_string(),
            hint: self.code.hint().to_owned(),
            request_id: request_id::current().to_string(),
        }
    }

    fn log(&self) {
        let code = self.code.as_str();
        match (&self.cause, self.code.status() >= 500) {
            (Some(cause), true) => tracing::error!(code, cause = format!("{cause:#}"), "request failed"),
            (None, true) => tracing::error!(code, "request failed"),
            (Some(cause), false) => tracing::debug!(code, cause = format!("{cause:#}"), "request refused"),
            (None, false) => tracing::debug!(code, "request refused"),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.log();
        let status = StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(self.problem())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.code == ErrorCode::NotSignedIn {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<mongodb::error::Error> for ApiError {
    /// A database that cannot be reached is unavailable; anything else is our fault.
    fn from(error: mongodb::error::Error) -> Self {
        use mongodb::error::ErrorKind;
        match *error.kind {
            ErrorKind::ServerSelection { .. } | ErrorKind::Io(_) | ErrorKind::ConnectionPoolCleared { .. } => {
                Self::unavailable("the database", error)
            }
            _ => Self::internal(error),
        }
    }
}

impl From<TransportError> for ApiError {
    /// For calls that only read the chain. Reverts are decoded where the call is made.
    fn from(error: TransportError) -> Self {
        Self::unavailable("the chain", error)
    }
}

impl From<alloy::contract::Error> for ApiError {
    /// For calls that cannot revert. Others decode the revert first.
    fn from(error: alloy::contract::Error) -> Self {
        match error {
            alloy::contract::Error::TransportError(error) if error.as_error_resp().is_none() => error.into(),
            error => Self::internal(error),
        }
    }
}
