import { expect, test } from 'vitest';
import { termsOf } from './terms.ts';

test('each field comes from its own bits', () => {
  const word = 1n | (2n << 40n) | (3n << 80n) | (4n << 112n) | (5n << 144n) | (2n << 160n) | (1n << 168n);
  expect(termsOf(word)).toEqual({ notBefore: 1, notAfter: 2, epoch: 3, patientEpoch: 4, purposes: 5, rights: 2, kind: 1 });
  expect(termsOf((1n << 40n) - 1n).notBefore).toBe(2 ** 40 - 1);
});
