/** Argon2id for tests. The result for each passphrase, salt and parameters is computed only once, however many vectors need it. */

import { argon2id } from '@noble/hashes/argon2.js';
import type { Bytes } from '../../src/protocol/bytes.ts';
import { toHex } from '../../src/protocol/hex.ts';
import type { Argon2id } from '../../src/protocol/keyring/passphrase.ts';

const known = new Map<string, Bytes>();

export const argon2idForTests: Argon2id = async (password, salt, { memoryKib, iterations, lanes }) => {
  const name = [toHex(password), toHex(salt), memoryKib, iterations, lanes].join();
  const key = known.get(name) ?? argon2id(password, salt, { m: memoryKib, t: iterations, p: lanes, dkLen: 32 });
  known.set(name, new Uint8Array(key));
  return new Uint8Array(key);
};
