/**
 * The operator's log: an RFC 6962 tree of leaf hashes, and the chain of its heads.
 *
 * `leaf hash = SHA-256(0x00 ‖ leaf)`, `node = SHA-256(0x01 ‖ left ‖ right)`, root of no leaves = SHA-256 of nothing; `head =
 * keccak256(previous head 32 ‖ size 8 ‖ root 32)`, and the head of an empty log is zero.
 *
 * All functions work on leaf hashes, because the chain stores only those. A reader of the `Accessed` events can recompute every root
 * without the leaves.
 */

import { sha256 } from '@noble/hashes/sha2.js';
import { keccak256 } from 'viem/utils';
import { type Bytes, concat, u64, u8 } from './bytes.ts';
import { fromHex, type Hex, sameHex, toHex, ZERO_HASH } from './hex.ts';
import type { LeafHash } from './ids.ts';

/** Returns the RFC 6962 hash of a leaf. */
export function leafHash(leaf: Bytes): LeafHash {
  return toHex(sha256(concat(u8(0x00), leaf)));
}

function nodeHash(left: Bytes, right: Bytes): Bytes {
  return sha256(concat(u8(0x01), left, right)) as Bytes;
}

/** The preimage of the head that `AccessLog` stores. It describes the state of a log. */
interface Head {
  /** The hash of the head before it; zero for the first. */
  readonly previous: Hex;
  /** Number of leaves. */
  readonly size: number;
  /** The RFC 6962 root over the leaves. */
  readonly root: Hex;
}

/** The preimage for an empty log. */
export const EMPTY_HEAD: Head = { previous: ZERO_HASH, size: 0, root: ZERO_HASH };

/** Returns the hash that the chain stores: keccak256(previous ‖ size ‖ root); zero for an empty log. */
export function headHash(head: Head): Hex {
  const isEmpty = head.size === 0 && sameHex(head.previous, ZERO_HASH) && sameHex(head.root, ZERO_HASH);
  if (isEmpty) return ZERO_HASH;
  return keccak256(concat(fromHex(head.previous, 32), u64(head.size), fromHex(head.root, 32)));
}

/** Returns the head that follows `head` when the log has `size` leaves and this root. */
export function nextHead(head: Head, size: number, root: Hex): Head {
  return { previous: headHash(head), size, root };
}

/** The right edge of a tree. It is enough to append leaves and to compute the root, in O(log n). */
export class Frontier {
  #size = 0;
  // Roots of the complete subtrees, largest first: one for each bit that is set in the size.
  readonly #peaks: Bytes[] = [];

  /** Number of leaves. */
  get size(): number {
    return this.#size;
  }

  /** Appends a leaf. */
  push(leaf: LeafHash): void {
    let hash = fromHex(leaf, 32);
    // Each trailing one bit of the size is a complete subtree that the new leaf completes to a larger one.
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) hash = nodeHash(this.#peaks.pop() as Bytes, hash);
    this.#peaks.push(hash);
    this.#size += 1;
  }

  /** Returns the RFC 6962 root over all leaves so far. */
  root(): Hex {
    const root = this.#peaks.reduceRight<Bytes | null>((right, left) => (right ? nodeHash(left, right) : left), null);
    return toHex(root ?? sha256(new Uint8Array(0)));
  }
}

/** Returns the RFC 6962 root over leaves. */
export function rootOf(leaves: readonly LeafHash[]): Hex {
  const frontier = new Frontier();
  for (const leaf of leaves) frontier.push(leaf);
  return frontier.root();
}

/** Checks an inclusion proof (RFC 9162, section 2.1.3.2): siblings from the leaf up to the root. */
export function verifyInclusion(leaf: LeafHash, index: number, size: number, proof: readonly Hex[], root: Hex): boolean {
  if (index < 0 || index >= size) return false;
  let [node, last] = [BigInt(index), BigInt(size - 1)];
  let hash = fromHex(leaf, 32);
  for (const text of proof) {
    const sibling = fromHex(text, 32);
    if (last === 0n) return false;
    if (node % 2n === 1n || node === last) {
      hash = nodeHash(sibling, hash);
      while (node % 2n === 0n && node !== 0n) [node, last] = [node >> 1n, last >> 1n];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [node, last] = [node >> 1n, last >> 1n];
  }
  return last === 0n && sameHex(toHex(hash), root);
}

/** Checks a consistency proof (RFC 9162, section 2.1.4.2): the tree of `size` leaves extends the tree of `oldSize` leaves. */
export function verifyConsistency(oldSize: number, oldRoot: Hex, size: number, root: Hex, proof: readonly Hex[]): boolean {
  if (oldSize <= 0 || oldSize > size) return false;
  if (oldSize === size) return proof.length === 0 && sameHex(oldRoot, root);
  let [node, last] = [BigInt(oldSize - 1), BigInt(size - 1)];
  while (node % 2n === 1n) [node, last] = [node >> 1n, last >> 1n];
  // When the old size is a power of two, its root is a node of the new tree and is left out of the proof.
  const path = Number.isInteger(Math.log2(oldSize)) ? [oldRoot, ...proof] : proof;
  const [first, ...rest] = path.map((text) => fromHex(text, 32));
  if (first === undefined) return false;
  let [oldHash, newHash] = [first, first];
  for (const sibling of rest) {
    if (last === 0n) return false;
    if (node % 2n === 1n || node === last) {
      [oldHash, newHash] = [nodeHash(sibling, oldHash), nodeHash(sibling, newHash)];
      while (node % 2n === 0n && node !== 0n) [node, last] = [node >> 1n, last >> 1n];
    } else {
      newHash = nodeHash(newHash, sibling);
    }
    [node, last] = [node >> 1n, last >> 1n];
  }
  return last === 0n && sameHex(toHex(oldHash), oldRoot) && sameHex(toHex(newHash), root);
}

/** One `Checkpoint` of the chain with the leaves of its `Accessed` events, in order. */
export interface AnchoredBatch {
  readonly size: number;
  readonly root: Hex;
  readonly head: Hex;
  readonly leaves: readonly LeafHash[];
}

/** The place of a contradiction in a log on the chain. */
interface LogFault {
  /** The index of the batch, from 0. */
  readonly batch: number;
  /**
   * `size`: the number of leaves differs from the stated one. `root`: the leaves give another root. `head`: it does not follow the previous
   * head.
   */
  readonly kind: 'size' | 'root' | 'head';
}

/**
 * Rebuilds a log from the chain's events alone and checks sizes, roots and heads. The batches are all those of one operator, from the
 * first, in order. Returns `null` if every check passed.
 */
export function findLogFault(batches: Iterable<AnchoredBatch>): LogFault | null {
  const frontier = new Frontier();
  let head = EMPTY_HEAD;
  let batch = 0;
  for (const { size, root, head: anchored, leaves } of batches) {
    for (const leaf of leaves) frontier.push(leaf);
    if (frontier.size !== size) return { batch, kind: 'size' };
    if (!sameHex(frontier.root(), root)) return { batch, kind: 'root' };
    head = nextHead(head, size, root);
    if (!sameHex(headHash(head), anchored)) return { batch, kind: 'head' };
    batch += 1;
  }
  return null;
}
