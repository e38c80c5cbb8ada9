/**
 * DHKEM(secp256k1, HKDF-SHA256) = 0x0016 (draft-wahby-cfrg-hpke-kem-secp256k1): RFC 9180, section 4.1. Public keys are uncompressed SEC 1
 * points of 65 bytes, and `DH` is the x coordinate of the shared point.
 *
 * It is implemented here, over `@noble/curves`, because sealing is deterministic: the caller gives the ephemeral key. Names follow the RFC,
 * and public test vectors check the code. The arithmetic is over `BigInt`: it is secure against attackers who see results, but not against
 * those who can measure time on the same machine. WebCrypto does not have secp256k1.
 */

import { secp256k1 } from '@noble/curves/secp256k1.js';
import { type Bytes, concat, u16, u8, utf8 } from '../bytes.ts';
import { KEM_SECP256K1 } from '../codes.ts';
import { labeledExpand, labeledExtract, NONE } from '../hpke.ts';
import { expand, LABELS } from '../kdf.ts';
import { type DecapsulationKey, type Encapsulated, type EncapsulationKey, InvalidPublicKey } from '../kem.ts';

/** Length of a public key, and of `enc`: `04 ‖ x ‖ y`. */
export const POINT_LEN = 65;
const SUITE = concat(utf8('KEM'), u16(KEM_SECP256K1));

/** The public half of a category key: a point on secp256k1 other than infinity, uncompressed. It is checked when it is made. */
export class CategoryPublicKey implements EncapsulationKey {
  readonly kem = KEM_SECP256K1;
  /** The 65 bytes. Do not change them. */
  readonly bytes: Bytes;

  private constructor(bytes: Bytes) {
    this.bytes = bytes;
  }

  /**
   * Parses 65 bytes and checks that the point is on the curve.
   *
   * @throws InvalidPublicKey for another length or form, or a point that is not on the curve.
   */
  static fromBytes(bytes: Uint8Array): CategoryPublicKey {
    const copy = new Uint8Array(bytes);
    if (!isPoint(copy)) throw new InvalidPublicKey('DHKEM(secp256k1)');
    return new CategoryPublicKey(copy);
  }

  /** Returns the public key of a scalar in 1..n. */
  static ofScalar(scalar: Bytes): CategoryPublicKey {
    return new CategoryPublicKey(secp256k1.getPublicKey(scalar, false) as Bytes);
  }

  /** The ephemeral key pair is `DeriveKeyPair(Expand(secret, "medlock/v1/capsule-ephemeral\0" ‖ header ‖ recipient key ‖ binding))`. */
  encapsulate(secret: Bytes, header: Bytes, binding: Bytes): Encapsulated {
    const ikm = expand(secret, LABELS.capsuleEphemeral, header, this.bytes, binding);
    const scalar = deriveScalar(ikm);
    const enc = CategoryPublicKey.ofScalar(scalar).bytes;
    const shared = sharedSecret(scalar, this.bytes, enc, this.bytes);
    ikm.fill(0);
    scalar.fill(0);
    return { shared, enc };
  }
}

/** The key pair of a category and epoch of one patient. */
export class CategoryKey implements DecapsulationKey<CategoryPublicKey> {
  readonly #scalar: Bytes;
  /** The public half. */
  readonly publicKey: CategoryPublicKey;

  /** `DeriveKeyPair(ikm)` of HPKE (RFC 9180, section 7.1.3); `ikm` is 32 uniform bytes. */
  constructor(ikm: Bytes) {
    this.#scalar = deriveScalar(ikm);
    this.publicKey = CategoryPublicKey.ofScalar(this.#scalar);
  }

  decapsulate(enc: Bytes): Bytes | null {
    return isPoint(enc) ? sharedSecret(this.#scalar, enc, enc, this.publicKey.bytes) : null;
  }
}

/** Returns whether the bytes are a point on the curve other than infinity, in uncompressed form. */
export function isPoint(bytes: Bytes): boolean {
  if (bytes.length !== POINT_LEN || bytes[0] !== 0x04) return false;
  try {
    secp256k1.Point.fromBytes(bytes).assertValidity();
    return true;
  } catch {
    return false;
  }
}

/** `DeriveKeyPair(ikm)` (RFC 9180, section 7.1.3, with bit mask 0xff): returns the private scalar, 32 bytes. */
export function deriveScalar(ikm: Bytes): Bytes {
  const prk = labeledExtract(SUITE, NONE, 'dkp_prk', ikm);
  for (let counter = 0; counter <= 0xff; counter++) {
    const candidate = labeledExpand(prk, SUITE, 'candidate', u8(counter), 32);
    if (secp256k1.utils.isValidSecretKey(candidate)) {
      prk.fill(0);
      return candidate;
    }
  }
  // A candidate is out of range with a probability of 2^-128.
  throw new Error('256 candidates in a row outside the field');
}

/**
 * `ExtractAndExpand(dh, kem_context)` after `DH(sk, pk)`, which is the x coordinate of the shared point. It is used for `Encap` (`scalar`
 * is the ephemeral key, `point` the recipient's) and for `Decap` (`scalar` is the recipient's, `point` = `enc`).
 */
export function sharedSecret(scalar: Bytes, point: Bytes, enc: Bytes, recipient: Bytes): Bytes {
  const shared = secp256k1.getSharedSecret(scalar, point, false);
  const prk = labeledExtract(SUITE, NONE, 'eae_prk', shared.subarray(1, 33));
  const secret = labeledExpand(prk, SUITE, 'shared_secret', concat(enc, recipient), 32);
  shared.fill(0);
  prk.fill(0);
  return secret;
}
