/**
 * Nodes of a UnixFS tree: dag-pb (IPLD specification) around UnixFS `Data` (type File). A node has only one valid encoding: links (hash,
 * empty name, Tsize) before data; data = type, file size, block sizes.
 */

import { type Bytes, concat } from '../bytes.ts';
import { CODEC_RAW } from '../codes.ts';
import { ProtocolError } from '../error.ts';
import { Cid } from './cid.ts';

/** The maximum number of children of a node. */
export const MAX_LINKS = 1_024;

// Protobuf tags: field number << 3 | wire type (0 varint, 2 bytes).
const TAG_NODE_DATA = 0x0a;
const TAG_NODE_LINK = 0x12;
const TAG_LINK_HASH = 0x0a;
const TAG_LINK_NAME = 0x12;
const TAG_LINK_TSIZE = 0x18;
const TAG_DATA_TYPE = 0x08;
const TAG_DATA_FILESIZE = 0x18;
const TAG_DATA_BLOCKSIZE = 0x20;
const TYPE_FILE = 2;

/** A child while a tree is built. */
export interface Link {
  readonly cid: Cid;
  /** Number of bytes of the file below it. */
  readonly fileLength: number;
  /** Number of bytes of the block and of all blocks below it (`Tsize`). */
  readonly treeLength: number;
}

/** Thrown if the block is not a file node in the form that `CidBuilder` writes. */
export class NodeError extends ProtocolError<'node'> {
  constructor() {
    super('node', 'not a UnixFS file node');
  }
}

/** A child of a node, with the range of the file's bytes that are below it. */
interface Child {
  /** Its CID. */
  readonly cid: Cid;
  /** Position of its first byte in the file. */
  readonly start: number;
  /** Position after its last byte in the file. */
  readonly end: number;
  /** True if the block contains bytes of the file; false if it is another node. */
  readonly isLeaf: boolean;
}

/** Encodes a node. */
export function encodeNode(links: readonly Link[]): Bytes {
  const encoded = links.map((link) =>
    bytesField(
      TAG_NODE_LINK,
      concat(
        bytesField(TAG_LINK_HASH, link.cid.toBytes()),
        bytesField(TAG_LINK_NAME, new Uint8Array(0)),
        varintField(TAG_LINK_TSIZE, link.treeLength),
      ),
    ),
  );
  const fileLength = links.reduce((sum, link) => sum + link.fileLength, 0);
  const data = concat(
    varintField(TAG_DATA_TYPE, TYPE_FILE),
    varintField(TAG_DATA_FILESIZE, fileLength),
    ...links.map((link) => varintField(TAG_DATA_BLOCKSIZE, link.fileLength)),
  );
  return concat(...encoded, bytesField(TAG_NODE_DATA, data));
}

/**
 * Parses the children of a dag-pb block whose CID was already checked, in the order of the file. `fileAt` is the position of its first byte
 * in the file; 0 for a root.
 *
 * @throws NodeError for anything that `encodeNode` would not write.
 */
export function parseNode(block: Bytes, fileAt = 0): readonly Child[] {
  const reader = new FieldReader(block);
  const links: { cid: Cid; treeLength: number }[] = [];
  for (let link = reader.bytes(TAG_NODE_LINK); link !== null; link = reader.bytes(TAG_NODE_LINK)) {
    if (links.length === MAX_LINKS) throw new NodeError();
    links.push(parseLink(link));
  }
  const data = reader.bytes(TAG_NODE_DATA);
  const sizes = data === null ? [] : parseSizes(data);
  const end = sizes.reduce((sum, size) => sum + size, fileAt);
  if (links.length === 0 || links.length !== sizes.length || !Number.isSafeInteger(end)) throw new NodeError();
  const full = links.map((link, i) => ({ ...link, fileLength: sizes[i] ?? 0 }));
  // There is only one valid encoding: encoding the parsed node again must give the same bytes.
  const again = encodeNode(full);
  if (again.length !== block.length || !again.every((byte, i) => byte === block[i])) throw new NodeError();
  let at = fileAt;
  return full.map(({ cid, fileLength }) => {
    const start = at;
    at += fileLength;
    return { cid, start, end: at, isLeaf: cid.codec === CODEC_RAW };
  });
}

function parseLink(bytes: Bytes): { cid: Cid; treeLength: number } {
  const reader = new FieldReader(bytes);
  const hash = reader.bytes(TAG_LINK_HASH);
  const name = reader.bytes(TAG_LINK_NAME);
  const treeLength = reader.varint(TAG_LINK_TSIZE);
  if (hash === null || name === null || treeLength === null) throw new NodeError();
  try {
    return { cid: Cid.fromBytes(hash), treeLength };
  } catch {
    throw new NodeError();
  }
}

function parseSizes(bytes: Bytes): number[] {
  const reader = new FieldReader(bytes);
  if (reader.varint(TAG_DATA_TYPE) !== TYPE_FILE || reader.varint(TAG_DATA_FILESIZE) === null) throw new NodeError();
  const sizes: number[] = [];
  for (let size = reader.varint(TAG_DATA_BLOCKSIZE); size !== null; size = reader.varint(TAG_DATA_BLOCKSIZE)) {
    sizes.push(size);
  }
  return sizes;
}

function bytesField(tag: number, bytes: Bytes): Bytes {
  return concat(varintField(tag, bytes.length), bytes);
}

function varintField(tag: number, value: number): Bytes {
  const bytes = [tag];
  let rest = value;
  while (rest >= 0x80) {
    // Lengths may exceed 32 bits, which JavaScript's shift operators cannot handle.
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/** Reads fields from the front of a protobuf message. If a read returns `null`, nothing was consumed. */
class FieldReader {
  readonly #bytes: Bytes;
  #at = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  bytes(tag: number): Bytes | null {
    const before = this.#at;
    const length = this.varint(tag);
    if (length === null || length > this.#bytes.length - this.#at) {
      this.#at = before;
      return null;
    }
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** Values above 2^53 are rejected: no length is that large. */
  varint(tag: number): number | null {
    if (this.#bytes[this.#at] !== tag) return null;
    let value = 0;
    let at = this.#at + 1;
    for (let scale = 1; scale <= Number.MAX_SAFE_INTEGER; scale *= 0x80) {
      const byte = this.#bytes[at];
      if (byte === undefined) return null;
      at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (!Number.isSafeInteger(value)) return null;
        this.#at = at;
        return value;
      }
    }
    return null;
  }
}
