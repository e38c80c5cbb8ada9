use protocol::cid::Cid;

use std::path::PathBuf;

use crate::{
    chain::ChainError,
    download::DestinationError,
    envelope::EnvelopeError,
    error::{Cause, codes, failure, lift},
    home::DeviceError,
    unlock::SeedError,
};

/// Why nothing, or one version, was not restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The address has never published a key.
    #[error("This address has never published a key, so it has no records.")]
    NeverPublished,
    /// The recovery words cannot be used.
    #[error(transparent)]
    Seed(SeedError),
    /// The block source does not give a block.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// The envelope does not open.
    #[error(transparent)]
    Envelope(EnvelopeError),
    /// The document cannot be put into its folder.
    #[error(transparent)]
    Destination(DestinationError),
    /// The chain does not answer, or it is not the chain of the deployment.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A file of this device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

failure! { RestoreError {
    NeverPublished => codes::KEY_NOT_REGISTERED, "Check the owner's address and the deployment file.";
    ..Seed;
    ..Block;
    ..Envelope;
    ..Destination;
    ..Chain;
    ..Device;
} }

lift! { SeedError => RestoreError { Chain, ..Seed } }
lift! { EnvelopeError => RestoreError { Chain, Device, ..Envelope } }
lift! { DestinationError => RestoreError { Device, ..Destination } }

/// Why a block source cannot be used, or does not give a block.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlockError {
    /// The source is not a URL.
    #[error("The block source is not a URL.")]
    NotAUrl,
    /// No HTTP client can be made on this device.
    #[error("No HTTP client can be made.")]
    HttpClient(#[source] Cause),
    /// The file is not a CAR file.
    #[error("{} is not a CAR file of version 1.", .0.display())]
    NotACar(PathBuf),
    /// The source does not have a block.
    #[error("The block source does not have {cid}.")]
    Missing {
        /// The CID of the block.
        cid: Cid,
        /// The cause, if there is one.
        source: Option<Cause>,
    },
    /// The source does not answer.
    #[error("The block source does not answer.")]
    Unreachable(#[source] Cause),
    /// The bytes of a block do not have its CID.
    #[error("The block source gives another block than was asked for.")]
    WrongBlock,
    /// The blocks are not those of a file that medlock wrote.
    #[error("The stored file has no form that medlock writes.")]
    NotAnEnvelope(#[source] Cause),
    /// A file of this device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

failure! { BlockError {
    NotAUrl => codes::USAGE;
    HttpClient => codes::INVALID_CONFIG;
    NotACar => codes::USAGE;
    Missing => codes::BLOCK_MISSING;
    Unreachable => codes::UNREACHABLE, "Check the address of the block source and the network; then try again.";
    WrongBlock => codes::CID_MISMATCH;
    NotAnEnvelope => codes::INVALID_ENVELOPE;
    ..Device;
} }
