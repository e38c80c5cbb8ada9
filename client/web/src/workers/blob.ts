/** Reads files and blobs piece by piece, and collects bytes into a blob without holding everything in memory. */

import type { Bytes } from '../protocol/bytes.ts';

/** Length of the pieces of a file: a multiple of the hash's input size, so that nothing is copied for hashing. */
const PIECE_LEN = 4 << 20;
/** Length at which collected bytes are given to the browser as a blob, which is stored outside of this thread's memory. */
const PART_LEN = 8 << 20;

/**
 * Yields the bytes of a blob or file from `start`, in pieces. The next piece is read while one is used.
 *
 * @throws DOMException `NotReadableError` or `NotFoundError` if the file was deleted or changed.
 */
export async function* blobPieces(blob: Blob, start = 0): AsyncGenerator<Bytes, void, undefined> {
  const read = (at: number): Promise<ArrayBuffer> | null => {
    if (at >= blob.size) return null;
    const piece = blob.slice(at, at + PIECE_LEN).arrayBuffer();
    // If the reader stops early, a failure of this piece is ignored.
    piece.catch(() => undefined);
    return piece;
  };
  let next = read(start);
  for (let at = start; next !== null; ) {
    const piece = await next;
    at += PIECE_LEN;
    next = read(at);
    yield new Uint8Array(piece);
  }
}

/** Collects bytes into a blob. */
export class BlobCollector {
  readonly #parts: Blob[] = [];
  #pending: Bytes[] = [];
  #pendingLength = 0;

  /** Adds bytes. The caller must not change them until `finish`. */
  add(bytes: Bytes): void {
    this.#pending.push(bytes);
    this.#pendingLength += bytes.length;
    if (this.#pendingLength >= PART_LEN) this.#seal();
  }

  /** Returns all bytes as one blob. It has no media type: the metadata state the type of the content. */
  finish(): Blob {
    this.#seal();
    return new Blob(this.#parts, { type: 'application/octet-stream' });
  }

  #seal(): void {
    if (this.#pendingLength > 0) this.#parts.push(new Blob(this.#pending));
    this.#pending = [];
    this.#pendingLength = 0;
  }
}
