//! Opening an envelope from its first byte to its last.

use fast_floe::{Error, Key, SEGMENT_PREFIX_LENGTH, SegmentFraming, online::Decryptor};
use zeroize::{Zeroize, Zeroizing};

use super::{
    ContentHasher, EnvelopeContext, FLOE_HEADER_LEN, Header, MAX_METADATA_LEN, Metadata, OpenError, SEGMENT_LEN,
    layout::{METADATA_LENGTH_LEN, SEGMENT_OVERHEAD, padded_len, parameters, plaintext_len},
};
use crate::secret::DataKey;

/// Decrypts the bytes after the header, which the caller passes piece by piece. Holds at most one segment in memory.
///
/// No content of a segment is released before its tag is checked. The hash of the whole content is checked only in
/// [`Opener::finish`]. A caller that cannot discard the content again must wait for that.
pub struct Opener {
    key: Key,
    associated_data: Vec<u8>,
    decryptor: Option<Decryptor>,
    // Ciphertext of a segment (or of the FLOE header) that is not complete yet.
    partial: Vec<u8>,
    plaintext: Plaintext,
    failed: Option<OpenError>,
}

impl Opener {
    /// Starts after the 1,216 bytes of `header`. The data key comes from the owner capsule, or from joining two shares.
    #[must_use]
    pub fn new(header: &Header, context: &EnvelopeContext, dek: &DataKey) -> Self {
        Self {
            key: Key::from_bytes(*dek.expose()),
            associated_data: header.associated_data(context),
            decryptor: None,
            partial: Vec::new(),
            plaintext: Plaintext::default(),
            failed: None,
        }
    }

    /// Returns the metadata, or `None` before the first segment was opened.
    #[must_use]
    pub const fn metadata(&self) -> Option<&Metadata> {
        self.plaintext.metadata.as_ref()
    }

    /// Takes the next bytes of the file and appends to `out` the content of every segment whose tag is correct.
    ///
    /// # Errors
    /// [`OpenError`]. Every later call returns the same error again, and `out` contains only authentic content.
    pub fn update(&mut self, file: &[u8], out: &mut Vec<u8>) -> Result<(), OpenError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let result = self.take(file, out);
        self.failed = result.err();
        result
    }

    /// Checks the end of the file: that the final segment was the last, that padding and lengths are correct, and the
    /// content hash. Call it after the last [`Opener::update`].
    ///
    /// # Errors
    /// [`OpenError::Final`] for a truncated file; [`OpenError::Length`]; [`OpenError::Padding`];
    /// [`OpenError::Commitment`] for a content hash that differs; or the error of an earlier call.
    pub fn finish(self) -> Result<Metadata, OpenError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if !self.partial.is_empty() || !self.decryptor.is_some_and(|decryptor| decryptor.is_finished()) {
            return Err(OpenError::Final);
        }
        self.plaintext.finish()
    }

    fn take(&mut self, mut file: &[u8], out: &mut Vec<u8>) -> Result<(), OpenError> {
        while !file.is_empty() {
            let wanted = self.wanted(file)?;
            if self.partial.is_empty() && file.len() >= wanted && self.decryptor.is_some() {
                // The common case: the input contains a whole segment.
                let (segment, rest) = file.split_at(wanted);
                file = rest;
                self.segment(segment, out)?;
                continue;
            }
            let (now, later) = file.split_at(file.len().min(wanted - self.partial.len()));
            self.partial.extend_from_slice(now);
            file = later;
            if self.partial.len() < wanted {
                continue;
            }
            let mut whole = std::mem::take(&mut self.partial);
            if self.decryptor.is_some() {
                self.segment(&whole, out)?;
            } else {
                self.floe_header(&whole)?;
            }
            whole.clear();
            self.partial = whole;
        }
        Ok(())
    }

    /// Returns the length of the piece that begins with `partial` and `file`: the FLOE header, a segment, or the prefix
    /// of a segment while the length of that segment is not known.
    fn wanted(&self, file: &[u8]) -> Result<usize, OpenError> {
        let Some(decryptor) = &self.decryptor else { return Ok(FLOE_HEADER_LEN) };
        if decryptor.is_finished() {
            return Err(OpenError::Final);
        }
        let mut prefix = [0; SEGMENT_PREFIX_LENGTH];
        let mut bytes = self.partial.iter().chain(file);
        for byte in &mut prefix {
            match bytes.next() {
                Some(next) => *byte = *next,
                None => return Ok(SEGMENT_PREFIX_LENGTH),
            }
        }
        let framing = SegmentFraming::decode(parameters(), prefix).map_err(|_| OpenError::Final)?;
        Ok(framing.ciphertext_length())
    }

    fn floe_header(&mut self, bytes: &[u8]) -> Result<(), OpenError> {
        let header = bytes.try_into().map_err(|_| OpenError::Header)?;
        let decryptor = Decryptor::new_with_parameters(&self.key, &self.associated_data, parameters(), &header)
            .map_err(error_class)?;
        self.decryptor = Some(decryptor);
        Ok(())
    }

    fn segment(&mut self, segment: &[u8], out: &mut Vec<u8>) -> Result<(), OpenError> {
        let decryptor = self.decryptor.as_mut().expect("segments follow the FLOE header");
        let start = out.len();
        // `wanted` never returns less than the overhead.
        out.resize(start + segment.len() - SEGMENT_OVERHEAD, 0);
        let decrypted = decryptor.decrypt_segment_into(segment, &mut out[start..]).map_err(error_class);
        let is_final = decryptor.is_finished();
        let checked = decrypted.and_then(|_| self.plaintext.take(out, start, is_final));
        if checked.is_err() {
            out[start..].zeroize();
            out.truncate(start);
        }
        checked
    }
}

