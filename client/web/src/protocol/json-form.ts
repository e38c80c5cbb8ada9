/** Strict parsing of untrusted JSON: exactly the fields of a form, each with its type. */

import { type Hex, isHex } from './hex.ts';

/**
 * Returns the fields of a JSON object that has exactly these names; `null` for anything else.
 *
 * If two fields have the same name, `JSON.parse` keeps the last one, while the Rust parser rejects both. Nothing here depends on this
 * difference.
 */
export function exactFields<Name extends string>(value: unknown, names: readonly Name[]): Readonly<Record<Name, unknown>> | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const keys = Object.keys(value);
  const isExact = keys.length === names.length && names.every((name) => Object.hasOwn(value, name));
  return isExact ? (value as Readonly<Record<Name, unknown>>) : null;
}

/** Returns whether a value is an integer from 0 up to `max`. */
export function isUint(value: unknown, max: number = Number.MAX_SAFE_INTEGER): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= max;
}

/** Returns the value as lower-case hex of `length` bytes; `null` for anything else. */
export function hexOf(value: unknown, length: number): Hex | null {
  return isHex(value, length) ? (value.toLowerCase() as Hex) : null;
}
