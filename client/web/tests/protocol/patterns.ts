/** Bytes for tests: patterns, fixed random bytes, and streams cut into pieces. */

import type { Bytes } from '../../src/protocol/bytes.ts';
import type { Random } from '../../src/protocol/random.ts';

const PERIOD = 1 << 24;

/** Yields bytes from a formula. `xor`: byte i is `(i ^ i>>8 ^ i>>16) & 255`; `zero`: all zero. The pieces have up to 16 MiB. */
export function* patternPieces(pattern: string, length: number): Generator<Bytes> {
  const period = new Uint8Array(Math.min(length, PERIOD));
  // Both patterns repeat after 2^24 bytes.
  if (pattern === 'xor') for (let i = 0; i < period.length; i++) period[i] = i ^ (i >> 8) ^ (i >> 16);
  for (let left = length; left > 0; left -= PERIOD) yield period.subarray(0, Math.min(left, PERIOD));
}

/** Returns the same bytes as one array. */
export function patternBytes(length: number): Bytes {
  const [bytes = new Uint8Array(0)] = patternPieces('xor', length);
  return bytes;
}

/** Returns bytes that look random and are the same each time: a 32-bit xorshift from a seed. */
export function fixedRandom(seed: number): Random {
  let state = seed | 1;
  return (length) =>
    Uint8Array.from({ length }, () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state & 0xff;
    });
}

/** Yields bytes in pieces of that length. */
export function* inPieces(bytes: Bytes, length: number): Generator<Bytes> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

/** Returns a stream as one array. */
export async function collect(stream: AsyncIterable<Bytes>): Promise<Bytes> {
  const parts: Bytes[] = [];
  for await (const part of stream) parts.push(part);
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** Decodes base64. */
export function fromBase64(text: string): Bytes {
  return new Uint8Array(Buffer.from(text, 'base64'));
}

/** Encodes bytes in base64. */
export function toBase64(bytes: Bytes): string {
  return Buffer.from(bytes).toString('base64');
}
