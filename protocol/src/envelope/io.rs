//! Sealing and opening as `std::io::Read`.

use std::io::{self, Read};

use super::{
    EnvelopeContext, HEADER_LEN, Header, Metadata, OpenError, Opener, SealError, SealParams, Sealer,
    open::PlaintextBuffer,
};
use crate::secret::DataKey;

/// The number of bytes read from the inner reader at a time.
const STEP: usize = 256 * 1024;

/// Reads content from an inner reader and returns the bytes of the envelope.
///
/// A [`SealError`] is returned as the source of an error with `io::ErrorKind::InvalidData`.
pub struct SealReader<R> {
    content: R,
    sealer: Sealer,
    input: PlaintextBuffer,
    output: Vec<u8>,
    given: usize,
    done: bool,
}

impl<R: Read> SealReader<R> {
    /// Starts an envelope for the content that the reader `content` returns.
    ///
    /// # Errors
    /// The same as [`Sealer::new`].
    pub fn new(content: R, params: &SealParams, dek: &DataKey) -> Result<Self, SealError> {
        Ok(Self {
            content,
            sealer: Sealer::new(params, dek)?,
            input: vec![0; STEP].into(),
            output: Vec::new(),
            given: 0,
            done: false,
        })
    }

    /// Returns the length of the whole envelope, in bytes.
    #[must_use]
    pub const fn sealed_len(&self) -> u64 {
        self.sealer.sealed_len()
    }

    fn refill(&mut self) -> io::Result<()> {
        self.output.clear();
        self.given = 0;
        let read = match self.content.read(&mut self.input) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            other => other?,
        };
        let sealed = if read > 0 {
            self.sealer.update(&self.input[..read], &mut self.output).map(|()| false)
        } else {
            self.sealer.finish(&mut self.output)
        };
        self.done = sealed.map_err(invalid_data)?;
        Ok(())
    }
}

impl<R: Read> Read for SealReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.output.len() && !self.done {
            self.refill()?;
        }
        Ok(give(&self.output, &mut self.given, buffer))
    }
}

/// Reads an envelope from an inner reader and returns the content.
///
/// Reading to the end checks the whole envelope: when a read returns 0 bytes, all checks have succeeded. An
/// [`OpenError`] is returned as the source of an error with `io::ErrorKind::InvalidData`.
pub struct OpenReader<R> {
    file: R,
    opener: Option<Opener>,
    metadata: Option<Metadata>,
    input: Vec<u8>,
    output: PlaintextBuffer,
    given: usize,
}

impl<R: Read> OpenReader<R> {
    /// Reads the unencrypted header of a file.
    ///
    /// # Errors
    /// [`OpenError::Header`] as the source of an `InvalidData` error, also for a file of fewer than 1,216 bytes.
    pub fn read_header(file: &mut R) -> io::Result<Header> {
        let mut bytes = [0; HEADER_LEN];
        match file.read_exact(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(invalid_data(OpenError::Header)),
            Err(error) => Err(error),
            Ok(()) => Header::parse(&bytes).map_err(invalid_data),
        }
    }

    /// Starts reading after the header.
    #[must_use]
    pub fn new(file: R, header: &Header, context: &EnvelopeContext, dek: &DataKey) -> Self {
        Self {
            file,
            opener: Some(Opener::new(header, context, dek)),
            metadata: None,
            input: vec![0; STEP],
            output: PlaintextBuffer::default(),
            given: 0,
        }
    }

    /// Returns the metadata, or `None` before the first segment was opened.
    #[must_use]
    pub fn metadata(&self) -> Option<&Metadata> {
        self.metadata.as_ref().or_else(|| self.opener.as_ref()?.metadata())
    }
}

impl<R: Read> Read for OpenReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.output.len() {
            let Some(mut opener) = self.opener.take() else { return Ok(0) };
            self.output.clear();
            self.given = 0;
            let read = match self.file.read(&mut self.input) {
                Err(error) => {
                    self.opener = Some(opener);
                    return Err(error);
                }
                Ok(read) => read,
            };
            if read == 0 {
                self.metadata = Some(opener.finish().map_err(invalid_data)?);
            } else {
                let updated = opener.update(&self.input[..read], &mut self.output);
                self.opener = Some(opener);
                updated.map_err(invalid_data)?;
            }
        }
        Ok(give(&self.output, &mut self.given, buffer))
    }
}

fn give(from: &[u8], given: &mut usize, to: &mut [u8]) -> usize {
    let length = to.len().min(from.len() - *given);
    to[..length].copy_from_slice(&from[*given..*given + length]);
    *given += length;
    length
}

fn invalid_data(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
