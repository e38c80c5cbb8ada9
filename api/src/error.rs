//! The one error of the HTTP edge.
//!
//! Which error type to use where: functions below the handlers return their own `thiserror` enums or the driver's
//! errors, and handlers return [`ApiError`]. It contains a stable [`ErrorCode`] and a sentence for people. The cause,
//! if any, is logged once, here, with the request's id, and never sent.

use std::borrow::Cow;

use alloy::transports::TransportError;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use protocol::{
    ends::TooFarAhead,
    error_code::{ErrorCode, Problem},
};

use crate::request_id;

/// The longest sentence of a problem, in characters. Our own sentences are shorter. The limit is the last protection
/// against a sentence that repeats the caller's input.
const DETAIL_CHARS_MAX: usize = 300;
/// The most characters of a caller's input that an answer repeats.
pub const REPEATED_CHARS_MAX: usize = 100;
/// The longest cause in the log, in characters.
const CAUSE_CHARS_MAX: usize = 2_000;

/// Returns a text as one line of at most `chars_max` characters. If the text was cut, the last character shows it. For
/// text that may contain a caller's input.
#[must_use]
pub fn clipped(text: &str, chars_max: usize) -> String {
    let mut line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut kept: String = line.by_ref().take(chars_max.saturating_sub(1)).collect();
    if let Some(last) = line.next() {
        kept.push(if line.next().is_some() { '…' } else { last });
    }
    kept
}

/// The error that a handler returns.
#[derive(Debug)]
pub struct ApiError {
    code: ErrorCode,
    detail: Cow<'static, str>,
    cause: Option<anyhow::Error>,
    retry_after_seconds: Option<u64>,
}

impl ApiError {
    /// Creates an error with a sentence. The sentence is sent, so it must not contain secrets or identify a person.
    #[must_use]
    pub fn new(code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        let mut detail = detail.into();
        if detail.len() > DETAIL_CHARS_MAX {
            detail = clipped(&detail, DETAIL_CHARS_MAX).into();
        }
        Self { code, detail, cause: None, retry_after_seconds: None }
    }

