/** The one place where randomness enters. Whatever draws takes a `Random`, so that tests can give a fixed one. */

import type { Bytes } from './bytes.ts';

/** Gives so many uniform bytes that nobody can foresee. */
export type Random = (length: number) => Bytes;

/** Most bytes of one call of `getRandomValues`. */
const QUOTA = 65_536;

/** The browser's generator. */
export const systemRandom: Random = (length) => {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += QUOTA) crypto.getRandomValues(bytes.subarray(at, at + QUOTA));
  return bytes;
};
