/**
 * Encryption key pairs of X-Wing: the public key that the chain publishes, and the key pair that one device holds. X-Wing
 * (draft-connolly-cfrg-xwing-kem) is ML-KEM-768 (FIPS 203) and X25519 (RFC 7748) in one; both have to be broken before a capsule opens.
 */

import { keccak256 } from 'viem/utils';
import type { Bytes } from './bytes.ts';
import { KEM_X_WING } from './codes.ts';
import { fromHex, type Hex, isHex, sameHex, toHex } from './hex.ts';
import { expand, LABELS } from './kdf.ts';
import { type DecapsulationKey, type Encapsulated, type EncapsulationKey, InvalidPublicKey } from './kem.ts';
import * as xWing from './kem/x-wing.ts';

/** A public encryption key: ML-KEM-768 encapsulation key 1,184 ‖ X25519 public key 32. It is checked when it is made. */
export class PublicKey implements EncapsulationKey {
  readonly kem = KEM_X_WING;
  /** The 1,216 bytes. Do not change them. */
  readonly bytes: Bytes;
  #hash: Hex | null = null;

  private constructor(bytes: Bytes) {
    this.bytes = bytes;
  }

  /**
   * Parses and checks a public key: 1,216 bytes, every coefficient below the modulus (FIPS 203, section 7.2), and an X25519 key whose shared
   * secrets are not all zero (RFC 7748, section 6.1).
   *
   * @throws InvalidPublicKey
   */
  static fromBytes(bytes: Uint8Array): PublicKey {
    if (!xWing.isPublicKey(bytes)) throw new InvalidPublicKey('MLKEM768-X25519');
    return new PublicKey(new Uint8Array(bytes));
  }

  /**
   * Parses a public key from hex text.
   *
   * @throws InvalidPublicKey
   */
  static fromHex(text: string): PublicKey {
    if (!isHex(text, xWing.PUBLIC_KEY_LEN)) throw new InvalidPublicKey('MLKEM768-X25519');
    return PublicKey.fromBytes(fromHex(text));
  }

  /** Returns the public key of a private key of 32 bytes. */
  static ofPrivateKey(privateKey: Bytes): PublicKey {
    return new PublicKey(xWing.publicKeyOf(privateKey));
  }

  /** The 1,216 bytes as hex text. */
  get hex(): Hex {
    return toHex(this.bytes);
  }

  /** Returns the keccak256 of the 1,216 bytes, as `KeyRegistry` stores it. */
  hash(): Hex {
    // A key is compared with the hash of every epoch (`KeyEpochs`).
    this.#hash ??= keccak256(this.bytes);
    return this.#hash;
  }

  /** Returns whether this key has that hash. Check every key from a server in this way, with the hash from the chain. */
  hasHash(hash: Hex): boolean {
    return sameHex(this.hash(), hash);
  }

  /**
   * `m = Expand(secret, "medlock/v1/capsule-mlkem\0" ‖ header ‖ recipient key ‖ binding)`; the X25519 scalar is derived in the same way
   * under `"medlock/v1/capsule-x25519\0"`.
   */
  encapsulate(secret: Bytes, header: Bytes, binding: Bytes): Encapsulated {
    const m = expand(secret, LABELS.capsuleMlkem, header, this.bytes, binding);
    const scalar = expand(secret, LABELS.capsuleX25519, header, this.bytes, binding);
    const encapsulated = xWing.encapsulate(this.bytes, m, scalar);
    m.fill(0);
    scalar.fill(0);
    return encapsulated;
  }
}

/** A private encryption key with its public half: a person's identity key, or the operator's key. It is never a wallet's signing key. */
export class IdentityKey implements DecapsulationKey<PublicKey> {
  readonly #privateKey: Bytes;
  #isWiped = false;
  /** The public half. */
  readonly publicKey: PublicKey;

  /** Uses these 32 uniform bytes as private key, without copying them: `wipe` overwrites them. */
  constructor(privateKey: Bytes) {
    this.#privateKey = privateKey;
    this.publicKey = PublicKey.ofPrivateKey(privateKey);
  }

  /** @throws Error after `wipe`, so that zeros are never used as a key. */
  decapsulate(enc: Bytes): Bytes | null {
    if (this.#isWiped) throw new Error('the key was wiped');
    return xWing.decapsulate(enc, this.#privateKey);
  }

  /** Overwrites the private key. */
  wipe(): void {
    this.#privateKey.fill(0);
    this.#isWiped = true;
  }
}
