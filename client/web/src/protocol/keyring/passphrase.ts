/** The passphrase unlocker: `KEK = Argon2id(NFKC(passphrase), salt, m, t, p)`, version 0x13, 32 bytes (RFC 9106). */

import { type Bytes, concat, u32, utf8 } from '../bytes.ts';
import { fromHex, type Hex, toHex } from '../hex.ts';
import { exactFields, hexOf, isUint } from '../json-form.ts';
import { type Random, systemRandom } from '../random.ts';
import { KeyEncryptionKey, SECRET_LEN } from '../secret.ts';
import { KeyringError } from './keyring-error.ts';

/** Minimum length of a new passphrase in characters. */
export const MIN_PASSPHRASE_CHARS = 10;
/** Maximum length of a passphrase in bytes of UTF-8. */
const MAX_PASSPHRASE_LEN = 1_024;

/** The cost parameters of Argon2id. */
export interface Argon2Parameters {
  readonly memoryKib: number;
  readonly iterations: number;
  readonly lanes: number;
}

/**
 * Runs Argon2id (version 0x13) and returns 32 bytes. It takes about a second: the app passes an implementation that runs in a worker
 * (`workers/argon2.ts`).
 */
export type Argon2id = (password: Bytes, salt: Bytes, parameters: Argon2Parameters) => Promise<Bytes>;

/** The parameters of a new entry: 64 MiB, three passes, one lane. */
const NEW: Argon2Parameters = { memoryKib: 64 * 1024, iterations: 3, lanes: 1 };
const SALT_LEN = 16;

/** The parameters of Argon2id with a salt, as an entry contains them. */
export class PassphraseParameters {
  readonly argon2: Argon2Parameters;
  readonly salt: Hex;

  private constructor(argon2: Argon2Parameters, salt: Hex) {
    this.argon2 = argon2;
    this.salt = salt;
  }

  /** Returns the specification's parameters with a new salt. */
  static generate(random: Random = systemRandom): PassphraseParameters {
    return new PassphraseParameters(NEW, toHex(random(SALT_LEN)));
  }

  /**
   * Parses the parameters from the JSON of an entry. Values above the limits are rejected because a hostile server could use them to block
   * its client. Values below the limits are rejected because no client writes them.
   *
   * @throws KeyringError `malformed`.
   */
  static fromJson(json: unknown): PassphraseParameters {
    const fields = exactFields(json, ['kind', 'memory_kib', 'iterations', 'lanes', 'salt'] as const);
    const salt = hexOf(fields?.salt, SALT_LEN);
    if (fields === null || salt === null) throw new KeyringError('malformed');
    const { memory_kib: memoryKib, iterations, lanes } = fields;
    const isInRange = isBetween(memoryKib, 19_456, 262_144) && isBetween(iterations, 2, 10) && isBetween(lanes, 1, 4);
    if (!isInRange) throw new KeyringError('malformed');
    return new PassphraseParameters({ memoryKib, iterations, lanes } as Argon2Parameters, salt);
  }

  /** Returns the JSON of an entry's unlocker. */
  toJson(): Record<string, unknown> {
    const { memoryKib, iterations, lanes } = this.argon2;
    return { kind: 'passphrase', memory_kib: memoryKib, iterations, lanes, salt: this.salt };
  }

  /** Returns memory u32 ‖ iterations u32 ‖ lanes u32 ‖ salt 16. */
  toBytes(): Bytes {
    const { memoryKib, iterations, lanes } = this.argon2;
    return concat(u32(memoryKib), u32(iterations), u32(lanes), fromHex(this.salt, SALT_LEN));
  }

  /**
   * Runs Argon2id over the passphrase in Unicode form NFKC.
   *
   * @throws KeyringError `malformed` if it is too long.
   */
  async keyEncryptionKey(passphrase: string, argon2id: Argon2id): Promise<KeyEncryptionKey> {
    if (utf8(passphrase).length > MAX_PASSPHRASE_LEN) throw new KeyringError('malformed');
    const normal = utf8(passphrase.normalize('NFKC'));
    const key = await argon2id(normal, fromHex(this.salt, SALT_LEN), this.argon2);
    normal.fill(0);
    if (key.length !== SECRET_LEN) throw new RangeError('Argon2id gives 32 bytes');
    return new KeyEncryptionKey(key);
  }
}

/**
 * Checks a new passphrase: at least 10 characters (code points), at most 1,024 bytes.
 *
 * @throws KeyringError `passphrase_length`.
 */
export function checkPassphraseLength(passphrase: string): void {
  const isLongEnough = [...passphrase].length >= MIN_PASSPHRASE_CHARS;
  if (!isLongEnough || utf8(passphrase).length > MAX_PASSPHRASE_LEN) throw new KeyringError('passphrase_length');
}

function isBetween(value: unknown, min: number, max: number): value is number {
  return isUint(value, max) && value >= min;
}
