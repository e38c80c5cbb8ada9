/** Reads exact numbers of bytes from a stream that comes in chunks of any length. */

import { type Bytes, concat } from '../bytes.ts';

/** Reads a stream from its start to its end. Stores the bytes that the stream has given and nobody has read yet. */
export class ByteReader {
  readonly #source: AsyncIterator<Bytes> | Iterator<Bytes>;
  #chunks: Bytes[] = [];
  #available = 0;

  constructor(source: AsyncIterable<Bytes> | Iterable<Bytes>) {
    this.#source = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  }

  /**
   * Returns the next `length` bytes, or all remaining ones if there are fewer. Returns a view, without copying, if they are in one chunk.
   */
  async read(length: number): Promise<Bytes> {
    await this.#fill(length);
    const parts: Bytes[] = [];
    let missing = Math.min(length, this.#available);
    this.#available -= missing;
    while (missing > 0) {
      const first = this.#chunks[0] as Bytes;
      const part = first.subarray(0, missing);
      parts.push(part);
      missing -= part.length;
      if (part.length === first.length) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(part.length);
    }
    return parts.length === 1 ? (parts[0] as Bytes) : concat(...parts);
  }

  /** Returns whether everything was read. */
  async isAtEnd(): Promise<boolean> {
    await this.#fill(1);
    return this.#available === 0;
  }

  /** Yields all bytes that were not read yet, chunk by chunk. */
  async *rest(): AsyncGenerator<Bytes, void, undefined> {
    while (!(await this.isAtEnd())) {
      const chunks = this.#chunks;
      this.#chunks = [];
      this.#available = 0;
      yield* chunks;
    }
  }

  /** Tells the source that the stream is not read any further. */
  async cancel(): Promise<void> {
    await this.#source.return?.();
  }

  async #fill(length: number): Promise<void> {
    while (this.#available < length) {
      const next = await this.#source.next();
      if (next.done === true) return;
      if (next.value.length === 0) continue;
      this.#chunks.push(next.value);
      this.#available += next.value.length;
    }
  }
}
