/**
 * The part of HPKE (RFC 9180) that capsules use: base mode, one message, DHKEM(secp256k1, HKDF-SHA256) = 0x0016
 * (draft-wahby-cfrg-hpke-kem-secp256k1), HKDF-SHA256 = 0x0001, AES-256-GCM = 0x0002.
 *
 * It is implemented here, over `@noble/curves`, `@noble/hashes` and WebCrypto, because sealing is deterministic: the caller gives the
 * ephemeral key. Names follow the RFC, and public test vectors check the code.
 */

import { secp256k1 } from '@noble/curves/secp256k1.js';
import { expand as hkdfExpand, extract as hkdfExtract } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { type Bytes, concat, u16, u8, utf8 } from './bytes.ts';
import { KEM_SECP256K1 } from './codes.ts';

const NONE = new Uint8Array(0);
const VERSION = utf8('HPKE-v1');
const KDF_HKDF_SHA256 = 0x0001;
/** AEAD id of AES-256-GCM. */
export const AEAD_AES_256_GCM = 0x0002;
const KEM_SUITE = concat(utf8('KEM'), u16(KEM_SECP256K1));

/** `LabeledExtract(salt, label, ikm)` (RFC 9180, section 4). */
function labeledExtract(suite: Bytes, salt: Bytes, label: string, ikm: Uint8Array): Bytes {
  const labeled = concat(VERSION, suite, utf8(label), ikm);
  const prk = hkdfExtract(sha256, labeled, salt) as Bytes;
  labeled.fill(0);
  return prk;
}

/** `LabeledExpand(prk, label, info, L)` (RFC 9180, section 4). */
function labeledExpand(prk: Bytes, suite: Bytes, label: string, info: Uint8Array, length: number): Bytes {
  return hkdfExpand(sha256, prk, concat(u16(length), VERSION, suite, utf8(label), info), length) as Bytes;
}

/** `DeriveKeyPair(ikm)` (RFC 9180, section 7.1.3, with bit mask 0xff): returns the private scalar, 32 bytes. */
export function deriveScalar(ikm: Bytes): Bytes {
  const prk = labeledExtract(KEM_SUITE, NONE, 'dkp_prk', ikm);
  for (let counter = 0; counter <= 0xff; counter++) {
    const candidate = labeledExpand(prk, KEM_SUITE, 'candidate', u8(counter), 32);
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
  const prk = labeledExtract(KEM_SUITE, NONE, 'eae_prk', shared.subarray(1, 33));
  const secret = labeledExpand(prk, KEM_SUITE, 'shared_secret', concat(enc, recipient), 32);
  shared.fill(0);
  prk.fill(0);
  return secret;
}

/** `KeySchedule(mode_base, shared_secret, info, "", "")`: returns AEAD key and base nonce. */
export function keySchedule(aead: number, keyLength: number, shared: Bytes, info: Bytes): { key: Bytes; baseNonce: Bytes } {
  const suite = concat(utf8('HPKE'), u16(KEM_SECP256K1), u16(KDF_HKDF_SHA256), u16(aead));
  const pskIdHash = labeledExtract(suite, NONE, 'psk_id_hash', NONE);
  const infoHash = labeledExtract(suite, NONE, 'info_hash', info);
  const context = concat(u8(0x00), pskIdHash, infoHash);
  const secret = labeledExtract(suite, shared, 'secret', NONE);
  const key = labeledExpand(secret, suite, 'key', context, keyLength);
  const baseNonce = labeledExpand(secret, suite, 'base_nonce', context, 12);
  secret.fill(0);
  return { key, baseNonce };
}
