/** Tests for keys and capsules that are made here. `vectors.test.ts` opens the capsules that Rust sealed. */

import { describe, expect, test } from 'vitest';
import { type Bytes, concat } from '../../src/protocol/bytes.ts';
import { type Binding, CAPSULE_LEN, Capsule, ownerBinding, readerShareBinding, SLOT_CAPSULE_LEN } from '../../src/protocol/capsule.ts';
import { toHex } from '../../src/protocol/hex.ts';
import { categoryKey, identityKey } from '../../src/protocol/identity.ts';
import * as xWing from '../../src/protocol/kem/x-wing.ts';
import { IdentityKey, PublicKey } from '../../src/protocol/key-pair.ts';
import { CAPSULE_KINDS, DataKey, ReaderShare, SlotShare } from '../../src/protocol/secret.ts';
import { fixedRandom } from './patterns.ts';
import { CONTEXT, GRANTEE, PATIENT, RECORD, seedOf } from './people.ts';

const OF = { ...CONTEXT, record: RECORD, version: 1 };
const key = identityKey(seedOf(0x33), 4);
const binding = ownerBinding(OF, PATIENT, 4);
const secret = (): DataKey => new DataKey(new Uint8Array(32).fill(0xa7));
const slotKey = categoryKey(seedOf(0x33), 'laboratory', 4);
const slotShare = (): SlotShare => new SlotShare(new Uint8Array(32).fill(0xa8));

const parse = (bytes: Bytes): (() => Capsule) => {
  return () => Capsule.fromBytes(bytes);
};
const MALFORMED = expect.objectContaining({ code: 'malformed' });

/** Returns a copy in which bytes from an offset on are others. */
function changed(bytes: Bytes, at: number, ...to: readonly number[]): Bytes {
  const copy = bytes.slice();
  copy.set(to, at);
  return copy;
}

/** Returns the points of RFC 7748 whose shared secrets are all zero, little-endian: with and without the bit that X25519 ignores. */
function lowOrderPoints(): readonly Bytes[] {
  const p = 2n ** 255n - 19n;
  const ofOrderEight = [
    325606250916557431795983626356110631294008115727848805560023387167927233504n,
    39382357235489614581723060781553021112529911719440698176882885853963445705823n,
  ];
  return [0n, 1n, p - 1n, p, p + 1n, ...ofOrderEight].flatMap((u) => {
    const point = Uint8Array.from({ length: 32 }, (_, i) => Number((u >> BigInt(8 * i)) & 0xffn));
    return [point, changed(point, 31, (point[31] ?? 0) | 0x80)];
  });
}

describe('public keys', () => {
  const { bytes } = key.publicKey;

  test('are 1,216 bytes', () => {
    expect(bytes.length).toBe(xWing.PUBLIC_KEY_LEN);
    expect(PublicKey.fromBytes(bytes).hex).toBe(key.publicKey.hex);
    expect(PublicKey.fromHex(key.publicKey.hex).bytes).toEqual(bytes);
  });

  test.each([0, 65, 1_184, 1_215, 1_217])('of %i bytes are refused', (length) => {
    const other = new Uint8Array(length);
    other.set(bytes.subarray(0, length));
    expect(() => PublicKey.fromBytes(other)).toThrow('not a public key');
    expect(() => PublicKey.fromHex(toHex(other))).toThrow('not a public key');
  });

  test.each([
    ['the first', 0, [0x01, 0x0d]],
    ['the second', 1, [0x10, 0xd0]],
    ['the last', 1_150, [0xf0, 0xff]],
  ])('with %s coefficient at or above the modulus are refused', (_, at, to) => {
    expect(() => PublicKey.fromBytes(changed(bytes, at, ...to))).toThrow('not a public key');
  });

  test('whose X25519 key has low order are refused', () => {
    for (const point of lowOrderPoints())
      expect(() => PublicKey.fromBytes(concat(bytes.subarray(0, 1_184), point))).toThrow('not a public key');
  });
});

