import { expect, test } from 'vitest';
import type { Hex } from 'viem';
import { Seed } from '../protocol/secret.ts';
import type { Keys } from '../device/keys.ts';
import { markOf } from './upload-journal.ts';

const keys = (byte: number): Keys => ({ seed: new Seed(new Uint8Array(32).fill(byte)) }) as Keys;
const hash: Hex = `0x${'cc'.repeat(32)}`;

test('a mark tells the same document again, and only to the same person', () => {
  const mark = markOf(keys(1), hash);
  expect(markOf(keys(1), hash)).toBe(mark);
  expect(mark).not.toContain(hash.slice(2));
  expect(markOf(keys(2), hash)).not.toBe(mark);
  expect(markOf(keys(1), `0x${'cd'.repeat(32)}`)).not.toBe(mark);
});
