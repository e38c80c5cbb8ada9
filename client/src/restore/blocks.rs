//! Block sources for use without an API, and the bytes of a file from its blocks, each checked against its CID.

use std::{
    collections::HashMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::PathBuf,
    sync::Mutex,
    time::Duration,
};

use bytes::Bytes;
use futures::Stream;
use protocol::cid::{CHUNK_LEN, Cid, Codec, Node};
use reqwest::Url;

use super::error::BlockError;
use crate::home::local_file;

/// Largest block of an envelope: a leaf, or a node of 1,024 links.
const BLOCK_LEN_MAX: usize = CHUNK_LEN + 65_536;
/// How long one block may take. A node that does not have a block searches for it.
const BLOCK_TIME_MAX: Duration = Duration::from_secs(30);

/// The source of blocks.
#[derive(Clone, Debug)]
pub enum BlockSource {
    /// URL of a trustless gateway (`/ipfs/{cid}?format=raw`).
    Gateway(String),
    /// URL of a Kubo RPC (`/api/v0/block/get`).
    Kubo(String),
    /// A CAR file (version 1).
    Car(PathBuf),
}

/// An opened source.
pub(super) enum Blocks {
    Http { http: reqwest::Client, base: Url, is_kubo: bool },
    Car { path: PathBuf, file: Mutex<File>, places: HashMap<Cid, (u64, usize)> },
}

impl Blocks {
    pub(super) async fn open(source: &BlockSource) -> Result<Self, BlockError> {
        let http = |url: &str, is_kubo| {
            let base: Url = url.parse().map_err(|_| BlockError::NotAUrl)?;
            let http = reqwest::Client::builder()
                .timeout(BLOCK_TIME_MAX)
                .build()
                .map_err(|error| BlockError::HttpClient(error.into()))?;
            Ok(Self::Http { http, base, is_kubo })
        };
        match source {
            BlockSource::Gateway(url) => http(url, false),
            BlockSource::Kubo(url) => http(url, true),
            BlockSource::Car(path) => {
                let path = path.clone();
                let task = tokio::task::spawn_blocking(move || Self::index_car(path));
                task.await.expect("reading a CAR file does not panic")
            }
        }
    }

    /// Reads where each block of a CAR file lies. Sections: varint length ‖ CID ‖ block.
    fn index_car(path: PathBuf) -> Result<Self, BlockError> {
        let malformed = || BlockError::NotACar(path.clone());
        let mut file = File::open(&path).map_err(|error| local_file(&path, error))?;
        let length = file.metadata().map_err(|error| local_file(&path, error))?.len();
        let mut reader = std::io::BufReader::new(&mut file);
        let header_len = read_varint(&mut reader).ok_or_else(malformed)?;
        let mut at = varint_len(header_len) + header_len;
        if header_len == 0 || header_len > 1 << 20 || at > length {
            return Err(malformed());
        }
        let mut places = HashMap::new();
        while at < length {
            reader.seek(SeekFrom::Start(at)).map_err(|error| local_file(&path, error))?;
            let section_len = read_varint(&mut reader).ok_or_else(malformed)?;
            let start = at + varint_len(section_len);
            let end = start.checked_add(section_len).filter(|end| *end <= length).ok_or_else(malformed)?;
            let mut cid = [0; Cid::LEN];
            // A block whose CID has another form is not part of an envelope.
            if section_len >= Cid::LEN as u64
                && reader.read_exact(&mut cid).is_ok()
                && let Ok(cid) = Cid::from_bytes(&cid)
                && let Ok(block_len) = usize::try_from(section_len - Cid::LEN as u64)
            {
                places.insert(cid, (start + Cid::LEN as u64, block_len));
            }
            at = end;
        }
        drop(reader);
        Ok(Self::Car { path, file: Mutex::new(file), places })
    }

