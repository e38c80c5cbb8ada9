/** Lengths: padding, segments, and the size of an envelope before it exists. All are exact in a JavaScript number. */

/** Length of the clear header of an envelope. */
export const HEADER_LEN = 161;
/** Length of the FLOE header: parameters 10, IV 32, header tag 32. */
export const FLOE_HEADER_LEN = 74;
/** Length of a FLOE segment, with its 4-byte prefix, 12-byte IV and 16-byte tag. */
export const SEGMENT_LEN = 65_536;
/** Bytes of a segment that are not ciphertext. */
export const SEGMENT_OVERHEAD = 32;
/** Plaintext bytes in a full segment. */
export const SEGMENT_PAYLOAD_LEN = SEGMENT_LEN - SEGMENT_OVERHEAD;
/** Shortest plaintext after padding. */
const MIN_PADDED_LEN = 4_096;
/** Longest metadata; keeps them inside the first segment. */
export const MAX_METADATA_LEN = 16_384;
/** Longest content: 2^46 bytes (64 TiB). */
export const MAX_CONTENT_LEN = 2 ** 46;
/** Length field in front of the metadata. */
export const METADATA_LENGTH_LEN = 4;

/**
 * Length after padding: Padmé (Nikitin et al., PETS 2019), at least `MIN_PADDED_LEN`.
 *
 * With `E = floor(log2 L)` and `S = floor(log2 E) + 1`, L is rounded up to a multiple of `2^(E - S)`: at most 12 % more,
 * and only O(log log L) bits of the length leak.
 */
export function paddedLen(length: number): number {
  if (length <= MIN_PADDED_LEN) return MIN_PADDED_LEN;
  const exponent = floorLog2(length);
  const step = 2 ** (exponent - floorLog2(exponent) - 1);
  return Math.ceil(length / step) * step;
}

/** Length of the plaintext that FLOE encrypts, padding included. */
export function plaintextLen(contentLength: number, metadataLength: number): number {
  return paddedLen(METADATA_LENGTH_LEN + metadataLength + contentLength);
}

/**
 * Length of the envelope of `contentLength` bytes with `metadataLength` bytes of encoded metadata. Exact, so that an
 * upload can announce its length before the first byte.
 */
export function sealedLen(contentLength: number, metadataLength: number): number {
  const plaintext = plaintextLen(contentLength, metadataLength);
  return HEADER_LEN + FLOE_HEADER_LEN + plaintext + Math.ceil(plaintext / SEGMENT_PAYLOAD_LEN) * SEGMENT_OVERHEAD;
}

/**
 * Checks the length of a document, in bytes, before it is hashed, signed or sent. `metadataLength` is 0 while the metadata
 * are not known; `max` is the largest envelope that the server takes. Returns `null`, or why it cannot be uploaded.
 */
export function checkContentLength(contentLength: number, metadataLength: number, max: number): 'empty' | 'too_large' | null {
  if (contentLength === 0) return 'empty';
  return contentLength > MAX_CONTENT_LEN || sealedLen(contentLength, metadataLength) > max ? 'too_large' : null;
}

/** `Math.log2` rounds near powers of two; counting digits does not. */
function floorLog2(value: number): number {
  return value.toString(2).length - 1;
}
