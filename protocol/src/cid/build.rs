//! Computes the root of a UnixFS tree from a stream.

use alloy::primitives::B256;
use sha2::{Digest, Sha256};

use super::{
    Cid, Codec,
    node::{self, Link},
};

/// The length of a leaf, in bytes. The last leaf may be shorter.
pub const CHUNK_LEN: usize = 1 << 20;
/// The largest number of children of a node.
pub const MAX_LINKS: usize = 1_024;

/// Computes the CID of a file from its bytes in order. The memory needed grows with the logarithm of the length.
#[derive(Clone, Default)]
pub struct CidBuilder {
    chunk: Sha256,
    chunk_len: usize,
    // levels[0] holds leaves; each level holds at most MAX_LINKS links that have no parent yet.
    levels: Vec<Vec<Link>>,
    // The inner nodes, for callers that store or serve the tree.
    nodes: Option<Vec<(Cid, Vec<u8>)>>,
}

impl CidBuilder {
    /// Returns a builder that has seen no bytes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a builder that also keeps the blocks of the inner nodes (about one 50 KB block for each gigabyte), for
    /// [`CidBuilder::finish_tree`].
    #[must_use]
    pub fn keeping_nodes() -> Self {
        Self { nodes: Some(Vec::new()), ..Self::default() }
    }

    /// Adds the next bytes of the file.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.chunk_len == CHUNK_LEN {
                self.end_chunk();
            }
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK_LEN - self.chunk_len));
            self.chunk.update(now);
            self.chunk_len += now.len();
            bytes = later;
        }
    }

    /// Returns the CID of the file.
    #[must_use]
    pub fn finish(self) -> Cid {
        self.finish_tree().0
    }

    /// Returns the CID of the file and its inner nodes, children before parents. The list is empty unless the builder
    /// keeps nodes.
    #[must_use]
    pub fn finish_tree(mut self) -> (Cid, Vec<(Cid, Vec<u8>)>) {
        // The last chunk. An empty file has exactly one chunk.
        if self.chunk_len > 0 || self.levels.is_empty() {
            self.end_chunk();
        }
        let mut level = 0;
        loop {
            let links = std::mem::take(&mut self.levels[level]);
            let is_top = level + 1 == self.levels.len();
            if let ([only], true) = (links.as_slice(), is_top) {
                return (only.cid, self.nodes.unwrap_or_default());
            }
            let parent = self.close(&links);
            if is_top {
                return (parent.cid, self.nodes.unwrap_or_default());
            }
            self.push(level + 1, parent);
            level += 1;
        }
    }

    fn end_chunk(&mut self) {
        let digest = B256::from_slice(&self.chunk.finalize_reset());
        let len = self.chunk_len as u64;
        self.chunk_len = 0;
        self.push(0, Link { cid: Cid::new(Codec::Raw, digest), file_len: len, tree_len: len });
    }

    /// Adds a link to a level. If the level is full, its links first become one link of the level above.
    fn push(&mut self, level: usize, link: Link) {
        if self.levels.len() == level {
            self.levels.push(Vec::new());
        }
        if self.levels[level].len() == MAX_LINKS {
            let full = std::mem::take(&mut self.levels[level]);
            let parent = self.close(&full);
            self.push(level + 1, parent);
        }
        self.levels[level].push(link);
    }

    fn close(&mut self, links: &[Link]) -> Link {
        let block = node::encode(links);
        let link = Link {
            cid: Cid::of_block(Codec::DagPb, &block),
            file_len: links.iter().map(|link| link.file_len).sum(),
            tree_len: block.len() as u64 + links.iter().map(|link| link.tree_len).sum::<u64>(),
        };
        if let Some(nodes) = &mut self.nodes {
            nodes.push((link.cid, block));
        }
        link
    }
}