describe('a capsule of X-Wing', () => {
  test('of any secret, recipient and binding opens, and has 1,172 bytes', async () => {
    const random = fixedRandom(5);
    for (let round = 0; round < 20; round++) {
      const recipient = new IdentityKey(random(32));
      const share = ReaderShare.generate(random);
      const at = readerShareBinding({ ...OF, record: toHex(random(32)), version: round + 1 }, PATIENT, GRANTEE, round + 1, 2 * round + 1);
      const capsule = await Capsule.seal(share, PublicKey.fromBytes(recipient.publicKey.bytes), at);
      expect(capsule.bytes.length).toBe(CAPSULE_LEN);
      expect((await Capsule.fromHex(capsule.hex).open(ReaderShare, recipient, at)).equals(share)).toBe(true);
    }
    expect(CAPSULE_LEN).toBe(1_172);
  });

  test('of another length, version, KEM or kind is malformed', async () => {
    const { bytes } = await Capsule.seal(secret(), key.publicKey, binding);
    for (const length of [0, 3, 4, 117, CAPSULE_LEN - 1]) expect(parse(bytes.slice(0, length)), String(length)).toThrow(MALFORMED);
    expect(parse(concat(bytes, new Uint8Array(1)))).toThrow(MALFORMED);
    expect(parse(changed(bytes, 0, 2))).toThrow(MALFORMED);
    expect(parse(changed(bytes, 1, 0x00, 0x16))).toThrow(MALFORMED);
    for (const kind of [0, CAPSULE_KINDS.slot, 8, 255]) expect(parse(changed(bytes, 3, kind)), String(kind)).toThrow(MALFORMED);
    expect(() => Capsule.fromHex(toHex(bytes.subarray(1)))).toThrow(MALFORMED);
  });

  test('does not open as another kind, for another key, or for another binding', async () => {
    const capsule = await Capsule.seal(secret(), key.publicKey, binding);
    await expect(capsule.open(ReaderShare, key, binding)).rejects.toMatchObject({ code: 'malformed' });
    await expect(capsule.open(DataKey, identityKey(seedOf(0x33), 5), binding)).rejects.toMatchObject({ code: 'no_match' });
    const others: readonly Partial<Binding>[] = [{ chainId: 1 }, { keyEpoch: 5 }, { version: 2 }, { grantEpoch: 1 }];
    for (const other of others)
      await expect(capsule.open(DataKey, key, { ...binding, ...other })).rejects.toMatchObject({ code: 'no_match' });
  });

  test('whose X25519 key has low order does not open', async () => {
    const { bytes } = await Capsule.seal(secret(), key.publicKey, binding);
    for (const point of lowOrderPoints()) {
      const capsule = Capsule.fromBytes(changed(bytes, 4 + xWing.ENC_LEN - 32, ...point));
      await expect(capsule.open(DataKey, key, binding)).rejects.toMatchObject({ code: 'no_match' });
    }
  });

  test('in which any part was changed does not open', async () => {
    const { bytes } = await Capsule.seal(secret(), key.publicKey, binding);
    for (let at = 4; at < CAPSULE_LEN; at += 7) {
      const capsule = Capsule.fromBytes(changed(bytes, at, (bytes[at] ?? 0) ^ (1 << (at % 8))));
      await expect(capsule.open(DataKey, key, binding), `byte ${at}`).rejects.toMatchObject({ code: 'no_match' });
    }
  });

  test('is not opened with a key that was wiped', async () => {
    const capsule = await Capsule.seal(secret(), key.publicKey, binding);
    const wiped = identityKey(seedOf(0x33), 4);
    wiped.wipe();
    await expect(capsule.open(DataKey, wiped, binding)).rejects.toThrow('the key was wiped');
  });
});

describe('a slot capsule', () => {
  test('is sealed to a category key, and has 117 bytes', async () => {
    const capsule = await Capsule.seal(slotShare(), slotKey.publicKey, binding);
    expect(capsule.bytes.length).toBe(SLOT_CAPSULE_LEN);
    expect([...capsule.bytes.subarray(0, 5)]).toEqual([1, 0x00, 0x16, 7, 0x04]);
    expect((await Capsule.fromHex(capsule.hex).open(SlotShare, slotKey, binding)).equals(slotShare())).toBe(true);
    await expect(capsule.open(SlotShare, categoryKey(seedOf(0x33), 'imaging', 4), binding)).rejects.toMatchObject({ code: 'no_match' });
    expect(SLOT_CAPSULE_LEN).toBe(117);
  });

  test('of another length, KEM or kind, or with a point that is not on the curve, is malformed', async () => {
    const { bytes } = await Capsule.seal(slotShare(), slotKey.publicKey, binding);
    expect(parse(bytes.slice(0, -1))).toThrow(MALFORMED);
    expect(parse(concat(bytes, new Uint8Array(CAPSULE_LEN - SLOT_CAPSULE_LEN)))).toThrow(MALFORMED);
    expect(parse(changed(bytes, 1, 0x64, 0x7a))).toThrow(MALFORMED);
    expect(parse(changed(bytes, 3, CAPSULE_KINDS.owner))).toThrow(MALFORMED);
    expect(parse(changed(bytes, 4, 0x02))).toThrow(MALFORMED);
    expect(parse(changed(bytes, 68, (bytes[68] ?? 0) ^ 1))).toThrow(MALFORMED);
  });

  test('is never sealed to, or opened with, a key of the other KEM', async () => {
    // The compiler refuses these calls, too.
    await expect(Capsule.seal(slotShare(), key.publicKey as never, binding)).rejects.toThrow(TypeError);
    await expect(Capsule.seal(secret(), slotKey.publicKey as never, binding)).rejects.toThrow(TypeError);
    const capsule = await Capsule.seal(secret(), key.publicKey, binding);
    await expect(capsule.open(DataKey, slotKey as never, binding)).rejects.toThrow(TypeError);
  });
});
