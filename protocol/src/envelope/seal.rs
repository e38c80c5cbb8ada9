//! Sealing: making an envelope.

use alloy::primitives::Address;
use fast_floe::{Key, online::Encryptor};
use zeroize::Zeroizing;

use super::{
    ContentHasher, EnvelopeContext, FLOE_HEADER_LEN, HEADER_LEN, Header, Metadata, MetadataError, SEGMENT_PAYLOAD_LEN,
    layout::{SEGMENT_OVERHEAD, parameters, plaintext_len, sealed_len},
};
use crate::{identity::PublicKey, ids::RecordId, secret::DataKey};

/// The largest number of zeros that one call of [`Sealer::finish`] writes.
const PADDING_STEP: usize = 1 << 20;

/// The reason why an envelope cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// A field of the metadata is out of range.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The version or the key epoch is 0. Both count from 1.
    #[error("version and key epoch must be at least 1")]
    Version,
    /// The content does not match the metadata: it changed between the two passes.
    #[error("the content changed while it was read")]
    ContentChanged,
    /// The operating system did not return random numbers.
    #[error("the system did not provide random numbers")]
    Random,
}

/// The parameters of a new envelope.
#[derive(Clone, Debug)]
pub struct SealParams {
    /// The chain and the registry.
    pub context: EnvelopeContext,
    /// The record.
    pub record: RecordId,
    /// The version of the record, from 1.
    pub version: u16,
    /// The patient whose record it is.
    pub patient: Address,
    /// The patient's identity key, from the chain.
    pub patient_key: PublicKey,
    /// The epoch of that key, from 1.
    pub patient_key_epoch: u32,
    /// The metadata, with the length and hash of the content from the first pass.
    pub metadata: Metadata,
}

/// Encrypts content that the caller passes piece by piece. Holds at most one segment in memory.
///
/// Call [`Sealer::update`] with all content in order, then [`Sealer::finish`] until it returns `true`. The bytes
/// appended to `out` over all calls are the envelope; their number is exactly [`Sealer::sealed_len`].
/// After an error, discard the part of the envelope that was already written.
pub struct Sealer {
    header: Header,
    segments: Segments,
    // The headers of the envelope and of FLOE, until they are written.
    head: Vec<u8>,
    announced: Metadata,
    content: ContentHasher,
    sealed_len: u64,
}

impl Sealer {
    /// Starts an envelope. FLOE generates its IV here.
    ///
    /// # Errors
    /// [`SealError::Metadata`], [`SealError::Version`] or [`SealError::Random`].
    pub fn new(params: &SealParams, dek: &DataKey) -> Result<Self, SealError> {
        if params.version == 0 || params.patient_key_epoch == 0 {
            return Err(SealError::Version);
        }
        let metadata = Zeroizing::new(params.metadata.to_cbor()?);
        let header = Header::new(
            &params.context,
            params.record,
            params.version,
            params.patient,
            (&params.patient_key, params.patient_key_epoch),
            dek,
        );
        let associated_data = header.associated_data(&params.context);
        let encryptor = Encryptor::new(&Key::from_bytes(*dek.expose()), &associated_data, parameters())
            .map_err(|_| SealError::Random)?;

        let mut head = Vec::with_capacity(HEADER_LEN + FLOE_HEADER_LEN);
        head.extend_from_slice(&header.to_bytes());
        head.extend_from_slice(encryptor.header().as_bytes());

        let mut segments = Segments {
            encryptor: Some(encryptor),
            partial: Zeroizing::new(Vec::with_capacity(SEGMENT_PAYLOAD_LEN)),
            left: plaintext_len(params.metadata.content_len, metadata.len()),
        };
        let length = u32::try_from(metadata.len()).expect("metadata are at most 16 KiB");
        segments.hold(&length.to_be_bytes());
        segments.hold(&metadata);

        Ok(Self {
            header,
            segments,
            head,
            sealed_len: sealed_len(params.metadata.content_len, metadata.len()),
            announced: params.metadata.clone(),
            content: ContentHasher::new(),
        })
    }

