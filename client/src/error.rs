//! Errors: each operation of the SDK has an enum of its own, and all of them implement [`Failure`].
//!
//! A failure has a stable code, a sentence that says what went wrong (its `Display`), and a remedy: a sentence that says
//! what to do now. A code never changes its meaning; the sentences may. The exit class is what a command ends with
//! ([`ExitClass::code`]), so that scripts need not read text. Codes of the server ([`protocol::error_code`]) keep their own
//! text and hint.
//!
//! Operations share four errors: [`ServerError`](crate::api::ServerError), [`ChainError`](crate::chain::ChainError),
//! [`WalletError`](crate::wallet::WalletError) and [`DeviceError`](crate::home::DeviceError). The error of an operation has
//! a variant for each of these that can happen in it, and variants of its own. Code that handles the failures of many
//! operations alike takes a `&dyn Failure` or an [`AnyFailure`].

pub mod codes;

use std::borrow::Cow;

pub use codes::{Code, ExitClass};

/// The cause of a failure. It can have any type.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The failure of any operation.
pub type AnyFailure = Box<dyn Failure>;

/// The common interface of the errors of all operations.
///
/// `Display` gives the sentence that says what went wrong.
pub trait Failure: std::error::Error + Send + Sync + 'static {
    /// The stable code.
    fn code(&self) -> Code;

    /// The remedy, in one sentence.
    fn now(&self) -> Cow<'static, str> {
        self.code().now().into()
    }

    /// The class that decides the exit code.
    fn class(&self) -> ExitClass {
        self.code().class()
    }

    /// Returns whether the same call may succeed in a moment.
    fn is_retryable(&self) -> bool {
        self.code().is_retryable()
    }
}

impl<E: Failure> From<E> for AnyFailure {
    fn from(error: E) -> Self {
        Box::new(error)
    }
}

/// Implements [`Failure`]: each variant has its code and, where the usual one does not fit, a remedy of its own; variants
/// behind `..` hold another failure.
macro_rules! failure {
    ($error:ident { $($variant:ident => $code:expr $(, $now:expr)?;)* $(..$inner:ident;)* }) => {
        impl $crate::error::Failure for $error {
            fn code(&self) -> $crate::error::Code {
                match self {
                    $(Self::$variant { .. } => $code.into(),)*
                    $(Self::$inner(error) => error.code(),)*
                }
            }

            fn now(&self) -> std::borrow::Cow<'static, str> {
                match self {
                    $(Self::$variant { .. } => failure!(@now $code $(, $now)?),)*
                    $(Self::$inner(error) => error.now(),)*
                }
            }
        }

        #[cfg(test)]
        impl $error {
            /// The codes of the variants that do not hold another failure.
            pub(crate) fn codes() -> Vec<$crate::error::Code> {
                vec![$($code.into()),*]
            }
        }
    };
    (@now $code:expr) => { $crate::error::Code::from($code).now().into() };
    (@now $code:expr, $now:expr) => { $now.into() };
}

/// Turns the error of a part of an operation into that of the operation: the variants that both have stay what they are,
/// and the rest becomes the variant behind `..`.
macro_rules! lift {
    ($part:ident => $whole:ident { $($shared:ident),+ $(, ..$variant:ident)? }) => {
        impl From<$part> for $whole {
            fn from(error: $part) -> Self {
                match error {
                    $($part::$shared(error) => Self::$shared(error),)+
                    $(other => Self::$variant(other),)?
                }
            }
        }
    };
}

pub(crate) use {failure, lift};

/// A server's text as it may be shown on a terminal: one line, no control characters, not endless.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect()
}

/// Returns the text of an error of `protocol` as a sentence: with a capital letter and a full stop.
pub(crate) fn sentence(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars).chain(['.']).collect()
}

#[cfg(test)]
mod tests {
    use protocol::error_code::ErrorCode;

    use super::*;
    use crate::{
        accreditation::AccreditationError,
        act::ActError,
        api::ServerError,
        audit::AuditError,
        chain::ChainError,
        client::OpenError,
        contacts::ContactsError,
        doctor::WebError,
        download::{DestinationError, DownloadError},
        envelope::EnvelopeError,
        grants::{CatchUpError, GrantError, RevokeError, VersionsError},
        home::DeviceError,
        lookup::LookupError,
        operator_key::OperatorKeyError,
        own_key::OwnKeyError,
        published_key::PublicKeyError,
        record_status::RecordStatusError,
        register::RegisterError,
        reissue::ReissueError,
        requests::{AnswerError, RequestError},
        restore::{BlockError, RestoreError},
        session::LoginError,
        set_up::{DeploymentError, SetUpError},
        unlock::{InitError, ProveError, PutBackError, SeedError, UnlockError},
        upload::{AuthorityError, UploadError},
        wallet::WalletError,
    };

    macro_rules! codes_of {
        ($($error:ident)+) => { [$($error::codes()),+].concat() };
    }

    /// The codes of every error enum. One that is left out is dead code, which Clippy reports.
    fn codes_of_operations() -> Vec<Code> {
        codes_of![
            AccreditationError ActError AnswerError AuditError AuthorityError BlockError CatchUpError ChainError
            ContactsError DeploymentError DestinationError DeviceError DownloadError EnvelopeError GrantError InitError
            LoginError LookupError OpenError OperatorKeyError OwnKeyError ProveError PublicKeyError PutBackError
            RecordStatusError RegisterError ReissueError RequestError RestoreError RevokeError SeedError ServerError
            SetUpError UnlockError UploadError VersionsError WalletError WebError
        ]
    }

    /// Codes of the command, and of a request's reason that does not open.
    const OTHERS: [Code; 3] = [codes::LOG_BROKEN, codes::NOT_ALL_DONE, codes::INVALID_STATEMENT];

    /// Code, exit code and remedy of every failure: what scripts and people rely on. `INSTA_UPDATE=always cargo test -p
    /// client` writes the snapshot anew.
    #[test]
    fn every_failure_is_the_one_in_the_snapshot() {
        let mut used = codes_of_operations();
        used.extend(OTHERS);
        let own = codes::ALL.iter().filter(|code| used.contains(code)).cloned();
        let all: Vec<Code> = own.chain(ErrorCode::ALL.iter().copied().map(Code::from)).collect();
        assert!(used.iter().all(|code| all.contains(code)), "an operation has a code that is in no table");
        let lines = all.iter().map(|code| format!("{code} ({}): {}", code.class().code(), code.now()));
        insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn a_shared_part_stays_what_it_is_in_the_error_of_an_operation() {
        let refused = ActError::from(ServerError::NotConfigured);
        assert!(matches!(UploadError::from(refused), UploadError::Server(ServerError::NotConfigured)));
        let own = GrantError::from(ActError::CannotSend);
        assert_eq!((own.code().as_str(), &*own.now()), ("wallet", "Leave --direct out."));
        assert!(AnyFailure::from(ChainError::Rpc { what: "", source: None }).is_retryable());
    }
}
