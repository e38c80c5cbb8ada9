//! Why an envelope does not open.

use protocol::envelope::OpenError;

use crate::{
    api::ServerError,
    chain::ChainError,
    error::{Cause, codes, failure, sentence},
    home::DeviceError,
};

/// Why an envelope does not open, or is not the one that the chain names.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// The data key is sealed to a key that is not of the person's seed.
    #[error("It is sealed to encryption key {epoch} of your address, which is not yours.")]
    ForeignKey {
        /// The epoch of that key.
        epoch: u32,
    },
    /// The envelope is damaged, truncated, or made for something else, or its uploader did not follow the protocol.
    #[error("{}", sentence(.0))]
    Invalid(#[source] OpenError),
    /// The envelope does not keep what it commits to: its uploader did not follow the protocol.
    #[error("{}", sentence(.0))]
    Commitment(#[source] OpenError),
    /// The stored bytes do not have the CID that the chain names.
    #[error("The stored bytes are not those that the chain names.")]
    WrongBytes,
    /// The server gives more or fewer bytes than it has announced.
    #[error("The server gives another number of bytes than it has announced.")]
    WrongLength,
    /// The server does not have the envelope.
    #[error("The server does not have this version's envelope.")]
    Missing(#[source] Cause),
    /// The wished bytes lie outside the document.
    #[error("The document has {content_bytes} bytes.")]
    OutOfRange {
        /// The length of the document.
        content_bytes: u64,
    },
    /// The document cannot be written.
    #[error("The document cannot be written: {0}.")]
    NotWritten(#[source] std::io::Error),
    /// The server does not do what it was asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The chain cannot be asked, or does not have the key of an uploader's patient.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A file of this device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

failure! { EnvelopeError {
    ForeignKey => codes::FOREIGN_KEY;
    Invalid => codes::INVALID_ENVELOPE;
    Commitment => codes::COMMITMENT;
    WrongBytes => codes::CID_MISMATCH;
    WrongLength => codes::CID_MISMATCH;
    Missing => codes::ENVELOPE_MISSING;
    OutOfRange => codes::INVALID_RANGE;
    NotWritten => codes::LOCAL_FILE;
    ..Server;
    ..Chain;
    ..Device;
} }

impl From<OpenError> for EnvelopeError {
    fn from(error: OpenError) -> Self {
        if error == OpenError::Commitment { Self::Commitment(error) } else { Self::Invalid(error) }
    }
}
