//! The reasons why something did not start. One type is enough, because the caller can only show the message.

use std::{path::PathBuf, process::ExitStatus};

use thiserror::Error;

use crate::settings::SettingsError;

/// The reason why the network, or a part of it, does not run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// `anvil.toml` is not usable.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A program is not installed, and its setting does not name one.
    #[error("{program} is missing\n  do: {remedy}, or name it by {setting}")]
    ProgramMissing {
        /// The name of the program.
        program: &'static str,
        /// The setting that can name another program.
        setting: &'static str,
        /// The sentence that says what to do.
        remedy: &'static str,
    },
    /// A setting names a program that does not exist.
    #[error("{setting} names {path}, which does not exist\n  do: correct or unset {setting}")]
    NoSuchProgram {
        /// The name of the setting.
        setting: &'static str,
        /// The path in the setting.
        path: PathBuf,
    },
    /// The operating system could not start the program.
    #[error("{name} could not be started ({program})")]
    Spawn {
        /// The name of the server.
        name: String,
        /// The path of the program.
        program: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The server ended by itself.
    #[error("{name} ended with {status}; the end of {log}:\n{tail}")]
    Ended {
        /// The name of the server.
        name: String,
        /// The exit status.
        status: ExitStatus,
        /// The path of the log.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// The server runs, but it was not healthy in time.
    #[error("{name} was not healthy after {seconds} s ({last}); the end of {log}:\n{tail}")]
    NotHealthy {
        /// The name of the server.
        name: String,
        /// The waiting time in seconds.
        seconds: u64,
        /// The result of the last probe.
        last: String,
        /// The path of the log.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// A file or folder could not be made, read or written.
    #[error("cannot {what}: {path}")]
    Io {
        /// The failed operation.
        what: &'static str,
        /// The path of the file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The chain refused a request or did not answer.
    #[error("the chain answered {method} with: {reason}")]
    Chain {
        /// The JSON-RPC method.
        method: String,
        /// The error of the chain.
        reason: String,
    },
    /// The state folder cannot be used.
    #[error("{reason}\n  do: {remedy}")]
    State {
        /// A sentence that says what is wrong.
        reason: String,
        /// The sentence that says what to do.
        remedy: String,
    },
}