    /// A block, checked against its CID.
    pub(super) async fn get(&self, cid: Cid) -> Result<Bytes, BlockError> {
        let missing = |source| BlockError::Missing { cid, source };
        let block = match self {
            Self::Http { http, base, is_kubo } => {
                let url = if *is_kubo {
                    let mut url = base.clone();
                    url.set_path("/api/v0/block/get");
                    url.query_pairs_mut().append_pair("arg", &cid.to_string());
                    url
                } else {
                    let mut url = base.clone();
                    url.set_path(&format!("{}/ipfs/{cid}", base.path().trim_end_matches('/')));
                    url.query_pairs_mut().append_pair("format", "raw");
                    url
                };
                let request = if *is_kubo { http.post(url) } else { http.get(url) };
                let request = request.header(reqwest::header::ACCEPT, "application/vnd.ipld.raw");
                let unreachable = |error: reqwest::Error| {
                    let is_timeout = error.is_timeout();
                    let source = error.without_url().into();
                    if is_timeout { missing(Some(source)) } else { BlockError::Unreachable(source) }
                };
                let mut response = request.send().await.map_err(unreachable)?;
                if !response.status().is_success() {
                    return Err(missing(None));
                }
                let mut block = Vec::new();
                while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
                    if block.len() + chunk.len() > BLOCK_LEN_MAX {
                        return Err(BlockError::WrongBlock);
                    }
                    block.extend_from_slice(&chunk);
                }
                Bytes::from(block)
            }
            Self::Car { path, file, places } => {
                let (at, length) = *places.get(&cid).ok_or_else(|| missing(None))?;
                if length > BLOCK_LEN_MAX {
                    return Err(missing(None));
                }
                let mut block = vec![0; length];
                let mut file = file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                file.seek(SeekFrom::Start(at))
                    .and_then(|_| file.read_exact(&mut block))
                    .map_err(|error| local_file(path, error))?;
                Bytes::from(block)
            }
        };
        if cid.names(&block) { Ok(block) } else { Err(BlockError::WrongBlock) }
    }

    /// The bytes of a file in order. Holds one block, and the nodes on the way to it.
    pub(super) fn file(&self, root: Cid) -> impl Stream<Item = Result<Bytes, BlockError>> + '_ {
        // The blocks still to come, the next one last, each with the place at which its bytes begin.
        let to_come = vec![(root, 0_u64)];
        futures::stream::try_unfold(to_come, async move |mut to_come| {
            while let Some((cid, at)) = to_come.pop() {
                let block = self.get(cid).await?;
                if cid.codec() == Codec::Raw {
                    return Ok(Some((block, to_come)));
                }
                let node = Node::parse(&block, at).map_err(|error| BlockError::NotAnEnvelope(error.into()))?;
                to_come.extend(node.children().iter().rev().map(|child| (child.cid, child.file_range.start)));
            }
            Ok(None)
        })
    }
}

fn read_varint(reader: &mut impl Read) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..63).step_by(7) {
        let mut byte = [0];
        reader.read_exact(&mut byte).ok()?;
        value |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

const fn varint_len(value: u64) -> u64 {
    let bits = 64 - value.leading_zeros() as u64;
    if bits == 0 { 1 } else { bits.div_ceil(7) }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;
    use protocol::cid::CidBuilder;

    use super::*;
    use crate::error::Failure;

    fn varint(mut value: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        while value >= 0x80 {
            bytes.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(value as u8);
        bytes
    }

    fn car(blocks: &[(Cid, Vec<u8>)]) -> Vec<u8> {
        // Header {roots: [], version: 1} in DAG-CBOR.
        let header = [&[0xa2, 0x65][..], b"roots", &[0x80, 0x67], b"version", &[0x01]].concat();
        let mut bytes = [varint(header.len() as u64), header].concat();
        for (cid, block) in blocks {
            bytes.extend(varint((Cid::LEN + block.len()) as u64));
            bytes.extend(cid.to_bytes());
            bytes.extend(block);
        }
        bytes
    }

    #[tokio::test]
    async fn a_file_comes_out_of_its_blocks_and_a_changed_block_is_noticed() {
        let content: Vec<u8> = (0..2_500_000_u32).map(|i| (i % 253) as u8).collect();
        let mut builder = CidBuilder::keeping_nodes();
        builder.update(&content);
        let (root, mut blocks) = builder.finish_tree();
        blocks.extend(content.chunks(CHUNK_LEN).map(|leaf| (Cid::of_block(Codec::Raw, leaf), leaf.to_vec())));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.car");
        let read = async |blocks: &[(Cid, Vec<u8>)]| {
            std::fs::write(&path, car(blocks)).unwrap();
            let source = Blocks::open(&BlockSource::Car(path.clone())).await?;
            let pieces: Vec<Bytes> = source.file(root).try_collect().await?;
            Ok::<_, BlockError>(pieces.concat())
        };
        assert!(read(&blocks).await.unwrap() == content);
        let mut changed = blocks.clone();
        changed.last_mut().unwrap().1[5] ^= 1;
        assert_eq!(read(&changed).await.unwrap_err().code(), "cid_mismatch");
        blocks.pop();
        assert_eq!(read(&blocks).await.unwrap_err().code(), "block_missing");
    }

    #[tokio::test]
    async fn what_is_no_car_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.car");
        for bytes in [&b""[..], b"\x00", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"\x02aa\x7fshort"] {
            std::fs::write(&path, bytes).unwrap();
            let error = Blocks::open(&BlockSource::Car(path.clone())).await.err().unwrap();
            assert_eq!(error.code(), "usage");
        }
    }
}
