/**
 * Secrets of 32 uniform bytes, each with a type of its own. `JSON.stringify`, `structuredClone` and template texts do not reveal a secret.
 * It is compared in constant time, and the code that has finished with it wipes it. JavaScript may have made copies of the bytes before, so
 * wiping does not guarantee that they are gone.
 */

import { type Bytes, equalConstantTime } from './bytes.ts';
import { type Random, systemRandom } from './random.ts';

/** Length of every secret in bytes. */
export const SECRET_LEN = 32;

/** The methods of every secret. */
abstract class Secret {
  #bytes: Bytes;
  #isWiped = false;

  /** Uses these bytes without copying them: wiping the secret wipes them. */
  constructor(bytes: Bytes) {
    if (bytes.length !== SECRET_LEN) throw new RangeError('a secret has 32 bytes');
    this.#bytes = bytes;
  }

  /** Makes a new random secret. */
  static generate<S extends Secret>(this: new (bytes: Bytes) => S, random: Random = systemRandom): S {
    return new this(random(SECRET_LEN));
  }

  /**
   * Returns the bytes, for use as key material only. They are not a copy.
   *
   * @throws Error after `wipe`, so that zeros are never used as a key.
   */
  expose(): Bytes {
    if (this.#isWiped) throw new Error('the secret was wiped');
    return this.#bytes;
  }

  /** Returns whether both have the same bytes. Constant time. */
  equals(other: this): boolean {
    return equalConstantTime(this.expose(), other.expose());
  }

  /** Overwrites the bytes. */
  wipe(): void {
    this.#bytes.fill(0);
    this.#isWiped = true;
  }

  /** Returns a text that does not contain the secret. */
  toString(): string {
    return '[secret]';
  }

  /** Throws, so that a secret never becomes part of a JSON text. */
  toJSON(): never {
    throw new Error('a secret does not go into JSON');
  }
}

/** The seed from which all keys of a person derive: 32 random bytes, stored in the keyring and in the recovery words. */
export class Seed extends Secret {
  declare readonly secret: 'seed';
}

/** The key that encrypts the seed for one unlocker. */
export class KeyEncryptionKey extends Secret {
  declare readonly secret: 'key-encryption key';
}

/** The kinds of capsules by their content, as in the kind byte. */
export const CAPSULE_KINDS = {
  /** A data key, sealed to the patient. It is in the envelope. */
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
  /** S, sealed to a category key (reserved). */
  slot: 7,
} as const;
export type CapsuleKind = (typeof CAPSULE_KINDS)[keyof typeof CAPSULE_KINDS];

/** A secret that is sent in capsules of one kind. */
export abstract class SealableSecret extends Secret {
  /** The kind of its capsules. */
  abstract readonly capsuleKind: CapsuleKind;
}

/** The class of such a secret, which is passed to `Capsule.open`. */
export interface SealableClass<S extends SealableSecret> {
  readonly capsuleKind: CapsuleKind;
  new (bytes: Bytes): S;
}

/** The AES-256 key of one record version (DEK), generated anew for each version. */
export class DataKey extends SealableSecret {
  static readonly capsuleKind = CAPSULE_KINDS.owner;
  readonly capsuleKind = CAPSULE_KINDS.owner;
}

/** S, the reader's half of a data key; useless alone. */
export class ReaderShare extends SealableSecret {
  static readonly capsuleKind = CAPSULE_KINDS.readerShare;
  readonly capsuleKind = CAPSULE_KINDS.readerShare;
}

/** S, as it is sealed to a category key (reserved). */
export class SlotShare extends SealableSecret {
  static readonly capsuleKind = CAPSULE_KINDS.slot;
  readonly capsuleKind = CAPSULE_KINDS.slot;
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