/// Returns the class of [`OpenError`] for an error of FLOE.
pub(super) fn error_class(error: Error) -> OpenError {
    match error {
        Error::InvalidHeaderParameters | Error::InvalidHeaderLength { .. } | Error::InvalidParameters => {
            OpenError::Header
        }
        Error::InvalidHeaderTag | Error::AuthenticationFailed => OpenError::Tag,
        // Framing: a prefix that contradicts the segment, data after the end, or no end.
        _ => OpenError::Final,
    }
}

/// Splits an authenticated plaintext into metadata, content and padding, and checks each.
#[derive(Default)]
struct Plaintext {
    metadata: Option<Metadata>,
    metadata_len: usize,
    content: ContentHasher,
    received: u64,
}

impl Plaintext {
    /// Takes the plaintext of one segment, which is `out[start..]`, and leaves only the content there.
    fn take(&mut self, out: &mut Vec<u8>, start: usize, is_final: bool) -> Result<(), OpenError> {
        self.received += (out.len() - start) as u64;
        if self.metadata.is_none() {
            let (metadata, length) = parse_metadata(&out[start..])?;
            self.metadata = Some(metadata);
            self.metadata_len = length;
            out[start..start + METADATA_LENGTH_LEN + length].zeroize();
            out.drain(start..start + METADATA_LENGTH_LEN + length);
        }
        let announced = self.metadata.as_ref().map_or(0, |metadata| metadata.content_len);
        let end = METADATA_LENGTH_LEN as u64 + self.metadata_len as u64 + announced;
        if self.received > padded_len(end) {
            return Err(OpenError::Padding);
        }
        if is_final && self.received < end {
            return Err(OpenError::Length);
        }
        if is_final && self.received < padded_len(end) {
            return Err(OpenError::Padding);
        }
        let missing = announced - self.content.len();
        let content_end = start + usize::try_from(missing).unwrap_or(usize::MAX).min(out.len() - start);
        if out[content_end..].iter().any(|&byte| byte != 0) {
            return Err(OpenError::Padding);
        }
        out.truncate(content_end);
        self.content.update(&out[start..]);
        Ok(())
    }

    fn finish(self) -> Result<Metadata, OpenError> {
        let metadata = self.metadata.ok_or(OpenError::Length)?;
        debug_assert_eq!(self.received, plaintext_len(metadata.content_len, self.metadata_len));
        if self.content.finish() == metadata.content_hash { Ok(metadata) } else { Err(OpenError::Commitment) }
    }
}

/// Parses the length and the metadata from the plaintext of the first segment.
pub(super) fn parse_metadata(first: &[u8]) -> Result<(Metadata, usize), OpenError> {
    let length = first.first_chunk::<METADATA_LENGTH_LEN>().ok_or(OpenError::Length)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| OpenError::Length)?;
    if length > MAX_METADATA_LEN {
        return Err(OpenError::Length);
    }
    let encoded = first.get(METADATA_LENGTH_LEN..METADATA_LENGTH_LEN + length).ok_or(OpenError::Length)?;
    let metadata = Metadata::from_cbor(encoded).map_err(|_| OpenError::Header)?;
    Ok((metadata, length))
}

// The plaintext of the first segment always contains all metadata.
const _: () = assert!(METADATA_LENGTH_LEN + MAX_METADATA_LEN <= SEGMENT_LEN - SEGMENT_OVERHEAD);

/// A buffer for plaintext that is wiped when dropped, for readers that keep one.
pub(super) type PlaintextBuffer = Zeroizing<Vec<u8>>;
