/**
 * FLOE (c2sp.org/FLOE) with AES-256-GCM and HKDF-Expand-SHA-384, over WebCrypto: the key-committing encryption of a long message in
 * segments. Each segment is bound to its position.
 *
 * ```text
 * header    parameters 10 ‖ IV 32 ‖ header tag 32
 * segment   prefix 4 (ffffffff, or the length of the final segment) ‖ IV 12 ‖ ciphertext ‖ tag 16
 *
 * KDF(key, purpose, L) = first L bytes of HMAC-SHA-384(key, parameters ‖ IV ‖ purpose ‖ AAD ‖ 01)
 * header tag  = KDF(key, "HEADER_TAG:", 32)           message key = KDF(key, "MESSAGE_KEY:", 48)
 * segment key = KDF(message key, "DEK:" ‖ position with its low rotation bits cleared, 32)
 * a segment's AAD = position u64 ‖ 01 for the final segment, else 00
 * ```
 *
 * HKDF-Expand of at most 48 bytes is one HMAC. WebCrypto's own HKDF cannot be used, because it always extracts first.
 */

import { type Bytes, concat, equalConstantTime, readU32, u32, u64, u8, utf8 } from '../bytes.ts';
import { FLOE_HEADER_LEN, SEGMENT_LEN, SEGMENT_OVERHEAD } from './layout.ts';

/** Length of FLOE's IV in bytes. */
export const FLOE_IV_LEN = 32;
/** Length of the IV of a segment in bytes. */
export const SEGMENT_IV_LEN = 12;
/** Length of a segment's prefix in bytes. */
export const SEGMENT_PREFIX_LEN = 4;
const PARAMETERS_LEN = 10;
const NOT_FINAL = 0xffff_ffff;
/** One AES key is used for 2^20 segments. */
const ROTATION_BITS = 20;

/** Segment length and key rotation. The envelope uses the defaults; public vectors use others. */
export interface FloeParameters {
  /** Length of a segment, including its prefix, IV and tag. */
  readonly segmentLength: number;
  /** The segment key changes every 2^rotationBits segments. */
  readonly rotationBits: number;
}

/** The parameters of suite 0x01. */
export const SUITE_PARAMETERS: FloeParameters = { segmentLength: SEGMENT_LEN, rotationBits: ROTATION_BITS };

/**
 * The content of a segment's prefix, before any tag was checked: the whole length of the segment, and whether it claims to be the last one.
 */
interface Framing {
  readonly length: number;
  readonly isFinal: boolean;
}

/** Returns the parameters as the header contains them: AEAD and hash 0, segment length, IV length. */
function parameterBytes(parameters: FloeParameters): Bytes {
  return concat(Uint8Array.of(0, 0), u32(parameters.segmentLength), u32(FLOE_IV_LEN));
}

/** Parses a prefix of 4 bytes; `null` for a length that no segment has. */
export function readFraming(parameters: FloeParameters, prefix: Bytes): Framing | null {
  const value = readU32(prefix, 0);
  if (value === NOT_FINAL) return { length: parameters.segmentLength, isFinal: false };
  return value >= SEGMENT_OVERHEAD && value <= parameters.segmentLength ? { length: value, isFinal: true } : null;
}

/** One message: its keys, and the encryption of its segments. Callers decide the order of the segments. */
export class FloeMessage {
  /** The 74 bytes before the first segment. */
  readonly header: Bytes;
  readonly parameters: FloeParameters;
  readonly #messageKey: CryptoKey;
  readonly #aad: Bytes;
  #segmentKey: { epoch: number; key: CryptoKey } | null = null;

  private constructor(header: Bytes, parameters: FloeParameters, messageKey: CryptoKey, aad: Bytes) {
    this.header = header;
    this.parameters = parameters;
    this.#messageKey = messageKey;
    this.#aad = aad;
  }

  /** Derives the keys of a message from the key (32 bytes, which are not stored), an IV of 32 random bytes, and associated data. */
  static async derive(key: Bytes, iv: Bytes, aad: Bytes, parameters: FloeParameters = SUITE_PARAMETERS): Promise<FloeMessage> {
    const prefix = concat(parameterBytes(parameters), iv);
    const root = await importHmac(key);
    const headerTag = (await hmac(root, concat(prefix, utf8('HEADER_TAG:'), aad))).subarray(0, 32);
    const messageKey = await hmac(root, concat(prefix, utf8('MESSAGE_KEY:'), aad));
    const imported = await importHmac(messageKey);
    messageKey.fill(0);
    return new FloeMessage(concat(prefix, headerTag), parameters, imported, aad);
  }

