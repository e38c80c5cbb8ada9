use protocol::{codes::Purpose, error_code::ErrorCode};

use super::destination::DestinationError;
use crate::{
    api::ServerError,
    chain::ChainError,
    envelope::EnvelopeError,
    error::{Cause, codes, failure, lift},
    home::DeviceError,
    lookup::LookupError,
};

/// Why a document does not open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// The record was withdrawn.
    #[error("The record was withdrawn.")]
    Withdrawn,
    /// The record has no version with this number.
    #[error("The record has versions 1 to {newest}, not {asked}.")]
    UnknownVersion {
        /// The newest version.
        newest: u16,
        /// The number that was asked for.
        asked: u16,
    },
    /// The patient has not shared the record with this person.
    #[error("The patient has not shared this record with you.")]
    NoGrant,
    /// The time for which the patient shared the record has not begun.
    #[error("The time for which the patient shared this record has not begun.")]
    GrantNotBegun,
    /// The time for which the patient shared the record is over.
    #[error("The time for which the patient shared this record is over.")]
    GrantExpired,
    /// The patient has ended the grant.
    #[error("The patient has stopped sharing this record with you.")]
    GrantRevoked,
    /// The grant is for other purposes.
    #[error("The grant is for {}, not for {asked}.", in_words(granted))]
    OtherPurpose {
        /// The purposes of the grant.
        granted: Vec<Purpose>,
        /// The purpose that was named.
        asked: Purpose,
    },
    /// The grant is for several purposes, and none was named.
    #[error("The grant is for several purposes: {}.", in_words(.0))]
    SeveralPurposes(Vec<Purpose>),
    /// The patient has not added this version to the grant yet.
    #[error("Version {0} came after the patient shared this record.")]
    LaterVersion(u16),
    /// The grant is sealed to a key that is not of the person's seed.
    #[error("It was shared with encryption key {epoch} of your address, which is not yours.")]
    SharedWithForeignKey {
        /// The epoch of that key.
        epoch: u32,
    },
    /// The server's capsules are not those that the patient signed.
    #[error("The server's copy of the grant's capsules is not what the chain names.")]
    WrongBundle(#[source] Option<Cause>),
    /// The operator's receipt is not for this read, or does not hold.
    #[error("{0}")]
    WrongReceipt(&'static str),
    /// The envelope does not open.
    #[error(transparent)]
    Envelope(EnvelopeError),
    /// The document cannot be put where it was to go.
    #[error(transparent)]
    Destination(DestinationError),
    /// The server does not do what it was asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The chain does not answer, or it is not the chain of the deployment.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A file of this device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

failure! { DownloadError {
    Withdrawn => codes::RECORD_TOMBSTONED;
    UnknownVersion => codes::UNKNOWN_VERSION;
    NoGrant => codes::NO_GRANT;
    GrantNotBegun => ErrorCode::GrantExpired;
    GrantExpired => ErrorCode::GrantExpired;
    GrantRevoked => ErrorCode::GrantRevoked;
    OtherPurpose => codes::NO_GRANT;
    SeveralPurposes => codes::USAGE, "Name one of them: --purpose.";
    LaterVersion => codes::NO_GRANT, "Wait until the patient has signed in again, or ask for an earlier version.";
    SharedWithForeignKey => codes::FOREIGN_KEY,
        "Run: medlock key register; then ask the patient to share again.";
    WrongBundle => codes::WRONG_BUNDLE;
    WrongReceipt => codes::WRONG_RECEIPT;
    ..Envelope;
    ..Destination;
    ..Server;
    ..Chain;
    ..Device;
} }

lift! { EnvelopeError => DownloadError { Server, Chain, Device, ..Envelope } }
lift! { DestinationError => DownloadError { Device, ..Destination } }
lift! { LookupError => DownloadError { Server, Chain } }

fn in_words(purposes: &[Purpose]) -> String {
    purposes.iter().map(|purpose| purpose.as_str()).collect::<Vec<_>>().join(", ")
}
