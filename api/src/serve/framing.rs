//! Finds the end of an HTTP/1 request's body. It follows the body strictly, so that the next head can begin in one
//! place only.

/// The longest line of a chunk's size with its extensions, and the longest trailer section, in bytes.
const LINE_BYTES_MAX: usize = 1 << 10;

/// The position in a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// This many bytes are left.
    Length(u64),
    /// In a chunked body.
    Chunked(Chunk),
}

/// A place in a chunked body (RFC 9112, section 7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Chunk {
    /// In the digits of a size, with their number so far.
    Size { size: u64, digits: usize },
    /// In an extension, which is ignored, with its length so far.
    Extension { size: u64, length: usize },
    /// After the CR of a size.
    SizeEnd { size: u64 },
    /// In the data, with the number of remaining bytes.
    Data(u64),
    /// After the data, before the CR or the LF.
    DataEnd { has_cr: bool },
    /// In the trailers, at this position of a line, with the length of all trailers so far.
    Trailer { line: usize, has_cr: bool, length: usize },
    /// After the last byte.
    Done,
}

/// The chunks are malformed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl Framing {
    pub(super) const fn length(bytes: u64) -> Self {
        Self::Length(bytes)
    }

    pub(super) const fn chunked() -> Self {
        Self::Chunked(Chunk::Size { size: 0, digits: 0 })
    }

    /// Returns whether the whole body was followed.
    pub(super) const fn is_done(&self) -> bool {
        matches!(self, Self::Length(0) | Self::Chunked(Chunk::Done))
    }

    /// Returns the most bytes that may be read unchecked, because they certainly belong to this body.
    pub(super) const fn unseen(&self) -> u64 {
        match self {
            Self::Length(left) | Self::Chunked(Chunk::Data(left)) => *left,
            Self::Chunked(_) => 0,
        }
    }

    /// Follows the body through `bytes`. Returns how many of them belong to it.
    ///
    /// # Errors
    /// Returns [`Malformed`].
    pub(super) fn follow(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        let mut at = 0;
        while at < bytes.len() && !self.is_done() {
            let here = bytes.len() - at;
            match self {
                Self::Length(left) | Self::Chunked(Chunk::Data(left)) if *left > 0 => {
                    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(here);
                    *left -= taken as u64;
                    at += taken;
                }
                Self::Chunked(chunk) => {
                    *chunk = chunk.next(bytes[at])?;
                    at += 1;
                }
                Self::Length(_) => break,
            }
            if let Self::Chunked(chunk @ Chunk::Data(0)) = self {
                *chunk = Chunk::DataEnd { has_cr: false };
            }
        }
        Ok(at)
    }
}

impl Chunk {
    fn next(&self, byte: u8) -> Result<Self, Malformed> {
        match *self {
            Self::Size { size, digits } => match (byte, (byte as char).to_digit(16)) {
                (_, Some(digit)) if digits < 16 => {
                    Ok(Self::Size { size: size << 4 | u64::from(digit), digits: digits + 1 })
                }
                (b'\r', _) if digits > 0 => Ok(Self::SizeEnd { size }),
                (b';', _) if digits > 0 => Ok(Self::Extension { size, length: 0 }),
                _ => Err(Malformed),
            },
            Self::Extension { size, .. } if byte == b'\r' => Ok(Self::SizeEnd { size }),
            Self::Extension { size, length } if is_text(byte) && length < LINE_BYTES_MAX => {
                Ok(Self::Extension { size, length: length + 1 })
            }
            Self::SizeEnd { size: 0 } if byte == b'\n' => Ok(Self::Trailer { line: 0, has_cr: false, length: 0 }),
            Self::SizeEnd { size } if byte == b'\n' => Ok(Self::Data(size)),
            Self::DataEnd { has_cr: false } if byte == b'\r' => Ok(Self::DataEnd { has_cr: true }),
            Self::DataEnd { has_cr: true } if byte == b'\n' => Ok(Self::Size { size: 0, digits: 0 }),
            Self::Trailer { length, .. } if length >= LINE_BYTES_MAX => Err(Malformed),
            Self::Trailer { line, has_cr: false, length } if byte == b'\r' => {
                Ok(Self::Trailer { line, has_cr: true, length: length + 1 })
            }
            Self::Trailer { line: 0, has_cr: true, .. } if byte == b'\n' => Ok(Self::Done),
            Self::Trailer { has_cr: true, length, .. } if byte == b'\n' => {
                Ok(Self::Trailer { line: 0, has_cr: false, length: length + 1 })
            }
            Self::Trailer { line, has_cr: false, length } if is_text(byte) => {
                Ok(Self::Trailer { line: line + 1, has_cr: false, length: length + 1 })
            }
            _ => Err(Malformed),
        }
    }
}

/// Returns whether a byte may be in a line: visible characters, spaces and tabs, and all non-ASCII bytes.
const fn is_text(byte: u8) -> bool {
    byte == b'\t' || byte == b' ' || byte.is_ascii_graphic() || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `text` in pieces of `piece` bytes. Returns how many bytes belong to the body, and whether it has ended.
    fn followed(mut framing: Framing, text: &[u8], piece: usize) -> Result<(usize, bool), Malformed> {
        let mut total = 0;
        for bytes in text.chunks(piece) {
            let taken = framing.follow(bytes)?;
            total += taken;
            if taken < bytes.len() {
                break;
            }
        }
        Ok((total, framing.is_done()))
    }

    #[test]
    fn the_end_of_a_body_does_not_depend_on_the_pieces() {
        let whole: [&[u8]; 5] = [
            b"3\r\nabc\r\n0\r\n\r\n",
            b"03;name=\"x\"\r\nabc\r\n0000\r\n\r\n",
            b"A\r\n0123456789\r\n1\r\n\n\r\n0\r\nTrailer: x\r\nY: z\r\n\r\n",
            b"0\r\n\r\n",
            b"2\r\n\r\n\r\n0\r\n\r\n",
        ];
        for body in whole {
            let text = [body, b"GET / HTTP/1.1"].concat();
            for piece in 1..text.len() {
                assert_eq!(followed(Framing::chunked(), &text, piece), Ok((body.len(), true)), "{body:?} {piece}");
            }
        }
        assert_eq!(followed(Framing::length(4), b"abcdef", 3), Ok((4, true)));
        assert_eq!(followed(Framing::length(9), b"abcdef", 3), Ok((6, false)));
        assert!(Framing::length(0).is_done());
    }

    #[test]
    fn malformed_chunks_are_refused() {
        let long = [b"0\r\n".to_vec(), b"X: y\r\n".repeat(LINE_BYTES_MAX)].concat();
        let extended = [b"1;".to_vec(), vec![b'x'; LINE_BYTES_MAX + 1]].concat();
        let broken: [&[u8]; 15] = [
            b"\r\n",
            b"x\r\n",
            b"-1\r\n",
            b"0x3\r\nabc",
            b" 3\r\nabc",
            b"3 \r\nabc",
            b"3\nabc",
            b"3\r\nabcd\r\n",
            b"3\r\nabc\n0\r\n",
            b"11111111111111111\r\n",
            b"0\r\nX: y\n\r\n",
            b"0\r\n\n",
            b"1;\x00\r\n",
            &long,
            &extended,
        ];
        for body in broken {
            assert_eq!(followed(Framing::chunked(), body, 7), Err(Malformed), "{:?}", String::from_utf8_lossy(body));
        }
    }
}
