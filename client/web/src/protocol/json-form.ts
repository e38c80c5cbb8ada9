/** Strict reading of JSON that came from elsewhere: exactly the fields of a form, each of its kind. */

import { type Hex, isHex } from './hex.ts';

/**
 * The fields of a JSON object that has exactly these; `null` for anything else.
 *
 * `JSON.parse` keeps the last of two fields with one name, where the Rust reader refuses both; nothing here depends on it.
 */
export function exactFields<Name extends string>(value: unknown, names: readonly Name[]): Readonly<Record<Name, unknown>> | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const keys = Object.keys(value);
  const isExact = keys.length === names.length && names.every((name) => Object.hasOwn(value, name));
  return isExact ? (value as Readonly<Record<Name, unknown>>) : null;
}

/** Whether a value is an integer from 0 up to `max`. */
export function isUint(value: unknown, max: number = Number.MAX_SAFE_INTEGER): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= max;
}

/** The value as lower-case hex of so many bytes, or `null`. */
export function hexOf(value: unknown, length: number): Hex | null {
  return isHex(value, length) ? (value.toLowerCase() as Hex) : null;
}
