/**
 * Key derivation: HKDF-SHA-256 (RFC 5869) with a separate label for every use.
 *
 * A label is ASCII text that ends with one zero byte and contains no other zero byte. Therefore no label is the prefix of another, and
 * fields of fixed width after it cannot be misread.
 */

import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { type Bytes, concat, u8, utf8 } from './bytes.ts';

const label = (name: string): Bytes => utf8(`medlock/v1/${name}\0`);

/** All labels. */
export const LABELS = {
  /** Identity key of an epoch, from the seed. */
  identityKey: label('identity-key'),
  /** Category key of an epoch, from the seed. */
  categoryKey: label('category-key'),
  /** The HMAC key for all tag salts of a person, from the seed. */
  tagSecret: label('tag-secret'),
  /** The key of the address book, from the seed. */
  addressBook: label('address-book'),
  /** The mark of a content hash in an upload journal, from the seed. Only this app uses it: the mark never leaves the browser. */
  uploadMark: label('upload-mark'),
  /** HPKE info of every capsule. */
  capsule: label('capsule'),
  /** The message m of ML-KEM in a capsule of X-Wing, from the sealed secret. */
  capsuleMlkem: label('capsule-mlkem'),
  /** The ephemeral X25519 key of a capsule of X-Wing, from the sealed secret. */
  capsuleX25519: label('capsule-x25519'),
  /** The ephemeral key of a capsule of DHKEM(secp256k1), from the sealed secret. */
  capsuleEphemeral: label('capsule-ephemeral'),
  /** B from the data key. */
  releaseShare: label('release-share'),
  /** FLOE associated data of every envelope. */
  envelope: label('envelope'),
  /** Associated data of a note. */
  note: label('note'),
  /** The first bytes of the hash input of a bundle. */
  bundle: label('bundle'),
  /** The key-encryption key of the wallet unlocker, from the signature. */
  keyringWallet: label('keyring-wallet'),
  /** The AES key of a keyring entry, from its key-encryption key. */
  keyringKey: label('keyring-key'),
  /** The commitment of a keyring entry, from its key-encryption key. */
  keyringCommitment: label('keyring-commitment'),
} as const;

/**
 * Returns `HKDF-Expand(PRK = secret, info = label ‖ fields…, L = 32)`, which is `HMAC-SHA-256(secret, label ‖ fields… ‖ 0x01)`.
 *
 * Extract is left out because every secret given here is 32 uniform bytes (RFC 5869, section 3.3).
 */
export function expand(secret: Bytes, label: Bytes, ...fields: Uint8Array[]): Bytes {
  return hmac(sha256, secret, concat(label, ...fields, u8(1))) as Bytes;
}

/** Returns `HKDF(salt, IKM, info = label, L = 32)`, for input that is not uniform. */
export function extractAndExpand(salt: Bytes, ikm: Bytes, label: Bytes): Bytes {
  return hkdf(sha256, ikm, salt, label, 32) as Bytes;
}
