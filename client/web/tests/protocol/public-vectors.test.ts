/** Runs public vectors for the parts on which this module is built: FLOE (five implementations), HPKE with both KEMs, Wycheproof. */

import { secp256k1 } from '@noble/curves/secp256k1.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { describe, expect, test, vi } from 'vitest';
import type { Bytes } from '../../src/protocol/bytes.ts';
import { concat, utf8 } from '../../src/protocol/bytes.ts';
import { KEM_SECP256K1, KEM_X_WING } from '../../src/protocol/codes.ts';
import { type FloeParameters, FloeMessage, readFraming } from '../../src/protocol/envelope/floe.ts';
import { fromHex, toHex } from '../../src/protocol/hex.ts';
import * as hpke from '../../src/protocol/hpke.ts';
import { CategoryKey, CategoryPublicKey, deriveScalar, sharedSecret } from '../../src/protocol/kem/secp256k1.ts';
import * as xWing from '../../src/protocol/kem/x-wing.ts';
import { IdentityKey, PublicKey } from '../../src/protocol/key-pair.ts';
import { decrypt } from '../../src/protocol/sealed-box.ts';
import { verifySessionSignature } from '../../src/protocol/session.ts';
import { findPublicFile } from './public-files.ts';

// Argon2id and thousands of cases are slow on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const bytes = (hex: string): Bytes => fromHex(`0x${hex.trim()}`);

describe('FLOE', () => {
  const AAD = utf8('This is AAD');
  const KEY = new Uint8Array(32);

  /** Opens a whole message whose header states the segment length. Returns `null` if a tag or a prefix is wrong. */
  async function openAll(sealed: Bytes, rotationBits: number): Promise<Bytes | null> {
    const segmentLength = new DataView(sealed.buffer, sealed.byteOffset).getUint32(2);
    const parameters: FloeParameters = { segmentLength, rotationBits };
    const message = await FloeMessage.receive(KEY, sealed.slice(0, 74), AAD, parameters);
    if (typeof message === 'string') return null;
    const parts: Bytes[] = [];
    let rest = sealed.subarray(74);
    for (let position = 0; ; position++) {
      const framing = rest.length < 4 ? null : readFraming(parameters, rest.subarray(0, 4));
      if (framing === null || framing.length > rest.length) return null;
      if (!message.isReady(position)) await message.prepare(position);
      const part = await message.decryptSegment(rest.subarray(4, framing.length), position, framing.isFinal);
      if (part === null) return null;
      parts.push(part);
      rest = rest.subarray(framing.length);
      if (framing.isFinal) return rest.length === 0 ? concat(...parts) : null;
    }
  }

  const names = ['cpp', 'go', 'java', 'pub_java', 'rust'].flatMap((by) => [`${by}_GCM256_IV256_4K`, `${by}_GCM256_IV256_64`]);

  test.each([...names, 'java_lastSegAligned', 'java_lastSegEmpty'])('%s', async (name) => {
    const [sealed, plain] = [findPublicFile(`floe/${name}_ct.txt`), findPublicFile(`floe/${name}_pt.txt`)];
    if (sealed === null || plain === null) return;
    expect(await openAll(bytes(sealed), 20)).toEqual(bytes(plain));
    const changed = bytes(sealed);
    changed[changed.length - 1] = (changed[changed.length - 1] ?? 0) ^ 1;
    expect(await openAll(changed, 20)).toBeNull();
  });

  test.each(['cpp', 'go', 'java', 'pub_java', 'rust'])('%s_rotation: a key for every four segments', async (by) => {
    const [sealed, plain] = [findPublicFile(`floe/${by}_rotation_ct.txt`), findPublicFile(`floe/${by}_rotation_pt.txt`)];
    if (sealed === null || plain === null) return;
    expect(await openAll(bytes(sealed), 2)).toEqual(bytes(plain));
    expect(await openAll(bytes(sealed), 20)).toBeNull();
  });
});

