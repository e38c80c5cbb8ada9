import { secp256k1 } from '@noble/curves/secp256k1.js';
import { expect, test } from 'vitest';
import { concat } from '../protocol/bytes.ts';
import { fromHex, toHex } from '../protocol/hex.ts';
import { DEPLOYMENT, PATIENT, repeated, WALLET } from '../../tests/protocol/people.ts';
import { Chain } from './chain.ts';

const HASH = repeated(0x42);
const ORDER = secp256k1.Point.Fn.ORDER;
/** A chain on which every account is a plain account (no contract). */
const chain = new Chain(async (method) => {
  if (method === 'eth_getCode') return '0x';
  throw new Error(method);
}, DEPLOYMENT);

/** Recovery bit, r ‖ s. */
const signed = secp256k1.sign(fromHex(HASH), fromHex(WALLET), { prehash: false, format: 'recovered' });
const parity = signed[0] as number;
const r = signed.slice(1, 33);
const s = signed.slice(33);
const highS = fromHex(`0x${(ORDER - BigInt(toHex(s))).toString(16).padStart(64, '0')}`);
const text = (v: number, last = s) => toHex(concat(r, last, Uint8Array.of(v)));

test('a signature counts in the form that the contracts take', async () => {
  expect(await chain.signedBy(PATIENT, HASH, text(27 + parity))).toBe(true);
});

test.each([
  ['a high s', text(28 - parity, highS)],
  ['v 0 or 1', text(parity)],
  ['64 bytes', toHex(concat(r, s))],
  ['no hex', '0xzz' as const],
])('a signature with %s does not count', async (_, signature) => {
  expect(await chain.signedBy(PATIENT, HASH, signature)).toBe(false);
});
