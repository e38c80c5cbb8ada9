/** Files and blobs, piece by piece: reading ahead, and gathering without holding everything in memory. */

import type { Bytes } from '../protocol/bytes.ts';

/** Length of the pieces of a file: a multiple of what is hashed at a time, so that nothing is copied for it. */
const PIECE_LEN = 4 << 20;
/** A blob of this many bytes is handed to the browser, which keeps it outside of this thread's memory. */
const PART_LEN = 8 << 20;

/**
 * The bytes of a blob or file from `start`, in pieces; the next piece is read while one is used.
 *
 * @throws DOMException `NotReadableError` or `NotFoundError` when the file is gone or was changed.
 */
export async function* blobPieces(blob: Blob, start = 0): AsyncGenerator<Bytes, void, undefined> {
  const read = (at: number): Promise<ArrayBuffer> | null => {
    if (at >= blob.size) return null;
    const piece = blob.slice(at, at + PIECE_LEN).arrayBuffer();
    // A piece that nobody waits for any more may fail unheard.
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

/** Gathers bytes into a blob. */
export class BlobCollector {
  readonly #parts: Blob[] = [];
  #pending: Bytes[] = [];
  #pendingLength = 0;

  /** Takes bytes; they must not be written to until `finish`. */
  add(bytes: Bytes): void {
    this.#pending.push(bytes);
    this.#pendingLength += bytes.length;
    if (this.#pendingLength >= PART_LEN) this.#seal();
  }

  /** All of it. The type says nothing: what the content is, the metadata say. */
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
