import { describe, expect, test } from 'vitest';
import { findAddress } from './address.ts';

const ADDRESS = '0x00000000000000000000000000000000000000AB';

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
    ['with a wrong checksum', '0xD8da6BF26964aF9D7eEd9e03E53415D37aA96045'],
    ['beside another one', `${ADDRESS} 0x${'11'.repeat(20)}`],
    ['inside a longer word', `x${ADDRESS}`],
    ['in a hash', `0x${'a'.repeat(64)}`],
  ])('%s', (_, text) => {
    expect(findAddress(text)).toBeNull();
  });
});
