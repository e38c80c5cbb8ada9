/** Hex texts. They are always written in lower case with `0x`. */

import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import type { Address, Hex } from 'viem';
import type { Bytes } from './bytes.ts';

export type { Address, Hex };

/** 32 zero bytes. */
export const ZERO_HASH: Hex = `0x${'00'.repeat(32)}`;

/** Returns bytes as hex text. */
export function toHex(bytes: Uint8Array): Hex {
  return `0x${bytesToHex(bytes)}`;
}

/** Returns whether a value is `0x` and an even number of hex digits, for exactly `length` bytes if that is given. */
export function isHex(value: unknown, length?: number): value is Hex {
  return typeof value === 'string' && /^0x(?:[0-9a-fA-F]{2})*$/.test(value) && (length === undefined || value.length === 2 + 2 * length);
}

/**
 * Returns the bytes of a hex text.
 *
 * @throws RangeError if it is not `0x` and hex digits of exactly `length` bytes (any number, if not given). The error does not contain the
 * text.
 */
export function fromHex(text: string, length?: number): Bytes {
  if (!isHex(text, length)) throw new RangeError('expected 0x-prefixed hex of the right length');
  return hexToBytes(text.slice(2)) as Bytes;
}

/** Returns the 20 bytes of an address, in upper, lower or mixed case. */
export function addressBytes(address: Address): Bytes {
  return fromHex(address, 20);
}

/** Returns the address of 20 bytes, in lower case. */
export function toAddress(bytes: Uint8Array): Address {
  if (bytes.length !== 20) throw new RangeError('an address has 20 bytes');
  return toHex(bytes);
}

/** Returns whether two hex texts or addresses are equal if upper and lower case are ignored. */
export function sameHex(a: Hex, b: Hex): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
