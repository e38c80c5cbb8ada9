//! Lengths: padding, segments, and the size of an envelope before it is made.

use fast_floe::Parameters;

use super::HEADER_LEN;

/// The length of a FLOE segment, with its 4-byte prefix, 12-byte IV and 16-byte tag.
pub const SEGMENT_LEN: usize = 65_536;
/// The number of plaintext bytes in a full segment.
pub const SEGMENT_PAYLOAD_LEN: usize = SEGMENT_LEN - SEGMENT_OVERHEAD;
/// The length of the FLOE header: parameters 10, IV 32, tag 32.
pub const FLOE_HEADER_LEN: usize = 74;
/// The shortest plaintext after padding, in bytes.
pub const MIN_PADDED_LEN: u64 = 4_096;
/// The longest metadata, in bytes. With this limit, they fit into the first segment.
pub const MAX_METADATA_LEN: usize = 16_384;
/// The longest content: 2^46 bytes (64 TiB). With this limit, a JavaScript number holds every length exactly.
pub const MAX_CONTENT_LEN: u64 = 1 << 46;

pub(super) const SEGMENT_OVERHEAD: usize = 32;
/// The length of the field before the metadata that contains their length.
pub(super) const METADATA_LENGTH_LEN: usize = 4;

pub(super) fn parameters() -> Parameters {
    Parameters::with_segment_length(65_536).expect("64 KiB is within FLOE's range")
}

/// Returns the length after padding: Padmé (Nikitin et al., PETS 2019), at least [`MIN_PADDED_LEN`].
///
/// With `E = floor(log2 L)` and `S = floor(log2 E) + 1`, L is rounded up until its low `E - S` bits are zero. The
/// result is at most 12 % longer, and reveals only O(log log L) bits of the length.
#[must_use]
pub const fn padded_len(len: u64) -> u64 {
    if len <= MIN_PADDED_LEN {
        return MIN_PADDED_LEN;
    }
    let exponent = len.ilog2();
    let mask = (1_u64 << (exponent - exponent.ilog2() - 1)) - 1;
    (len + mask) & !mask
}

/// Returns the length of the plaintext that FLOE encrypts, including padding.
pub(super) const fn plaintext_len(content_len: u64, metadata_len: usize) -> u64 {
    padded_len(METADATA_LENGTH_LEN as u64 + metadata_len as u64 + content_len)
}

/// Returns the length of the envelope for `content_len` bytes of content with `metadata_len` bytes of encoded metadata.
///
/// The result is exact, so an upload can announce its length before the first byte. `content_len` is at most
/// [`MAX_CONTENT_LEN`], `metadata_len` at most [`MAX_METADATA_LEN`].
#[must_use]
pub const fn sealed_len(content_len: u64, metadata_len: usize) -> u64 {
    let plaintext = plaintext_len(content_len, metadata_len);
    let segments = plaintext.div_ceil(SEGMENT_PAYLOAD_LEN as u64);
    (HEADER_LEN + FLOE_HEADER_LEN) as u64 + plaintext + segments * SEGMENT_OVERHEAD as u64
}

/// The reason why a document cannot be uploaded because of its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentLenError {
    /// The document has no bytes.
    #[error("the document is empty")]
    Empty,
    /// The envelope of the document would be longer than the server accepts.
    #[error("the envelope would have {sealed} bytes, and the server accepts at most {max}")]
    TooLarge {
        /// The length of the envelope, in bytes.
        sealed: u64,
        /// The largest envelope that the server accepts, in bytes.
        max: u64,
    },
}

/// Checks the length of a document, in bytes, before it is hashed, signed or sent. `metadata_len` is the length of the
/// encoded metadata, or 0 while it is not known yet; `max` is the largest envelope that the server accepts.
///
/// # Errors
/// [`ContentLenError`] when the document is empty or too large.
pub const fn check_content_len(content_len: u64, metadata_len: usize, max: u64) -> Result<(), ContentLenError> {
    if content_len == 0 {
        return Err(ContentLenError::Empty);
    }
    if content_len > MAX_CONTENT_LEN {
        return Err(ContentLenError::TooLarge { sealed: u64::MAX, max });
    }
    let sealed = sealed_len(content_len, metadata_len);
    if sealed > max { Err(ContentLenError::TooLarge { sealed, max }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_follows_padme() {
        // Computed by hand from the definition: E = 12, S = 4, so 8 low bits are cleared.
        assert_eq!(padded_len(0), 4_096);
        assert_eq!(padded_len(4_096), 4_096);
        assert_eq!(padded_len(4_097), 4_352);
        assert_eq!(padded_len(4_352), 4_352);
        // E = 16, S = 5: 11 low bits.
        assert_eq!(padded_len(65_537), 67_584);
        // E = 30, S = 5: 25 low bits.
        assert_eq!(padded_len((1 << 30) + 1), (1 << 30) + (1 << 25));
    }

    #[test]
    fn padding_costs_at_most_an_eighth() {
        let mut len = 4_097_u64;
        while len < MAX_CONTENT_LEN {
            let padded = padded_len(len);
            assert!(padded >= len && padded - len <= len / 8, "{len}");
            assert_eq!(padded_len(padded), padded, "{len}");
            len = len * 17 / 16 + 1;
        }
    }
}