test('HPKE: base vectors of draft-wahby-cfrg-hpke-kem-secp256k1', () => {
  const text = findPublicFile('hpke-secp256k1/vectors.json');
  if (text === null) return;
  const aeads: Record<string, [number, number]> = {
    'AES-128-GCM': [0x0001, 16],
    'AES-256-GCM': [0x0002, 32],
    'ChaCha20-Poly1305': [0x0003, 32],
  };
  const vectors = (JSON.parse(text) as Record<string, string>[]).filter(({ mode }) => mode === 'base');
  expect(vectors.length).toBe(9);
  for (const vector of vectors) {
    const of = (name: string): Bytes => bytes(vector[name] ?? '');
    const scalar = deriveScalar(of('ikmE'));
    expect(scalar).toEqual(of('skEm'));
    const enc = CategoryPublicKey.ofScalar(scalar).bytes;
    expect(enc).toEqual(of('pkEm'));
    const recipient = new CategoryKey(of('ikmR'));
    expect(deriveScalar(of('ikmR'))).toEqual(of('skRm'));
    expect(recipient.publicKey.bytes).toEqual(of('pkRm'));
    const shared = sharedSecret(scalar, recipient.publicKey.bytes, enc, recipient.publicKey.bytes);
    expect(shared).toEqual(of('shared_secret'));
    expect(recipient.decapsulate(enc)).toEqual(shared);
    const [aead, keyLength] = aeads[vector['aead'] ?? ''] ?? [0, 0];
    const { key, baseNonce } = hpke.keySchedule([KEM_SECP256K1, aead], keyLength, shared, of('info'));
    expect([key, baseNonce]).toEqual([of('key'), of('base_nonce')]);
  }
});

test('HPKE: vectors of draft-ietf-hpke-pq for MLKEM768-X25519', () => {
  const text = findPublicFile('hpke-pq/mlkem768-x25519.json');
  if (text === null) return;
  const vectors = JSON.parse(text) as Record<string, string | number>[];
  let schedules = 0;
  for (const vector of vectors) {
    const of = (name: string): Bytes => bytes(String(vector[name]));
    expect(vector['kem_id']).toBe(KEM_X_WING);
    const recipient = new IdentityKey(of('skRm'));
    expect(recipient.publicKey.bytes).toEqual(of('pkRm'));
    const publicKey = PublicKey.fromBytes(of('pkRm'));
    const randomness = of('ikmE');
    const { shared, enc } = xWing.encapsulate(publicKey.bytes, randomness.slice(0, 32), randomness.slice(32));
    expect([enc, shared]).toEqual([of('enc'), of('shared_secret')]);
    expect(recipient.decapsulate(enc)).toEqual(shared);
    // The other KDF of the vectors is not ours.
    if (vector['kdf_id'] !== 0x0001) continue;
    const { key, baseNonce } = hpke.keySchedule([KEM_X_WING, Number(vector['aead_id'])], of('key').length, shared, of('info'));
    expect([key, baseNonce]).toEqual([of('key'), of('base_nonce')]);
    schedules += 1;
  }
  expect([vectors.length, schedules]).toEqual([2, 1]);
});

