use protocol::error_code::{ErrorCode, Problem};

use crate::error::{Cause, Code, Failure, codes, failure, printable};

/// Why the server did not do what it was asked, or cannot be believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// No server is configured.
    #[error("No server is configured.")]
    NotConfigured,
    /// The configured URL is not an http or https URL.
    #[error("`api` is not an http or https URL.")]
    InvalidUrl(#[source] Option<Cause>),
    /// No HTTP client can be made on this device.
    #[error("No HTTP client can be made.")]
    HttpClient(#[source] Cause),
    /// The server does not answer, or the connection breaks or stands still.
    #[error("{what}")]
    Unreachable {
        /// One sentence.
        what: String,
        /// The cause, if there is one.
        source: Option<Cause>,
    },
    /// The server answered something that this client does not understand.
    #[error("{what}")]
    InvalidAnswer {
        /// One sentence.
        what: String,
        /// The cause, if there is one.
        source: Option<Cause>,
    },
    /// The server's answer contradicts the chain, or what it was asked.
    #[error("{0}")]
    WrongAnswer(&'static str),
    /// The server refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

failure! { ServerError {
    NotConfigured => codes::NO_API;
    InvalidUrl => codes::INVALID_CONFIG, "Correct --api, or `api` in config.toml.";
    HttpClient => codes::INVALID_CONFIG;
    Unreachable => codes::UNREACHABLE;
    InvalidAnswer => codes::INVALID_ANSWER;
    WrongAnswer => codes::WRONG_ANSWER;
    ..Refused;
} }

impl ServerError {
    pub(crate) fn unreachable(what: impl Into<String>) -> Self {
        Self::Unreachable { what: what.into(), source: None }
    }

    pub(crate) fn invalid_answer(what: impl Into<String>) -> Self {
        Self::InvalidAnswer { what: what.into(), source: None }
    }

    /// The code with which the server refused, if it did and this version knows the code.
    #[must_use]
    pub fn refusal(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused(refusal) => refusal.code.clone().ok(),
            _ => None,
        }
    }
}

/// A refusal by the server or by a contract, with a stable code of its own.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Refusal {
    /// `Err` for a code that this version does not know.
    code: Result<ErrorCode, String>,
    what: String,
}

impl Refusal {
    /// A refusal with a code of the server; `what` is one sentence.
    pub(crate) fn new(code: ErrorCode, what: impl Into<String>) -> Self {
        Self { code: Ok(code), what: what.into() }
    }
}

impl Failure for Refusal {
    fn code(&self) -> Code {
        self.code.clone().map_or_else(Code::unknown, Code::from)
    }
}

impl From<Problem> for ServerError {
    fn from(problem: Problem) -> Self {
        let known = ErrorCode::ALL.iter().copied().find(|code| code.as_str() == problem.code);
        let what = match known {
            Some(ErrorCode::Internal) if !problem.request_id.is_empty() => {
                format!("{} (request {})", printable(&problem.detail), printable(&problem.request_id))
            }
            _ => printable(&problem.detail),
        };
        Self::Refused(Refusal { code: known.ok_or(problem.code), what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ExitClass;

    #[test]
    fn a_problem_keeps_its_code_and_hint() {
        let problem = Problem {
            kind: "urn:medlock:error:grant_revoked".into(),
            status: 403,
            code: "grant_revoked".into(),
            detail: "the grant was\u{1b}[31m revoked".into(),
            hint: "ignored".into(),
            request_id: "r".into(),
        };
        let error = ServerError::from(problem);
        assert_eq!(error.code(), "grant_revoked");
        assert_eq!(error.class().code(), 4);
        assert_eq!(error.now(), "Ask the patient again if you still need it: medlock request.");
        assert!(!error.to_string().contains('\u{1b}'), "a server cannot drive the terminal");
    }

    #[test]
    fn an_unknown_code_is_kept_as_text() {
        let problem = Problem {
            kind: String::new(),
            status: 418,
            code: "teapot".into(),
            detail: "short and stout".into(),
            hint: String::new(),
            request_id: String::new(),
        };
        let error = ServerError::from(problem);
        assert_eq!((error.code().as_str(), error.class()), ("teapot", ExitClass::Other));
    }
}
