/**
 * Secrets of 32 uniform bytes, each its own type. A secret is not printed by `JSON.stringify`, `structuredClone` or a
 * template text, is compared in constant time, and is wiped by whoever is done with it. JavaScript may have moved the
 * bytes before: wiping is an effort, not a promise.
 */

import { type Bytes, equalConstantTime } from './bytes.ts';
import { type Random, systemRandom } from './random.ts';

/** Length of every secret. */
export const SECRET_LEN = 32;

/** What every secret can do. */
abstract class Secret {
  #bytes: Bytes;
  #isWiped = false;

  /** Takes the bytes over: wiping the secret wipes them. */
  constructor(bytes: Bytes) {
    if (bytes.length !== SECRET_LEN) throw new RangeError('a secret has 32 bytes');
    this.#bytes = bytes;
  }

  /** Draws a new one. */
  static generate<S extends Secret>(this: new (bytes: Bytes) => S, random: Random = systemRandom): S {
    return new this(random(SECRET_LEN));
  }

  /**
   * The bytes, for use as key material only; not a copy.
   *
   * @throws Error after `wipe`, so that zeros never serve as a key.
   */
  expose(): Bytes {
    if (this.#isWiped) throw new Error('the secret was wiped');
    return this.#bytes;
  }

  /** Whether both hold the same bytes. Constant time. */
  equals(other: this): boolean {
    return equalConstantTime(this.expose(), other.expose());
  }

  /** Overwrites the bytes. */
  wipe(): void {
    this.#bytes.fill(0);
    this.#isWiped = true;
  }

  /** Shows nothing. */
  toString(): string {
    return '[secret]';
  }

  /** Refuses: a secret is never part of a text. */
  toJSON(): never {
    throw new Error('a secret does not go into JSON');
  }
}

/** The root of everything a person holds: 32 random bytes, kept in the keyring and in the recovery words. */
export class Seed extends Secret {
  declare readonly secret: 'seed';
}

/** What wraps the seed for one unlocker. */
export class KeyEncryptionKey extends Secret {
  declare readonly secret: 'key-encryption key';
}

/** What a capsule holds, as its kind byte says. */
export const CAPSULE_KINDS = {
  /** A data key, sealed to the patient; stands in the envelope. */
  owner: 1,
  /** S, sealed to a grantee. */
  readerShare: 2,
  /** The input of a category key. */
  categoryKey: 3,
  /** B, sealed to the operator. */
  releaseShare: 4,
  /** The key of a note, sealed to the patient. */
  noteKey: 5,
  /** A share of the seed, sealed to a guardian (reserved). */
  guardianShare: 6,
} as const;
export type CapsuleKind = (typeof CAPSULE_KINDS)[keyof typeof CAPSULE_KINDS];

/** A secret that travels in capsules of one kind. */
export abstract class SealableSecret extends Secret {
  /** The kind of its capsules. */
  abstract readonly capsuleKind: CapsuleKind;
}

/** The class of such a secret, for opening a capsule as it. */
export interface SealableClass<S extends SealableSecret> {
  readonly capsuleKind: CapsuleKind;
  new (bytes: Bytes): S;
}

/** The AES-256 key of one record version (DEK), made new for each. */
export class DataKey extends SealableSecret {
  static readonly capsuleKind = CAPSULE_KINDS.owner;
  readonly capsuleKind = CAPSULE_KINDS.owner;
}

/** S, the reader's half of a data key; useless alone. */
export class ReaderShare extends SealableSecret {
  static readonly capsuleKind = CAPSULE_KINDS.readerShare;
  readonly capsuleKind = CAPSULE_KINDS.readerShare;
}

/** B, the operator's half of a data key; useless alone. */
export class ReleaseShare extends SealableSecret {
  static readonly capsuleKind = CAPSULE_KINDS.releaseShare;
  readonly capsuleKind = CAPSULE_KINDS.releaseShare;
}

/** The key of one note. */
export class NoteKey extends SealableSecret {
  static readonly capsuleKind = CAPSULE_KINDS.noteKey;
  readonly capsuleKind = CAPSULE_KINDS.noteKey;
}