describe('Wycheproof', () => {
  interface Case {
    readonly tcId: number;
    readonly result: 'valid' | 'invalid' | 'acceptable';
    readonly [field: string]: unknown;
  }
  interface Group {
    readonly tests: readonly Case[];
    readonly [field: string]: unknown;
  }

  function cases(file: string): [Group, Case][] {
    const text = findPublicFile(`wycheproof/${file}`);
    if (text === null) return [];
    const { testGroups, numberOfTests } = JSON.parse(text) as { testGroups: Group[]; numberOfTests: number };
    const all = testGroups.flatMap((group) => group.tests.map((one): [Group, Case] => [group, one]));
    expect(all.length).toBe(numberOfTests);
    return all;
  }

  const field = (one: Readonly<Record<string, unknown>>, name: string): Bytes => bytes(String(one[name]));
  const pointOf = (group: Group): Bytes => field(group['publicKey'] as Record<string, unknown>, 'uncompressed');

  test('AES-256-GCM', async () => {
    for (const [group, one] of cases('aes_gcm_test.json')) {
      if (group['keySize'] !== 256 || group['ivSize'] !== 96 || group['tagSize'] !== 128) continue;
      const sealed = concat(field(one, 'ct'), field(one, 'tag'));
      const opened = await decrypt(field(one, 'key'), field(one, 'iv'), field(one, 'aad'), sealed);
      expect(opened, String(one.tcId)).toEqual(one.result === 'valid' ? field(one, 'msg') : null);
    }
  });

  test('HKDF-SHA-256', () => {
    for (const [, one] of cases('hkdf_sha256_test.json')) {
      const run = (): Uint8Array => hkdf(sha256, field(one, 'ikm'), field(one, 'salt'), field(one, 'info'), Number(one['size']));
      if (one.result === 'valid') expect(run(), String(one.tcId)).toEqual(field(one, 'okm'));
      else expect(run, String(one.tcId)).toThrow();
    }
  });

  test('ECDH on secp256k1: points of one form only, all on the curve', () => {
    /** The bytes before an uncompressed point in the ASN.1 of a secp256k1 public key. */
    const spki = '3056301006072a8648ce3d020106052b8104000a034200';
    let agreed = 0;
    const all = cases('ecdh_secp256k1_test.json');
    for (const [, one] of all) {
      const encoded = String(one['public']);
      let key: CategoryPublicKey | null = null;
      try {
        key = encoded.startsWith(spki) ? CategoryPublicKey.fromBytes(bytes(encoded.slice(spki.length))) : null;
      } catch {
        key = null;
      }
      if (key === null) {
        // "acceptable" means another ASN.1 encoding of the same key.
        expect(one.result, String(one.tcId)).not.toBe('valid');
        continue;
      }
      expect(one.result, String(one.tcId)).not.toBe('invalid');
      const scalar = bytes(String(one['private']).slice(-64).padStart(64, '0'));
      const shared = secp256k1.getSharedSecret(scalar, key.bytes, false).slice(1, 33);
      expect(toHex(shared), String(one.tcId)).toBe(`0x${String(one['shared'])}`);
      agreed += 1;
    }
    expect(all.length === 0 || agreed > 300).toBe(true);
  });

  describe('ML-KEM-768', () => {
    /** Returns whether our keys accept this encapsulation key, with some X25519 key behind it. */
    const isAccepted = (encapsulationKey: Bytes): boolean => {
      const { bytes: some } = new IdentityKey(new Uint8Array(32).fill(9)).publicKey;
      return xWing.isPublicKey(concat(encapsulationKey, some.subarray(-32)));
    };

    test('encapsulation: every coefficient of a key is below the modulus', () => {
      const all = cases('mlkem_768_encaps_test.json');
      let refused = 0;
      for (const [, one] of all) {
        const key = field(one, 'ek');
        const encapsulate = (): Uint8Array[] => {
          const { cipherText, sharedSecret: shared } = ml_kem768.encapsulate(key, field(one, 'm'));
          return [cipherText, shared];
        };
        expect(isAccepted(key), String(one.tcId)).toBe(one.result === 'valid');
        if (one.result === 'valid') expect(encapsulate(), String(one.tcId)).toEqual([field(one, 'c'), field(one, 'K')]);
        else expect(encapsulate, String(one.tcId)).toThrow();
        if (one.result !== 'valid') refused += 1;
      }
      expect(all.length === 0 || refused === 132).toBe(true);
    });

    test('keys from seeds', () => {
      for (const [, one] of cases('mlkem_768_keygen_seed_test.json')) {
        expect(ml_kem768.keygen(field(one, 'seed')).publicKey, String(one.tcId)).toEqual(field(one, 'ek'));
        expect(isAccepted(field(one, 'ek')), String(one.tcId)).toBe(true);
      }
    });

    test('decapsulation', () => {
      for (const [, one] of cases('mlkem_768_test.json')) {
        const decapsulate = (): Uint8Array => ml_kem768.decapsulate(field(one, 'c'), ml_kem768.keygen(field(one, 'seed')).secretKey);
        if (one.result === 'valid') expect(decapsulate(), String(one.tcId)).toEqual(field(one, 'K'));
        else expect(decapsulate, String(one.tcId)).toThrow();
      }
    });
  });

  test('ECDSA on P-256: session signatures', async () => {
    for (const [group, one] of cases('ecdsa_secp256r1_sha256_p1363_test.json')) {
      const verified = await verifySessionSignature(pointOf(group), field(one, 'msg'), field(one, 'sig'));
      expect(verified, `${one.tcId} ${String(one['comment'])}`).toBe(one.result === 'valid');
    }
  });

  test('ECDSA on secp256k1: a high s is another signature than its low twin', () => {
    for (const [group, one] of cases('ecdsa_secp256k1_sha256_bitcoin_test.json')) {
      let verified = false;
      try {
        const signature = secp256k1.Signature.fromBytes(field(one, 'sig'), 'der');
        const compact = signature.toBytes('compact');
        verified = !signature.hasHighS() && secp256k1.verify(compact, field(one, 'msg'), pointOf(group));
      } catch {
        verified = false;
      }
      expect(verified, `${one.tcId} ${String(one['comment'])}`).toBe(one.result === 'valid');
    }
  });
});
