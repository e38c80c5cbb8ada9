use std::{io, path::PathBuf};

use protocol::envelope::SealError;

use super::authority::AuthorityError;
use crate::{
    act::ActError,
    api::ServerError,
    chain::ChainError,
    error::{codes, failure, lift},
    home::DeviceError,
    operator_key::OperatorKeyError,
    own_key::OwnKeyError,
    published_key::PublicKeyError,
    wallet::WalletError,
};

/// Why a document was not uploaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UploadError {
    /// The person's recovery words are not saved yet.
    #[error("Your recovery words are not saved yet.")]
    KitNotSaved,
    /// The record was withdrawn.
    #[error("The record was withdrawn.")]
    Withdrawn,
    /// The record takes no further version.
    #[error("A record has at most 65,535 versions.")]
    TooManyVersions,
    /// The document has no content.
    #[error("The document is empty.")]
    Empty,
    /// The envelope would be larger than the server takes.
    #[error("The server takes envelopes of at most {limit} bytes; this one has {size}.")]
    TooLarge {
        /// Bytes of the envelope, at least.
        size: u64,
        /// The most that the server takes.
        limit: u64,
    },
    /// The format does not allow the document's name or media type.
    #[error("The document cannot be described: {0}.")]
    Metadata(String),
    /// The path is not that of a file.
    #[error("{} is not a file.", .0.display())]
    NotAFile(PathBuf),
    /// The pipe cannot be read.
    #[error("The input cannot be read.")]
    Input(#[source] io::Error),
    /// The pipe's content cannot be kept on the disk.
    #[error("The input cannot be spooled.")]
    Spool(#[source] io::Error),
    /// The document cannot be read for the second time.
    #[error("The document cannot be read again.")]
    ReadAgain(#[source] io::Error),
    /// The file changed while it was read.
    #[error("{} changed while it was read.", .0.display())]
    FileChanged(PathBuf),
    /// The document changed between the two readings.
    #[error("The document changed while it was read.")]
    ContentChanged,
    /// The document cannot be encrypted.
    #[error("The document cannot be encrypted.")]
    Seal(#[source] SealError),
    /// The server stored other bytes than were sent.
    #[error("The server has stored something else than what was sent.")]
    StoredOtherBytes,
    /// The chain has another version after the registration.
    #[error("The chain does not show the version just registered.")]
    NotShown,
    /// The person may not upload for the patient.
    #[error(transparent)]
    Authority(AuthorityError),
    /// The person cannot seal to themselves.
    #[error(transparent)]
    OwnKey(OwnKeyError),
    /// Nothing can be sealed to the patient.
    #[error(transparent)]
    PatientKey(PublicKeyError),
    /// The server's deployment file cannot be trusted.
    #[error(transparent)]
    OperatorKey(OperatorKeyError),
    /// The registration was not carried out.
    #[error(transparent)]
    Act(ActError),
    /// The server does not do what it was asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The chain does not answer, or it is not the chain of the deployment.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The wallet does not sign.
    #[error(transparent)]
    Wallet(#[from] WalletError),
    /// A file of this device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

failure! { UploadError {
    KitNotSaved => codes::KIT_NOT_SAVED;
    Withdrawn => codes::RECORD_TOMBSTONED;
    TooManyVersions => codes::USAGE;
    Empty => codes::EMPTY_FILE;
    TooLarge => codes::TOO_LARGE;
    Metadata => codes::USAGE;
    NotAFile => codes::USAGE;
    Input => codes::LOCAL_FILE;
    Spool => codes::LOCAL_FILE;
    ReadAgain => codes::LOCAL_FILE;
    FileChanged => codes::SOURCE_CHANGED;
    ContentChanged => codes::SOURCE_CHANGED;
    Seal => codes::LOCAL_FILE;
    StoredOtherBytes => codes::STORED_OTHER_BYTES;
    NotShown => codes::CHANGED;
    ..Authority;
    ..OwnKey;
    ..PatientKey;
    ..OperatorKey;
    ..Act;
    ..Server;
    ..Chain;
    ..Wallet;
    ..Device;
} }

lift! { AuthorityError => UploadError { Server, Chain, Device, ..Authority } }
lift! { OwnKeyError => UploadError { Chain, Device, ..OwnKey } }
lift! { PublicKeyError => UploadError { Chain, ..PatientKey } }
lift! { OperatorKeyError => UploadError { Server, Device, ..OperatorKey } }
lift! { ActError => UploadError { Server, Chain, Wallet, ..Act } }

impl From<SealError> for UploadError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::ContentChanged => Self::ContentChanged,
            SealError::Metadata(field) => Self::Metadata(field.to_string()),
            other => Self::Seal(other),
        }
    }
}
