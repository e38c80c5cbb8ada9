//! The answers of routes, and checks of them.

use axum::http::{HeaderMap, StatusCode, header};
use protocol::error_code::Problem;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// An answer with its whole body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The whole body, or why it broke off.
    pub(crate) body: Result<bytes::Bytes, String>,
}

impl Answer {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.body.as_ref().expect("the body is whole")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    /// Returns the body, whatever the status.
    #[track_caller]
    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(self.bytes()).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text()))
    }

    /// Returns the body of a success.
    #[track_caller]
    pub(crate) fn ok<T: DeserializeOwned>(&self) -> T {
        assert!(self.status.is_success(), "{} {}", self.status, self.text());
        self.json()
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("{name} is missing")).to_str().expect("text")
    }

    /// Returns the seconds after which the caller may try again.
    #[track_caller]
    pub(crate) fn retry_after(&self) -> u64 {
        self.header(header::RETRY_AFTER.as_str()).parse().expect("a number of seconds")
    }

    /// Returns the code of a refusal, whose status must be the one of the answer.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        let problem: Problem = self.json();
        assert_eq!(problem.status, self.status.as_u16());
        problem.code
    }

    /// Returns the sentence of a refusal.
    #[track_caller]
    pub(crate) fn detail(&self) -> String {
        self.json::<Problem>().detail
    }

    /// Fails unless the status is this one.
    #[track_caller]
    pub(crate) fn has(&self, status: StatusCode) {
        assert_eq!(self.status, status, "{}", self.text());
    }

    /// Fails unless the answer is a problem with this code, in the form that every problem has.
    #[track_caller]
    pub(crate) fn refused(&self, code: &str) {
        let problem: Value = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], self.status.as_u16(), "{problem}");
        assert_eq!(problem["type"], format!("urn:medlock:error:{code}"));
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        assert!(self.status.as_u16() < 500, "bad input is not our fault: {problem}");
    }
}
