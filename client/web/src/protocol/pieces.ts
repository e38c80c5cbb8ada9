/**
 * Computes the SHA-256 of the pieces of a stream with WebCrypto. WebCrypto hashes whole inputs only, so the stream is cut into pieces of
 * fixed length. A few are hashed at the same time, and their digests are returned in order.
 */

import type { Bytes } from './bytes.ts';

/** The maximum number of pieces that are hashed at the same time. */
const IN_FLIGHT_MAX = 4;

/** Receives the digest of each piece and its length. */
type TakeDigest = (digest: Bytes, length: number) => void;

/** Cuts a stream into pieces and hashes each. Memory use: one piece, and those that are being hashed. */
export class PieceHasher {
  readonly #pieceLength: number;
  readonly #take: TakeDigest;
  #partial: Bytes | null = null;
  #filled = 0;
  #inFlight: Promise<Bytes>[] = [];
  #lengths: number[] = [];
  #isEmpty = true;

  constructor(pieceLength: number, take: TakeDigest) {
    this.#pieceLength = pieceLength;
    this.#take = take;
  }

  /** Adds the next bytes. Their buffer may be reused when the promise is resolved. */
  async update(bytes: Bytes): Promise<void> {
    let rest = bytes;
    while (rest.length > 0) {
      // The common case: the input contains a whole piece.
      if (this.#filled === 0 && rest.length >= this.#pieceLength) {
        await this.#hash(rest.subarray(0, this.#pieceLength));
        rest = rest.subarray(this.#pieceLength);
        continue;
      }
      this.#partial ??= new Uint8Array(this.#pieceLength);
      const now = rest.subarray(0, this.#pieceLength - this.#filled);
      this.#partial.set(now, this.#filled);
      this.#filled += now.length;
      rest = rest.subarray(now.length);
      if (this.#filled === this.#pieceLength) {
        this.#filled = 0;
        await this.#hash(this.#partial);
      }
    }
  }

  /** Hashes the remaining bytes: a shorter last piece or, if `emptyHasPiece` is true, the empty piece of an empty stream. */
  async finish(emptyHasPiece: boolean): Promise<void> {
    if (this.#filled > 0 || (emptyHasPiece && this.#isEmpty)) {
      await this.#hash((this.#partial ?? new Uint8Array(0)).subarray(0, this.#filled));
    }
    while (this.#inFlight.length > 0) await this.#settleFirst();
    this.#partial?.fill(0);
  }

  async #hash(piece: Bytes): Promise<void> {
    this.#isEmpty = false;
    if (this.#inFlight.length === IN_FLIGHT_MAX) await this.#settleFirst();
    // WebCrypto copies its input before it returns.
    this.#inFlight.push(crypto.subtle.digest('SHA-256', piece).then((digest) => new Uint8Array(digest)));
    this.#lengths.push(piece.length);
  }

  async #settleFirst(): Promise<void> {
    const digest = await this.#inFlight.shift();
    const length = this.#lengths.shift();
    if (digest !== undefined && length !== undefined) this.#take(digest, length);
  }
}