    /// An internal error. `cause` is logged and never sent.
    #[must_use]
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self::new(ErrorCode::Internal, "something went wrong on the server").because(cause)
    }

    /// A service that this server needs does not answer. Trying again helps.
    #[must_use]
    pub fn unavailable(part: &'static str, cause: impl Into<anyhow::Error>) -> Self {
        Self::new(ErrorCode::Unavailable, format!("{part} does not answer")).because(cause)
    }

    /// The caller is not signed in.
    #[must_use]
    pub fn not_signed_in() -> Self {
        Self::new(ErrorCode::NotSignedIn, "there is no session, or it has ended")
    }

    /// The caller may not do this.
    #[must_use]
    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::Forbidden, detail)
    }

    /// The thing does not exist, or the caller may not see it.
    #[must_use]
    pub fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::NotFound, detail)
    }

    /// The request is invalid.
    #[must_use]
    pub fn invalid(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::InvalidRequest, detail)
    }

    /// The request cannot be read. The reason may repeat a part of it.
    #[must_use]
    pub fn unreadable(what: &'static str, why: &impl std::fmt::Display) -> Self {
        Self::invalid(format!("{what} cannot be read: {}", clipped(&why.to_string(), REPEATED_CHARS_MAX)))
    }

    /// Adds the cause for the log.
    #[must_use]
    pub fn because(mut self, cause: impl Into<anyhow::Error>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Adds the number of seconds after which the caller should try again.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// Returns the stable code.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// Returns the problem as it is sent, or as it is stored beside a failed action.
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

    /// Logs the error. The level `error` is only for faults of this server: callers must not be able to fill the log in
    /// which the operator looks for faults. A service that does not answer is a warning; readiness and metrics show it,
    /// too.
    fn log(&self) {
        let code = self.code.as_str();
        let cause = self.cause.as_ref().map(|cause| clipped(&format!("{cause:#}"), CAUSE_CHARS_MAX));
        match (self.code, cause) {
            (ErrorCode::Internal, cause) => tracing::error!(code, cause, "request failed"),
            (ErrorCode::Unavailable, Some(cause)) => tracing::warn!(code, cause, "a service did not answer"),
            (_, cause) => tracing::debug!(code, cause, "request refused"),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.log();
        let status = StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(self.problem())).into_response();
        // For the metrics, which count answers by code and do not read the body.
        response.extensions_mut().insert(self.code);
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
    /// Returns `unavailable` for a database that cannot be reached, and `internal` for anything else.
    fn from(error: mongodb::error::Error) -> Self {
        use mongodb::error::ErrorKind;
        // A write that collided with another one succeeds when it is tried again.
        let is_transient = [mongodb::error::TRANSIENT_TRANSACTION_ERROR, mongodb::error::RETRYABLE_WRITE_ERROR]
            .iter()
            .any(|label| error.contains_label(label));
        if is_transient {
            return Self::unavailable("the database", error);
        }
        match *error.kind {
            ErrorKind::ServerSelection { .. } | ErrorKind::Io(_) | ErrorKind::ConnectionPoolCleared { .. } => {
                Self::unavailable("the database", error)
            }
            _ => Self::internal(error),
        }
    }
}

impl From<TooFarAhead> for ApiError {
    fn from(end: TooFarAhead) -> Self {
        Self::new(ErrorCode::OutOfRange, end.as_str())
    }
}

impl From<TransportError> for ApiError {
    /// Converts an error of a call that only reads the chain. Reverts are decoded where the call is made.
    fn from(error: TransportError) -> Self {
        Self::unavailable("the chain", error)
    }
}

impl From<alloy::contract::Error> for ApiError {
    /// Converts an error of a call that cannot revert. Other calls decode the revert first. A node that returns any
    /// other error counts as unavailable.
    fn from(error: alloy::contract::Error) -> Self {
        let has_reverted = |error: &TransportError| {
            error.as_error_resp().is_some_and(|payload| payload.code == 3 || payload.as_revert_data().is_some())
        };
        match error {
            alloy::contract::Error::TransportError(error) if !has_reverted(&error) => error.into(),
            error => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_by_characters_and_keeps_to_one_line() {
        assert_eq!(clipped("abc", 3), "abc");
        assert_eq!(clipped("abcd", 3), "ab…");
        assert_eq!(clipped("añ\u{1F4A9}b\u{0}\nc", 6), "añ\u{1F4A9}b  c".chars().take(5).collect::<String>() + "…");
        assert_eq!(clipped("", 3), "");
    }

    /// Counts the lines of each level.
    #[derive(Clone, Default)]
    struct Lines(std::sync::Arc<std::sync::Mutex<Vec<tracing::Level>>>);

    impl tracing::Subscriber for Lines {
        fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
            tracing::span::Id::from_u64(1)
        }
        fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
        fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
        fn event(&self, event: &tracing::Event<'_>) {
            self.0.lock().expect("no thread panics while it holds the lock").push(*event.metadata().level());
        }
        fn enter(&self, _: &tracing::span::Id) {}
        fn exit(&self, _: &tracing::span::Id) {}
    }

    #[test]
    fn only_internal_errors_are_logged_as_errors() {
        use tracing::Level;
        let level = |error: ApiError| {
            let lines = Lines::default();
            tracing::subscriber::with_default(lines.clone(), || drop(error.into_response()));
            let lines = lines.0.lock().expect("no thread panics while it holds the lock").clone();
            assert_eq!(lines.len(), 1, "once");
            lines[0]
        };
        for code in ErrorCode::ALL {
            let expected = if *code == ErrorCode::Internal { Level::ERROR } else { Level::DEBUG };
            assert_eq!(level(ApiError::new(*code, "a sentence")), expected, "{code}");
        }
        let away = || TransportError::from(alloy::transports::TransportErrorKind::backend_gone());
        assert_eq!(level(away().into()), Level::WARN);
        assert_eq!(level(alloy::contract::Error::TransportError(away()).into()), Level::WARN);
        let refused = ApiError::invalid("a sentence").because(anyhow::anyhow!("what the caller sent"));
        assert_eq!(level(refused), Level::DEBUG);
        assert_eq!(level(ApiError::internal(anyhow::anyhow!("a fault"))), Level::ERROR);
    }

    #[test]
    fn the_size_of_a_problem_is_limited() {
        let input = "\u{202E}7".repeat(1 << 20);
        let error = ApiError::invalid(input.clone()).because(anyhow::anyhow!(input.clone()));
        assert!(serde_json::to_vec(&error.problem()).expect("plain data").len() < 4_000);
        let repeated = ApiError::unreadable("the body", &input).problem().detail;
        assert!(repeated.matches('7').count() <= REPEATED_CHARS_MAX, "{repeated}");
    }
}
