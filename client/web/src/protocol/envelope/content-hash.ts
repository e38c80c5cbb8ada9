/** SHA-256 over the SHA-256s of the 1 MiB pieces of the content. */

import { sha256 } from '@noble/hashes/sha2.js';
import type { Bytes } from '../bytes.ts';
import { type Hex, toHex } from '../hex.ts';
import { PieceHasher } from '../pieces.ts';

/** Length of a piece; the last one may be shorter, and empty content has none. */
const CONTENT_PIECE_LEN = 1 << 20;

/** Hashes content as it streams by. */
export class ContentHasher {
  readonly #whole = sha256.create();
  readonly #pieces = new PieceHasher(CONTENT_PIECE_LEN, (digest) => this.#whole.update(digest));
  #length = 0;

  /** The number of bytes so far. */
  get length(): number {
    return this.#length;
  }

  /** Takes the next bytes of the content; one call after the other. */
  async update(content: Bytes): Promise<void> {
    this.#length += content.length;
    await this.#pieces.update(content);
  }

  /** The content hash; ends the hasher. */
  async finish(): Promise<Hex> {
    await this.#pieces.finish(false);
    return toHex(this.#whole.digest());
  }
}

/** Length and content hash of a stream: the first pass of an upload. */
export async function hashContent(content: AsyncIterable<Bytes> | Iterable<Bytes>): Promise<{ length: number; hash: Hex }> {
  const hasher = new ContentHasher();
  for await (const piece of content) await hasher.update(piece);
  return { length: hasher.length, hash: await hasher.finish() };
}
