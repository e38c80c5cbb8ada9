/**
 * MLKEM768-X25519 = 0x647a (draft-ietf-hpke-pq, draft-connolly-cfrg-xwing-kem), over `@noble/post-quantum`.
 *
 * ```text
 * private key = 32 bytes, expanded by SHAKE256 to d 32 ‖ z 32 ‖ x 32
 * public key  = ML-KEM-768 encapsulation key 1,184 ‖ X25519 public key 32
 * enc         = ML-KEM-768 ciphertext 1,088 ‖ X25519 public key 32
 * ss          = SHA3-256(ss_PQ ‖ ss_T ‖ ct_T ‖ ek_T ‖ 5c2e2f2f5e5c)
 * ```
 *
 * Like all arithmetic in JavaScript, it does not run in constant time: it is secure against attackers who see results, but not against those
 * who can measure time on the same machine.
 */

import { x25519 } from '@noble/curves/ed25519.js';
import { ml_kem768_x25519 } from '@noble/post-quantum/hybrid.js';
import { type Bytes, concat } from '../bytes.ts';
import type { Encapsulated } from '../kem.ts';

/** Length of a public key in bytes. */
export const PUBLIC_KEY_LEN = 1_216;
/** Length of `enc` in bytes. */
export const ENC_LEN = 1_120;
const X25519_LEN = 32;
/** Length of the coefficients at the start of an ML-KEM-768 encapsulation key: 768 of them, each with 12 bits. */
const COEFFICIENTS_LEN = 1_152;
/** The modulus q of ML-KEM. */
const MODULUS = 3_329;
const ANY_SCALAR = new Uint8Array(32);

/** Returns the public key of a private key. */
export function publicKeyOf(privateKey: Bytes): Bytes {
  return ml_kem768_x25519.getPublicKey(privateKey) as Bytes;
}

/**
 * Checks a public key: its length, every coefficient below the modulus (FIPS 203, section 7.2), and an X25519 key whose shared secrets are
 * not all zero (RFC 7748, section 6.1).
 */
export function isPublicKey(bytes: Uint8Array): boolean {
  return bytes.length === PUBLIC_KEY_LEN && hasReducedCoefficients(bytes) && !isLowOrder(bytes.subarray(-X25519_LEN));
}

/** `EncapsDerand(pkR, m ‖ X25519 private key)`, for a public key that was checked. */
export function encapsulate(publicKey: Bytes, m: Bytes, scalar: Bytes): Encapsulated {
  const randomness = concat(m, scalar);
  const { sharedSecret, cipherText } = ml_kem768_x25519.encapsulate(publicKey, randomness);
  randomness.fill(0);
  return { shared: sharedSecret as Bytes, enc: cipherText as Bytes };
}

/** `Decap(enc, skR)`. Returns `null` for another length, and for an X25519 public key that gives the all-zero shared secret. */
export function decapsulate(enc: Bytes, privateKey: Bytes): Bytes | null {
  if (enc.length !== ENC_LEN || isLowOrder(enc.subarray(-X25519_LEN))) return null;
  return ml_kem768_x25519.decapsulate(enc, privateKey) as Bytes;
}

/** The modulus check: decoding and encoding the coefficients again gives the same bytes only if each is below q. */
function hasReducedCoefficients(key: Uint8Array): boolean {
  for (let at = 0; at < COEFFICIENTS_LEN; at += 3) {
    const [a = 0, b = 0, c = 0] = key.subarray(at, at + 3);
    if ((a | ((b & 0x0f) << 8)) >= MODULUS || ((b >> 4) | (c << 4)) >= MODULUS) return false;
  }
  return true;
}

/** Returns whether an X25519 public key gives the all-zero shared secret. It then does so with every private key: all are multiples of 8. */
function isLowOrder(point: Uint8Array): boolean {
  try {
    x25519.getSharedSecret(ANY_SCALAR, point);
    return false;
  } catch {
    // 32 bytes have no other reason to fail.
    return true;
  }
}
