/** AES-256-GCM for short texts, with WebCrypto; and padding, so that the length reveals little about the text. */

import { type Bytes, concat, isZero, readU32, u32 } from './bytes.ts';

/** Encrypts. The caller must never use the same key and nonce twice. The key is imported and not stored. */
export async function encrypt(key: Bytes, nonce: Bytes, aad: Bytes, plaintext: Bytes): Promise<Bytes> {
  const imported = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt']);
  const parameters = { name: 'AES-GCM', iv: nonce, additionalData: aad };
  return new Uint8Array(await crypto.subtle.encrypt(parameters, imported, plaintext));
}

/** Decrypts. Returns `null` if the tag is wrong. */
export async function decrypt(key: Bytes, nonce: Bytes, aad: Bytes, ciphertext: Bytes): Promise<Bytes | null> {
  const imported = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['decrypt']);
  const parameters = { name: 'AES-GCM', iv: nonce, additionalData: aad };
  try {
    return new Uint8Array(await crypto.subtle.decrypt(parameters, imported, ciphertext));
  } catch {
    return null;
  }
}

/** Returns length (u32) ‖ text ‖ zeros up to `length`; `null` if the text does not fit. */
export function pad(text: Bytes, length: number): Bytes | null {
  if (text.length + 4 > length) return null;
  return concat(u32(text.length), text, new Uint8Array(length - 4 - text.length));
}

/** Returns the text that was given to `pad`; `null` if the length or the zeros are wrong. */
export function unpad(padded: Bytes): Bytes | null {
  if (padded.length < 4) return null;
  const end = 4 + readU32(padded, 0);
  if (end > padded.length || !isZero(padded.subarray(end))) return null;
  return padded.subarray(4, end);
}
