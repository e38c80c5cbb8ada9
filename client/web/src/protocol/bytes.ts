/** Functions on bytes: concatenation, fixed-width big-endian integers, comparison. The whole protocol uses them to concatenate fields. */

/** Bytes whose buffer is an `ArrayBuffer` (not a `SharedArrayBuffer`), which WebCrypto and `Blob` require. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Concatenates byte strings. */
export function concat(...parts: readonly Uint8Array[]): Bytes {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Encodes a text in UTF-8. A text with half a surrogate pair cannot be encoded: callers check texts from outside first. */
export function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}

/** Decodes UTF-8 and keeps a leading U+FEFF. Returns `null` if the bytes are not UTF-8. */
export function fromUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** Returns one byte. */
export function u8(value: number): Bytes {
  checkRange(value, 0xff);
  return Uint8Array.of(value);
}

/** Returns two bytes, big-endian. */
export function u16(value: number): Bytes {
  checkRange(value, 0xffff);
  return Uint8Array.of(value >>> 8, value);
}

/** Returns four bytes, big-endian. */
export function u32(value: number): Bytes {
  checkRange(value, 0xffff_ffff);
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** Returns eight bytes, big-endian. A `number` must be a safe integer. */
export function u64(value: number | bigint): Bytes {
  const wide = BigInt(value);
  if (wide < 0n || wide > 0xffff_ffff_ffff_ffffn || (typeof value === 'number' && !Number.isSafeInteger(value))) {
    throw new RangeError('a u64 is out of range');
  }
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, wide);
  return bytes;
}

/** Reads four bytes, big-endian. The caller has checked that they exist. */
export function readU32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(at);
}

/** Reads two bytes, big-endian. The caller has checked that they exist. */
export function readU16(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint16(at);
}

/** Returns whether two byte strings are equal. The time depends only on their lengths. */
export function equalConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}

/** Returns `a xor b`, byte by byte. Both must have the same length. */
export function xor(a: Uint8Array, b: Uint8Array): Bytes {
  if (a.length !== b.length) throw new RangeError('xor takes two of one length');
  return Uint8Array.from(a, (byte, i) => byte ^ (b[i] ?? 0));
}

/** Returns whether every byte is zero. */
export function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

/**
 * Returns the same bytes in an `ArrayBuffer`: the argument itself if it is in one, else a copy. WebCrypto refuses views of
 * `SharedArrayBuffer`.
 */
export function own(bytes: Uint8Array): Bytes {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Bytes) : new Uint8Array(bytes);
}

function checkRange(value: number, max: number): void {
  if (!Number.isInteger(value) || value < 0 || value > max) throw new RangeError('an integer is out of range');
}
