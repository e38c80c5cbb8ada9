/** The content hash: SHA-256 over the SHA-256 hashes of the 1 MiB pieces of the content. */

import { sha256 } from '@noble/hashes/sha2.js';
import type { Bytes } from '../bytes.ts';
import { type Hex, toHex } from '../hex.ts';
import { PieceHasher } from '../pieces.ts';

/** Length of a piece; the last one may be shorter, and empty content has no piece. */
const CONTENT_PIECE_LEN = 1 << 20;

/** Hashes content while it is streamed. */
export class ContentHasher {
  readonly #whole = sha256.create();
  readonly #pieces = new PieceHasher(CONTENT_PIECE_LEN, (digest) => this.#whole.update(digest));
  #length = 0;

  /** The number of bytes so far. */
  get length(): number {
    return this.#length;
  }

  /** Adds the next bytes of the content. Wait for each call before the next one. */
  async update(content: Bytes): Promise<void> {
    this.#length += content.length;
    await this.#pieces.update(content);
  }

  /** Returns the content hash. The hasher cannot be used afterwards. */
  async finish(): Promise<Hex> {
    await this.#pieces.finish(false);
    return toHex(this.#whole.digest());
  }
}

/** Returns length and content hash of a stream: the first pass of an upload. */
export async function hashContent(content: AsyncIterable<Bytes> | Iterable<Bytes>): Promise<{ length: number; hash: Hex }> {
  const hasher = new ContentHasher();
  for await (const piece of content) await hasher.update(piece);
  return { length: hasher.length, hash: await hasher.finish() };
}
