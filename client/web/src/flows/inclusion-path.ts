/** Makes inclusion proofs (RFC 9162, section 2.1.3.1) from the leaves on the chain. `protocol/log.ts` checks them. */
import type { Hex } from 'viem';
import { rootOf } from '../protocol/log.ts';
import type { LeafHash } from '../protocol/ids.ts';

/** Returns the audit path of one leaf, nearest sibling first. */
export function inclusionPath(leaves: readonly LeafHash[], index: number): Hex[] {
  if (leaves.length <= 1) return [];
  // The largest power of two below the number of leaves.
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  return index < split ? [...inclusionPath(left, index), rootOf(right)] : [...inclusionPath(right, index - split), rootOf(left)];
}
