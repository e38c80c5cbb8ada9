/** Tests for the log. The expected roots come from the reference implementation of RFC 6962 (certificate-transparency). */

import { describe, expect, test } from 'vitest';
import { fromHex, type Hex, toHex } from '../../src/protocol/hex.ts';
import type { LeafHash } from '../../src/protocol/ids.ts';
import {
  type AnchoredBatch,
  EMPTY_HEAD,
  findLogFault,
  Frontier,
  headHash,
  leafHash,
  nextHead,
  rootOf,
  verifyConsistency,
  verifyInclusion,
} from '../../src/protocol/log.ts';
import { u64, utf8 } from '../../src/protocol/bytes.ts';
import { repeated } from './people.ts';

const many = (count: number): LeafHash[] => Array.from({ length: count }, (_, i) => leafHash(u64(i)));
const largestPowerBelow = (length: number): number => 2 ** (length - 1).toString(2).length / 2;

/** PATH(index, leaves) of RFC 6962, section 2.1.1. */
function inclusionProof(leaves: readonly LeafHash[], index: number): Hex[] {
  if (leaves.length === 1) return [];
  const split = largestPowerBelow(leaves.length);
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  return index < split ? [...inclusionProof(left, index), rootOf(right)] : [...inclusionProof(right, index - split), rootOf(left)];
}

/** SUBPROOF of RFC 6962, section 2.1.2. */
function consistencyProof(leaves: readonly LeafHash[], old: number, isOldRoot = true): Hex[] {
  if (old === leaves.length) return isOldRoot ? [] : [rootOf(leaves)];
  const split = largestPowerBelow(leaves.length);
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  return old <= split
    ? [...consistencyProof(left, old, isOldRoot), rootOf(right)]
    : [...consistencyProof(right, old - split, false), rootOf(left)];
}

test('roots are those of the reference implementation', () => {
  expect(new Frontier().root()).toBe('0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  const texts = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
  const leaves = texts.map((text) => leafHash(fromHex(`0x${text}`)));
  expect(rootOf(leaves.slice(0, 3))).toBe('0xaeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77');
  expect(rootOf(leaves)).toBe('0x5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328');
});

test('every inclusion proof holds, for no other place, leaf or root', () => {
  for (let size = 1; size <= 33; size++) {
    const leaves = many(size);
    const root = rootOf(leaves);
    for (const [index, leaf] of leaves.entries()) {
      const proof = inclusionProof(leaves, index);
      expect(verifyInclusion(leaf, index, size, proof, root)).toBe(true);
      expect(verifyInclusion(leaf, index + 1, size, proof, root)).toBe(false);
      expect(verifyInclusion(leafHash(utf8('other')), index, size, proof, root)).toBe(false);
      expect(verifyInclusion(leaf, index, size, [...proof, repeated(0)], root)).toBe(false);
      if (proof.length > 0) expect(verifyInclusion(leaf, index, size, proof.slice(1), root)).toBe(false);
    }
  }
});

test('every consistency proof holds, and a changed history does not', () => {
  for (let size = 1; size <= 33; size++) {
    const leaves = many(size);
    const root = rootOf(leaves);
    for (let old = 1; old <= size; old++) {
      const oldRoot = rootOf(leaves.slice(0, old));
      const proof = consistencyProof(leaves, old);
      expect(verifyConsistency(old, oldRoot, size, root, proof), `${old} of ${size}`).toBe(true);
      expect(verifyConsistency(old, repeated(0), size, root, proof)).toBe(false);
      expect(verifyConsistency(old, oldRoot, size, repeated(0), proof)).toBe(false);
      expect(verifyConsistency(old, oldRoot, size, root, [...proof, repeated(0)])).toBe(false);
    }
  }
});

describe('a log rebuilt from events alone', () => {
  /** Returns batches of these sizes, as an honest operator anchors them. */
  function anchored(sizes: readonly number[]): AnchoredBatch[] {
    const leaves = many(sizes.reduce((sum, size) => sum + size, 0));
    let head = EMPTY_HEAD;
    let at = 0;
    return sizes.map((size) => {
      const batch = leaves.slice(at, at + size);
      at += size;
      const root = rootOf(leaves.slice(0, at));
      head = nextHead(head, at, root);
      return { size: at, root, head: headHash(head), leaves: batch };
    });
  }

  test('holds', () => {
    expect(findLogFault([])).toBeNull();
    expect(findLogFault(anchored([1, 4, 2, 9]))).toBeNull();
    expect(headHash(EMPTY_HEAD)).toBe(repeated(0));
  });

  test('shows where it does not', () => {
    const fault = (batch: number, change: (batch: AnchoredBatch) => Partial<AnchoredBatch>): unknown => {
      const batches = anchored([1, 4, 2]);
      batches[batch] = { ...(batches[batch] as AnchoredBatch), ...change(batches[batch] as AnchoredBatch) };
      return findLogFault(batches);
    };
    expect(fault(1, ({ leaves }) => ({ leaves: leaves.slice(1) }))).toEqual({ batch: 1, kind: 'size' });
    expect(fault(1, ({ leaves }) => ({ leaves: [...leaves].reverse() }))).toEqual({ batch: 1, kind: 'root' });
    expect(fault(2, () => ({ head: toHex(new Uint8Array(32)) }))).toEqual({ batch: 2, kind: 'head' });
    // If a batch is left out, the next one does not fit, because its leaves are at another position.
    expect(findLogFault(anchored([1, 4, 2]).filter((_, i) => i !== 1))).toEqual({ batch: 1, kind: 'size' });
  });
});
