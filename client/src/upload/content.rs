//! The document itself: opened, which gives its length, then hashed, then read once more. A pipe is spooled, encrypted
//! under a key that only this process knows, and hashed meanwhile.

use std::{
    fs::File,
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
};

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use alloy::primitives::B256;
use protocol::envelope::{CONTENT_PIECE_LEN, ContentHasher, sealed_len};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt};
use zeroize::Zeroizing;

use super::{error::UploadError, size};
use crate::{
    home::local_file,
    progress::{Progress, Step},
};

/// The source of a document.
pub enum Source {
    /// A file, read twice; it must not change meanwhile.
    File(PathBuf),
    /// A pipe, spooled encrypted until it ends.
    Pipe(Box<dyn AsyncRead + Send + Unpin>),
}

/// A document whose length is known.
pub(super) struct Opened {
    pub(super) len: u64,
    kept: Kept,
}

/// A document whose hash is known.
pub(super) struct Content {
    pub(super) hash: B256,
    pub(super) len: u64,
    kept: Kept,
}

/// The source of the second reading.
enum Kept {
    File { file: File, path: PathBuf },
    Spool { spool: Box<Spool>, hash: B256 },
}

impl Opened {
    /// Opens a file, or spools a pipe.
    ///
    /// # Errors
    /// [`UploadError::NotAFile`]; what reading the file gives; [`UploadError::TooLarge`] as soon as a pipe has given
    /// more than `bytes_max` bytes.
    pub(super) async fn open(source: Source, bytes_max: u64, progress: &Progress) -> Result<Self, UploadError> {
        match source {
            Source::File(path) => Self::of_file(path),
            Source::Pipe(pipe) => Self::of_pipe(pipe, bytes_max, progress).await,
        }
    }

    fn of_file(path: PathBuf) -> Result<Self, UploadError> {
        let failed = |error| local_file(&path, error);
        let file = File::open(&path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(UploadError::NotAFile(path));
        }
        Ok(Self { len: metadata.len(), kept: Kept::File { file, path } })
    }

    /// Reads a file for the first time; a pipe was hashed while it was spooled.
    ///
    /// # Errors
    /// [`UploadError::FileChanged`]; what reading the file gives.
    pub(super) async fn hash(self, progress: &Progress) -> Result<Content, UploadError> {
        let Self { len, kept } = self;
        let hash = match &kept {
            Kept::Spool { hash, .. } => *hash,
            Kept::File { path, .. } => {
                let (path, progress) = (path.clone(), progress.clone());
                let task = tokio::task::spawn_blocking(move || hash_file(&path, len, &progress));
                task.await.expect("the hashing task does not panic")?
            }
        };
        Ok(Content { hash, len, kept })
    }

    async fn of_pipe(
        mut pipe: Box<dyn AsyncRead + Send + Unpin>,
        bytes_max: u64,
        progress: &Progress,
    ) -> Result<Self, UploadError> {
        let mut spool = SpoolWriter::new().map_err(UploadError::Spool)?;
        let mut hasher = ContentHasher::new();
        let mut piece = Zeroizing::new(vec![0; CONTENT_PIECE_LEN]);
        loop {
            let mut filled = 0;
            while filled < piece.len() {
                let read = pipe.read(&mut piece[filled..]).await.map_err(UploadError::Input)?;
                if read == 0 {
                    break;
                }
                filled += read;
            }
            if filled == 0 {
                break;
            }
            hasher.update(&piece[..filled]);
            if hasher.len() > bytes_max {
                return Err(size::too_large(sealed_len(hasher.len(), 0), bytes_max));
            }
            spool.write(&piece[..filled]).map_err(UploadError::Spool)?;
            progress.tell(Step::Hashing { done: hasher.len(), total: None });
            if filled < piece.len() {
                break;
            }
        }
        let len = hasher.len();
        let spool = Box::new(spool.finish().map_err(UploadError::Spool)?);
        Ok(Self { len, kept: Kept::Spool { spool, hash: hasher.finish() } })
    }