    /// Returns the unencrypted header.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Returns the length of the whole envelope, which is known from the start.
    #[must_use]
    pub const fn sealed_len(&self) -> u64 {
        self.sealed_len
    }

    /// Encrypts the next bytes of the content and appends every complete segment to `out`.
    ///
    /// # Errors
    /// [`SealError::ContentChanged`] as soon as there is more content than the metadata say; [`SealError::Random`].
    pub fn update(&mut self, content: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        out.append(&mut self.head);
        if content.len() as u64 > self.announced.content_len - self.content.len() {
            return Err(SealError::ContentChanged);
        }
        self.content.update(content);
        self.segments.push(content, out)
    }

    /// Checks the length and hash of the content, then appends padding, about 1 MiB at most in each call. Returns
    /// `true` when the envelope is complete.
    ///
    /// # Errors
    /// [`SealError::ContentChanged`] when the content does not match the metadata; [`SealError::Random`].
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<bool, SealError> {
        out.append(&mut self.head);
        if self.content.len() != self.announced.content_len
            || self.content.clone().finish() != self.announced.content_hash
        {
            return Err(SealError::ContentChanged);
        }
        let padding = usize::try_from(self.segments.left).unwrap_or(usize::MAX).min(PADDING_STEP);
        self.segments.push(&vec![0; padding], out)?;
        Ok(self.segments.encryptor.is_none())
    }
}

/// Splits a plaintext of known length into FLOE segments.
struct Segments {
    // `None` after the final segment was written.
    encryptor: Option<Encryptor>,
    partial: Zeroizing<Vec<u8>>,
    // The number of plaintext bytes that are still to come.
    left: u64,
}

impl Segments {
    /// Keeps plaintext that always fits into the first segment.
    fn hold(&mut self, plaintext: &[u8]) {
        self.partial.extend_from_slice(plaintext);
        self.left -= plaintext.len() as u64;
    }

    /// Takes at most `left` bytes. Full segments are encrypted directly from `plaintext`, without a copy.
    fn push(&mut self, mut plaintext: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        out.reserve(plaintext.len() + (plaintext.len() / SEGMENT_PAYLOAD_LEN + 2) * SEGMENT_OVERHEAD);
        while !plaintext.is_empty() {
            let wanted = SEGMENT_PAYLOAD_LEN - self.partial.len();
            let (now, later) = plaintext.split_at(plaintext.len().min(wanted));
            self.left -= now.len() as u64;
            plaintext = later;
            let is_final = self.left == 0;
            if now.len() < wanted && !is_final {
                self.partial.extend_from_slice(now);
            } else if self.partial.is_empty() {
                self.encrypt(now, is_final, out)?;
            } else {
                self.partial.extend_from_slice(now);
                let mut segment = std::mem::take(&mut self.partial);
                self.encrypt(&segment, is_final, out)?;
                segment.clear();
                self.partial = segment;
            }
        }
        Ok(())
    }

    fn encrypt(&mut self, segment: &[u8], is_final: bool, out: &mut Vec<u8>) -> Result<(), SealError> {
        let start = out.len();
        out.resize(start + segment.len() + SEGMENT_OVERHEAD, 0);
        let place = &mut out[start..];
        // Lengths and order are always correct here; only the random number generator of the system can fail.
        if is_final {
            let encryptor = self.encryptor.take().expect("there is one final segment, and nothing after it");
            encryptor.encrypt_final_segment_into(segment, place).map_err(|_| SealError::Random)?;
        } else {
            let encryptor = self.encryptor.as_mut().expect("the final segment is the last");
            encryptor.encrypt_non_final_segment_into(segment, place).map_err(|_| SealError::Random)?;
        }
        Ok(())
    }
}
