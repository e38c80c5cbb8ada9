import { describe, expect, test } from 'vitest';
import { findAddress } from './paths.ts';

const ADDRESS = '0x00000000000000000000000000000000000000aB';

describe('an address is found', () => {
  test.each([
    ['alone', ADDRESS],
    ['between spaces', `  ${ADDRESS}\n`],
    ['in an invitation link', `https://medlock.example/#/to/${ADDRESS}`],
    ['in a code with the scheme of wallets', `ethereum:${ADDRESS}@31337`],
  ])('%s', (_, text) => {
    expect(findAddress(text)).toBe(ADDRESS.toLowerCase());
  });
});

describe('no address is found', () => {
  test.each([
    ['in nothing', ''],
    ['in a word', 'Dr. Ada'],
    ['in one digit less', ADDRESS.slice(0, -1)],
    ['in a hash', `0x${'a'.repeat(64)}`],
  ])('%s', (_, text) => {
    expect(findAddress(text)).toBeNull();
  });
});
