/** AES-256-GCM over short texts, by WebCrypto; and padding, so that their length says little. */

import { type Bytes, concat, isZero, readU32, u32 } from './bytes.ts';

/** Encrypts; the caller makes sure that a key and nonce never meet twice. The key is imported, not kept. */
export async function encrypt(key: Bytes, nonce: Bytes, aad: Bytes, plaintext: Bytes): Promise<Bytes> {
  const imported = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt']);
  const parameters = { name: 'AES-GCM', iv: nonce, additionalData: aad };
  return new Uint8Array(await crypto.subtle.encrypt(parameters, imported, plaintext));
}

/** Decrypts; `null` when the tag does not hold. */
export async function decrypt(key: Bytes, nonce: Bytes, aad: Bytes, ciphertext: Bytes): Promise<Bytes | null> {
  const imported = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['decrypt']);
  const parameters = { name: 'AES-GCM', iv: nonce, additionalData: aad };
  try {
    return new Uint8Array(await crypto.subtle.decrypt(parameters, imported, ciphertext));
  } catch {
    return null;
  }
}

/** Length (u32) ‖ text ‖ zeros up to `length`. `null` when it does not fit. */
export function pad(text: Bytes, length: number): Bytes | null {
  if (text.length + 4 > length) return null;
  return concat(u32(text.length), text, new Uint8Array(length - 4 - text.length));
}

/** The text of `pad`; `null` unless length and zeros are right. */
export function unpad(padded: Bytes): Bytes | null {
  if (padded.length < 4) return null;
  const end = 4 + readU32(padded, 0);
  if (end > padded.length || !isZero(padded.subarray(end))) return null;
  return padded.subarray(4, end);
}
