/** Addresses of people as they are typed, pasted or scanned. */
import { getAddress, isAddress, type Address } from 'viem';

/** Any address as lower-case hex; `null` for what is none. A mixed-case one must have the right checksum (EIP-55). */
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
 * The address in what somebody pasted or scanned: an address, or an invitation link of any installation. One with a wrong
 * checksum (EIP-55) is none, and where two different ones stand, nobody can say which is meant.
 */
export function findAddress(text: string): Address | null {
  const found = new Set((text.match(ADDRESSES) ?? []).map(parseAddress));
  const [only] = found;
  return found.size === 1 ? (only ?? null) : null;
}
