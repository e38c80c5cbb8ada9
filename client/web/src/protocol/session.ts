/**
 * Sign-in: the only login message (EIP-4361) that medlock asks for and accepts, and the session key in it.
 *
 * The message has exactly one resource, the public half of a P-256 session key. That key signs read requests. So the log can prove that the
 * wallet's owner requested each read, without a signature by the wallet each time.
 */

import { sha256 } from '@noble/hashes/sha2.js';
import { getAddress } from 'viem/utils';
import { type Bytes, utf8 } from './bytes.ts';
import { type Address, type Hex, toHex } from './hex.ts';

/** The statement of every login message. */
const LOGIN_STATEMENT =
  'Sign in to medlock. This device may list what you may see and ask for records in your name until the session ends.';
/** The prefix of the only resource. The uncompressed point follows (65 bytes, lower-case hex). */
export const SESSION_RESOURCE_PREFIX = 'urn:medlock:session:p256:';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const;

/** The parts of a login message. The server's challenge determines all of them except the address and the key. */
interface LoginMessage {
  /** The RFC 3986 authority that asks for the login, from the challenge. A client checks that it is its own. */
  readonly domain: string;
  /** The account that signs in. */
  readonly address: Address;
  /** The RFC 3986 URI of the API, from the challenge. A client checks that it is the one that it asked. */
  readonly uri: string;
  /** EIP-155 chain id. */
  readonly chainId: number;
  /** The nonce of the challenge. */
  readonly nonce: string;
  /** The time of signing (RFC 3339). */
  readonly issuedAt: string;
  /** The time at which the session ends (RFC 3339). */
  readonly expirationTime: string;
  /** The session key: an uncompressed point of 65 bytes. */
  readonly sessionKey: Bytes;
}

/** Returns the exact text to sign with `personal_sign`. It has the address in checksum form (EIP-55). */
export function loginText(message: LoginMessage): string {
  return [
    `${message.domain} wants you to sign in with your Ethereum account:`,
    getAddress(message.address),
    '',
    LOGIN_STATEMENT,
    '',
    `URI: ${message.uri}`,
    'Version: 1',
    `Chain ID: ${message.chainId}`,
    `Nonce: ${message.nonce}`,
    `Issued At: ${message.issuedAt}`,
    `Expiration Time: ${message.expirationTime}`,
    'Resources:',
    `- ${SESSION_RESOURCE_PREFIX}${toHex(message.sessionKey).slice(2)}`,
  ].join('\n');
}

/** Returns the SHA-256 of the login text. Read requests name their session by it. */
export function loginHash(text: string): Hex {
  return toHex(sha256(utf8(text)));
}

/** Returns Unix seconds in the form of RFC 3339 that messages use: UTC, to the second. */
export function rfc3339(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
}

/** A P-256 key whose private half cannot be exported. The browser signs with it and can store it in IndexedDB. */
export class SessionKey {
  /** The key pair, as IndexedDB stores it. */
  readonly pair: CryptoKeyPair;
  /** The public half: uncompressed point, 65 bytes. */
  readonly point: Bytes;

  private constructor(pair: CryptoKeyPair, point: Bytes) {
    this.pair = pair;
    this.point = point;
  }

  /** Makes a new key. */
  static async generate(): Promise<SessionKey> {
    return SessionKey.fromPair(await crypto.subtle.generateKey(ALGORITHM, false, ['sign', 'verify']));
  }

  /** Makes a session key from a stored pair. */
  static async fromPair(pair: CryptoKeyPair): Promise<SessionKey> {
    return new SessionKey(pair, new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)));
  }

  /** Returns 64 bytes r ‖ s over the SHA-256 of a message. */
  async sign(message: Bytes): Promise<Hex> {
    return toHex(new Uint8Array(await crypto.subtle.sign(SIGNING, this.pair.privateKey, message)));
  }
}

/**
 * Checks a session key's signature: 64 bytes r ‖ s (IEEE P1363), ECDSA with SHA-256. Returns `false` for a point that is not on the curve.
 */
export async function verifySessionSignature(point: Bytes, message: Bytes, signature: Bytes): Promise<boolean> {
  if (point.length !== 65 || point[0] !== 0x04 || signature.length !== 64) return false;
  try {
    const key = await crypto.subtle.importKey('raw', point, ALGORITHM, false, ['verify']);
    return await crypto.subtle.verify(SIGNING, key, signature, message);
  } catch {
    return false;
  }
}
