/** Lengths in bytes: padding, segments, and the length of an envelope before it is made. All are exact in a JavaScript number. */

/** Length of the clear header of an envelope: 44, and the owner capsule of 1,172. */
export const HEADER_LEN = 1_216;
/** Length of the FLOE header: parameters 10, IV 32, header tag 32. */
export const FLOE_HEADER_LEN = 74;
/** Length of a FLOE segment, with its 4-byte prefix, 12-byte IV and 16-byte tag. */
export const SEGMENT_LEN = 65_536;
/** Number of bytes in a segment that are not ciphertext. */
export const SEGMENT_OVERHEAD = 32;
/** Number of plaintext bytes in a full segment. */
export const SEGMENT_PAYLOAD_LEN = SEGMENT_LEN - SEGMENT_OVERHEAD;
/** Minimum length of the plaintext after padding. */
const MIN_PADDED_LEN = 4_096;
/** Maximum length of the metadata; it keeps them inside the first segment. */
export const MAX_METADATA_LEN = 16_384;
/** Maximum length of the content: 2^46 bytes (64 TiB). */
export const MAX_CONTENT_LEN = 2 ** 46;
/** Length of the field before the metadata that has their length. */
export const METADATA_LENGTH_LEN = 4;

/**
 * Returns the length after padding: Padmé (Nikitin et al., PETS 2019), at least `MIN_PADDED_LEN`.
 *
 * With `E = floor(log2 L)` and `S = floor(log2 E) + 1`, L is rounded up to a multiple of `2^(E - S)`: at most 12 % more, and the padded
 * length reveals only O(log log L) bits of the real length.
 */
export function paddedLen(length: number): number {
  if (length <= MIN_PADDED_LEN) return MIN_PADDED_LEN;
  const exponent = floorLog2(length);
  const step = 2 ** (exponent - floorLog2(exponent) - 1);
  return Math.ceil(length / step) * step;
}

/** Returns the length of the plaintext that FLOE encrypts, including the padding. */
export function plaintextLen(contentLength: number, metadataLength: number): number {
  return paddedLen(METADATA_LENGTH_LEN + metadataLength + contentLength);
}

/**
 * Returns the length of an envelope with `contentLength` bytes of content and `metadataLength` bytes of encoded metadata. It is exact, so
 * that an upload can state its length before the first byte.
 */
export function sealedLen(contentLength: number, metadataLength: number): number {
  const plaintext = plaintextLen(contentLength, metadataLength);
  return HEADER_LEN + FLOE_HEADER_LEN + plaintext + Math.ceil(plaintext / SEGMENT_PAYLOAD_LEN) * SEGMENT_OVERHEAD;
}

/**
 * Checks the length of a document, in bytes, before it is hashed, signed or sent. `metadataLength` is 0 while the length of the metadata is
 * unknown; `max` is the largest envelope that the server accepts. Returns `null`, or the reason why it cannot be uploaded.
 */
export function checkContentLength(contentLength: number, metadataLength: number, max: number): 'empty' | 'too_large' | null {
  if (contentLength === 0) return 'empty';
  return contentLength > MAX_CONTENT_LEN || sealedLen(contentLength, metadataLength) > max ? 'too_large' : null;
}

/** Returns floor(log2 value). `Math.log2` rounds near powers of two; counting binary digits is exact. */
function floorLog2(value: number): number {
  return value.toString(2).length - 1;
}
