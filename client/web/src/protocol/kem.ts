/**
 * The two key encapsulation mechanisms (KEM) of capsules, as HPKE uses them. Encapsulation is derived from the sealed secret instead of
 * random numbers.
 *
 * | id | KEM | sealed to it |
 * |---|---|---|
 * | 0x647a | MLKEM768-X25519, X-Wing (`kem/x-wing.ts`) | identity keys, the operator's keys |
 * | 0x0016 | DHKEM(secp256k1, HKDF-SHA256) (`kem/secp256k1.ts`) | category keys |
 */

import type { Bytes } from './bytes.ts';
import { ProtocolError } from './error.ts';

/** The result of an encapsulation. */
export interface Encapsulated {
  /** The shared secret, 32 bytes in both mechanisms. */
  readonly shared: Bytes;
  /** The encapsulated secret, which the capsule contains. */
  readonly enc: Bytes;
}

/** A public key to which capsules are sealed: the sending half of a KEM. */
export interface EncapsulationKey {
  /** The id in the IANA registry "HPKE KEM Identifiers". */
  readonly kem: number;
  /**
   * `Encap(pkR)` with randomness that is derived from `secret`, 32 uniform bytes. `header` and `binding` are those of the capsule.
   */
  encapsulate(secret: Bytes, header: Bytes, binding: Bytes): Encapsulated;
}

/** A private key that opens capsules: the receiving half of a KEM. */
export interface DecapsulationKey<PublicKey extends EncapsulationKey> {
  /** Its public key. It is computed from the private key. */
  readonly publicKey: PublicKey;
  /** `Decap(enc, skR)`. Returns `null` if `enc` cannot be an encapsulated secret. */
  decapsulate(enc: Bytes): Bytes | null;
}

/** Thrown if bytes are not a public key of their KEM. */
export class InvalidPublicKey extends ProtocolError<'public_key'> {
  constructor(kem: 'MLKEM768-X25519' | 'DHKEM(secp256k1)') {
    super('public_key', `not a public key of ${kem}`);
  }
}
