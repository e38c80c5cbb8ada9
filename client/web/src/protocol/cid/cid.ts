/**
 * Content identifiers of envelopes on IPFS: CIDv1, SHA-256, raw or dag-pb. The text is base32 in lower case, and no other form is accepted.
 */

import { sha256 } from '@noble/hashes/sha2.js';
import { type Bytes, concat } from '../bytes.ts';
import { CODEC_DAG_PB, CODEC_RAW } from '../codes.ts';
import { ProtocolError } from '../error.ts';
import { fromHex, type Hex, isHex, sameHex, toHex } from '../hex.ts';

/** Length in bytes: version, codec, hash function, length, digest. */
const CID_LEN = 36;
/** Version 1; SHA-256 (0x12) of 32 bytes (0x20). */
const VERSION = 0x01;
const SHA2_256 = [0x12, 0x20] as const;
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
/** Multibase prefix of base32 in lower case. */
const BASE32 = 'b';

/** The content of a block: bytes of the file, or a node of a UnixFS tree. */
type Codec = typeof CODEC_RAW | typeof CODEC_DAG_PB;

/** Thrown if text or bytes are not a CID in the only form that is used here. */
export class InvalidCid extends ProtocolError<'cid'> {
  constructor() {
    super('cid', 'not a CIDv1 of raw or dag-pb with SHA-256');
  }
}

/** A CIDv1 with SHA-256. It consists of a codec and a digest. */
export class Cid {
  /** 0x55 (raw) or 0x70 (dag-pb). */
  readonly codec: Codec;
  /** The SHA-256 of the block. */
  readonly digest: Hex;

  /**
   * Makes a CID from the values on the chain.
   *
   * @throws InvalidCid for every codec but 0x55 and 0x70, and for a digest that is not 32 bytes.
   */
  constructor(codec: number, digest: Hex) {
    if ((codec !== CODEC_RAW && codec !== CODEC_DAG_PB) || !isHex(digest, 32)) throw new InvalidCid();
    this.codec = codec;
    this.digest = digest;
  }

  /** Returns the CID of a block. */
  static ofBlock(codec: Codec, block: Bytes): Cid {
    return new Cid(codec, toHex(sha256(block)));
  }

  /**
   * Parses exactly 36 bytes.
   *
   * @throws InvalidCid
   */
  static fromBytes(bytes: Bytes): Cid {
    const isForm = bytes[0] === VERSION && bytes[2] === SHA2_256[0] && bytes[3] === SHA2_256[1];
    if (bytes.length !== CID_LEN || !isForm) throw new InvalidCid();
    return new Cid(bytes[1] ?? 0, toHex(bytes.subarray(4)));
  }

  /**
   * Parses the text that `toString` returns, and no other form of it.
   *
   * @throws InvalidCid
   */
  static parse(text: string): Cid {
    const bytes = text.startsWith(BASE32) && text.length === 59 ? decodeBase32(text.slice(1)) : null;
    if (bytes === null) throw new InvalidCid();
    const cid = Cid.fromBytes(bytes);
    if (cid.toString() !== text) throw new InvalidCid();
    return cid;
  }

  /** Returns whether `block` is the block of this CID. */
  names(block: Bytes): boolean {
    return this.equals(Cid.ofBlock(this.codec, block));
  }

  /** Returns whether both CIDs name the same block. */
  equals(other: Cid): boolean {
    return this.codec === other.codec && sameHex(this.digest, other.digest);
  }

  /** Returns the 36 bytes. */
  toBytes(): Bytes {
    return concat(Uint8Array.of(VERSION, this.codec, ...SHA2_256), fromHex(this.digest));
  }

  /** Returns the CID in base32, lower case: `bafk…` or `bafy…`. */
  toString(): string {
    return BASE32 + encodeBase32(this.toBytes());
  }
}

/** Encodes bytes in RFC 4648 base32, in lower case and without padding. */
function encodeBase32(bytes: Bytes): string {
  let text = '';
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(buffer >> bits) & 0x1f];
    }
  }
  return bits === 0 ? text : text + ALPHABET[(buffer << (5 - bits)) & 0x1f];
}

function decodeBase32(text: string): Bytes | null {
  const bytes: number[] = [];
  let buffer = 0;
  let bits = 0;
  for (const letter of text) {
    const value = ALPHABET.indexOf(letter);
    if (value < 0) return null;
    buffer = ((buffer << 5) | value) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((buffer >> bits) & 0xff);
    }
  }
  return Uint8Array.from(bytes);
}
