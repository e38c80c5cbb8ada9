/** Parses addresses of people that were typed, pasted or scanned. */
import { getAddress, isAddress, type Address } from 'viem';

/**
 * Returns an address in lower-case hex; `null` if the text is not an address. A mixed-case address must have the right checksum (EIP-55).
 */
export function parseAddress(text: string): Address | null {
  const trimmed = text.trim();
  if (!isAddress(trimmed, { strict: false })) return null;
  const hex = trimmed.slice(2);
  const isMixed = hex !== hex.toLowerCase() && hex !== hex.toUpperCase();
  if (isMixed && getAddress(trimmed) !== trimmed) return null;
  return `0x${hex.toLowerCase()}`;
}

const ADDRESSES = /(?<![0-9a-zA-Z])0x[0-9a-fA-F]{40}(?![0-9a-zA-Z])/g;

/**
 * Returns the address in a pasted or scanned text: an address, or an invitation link of any installation. Returns `null` for an address
 * with a wrong checksum (EIP-55), and for a text with two different addresses, because it is unclear which one is meant.
 */
export function findAddress(text: string): Address | null {
  const found = new Set((text.match(ADDRESSES) ?? []).map(parseAddress));
  const [only] = found;
  return found.size === 1 ? (only ?? null) : null;
}
