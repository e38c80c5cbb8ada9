//! Why something did not start. One type for the crate: whoever starts a network can only read the message.

use std::{path::PathBuf, process::ExitStatus};

use thiserror::Error;

use crate::settings::SettingsError;

/// Why the network, or a part of it, does not run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// `anvil.toml` is not usable.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A program is neither named by its setting nor installed.
    #[error("{program} is missing\n  do: {remedy}, or name it by {setting}")]
    ProgramMissing {
        /// Its name.
        program: &'static str,
        /// The setting that can name another.
        setting: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// A setting names a program that is not there.
    #[error("{setting} names {path}, and no program is there\n  do: correct or unset {setting}")]
    NoSuchProgram {
        /// The setting.
        setting: &'static str,
        /// What it names.
        path: PathBuf,
    },
    /// The operating system would not start it.
    #[error("{name} could not be started ({program})")]
    Spawn {
        /// Which server.
        name: String,
        /// The program.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It ended by itself.
    #[error("{name} ended with {status}; the end of {log}:\n{tail}")]
    Ended {
        /// Which server.
        name: String,
        /// How.
        status: ExitStatus,
        /// Its log.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },
    /// It runs but gave no sign of health in time.
    #[error("{name} was not healthy after {seconds} s ({last}); the end of {log}:\n{tail}")]
    NotHealthy {
        /// Which server.
        name: String,
        /// How long was waited.
        seconds: u64,
        /// What the last probe said.
        last: String,
        /// Its log.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },
    /// A file or folder could not be made, read or written.
    #[error("cannot {what}: {path}")]
    Io {
        /// The attempt.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The chain refused or did not answer a request of ours.
    #[error("the chain answered {method} with: {reason}")]
    Chain {
        /// JSON-RPC method.
        method: String,
        /// Its error.
        reason: String,
    },
    /// The state folder cannot be used.
    #[error("{reason}\n  do: {remedy}")]
    State {
        /// What is wrong.
        reason: String,
        /// What to do.
        remedy: String,
    },
}