  /**
   * Derives the keys of a received message from its header. Returns `header` if the parameters are not the expected ones, and `tag` if the
   * tag is wrong.
   */
  static async receive(
    key: Bytes,
    header: Bytes,
    aad: Bytes,
    parameters: FloeParameters = SUITE_PARAMETERS,
  ): Promise<FloeMessage | 'header' | 'tag'> {
    const expected = parameterBytes(parameters);
    if (header.length !== FLOE_HEADER_LEN || !expected.every((byte, i) => header[i] === byte)) return 'header';
    const iv = header.slice(PARAMETERS_LEN, PARAMETERS_LEN + FLOE_IV_LEN);
    const message = await FloeMessage.derive(key, iv, aad, parameters);
    return equalConstantTime(message.header, header) ? message : 'tag';
  }

  /** Returns whether the key of a segment is already derived. */
  isReady(position: number): boolean {
    return this.#segmentKey?.epoch === this.#epochOf(position);
  }

  /**
   * Derives the key of a segment. Await it before the first segment of each 2^rotationBits. It is separate from `encryptSegment`, which is
   * called often for a large file and therefore must not wait for anything else.
   */
  async prepare(position: number): Promise<void> {
    const epoch = this.#epochOf(position);
    this.#segmentKey = { epoch, key: await this.#deriveSegmentKey(epoch) };
  }

  /**
   * Returns the ciphertext of a segment, with its tag. `iv` is 12 new random bytes. The plaintext buffer may be reused when this returns,
   * because WebCrypto has copied it.
   */
  encryptSegment(plaintext: Bytes, position: number, isFinal: boolean, iv: Bytes): Promise<ArrayBuffer> {
    const parameters = { name: 'AES-GCM', iv, additionalData: segmentAad(position, isFinal) };
    return crypto.subtle.encrypt(parameters, this.#keyOf(position), plaintext);
  }

  /** Returns the plaintext of a segment without its prefix (IV ‖ ciphertext ‖ tag); `null` if the tag is wrong. */
  decryptSegment(body: Bytes, position: number, isFinal: boolean): Promise<Bytes | null> {
    const iv = body.subarray(0, SEGMENT_IV_LEN);
    const parameters = { name: 'AES-GCM', iv, additionalData: segmentAad(position, isFinal) };
    return crypto.subtle.decrypt(parameters, this.#keyOf(position), body.subarray(SEGMENT_IV_LEN)).then(
      (plaintext) => new Uint8Array(plaintext),
      () => null,
    );
  }

  #keyOf(position: number): CryptoKey {
    if (this.#segmentKey?.epoch !== this.#epochOf(position)) throw new Error('a segment comes before its key');
    return this.#segmentKey.key;
  }

  #epochOf(position: number): number {
    return Math.floor(position / 2 ** this.parameters.rotationBits);
  }

  async #deriveSegmentKey(epoch: number): Promise<CryptoKey> {
    const first = BigInt(epoch) << BigInt(this.parameters.rotationBits);
    const info = concat(this.header.subarray(0, PARAMETERS_LEN + FLOE_IV_LEN), utf8('DEK:'), u64(first), this.#aad);
    const derived = await hmac(this.#messageKey, info);
    const key = await crypto.subtle.importKey('raw', derived.subarray(0, 32), 'AES-GCM', false, ['encrypt', 'decrypt']);
    derived.fill(0);
    return key;
  }
}

function segmentAad(position: number, isFinal: boolean): Bytes {
  const aad = new Uint8Array(9);
  const view = new DataView(aad.buffer);
  view.setUint32(0, Math.floor(position / 2 ** 32));
  view.setUint32(4, position % 2 ** 32);
  aad[8] = isFinal ? 1 : 0;
  return aad;
}

/** Returns the bytes before a segment's ciphertext: prefix and IV. */
export function segmentHead(payloadLength: number, isFinal: boolean, iv: Bytes): Bytes {
  return concat(u32(isFinal ? payloadLength + SEGMENT_OVERHEAD : NOT_FINAL), iv);
}

function importHmac(key: Bytes): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-384' }, false, ['sign']);
}

async function hmac(key: CryptoKey, info: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, concat(info, u8(1))));
}
