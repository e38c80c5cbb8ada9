/** The only source of randomness. Every function that needs random bytes takes a `Random`, so that tests can pass a fixed one. */

import type { Bytes } from './bytes.ts';

/** Returns `length` uniform bytes that nobody can predict. */
export type Random = (length: number) => Bytes;

/** The maximum number of bytes of one call of `getRandomValues`. */
const QUOTA = 65_536;

/** The browser's random number generator. */
export const systemRandom: Random = (length) => {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += QUOTA) crypto.getRandomValues(bytes.subarray(at, at + QUOTA));
  return bytes;
};
