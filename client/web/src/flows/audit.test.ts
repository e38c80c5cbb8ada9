import { expect, test } from 'vitest';
import type { Hex } from 'viem';
import { EMPTY_HEAD, headHash, nextHead, rootOf, verifyInclusion } from '../protocol/log.ts';
import { csvOf, recompute } from './audit.ts';
import { inclusionPath } from './inclusion-path.ts';

const leaf = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`;
const leaves = Array.from({ length: 11 }, (_, n) => leaf(n + 1));

test('every leaf has a path to the root, and to no other', () => {
  for (let size = 1; size <= leaves.length; size += 1) {
    const some = leaves.slice(0, size);
    for (const [index, one] of some.entries()) {
      const path = inclusionPath(some, index);
      expect(verifyInclusion(one, index, size, path, rootOf(some))).toBe(true);
      expect(verifyInclusion(leaf(99), index, size, path, rootOf(some))).toBe(false);
    }
  }
});

/** A log of two checkpoints. */
function log() {
  const first = nextHead(EMPTY_HEAD, 4, rootOf(leaves.slice(0, 4)));
  const second = nextHead(first, 11, rootOf(leaves));
  return {
    accesses: leaves.map((one) => ({ leaf: one })),
    anchors: [
      { size: 4n, root: first.root, head: headHash(first), accessesBefore: 4 },
      { size: 11n, root: second.root, head: headHash(second), accessesBefore: 11 },
    ],
    head: headHash(second),
  };
}

test('an honest log has no finding', () => {
  const { head, ...events } = log();
  expect(recompute(events, head)).toEqual({ root: rootOf(leaves), findings: [] });
});

test.each<[string, (events: ReturnType<typeof log>) => void, string[]]>([
  [
    'another leaf',
    (l) => {
      l.accesses[2] = { leaf: leaf(99) };
    },
    ['root', 'root'],
  ],
  ['a missing leaf', (l) => void l.accesses.pop(), ['size', 'root']],
  ['a leaf without a checkpoint', (l) => void l.accesses.push({ leaf: leaf(99) }), ['size']],
  [
    'another head in storage',
    (l) => {
      l.head = leaf(7);
    },
    ['head'],
  ],
])('%s is found', (_, change, kinds) => {
  const changed = log();
  change(changed);
  const { head, ...events } = changed;
  expect(recompute(events, head).findings.map((finding) => finding.kind)).toEqual(kinds);
});

test('cells are quoted, and none is a formula', () => {
  expect(
    csvOf(
      ['a', 'b'],
      [
        ['x,"y"\n', 1],
        ['=1+1', null],
      ],
    ),
  ).toBe('a,b\r\n"x,""y""\n",1\r\n\'=1+1,\r\n');
});
