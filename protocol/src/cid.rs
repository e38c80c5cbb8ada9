//! Content identifiers of envelopes on IPFS. They are computed from a stream of bytes.
//!
//! CIDv1, SHA-256, UnixFS with raw leaves of 1 MiB and 1,024 links in a node, balanced (profile `unixfs-v1-2025`). This
//! is the same CID that Kubo computes for `ipfs add --cid-version 1 --raw-leaves --chunker size-1048576
//! --max-file-links 1024`.
//! A file of one chunk is a single raw block (codec 0x55), a longer one a dag-pb tree (0x70).

mod build;
mod node;

pub use build::{CHUNK_LEN, CidBuilder, MAX_LINKS};
pub use node::{Child, Node, NodeError};

use alloy::primitives::B256;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::codes::{CODEC_DAG_PB, CODEC_RAW};

const SHA2_256: u64 = 0x12;

/// The text or bytes are not a CID of the form that medlock uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a CIDv1 of raw or dag-pb with SHA-256")]
pub struct InvalidCid;

/// The content type of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Codec {
    /// A part of the file.
    Raw = CODEC_RAW,
    /// A node of a UnixFS tree.
    DagPb = CODEC_DAG_PB,
}

impl Codec {
    /// Returns the codec with this code, which is the code on chain.
    ///
    /// # Errors
    /// [`InvalidCid`] for every code except 0x55 and 0x70.
    pub const fn from_code(code: u8) -> Result<Self, InvalidCid> {
        match code {
            CODEC_RAW => Ok(Self::Raw),
            CODEC_DAG_PB => Ok(Self::DagPb),
            _ => Err(InvalidCid),
        }
    }

    /// Returns 0x55 or 0x70.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// A CIDv1 with SHA-256 over a raw or dag-pb block. It consists of a codec and a digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cid {
    codec: Codec,
    digest: B256,
}

impl Cid {
    /// The length in bytes: version, codec, hash function, length, digest.
    pub const LEN: usize = 36;

    /// Makes a CID from the codec and digest that the chain stores.
    #[must_use]
    pub const fn new(codec: Codec, digest: B256) -> Self {
        Self { codec, digest }
    }

    /// Computes the CID of a block.
    #[must_use]
    pub fn of_block(codec: Codec, block: &[u8]) -> Self {
        Self { codec, digest: B256::from_slice(&Sha256::digest(block)) }
    }

    /// Returns the codec.
    #[must_use]
    pub const fn codec(&self) -> Codec {
        self.codec
    }

    /// Returns the SHA-256 digest of the block.
    #[must_use]
    pub const fn digest(&self) -> B256 {
        self.digest
    }

    /// Returns whether this is the CID of `block`.
    #[must_use]
    pub fn names(&self, block: &[u8]) -> bool {
        Self::of_block(self.codec, block) == *self
    }

    /// Returns the 36 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..4].copy_from_slice(&[0x01, self.codec.code(), 0x12, 0x20]);
        bytes[4..].copy_from_slice(self.digest.as_slice());
        bytes
    }

    /// Parses exactly 36 bytes.
    ///
    /// # Errors
    /// [`InvalidCid`] for another length or form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidCid> {
        let bytes: &[u8; Self::LEN] = bytes.try_into().map_err(|_| InvalidCid)?;
        if bytes[0] != 0x01 || bytes[2..4] != [0x12, 0x20] {
            return Err(InvalidCid);
        }
        Ok(Self { codec: Codec::from_code(bytes[1])?, digest: B256::from_slice(&bytes[4..]) })
    }

    fn general(self) -> cid::Cid {
        let hash = cid::multihash::Multihash::wrap(SHA2_256, self.digest.as_slice()).expect("32 bytes fit into 64");
        cid::Cid::new_v1(self.codec.code().into(), hash)
    }
}

impl std::fmt::Display for Cid {
    /// Writes base32 in lower case: `bafk…` or `bafy…`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.general().to_string())
    }
}

impl std::fmt::Debug for Cid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cid({self})")
    }
}

impl std::str::FromStr for Cid {
    type Err = InvalidCid;

    /// Parses the text that `Display` writes. Other spellings of the same CID are refused.
    fn from_str(text: &str) -> Result<Self, InvalidCid> {
        let general: cid::Cid = text.parse().map_err(|_| InvalidCid)?;
        let cid = Self::from_bytes(&general.to_bytes())?;
        if cid.to_string() == text { Ok(cid) } else { Err(InvalidCid) }
    }
}

impl Serialize for Cid {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cid {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
