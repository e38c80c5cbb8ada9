//! The envelope `MLK2`: one record version, encrypted.
//!
//! ```text
//!  off  len
//!    0    4  magic "MLK2"
//!    4    1  suite 0x01: FLOE AES-256-GCM, 64 KiB segments, 32-byte IV, owner capsule of 1,172 bytes
//!    5    1  flags: bit 0 split key, bit 1 padded; both must be set, nothing else may be
//!    6    2  version of the record
//!    8   32  record id
//!   40    4  epoch of the patient's identity key in the owner capsule
//!   44 1172  owner capsule
//! 1216    …  FLOE: parameters 10, IV 32, header tag 32, segments; ends exactly at the end of the file
//! ```
//!
//! FLOE encrypts: length of metadata (u32) ‖ [`Metadata`] ‖ content ‖ zeros up to the padded length.
//! FLOE's associated data: `"medlock/v1/envelope\0"` ‖ bytes [0,1216) ‖ chain id 8 ‖ RecordRegistry 20.
//!
//! Sealing and opening do no input or output themselves (sans-io) and use bounded memory. [`Sealer`] and [`Opener`]
//! take slices, [`SealReader`] and [`OpenReader`] wrap a `Read`, [`RangeOpener`] opens any byte range of the content
//! from the segments that cover it.
//! FLOE generates its IVs itself (the one exception to "the caller passes the generator"). Sealing the same content
//! twice gives two different envelopes, so it is safe to use the same data key when an interrupted upload is started
//! again.

mod content_hash;
mod header;
mod io;
mod layout;
mod metadata;
mod open;
mod range;
mod seal;

pub use content_hash::{CONTENT_PIECE_LEN, ContentHasher};
pub use header::{FORMAT, HEADER_LEN, Header};
pub use io::{OpenReader, SealReader};
pub use layout::{
    ContentLenError, FLOE_HEADER_LEN, MAX_CONTENT_LEN, MAX_METADATA_LEN, MIN_PADDED_LEN, SEGMENT_LEN,
    SEGMENT_PAYLOAD_LEN, check_content_len, padded_len, sealed_len,
};
pub use metadata::{Coding, MAX_FILE_NAME_LEN, Metadata, MetadataError, SignedBy, is_file_name};
pub use open::Opener;
pub use range::RangeOpener;
pub use seal::{SealError, SealParams, Sealer};

use alloy::primitives::Address;

use crate::split::RecordVersion;

/// The chain and the registry that an envelope belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvelopeContext {
    /// The EIP-155 chain id.
    pub chain_id: u64,
    /// The address of `RecordRegistry`.
    pub registry: Address,
}

impl EnvelopeContext {
    /// Returns the identification of a record version in this registry.
    #[must_use]
    pub const fn record_version(&self, record: crate::ids::RecordId, version: u16) -> RecordVersion {
        RecordVersion { chain_id: self.chain_id, registry: self.registry, record, version }
    }
}

/// The reason why an envelope cannot be opened. The names are the error classes of the shared vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The magic, suite, flags, version, owner capsule, FLOE parameters or metadata are malformed, or the header names
    /// another record or version than the requested one.
    #[error("the envelope's header is malformed or names another record")]
    Header,
    /// An authentication tag is wrong: wrong key, wrong chain or registry, or changed bytes.
    #[error("the envelope was changed, or the key is wrong")]
    Tag,
    /// The file does not end exactly with its final segment.
    #[error("the envelope is truncated, or has extra bytes at its end")]
    Final,
    /// Lengths inside the envelope contradict each other.
    #[error("the lengths inside the envelope contradict each other")]
    Length,
    /// The padding is not zero, or does not have the required length.
    #[error("the padding of the envelope does not follow the protocol")]
    Padding,
    /// The owner capsule, release share or content hash does not match the key and the content.
    #[error("the envelope does not match its key or its content hash")]
    Commitment,
    /// The owner capsule is not for this key, patient, record, version or epoch.
    #[error("the owner capsule is not for this key")]
    NoMatch,
}

impl OpenError {
    /// Returns the error class, as the shared vectors write it.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Tag => "tag",
            Self::Final => "final",
            Self::Length => "length",
            Self::Padding => "padding",
            Self::Commitment => "commitment",
            Self::NoMatch => "no match",
        }
    }
}
