/**
 * The part of HPKE (RFC 9180) that capsules use: base mode, one message, HKDF-SHA256 = 0x0001, AES-256-GCM = 0x0002. The KEM is the caller's
 * (`kem.ts`).
 *
 * It is implemented here, over `@noble/hashes` and WebCrypto, because sealing is deterministic: HPKE libraries do not let the caller give the
 * randomness of the encapsulation. Names follow the RFC, and public test vectors check the code.
 */

import { expand as hkdfExpand, extract as hkdfExtract } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { type Bytes, concat, u16, u8, utf8 } from './bytes.ts';

/** The empty byte string. */
export const NONE = new Uint8Array(0);
const VERSION = utf8('HPKE-v1');
const KDF_HKDF_SHA256 = 0x0001;
/** AEAD id of AES-256-GCM. */
export const AEAD_AES_256_GCM = 0x0002;

/** `LabeledExtract(salt, label, ikm)` (RFC 9180, section 4). */
export function labeledExtract(suite: Bytes, salt: Bytes, label: string, ikm: Uint8Array): Bytes {
  const labeled = concat(VERSION, suite, utf8(label), ikm);
  const prk = hkdfExtract(sha256, labeled, salt) as Bytes;
  labeled.fill(0);
  return prk;
}

/** `LabeledExpand(prk, label, info, L)` (RFC 9180, section 4). */
export function labeledExpand(prk: Bytes, suite: Bytes, label: string, info: Uint8Array, length: number): Bytes {
  return hkdfExpand(sha256, prk, concat(u16(length), VERSION, suite, utf8(label), info), length) as Bytes;
}

/** `KeySchedule(mode_base, shared_secret, info, "", "")` for a KEM and an AEAD: returns AEAD key and base nonce. */
export function keySchedule(
  [kem, aead]: readonly [kem: number, aead: number],
  keyLength: number,
  shared: Bytes,
  info: Bytes,
): { key: Bytes; baseNonce: Bytes } {
  const suite = concat(utf8('HPKE'), u16(kem), u16(KDF_HKDF_SHA256), u16(aead));
  const pskIdHash = labeledExtract(suite, NONE, 'psk_id_hash', NONE);
  const infoHash = labeledExtract(suite, NONE, 'info_hash', info);
  const context = concat(u8(0x00), pskIdHash, infoHash);
  const secret = labeledExtract(suite, shared, 'secret', NONE);
  const key = labeledExpand(secret, suite, 'key', context, keyLength);
  const baseNonce = labeledExpand(secret, suite, 'base_nonce', context, 12);
  secret.fill(0);
  return { key, baseNonce };
}