    /// The first bytes, to see what it is.
    pub(super) fn beginning(&self, len: usize) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(len));
        if let Ok(reader) = self.kept.reader() {
            let _ = reader.take(len as u64).read_to_end(&mut bytes);
        }
        bytes
    }
}

impl Content {
    /// Reads the document again, from the beginning.
    pub(super) fn reader(&self) -> io::Result<Box<dyn Read + Send>> {
        self.kept.reader()
    }
}

impl Kept {
    fn reader(&self) -> io::Result<Box<dyn Read + Send>> {
        match self {
            Self::File { file, .. } => {
                let mut file = file.try_clone()?;
                file.rewind()?;
                Ok(Box::new(file))
            }
            Self::Spool { spool, .. } => Ok(Box::new(spool.reader()?)),
        }
    }
}

fn hash_file(path: &Path, len: u64, progress: &Progress) -> Result<B256, UploadError> {
    hash_in_parallel(path, len, progress).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => UploadError::FileChanged(path.to_owned()),
        _ => local_file(path, error).into(),
    })
}

/// The content hash of a file (see [`ContentHasher`]): its pieces are hashed by several threads, each with a handle of
/// its own.
fn hash_in_parallel(path: &Path, len: u64, progress: &Progress) -> io::Result<B256> {
    let pieces = usize::try_from(len.div_ceil(CONTENT_PIECE_LEN as u64)).map_err(io::Error::other)?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(4).min(pieces.max(1));
    let done = std::sync::atomic::AtomicU64::new(0);
    let hash_part = |part: usize| -> io::Result<Vec<[u8; 32]>> {
        let (first, last) = (pieces * part / threads, pieces * (part + 1) / threads);
        let mut file = File::open(path)?;
        file.seek(io::SeekFrom::Start(first as u64 * CONTENT_PIECE_LEN as u64))?;
        let mut buffer = Zeroizing::new(vec![0; CONTENT_PIECE_LEN.min(len as usize)]);
        let mut hashes = Vec::with_capacity(last - first);
        for piece in first..last {
            let rest = len - piece as u64 * CONTENT_PIECE_LEN as u64;
            let wanted = CONTENT_PIECE_LEN.min(usize::try_from(rest).unwrap_or(usize::MAX));
            file.read_exact(&mut buffer[..wanted])?;
            hashes.push(Sha256::digest(&buffer[..wanted]).into());
            let done = done.fetch_add(wanted as u64, std::sync::atomic::Ordering::Relaxed) + wanted as u64;
            progress.tell(Step::Hashing { done, total: Some(len) });
        }
        Ok(hashes)
    };
    let parts = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|part| scope.spawn(move || hash_part(part))).collect();
        running.into_iter().map(|thread| thread.join().expect("hashing does not panic")).collect::<io::Result<Vec<_>>>()
    })?;
    let mut whole = Sha256::new();
    for hash in parts.iter().flatten() {
        whole.update(hash);
    }
    Ok(B256::from_slice(&whole.finalize()))
}

/// A temporary file without a name, AES-256-GCM in pieces; the number of a piece is its nonce, since the key is new.
struct SpoolWriter {
    file: File,
    cipher: Aes256Gcm,
    pieces: u64,
}

struct Spool {
    file: File,
    cipher: Aes256Gcm,
    pieces: u64,
}

const SPOOL_TAG_LEN: usize = 16;

impl SpoolWriter {
    fn new() -> io::Result<Self> {
        let key = Zeroizing::new(rand::random::<[u8; 32]>());
        Ok(Self { file: tempfile::tempfile()?, cipher: Aes256Gcm::new((&*key).into()), pieces: 0 })
    }

    fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        let sealed = self
            .cipher
            .encrypt(&spool_nonce(self.pieces).into(), Payload { msg: piece, aad: &[] })
            .map_err(|_| io::Error::other("the spool cannot be encrypted"))?;
        self.pieces += 1;
        self.file.write_all(&sealed)
    }

    fn finish(self) -> io::Result<Spool> {
        Ok(Spool { file: self.file, cipher: self.cipher, pieces: self.pieces })
    }
}

impl Spool {
    fn reader(&self) -> io::Result<SpoolReader> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        Ok(SpoolReader {
            file,
            cipher: self.cipher.clone(),
            next: 0,
            pieces: self.pieces,
            piece: Zeroizing::default(),
            given: 0,
        })
    }
}

struct SpoolReader {
    file: File,
    cipher: Aes256Gcm,
    next: u64,
    pieces: u64,
    piece: Zeroizing<Vec<u8>>,
    given: usize,
}

impl Read for SpoolReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.piece.len() {
            if self.next == self.pieces {
                return Ok(0);
            }
            let mut sealed = Vec::with_capacity(CONTENT_PIECE_LEN + SPOOL_TAG_LEN);
            (&mut self.file).take((CONTENT_PIECE_LEN + SPOOL_TAG_LEN) as u64).read_to_end(&mut sealed)?;
            let piece = self
                .cipher
                .decrypt(&spool_nonce(self.next).into(), Payload { msg: &sealed, aad: &[] })
                .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the spool was changed"))?;
            self.piece = Zeroizing::new(piece);
            self.given = 0;
            self.next += 1;
        }
        let count = buffer.len().min(self.piece.len() - self.given);
        buffer[..count].copy_from_slice(&self.piece[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

fn spool_nonce(piece: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&piece.to_be_bytes());
    nonce
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Failure;

    fn bytes(len: usize) -> Vec<u8> {
        (0..len).map(|i| (i * 31 % 251) as u8).collect()
    }

    fn hash(content: &[u8]) -> B256 {
        let mut hasher = ContentHasher::new();
        hasher.update(content);
        hasher.finish()
    }

    #[tokio::test]
    async fn file_and_pipe_have_the_same_hash_and_are_read_again_as_they_were() {
        for len in [0, 1, CONTENT_PIECE_LEN - 1, CONTENT_PIECE_LEN, CONTENT_PIECE_LEN + 1, 5 * CONTENT_PIECE_LEN + 7] {
            let content = bytes(len);
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("document");
            std::fs::write(&path, &content).unwrap();
            let pipe = std::io::Cursor::new(content.clone());
            for source in [Source::File(path), Source::Pipe(Box::new(pipe))] {
                let opened = Opened::open(source, u64::MAX, &Progress::silent()).await.unwrap();
                assert_eq!(*opened.beginning(3), content[..len.min(3)], "{len}");
                let read = opened.hash(&Progress::silent()).await.unwrap();
                assert_eq!((read.hash, read.len), (hash(&content), len as u64), "{len}");
                for _ in 0..2 {
                    let mut again = Vec::new();
                    read.reader().unwrap().read_to_end(&mut again).unwrap();
                    assert!(again == content, "{len}");
                }
            }
        }
    }

    #[tokio::test]
    async fn a_pipe_is_read_no_further_than_the_limit() {
        let pipe = Source::Pipe(Box::new(tokio::io::repeat(7)));
        let refused = Opened::open(pipe, 3_000_000, &Progress::silent()).await.err().unwrap();
        assert_eq!(refused.code(), "too_large");
    }

    #[test]
    fn the_spool_does_not_hold_the_content_in_clear() {
        let mut writer = SpoolWriter::new().unwrap();
        let content = b"a canary that must not be found".repeat(100);
        writer.write(&content).unwrap();
        let mut spool = writer.finish().unwrap();
        spool.file.rewind().unwrap();
        let mut stored = Vec::new();
        spool.file.read_to_end(&mut stored).unwrap();
        assert!(!stored.windows(8).any(|window| window == &content[..8]));
    }
}
