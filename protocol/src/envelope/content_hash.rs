//! The content hash: SHA-256 over the SHA-256 hashes of the 1 MiB pieces of the content.

use alloy::primitives::B256;
use sha2::{Digest, Sha256};

/// The length of a piece, in bytes. The last piece may be shorter, and empty content has none.
pub const CONTENT_PIECE_LEN: usize = 1 << 20;

/// Hashes content from a stream. Each piece can be checked, or hashed in parallel, independently of the others.
#[derive(Clone, Default)]
pub struct ContentHasher {
    whole: Sha256,
    piece: Sha256,
    piece_len: usize,
    len: u64,
}

impl ContentHasher {
    /// Returns a hasher that has seen no content.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next bytes of the content.
    pub fn update(&mut self, mut content: &[u8]) {
        self.len += content.len() as u64;
        while !content.is_empty() {
            let (now, later) = content.split_at(content.len().min(CONTENT_PIECE_LEN - self.piece_len));
            self.piece.update(now);
            self.piece_len += now.len();
            content = later;
            if self.piece_len == CONTENT_PIECE_LEN {
                self.end_piece();
            }
        }
    }

    /// Returns the number of bytes so far.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Returns whether there were no bytes so far.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the content hash.
    #[must_use]
    pub fn finish(mut self) -> B256 {
        if self.piece_len > 0 {
            self.end_piece();
        }
        B256::from_slice(&self.whole.finalize())
    }

    fn end_piece(&mut self) {
        self.whole.update(self.piece.finalize_reset());
        self.piece_len = 0;
    }
}
