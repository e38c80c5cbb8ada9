//! Nodes of a UnixFS tree: dag-pb (IPLD specification) around UnixFS `Data` (type File).

use std::ops::Range;

use super::{Cid, Codec, MAX_LINKS};

/// A child of a node, while the tree is built.
#[derive(Clone, Copy)]
pub(super) struct Link {
    pub(super) cid: Cid,
    /// The number of bytes of the file below this child.
    pub(super) file_len: u64,
    /// The number of bytes of all blocks from this child downwards (`Tsize`).
    pub(super) tree_len: u64,
}

/// The block is not a UnixFS file node of the form that Kubo writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a UnixFS file node")]
pub struct NodeError;

/// A child of a node, with the range of the file that it contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    /// The CID of the child. A raw block is a leaf, a dag-pb block is another node.
    pub cid: Cid,
    /// The range of the child's bytes in the file, computed from the position of the parent node.
    pub file_range: Range<u64>,
}

/// An inner node of a UnixFS tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    children: Vec<Child>,
    len: u64,
}

impl Node {
    /// Parses a dag-pb block whose CID was already checked. `file_at` is the position in the file at which the bytes of
    /// this node begin; 0 for a root.
    ///
    /// # Errors
    /// [`NodeError`] for every block that [`super::CidBuilder`] would not write.
    pub fn parse(block: &[u8], file_at: u64) -> Result<Self, NodeError> {
        let mut links = Vec::new();
        let mut rest = block;
        while let Some(link) = field_bytes(&mut rest, TAG_NODE_LINK) {
            if links.len() == MAX_LINKS {
                return Err(NodeError);
            }
            links.push(parse_link(link)?);
        }
        let data = field_bytes(&mut rest, TAG_NODE_DATA).ok_or(NodeError)?;
        let sizes = parse_data(data)?;
        if links.is_empty() || links.len() != sizes.len() {
            return Err(NodeError);
        }
        let mut at = file_at;
        let mut children = Vec::with_capacity(links.len());
        let mut again = Vec::with_capacity(links.len());
        for ((cid, tree_len), file_len) in links.into_iter().zip(sizes) {
            let end = at.checked_add(file_len).ok_or(NodeError)?;
            children.push(Child { cid, file_range: at..end });
            again.push(Link { cid, file_len, tree_len });
            at = end;
        }
        // Only one encoding is accepted: encoding the node again must give the same bytes.
        if encode(&again) != block {
            return Err(NodeError);
        }
        Ok(Self { children, len: at - file_at })
    }

    /// Returns the children, in the order of the file.
    #[must_use]
    pub fn children(&self) -> &[Child] {
        &self.children
    }

    /// Returns the number of bytes of the file below this node.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Returns whether there are no bytes below this node.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the children that contain bytes of `file_range`: the blocks that a reader of the range fetches next.
    pub fn covering(&self, file_range: &Range<u64>) -> impl Iterator<Item = &Child> {
        let range = file_range.clone();
        self.children
            .iter()
            .filter(move |child| child.file_range.start < range.end && range.start < child.file_range.end)
    }
}

// Protobuf tags: field number << 3 | wire type (0 varint, 2 bytes).
const TAG_NODE_DATA: u8 = 0x0a;
const TAG_NODE_LINK: u8 = 0x12;
const TAG_LINK_HASH: u8 = 0x0a;
const TAG_LINK_NAME: u8 = 0x12;
const TAG_LINK_TSIZE: u8 = 0x18;
const TAG_DATA_TYPE: u8 = 0x08;
const TAG_DATA_FILESIZE: u8 = 0x18;
const TAG_DATA_BLOCKSIZE: u8 = 0x20;
const TYPE_FILE: u64 = 2;

/// Encodes a node: links first, then data, the order that dag-pb requires.
pub(super) fn encode(links: &[Link]) -> Vec<u8> {
    let mut block = Vec::with_capacity(links.len() * 56);
    for link in links {
        let mut inner = Vec::with_capacity(52);
        write_bytes(&mut inner, TAG_LINK_HASH, &link.cid.to_bytes());
        write_bytes(&mut inner, TAG_LINK_NAME, &[]);
        write_varint(&mut inner, TAG_LINK_TSIZE, link.tree_len);
        write_bytes(&mut block, TAG_NODE_LINK, &inner);
    }
    let mut data = Vec::with_capacity(links.len() * 5 + 16);
    write_varint(&mut data, TAG_DATA_TYPE, TYPE_FILE);
    write_varint(&mut data, TAG_DATA_FILESIZE, links.iter().map(|link| link.file_len).sum());
    for link in links {
        write_varint(&mut data, TAG_DATA_BLOCKSIZE, link.file_len);
    }
    write_bytes(&mut block, TAG_NODE_DATA, &data);
    block
}

fn parse_link(mut link: &[u8]) -> Result<(Cid, u64), NodeError> {
    let cid = field_bytes(&mut link, TAG_LINK_HASH).ok_or(NodeError)?;
    let name = field_bytes(&mut link, TAG_LINK_NAME).ok_or(NodeError)?;
    let tree_len = field_varint(&mut link, TAG_LINK_TSIZE).ok_or(NodeError)?;
    if !name.is_empty() || !link.is_empty() {
        return Err(NodeError);
    }
    Ok((Cid::from_bytes(cid).map_err(|_| NodeError)?, tree_len))
}

fn parse_data(mut data: &[u8]) -> Result<Vec<u64>, NodeError> {
    let kind = field_varint(&mut data, TAG_DATA_TYPE).ok_or(NodeError)?;
    let file_len = field_varint(&mut data, TAG_DATA_FILESIZE).ok_or(NodeError)?;
    let mut sizes = Vec::new();
    let mut sum = 0_u64;
    while let Some(size) = field_varint(&mut data, TAG_DATA_BLOCKSIZE) {
        sum = sum.checked_add(size).ok_or(NodeError)?;
        sizes.push(size);
    }
    if kind == TYPE_FILE && file_len == sum && data.is_empty() { Ok(sizes) } else { Err(NodeError) }
}

fn write_bytes(to: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    write_varint(to, tag, bytes.len() as u64);
    to.extend_from_slice(bytes);
}

fn write_varint(to: &mut Vec<u8>, tag: u8, mut value: u64) {
    to.push(tag);
    while value >= 0x80 {
        to.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    to.push(value.to_le_bytes()[0]);
}

/// Removes a bytes field with this tag from the front and returns it. Returns `None`, and leaves `rest` unchanged, when
/// there is none.
fn field_bytes<'a>(rest: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let mut after = *rest;
    let length = usize::try_from(field_varint(&mut after, tag)?).ok()?;
    let (bytes, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(bytes)
}

fn field_varint(rest: &mut &[u8], tag: u8) -> Option<u64> {
    let (first, mut after) = rest.split_first()?;
    if *first != tag {
        return None;
    }
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, next) = after.split_first()?;
        after = next;
        if shift == 63 && *byte > 1 {
            return None;
        }
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            *rest = after;
            return Some(value);
        }
    }
    None
}

impl Child {
    /// Returns whether the child is a leaf, which contains bytes of the file.
    #[must_use]
    pub fn is_leaf(&self) -> bool {
        self.cid.codec() == Codec::Raw
    }
}
