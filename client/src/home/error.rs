use std::path::PathBuf;

use crate::error::{Cause, codes, failure};

/// Why a file of this device cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The user has no home directory in which `MEDLOCK_HOME` would be.
    #[error("This user has no home directory.")]
    NoHome(#[source] Cause),
    /// The directory has no configuration yet.
    #[error("medlock is not set up here yet.")]
    NotSetUp,
    /// The configuration cannot be read.
    #[error("{what}")]
    InvalidConfig {
        /// One sentence.
        what: String,
        /// The cause.
        source: Cause,
    },
    /// The deployment file cannot be read.
    #[error("{what}")]
    InvalidDeployment {
        /// One sentence.
        what: String,
        /// The cause.
        source: Cause,
    },
    /// Another command writes to the directory.
    #[error("Another medlock command is writing to this directory.")]
    Busy,
    /// A file cannot be read or written.
    #[error("{}: {source}.", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A file was changed by something else than medlock, or is incomplete.
    #[error("{} is damaged (line {line}).", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// This device has no session.
    #[error("You are not signed in, or the session has ended.")]
    NoSession,
    /// The session of this device cannot be used.
    #[error("The session on this device is damaged.")]
    DamagedSession,
}

failure! { DeviceError {
    NoHome => codes::LOCAL_FILE, "Set MEDLOCK_HOME.";
    NotSetUp => codes::NOT_SET_UP;
    InvalidConfig => codes::INVALID_CONFIG;
    InvalidDeployment => codes::INVALID_DEPLOYMENT;
    Busy => codes::BUSY;
    File => codes::LOCAL_FILE;
    Damaged => codes::LOCAL_FILE;
    NoSession => codes::NO_SESSION;
    DamagedSession => codes::NO_SESSION;
} }
