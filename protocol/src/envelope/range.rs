//! Opening any byte range of the content from the segments that cover it.

use std::ops::Range;

use fast_floe::{
    Key,
    low_level::{DecryptionState, MessageLayout, start_decryption},
};
use zeroize::Zeroize;

use super::{
    EnvelopeContext, FLOE_HEADER_LEN, HEADER_LEN, Header, Metadata, OpenError, SEGMENT_LEN, SEGMENT_PAYLOAD_LEN,
    layout::{METADATA_LENGTH_LEN, parameters, sealed_len},
    open::{error_class, parse_metadata},
};
use crate::secret::DataKey;

/// Random access to an envelope whose length is known.
///
/// The bytes of a range are authentic and at their place when the tags of their segments are correct and the length is
/// the one in the metadata. The content hash and the padding of the whole file are not checked, since that needs the
/// whole file.
pub struct RangeOpener {
    state: DecryptionState,
    layout: MessageLayout,
    metadata: Metadata,
    content_at: u64,
}

impl RangeOpener {
    /// The number of first bytes of a file that [`RangeOpener::new`] needs. A shorter file is needed whole.
    pub const HEAD_LEN: usize = HEADER_LEN + FLOE_HEADER_LEN + SEGMENT_LEN;

    /// Opens FLOE's header and the first segment. `head` begins with the first byte of the envelope; `file_len` is the
    /// length of the whole file.
    ///
    /// # Errors
    /// [`OpenError`]: `Header`, `Tag`, `Final` for a head that is too short, `Length` when `file_len` is not the length
    /// that follows from the metadata.
    pub fn new(head: &[u8], file_len: u64, context: &EnvelopeContext, dek: &DataKey) -> Result<Self, OpenError> {
        let header = Header::parse(head)?;
        let floe_header: &[u8; FLOE_HEADER_LEN] = head[HEADER_LEN..].first_chunk().ok_or(OpenError::Final)?;
        let key = Key::from_bytes(*dek.expose());
        let associated_data = header.associated_data(context);
        let mut state =
            start_decryption(&key, &associated_data, parameters(), &(*floe_header).into()).map_err(error_class)?;

        let floe_len = file_len.checked_sub(HEADER_LEN as u64).ok_or(OpenError::Final)?;
        let layout = parameters().ciphertext_layout(floe_len).map_err(|_| OpenError::Final)?;
        let first = layout.segment_for_position(0).ok_or(OpenError::Final)?;
        let at = HEADER_LEN + FLOE_HEADER_LEN;
        let segment = head.get(at..at + first.ciphertext_length()).ok_or(OpenError::Final)?;
        let mut plaintext = state.decrypt_segment(segment, first).map_err(error_class)?;
        let parsed = parse_metadata(&plaintext);
        plaintext.zeroize();
        let (metadata, metadata_len) = parsed?;
        if sealed_len(metadata.content_len, metadata_len) != file_len {
            return Err(OpenError::Length);
        }
        Ok(Self { state, layout, metadata, content_at: (METADATA_LENGTH_LEN + metadata_len) as u64 })
    }

    /// Returns the metadata.
    #[must_use]
    pub const fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Returns the bytes of the file to fetch for a range of the content: whole segments. Empty for an empty range.
    ///
    /// # Errors
    /// [`OpenError::Length`] for a range that goes beyond the content.
    pub fn file_range(&self, content: &Range<u64>) -> Result<Range<u64>, OpenError> {
        let segments = self.segments(content)?;
        let floe_at = HEADER_LEN as u64;
        let offset = |position: u64| {
            self.layout.segment_for_position(position).map(|segment| {
                let start = floe_at + segment.ciphertext_offset();
                (start, start + segment.ciphertext_length() as u64)
            })
        };
        let Some(last) = segments.end.checked_sub(1).filter(|_| !segments.is_empty()) else { return Ok(0..0) };
        let (start, _) = offset(segments.start).ok_or(OpenError::Length)?;
        let (_, end) = offset(last).ok_or(OpenError::Length)?;
        Ok(start..end)
    }

    /// Opens a range of the content from the bytes that [`RangeOpener::file_range`] returned, and appends it to `out`.
    ///
    /// # Errors
    /// [`OpenError::Tag`] or [`OpenError::Final`] for bytes that are not those of the file, [`OpenError::Length`] for a
    /// range beyond the content. After an error `out` is as before the call.
    pub fn open(&mut self, content: &Range<u64>, file_bytes: &[u8], out: &mut Vec<u8>) -> Result<(), OpenError> {
        let before = out.len();
        let result = self.open_segments(content, file_bytes, out);
        if result.is_err() {
            out[before..].zeroize();
            out.truncate(before);
        }
        result
    }

    fn open_segments(&mut self, content: &Range<u64>, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), OpenError> {
        for position in self.segments(content)? {
            let layout = self.layout.segment_for_position(position).ok_or(OpenError::Length)?;
            let (segment, rest) = bytes.split_at_checked(layout.ciphertext_length()).ok_or(OpenError::Final)?;
            bytes = rest;
            let mut plaintext = self.state.decrypt_segment(segment, layout).map_err(error_class)?;
            // The requested part of this segment, relative to the segment.
            let within = |at: u64| {
                let relative = (self.content_at + at).saturating_sub(layout.plaintext_offset());
                usize::try_from(relative).unwrap_or(usize::MAX).min(plaintext.len())
            };
            out.extend_from_slice(&plaintext[within(content.start)..within(content.end)]);
            plaintext.zeroize();
        }
        if bytes.is_empty() { Ok(()) } else { Err(OpenError::Final) }
    }

    /// Returns the positions of the segments that cover a range of the content.
    fn segments(&self, content: &Range<u64>) -> Result<Range<u64>, OpenError> {
        if content.start > content.end || content.end > self.metadata.content_len {
            return Err(OpenError::Length);
        }
        if content.is_empty() {
            return Ok(0..0);
        }
        let payload = SEGMENT_PAYLOAD_LEN as u64;
        Ok((self.content_at + content.start) / payload..(self.content_at + content.end).div_ceil(payload))
    }
}
