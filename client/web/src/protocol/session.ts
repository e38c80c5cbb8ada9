/**
 * Sign-in: the one login message (EIP-4361) that medlock asks for and accepts, and the session key in it.
 *
 * The message carries exactly one resource, the public half of a P-256 session key. Read requests are signed by that key,
 * so that the log can show that the wallet's owner stood behind each read without a wallet prompt each time.
 */

import { sha256 } from '@noble/hashes/sha2.js';
import { getAddress } from 'viem/utils';
import { type Bytes, utf8 } from './bytes.ts';
import { type Address, type Hex, toHex } from './hex.ts';

/** The statement of every login message. */
const LOGIN_STATEMENT =
  'Sign in to medlock. This device may list what you may see and ask for records in your name until the session ends.';
/** The prefix of the one resource; the uncompressed point (65 bytes, lower-case hex) follows. */
export const SESSION_RESOURCE_PREFIX = 'urn:medlock:session:p256:';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const;

/** What a login message says; every part is fixed by the server's challenge but the address and the key. */
interface LoginMessage {
  /** RFC 3986 authority that asks, as the challenge gives it. A client checks that it is its own. */
  readonly domain: string;
  /** Who signs in. */
  readonly address: Address;
  /** RFC 3986 URI of the API, as the challenge gives it. A client checks that it is the one it asked. */
  readonly uri: string;
  /** EIP-155 chain id. */
  readonly chainId: number;
  /** The challenge's nonce. */
  readonly nonce: string;
  /** RFC 3339 time of signing. */
  readonly issuedAt: string;
  /** RFC 3339 time at which the session ends. */
  readonly expirationTime: string;
  /** The session key, uncompressed point of 65 bytes. */
  readonly sessionKey: Bytes;
}

/** The exact text to sign with `personal_sign`, the address in checksum form (EIP-55). */
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

/** SHA-256 of the login text, by which read requests name their session. */
export function loginHash(text: string): Hex {
  return toHex(sha256(utf8(text)));
}

/** Unix seconds in the form of RFC 3339 that messages use: UTC, to the second. */
export function rfc3339(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
}

/** A P-256 key whose private half cannot be read out: the browser signs with it, and may keep it in IndexedDB. */
export class SessionKey {
  /** What IndexedDB keeps. */
  readonly pair: CryptoKeyPair;
  /** The public half: uncompressed point, 65 bytes. */
  readonly point: Bytes;

  private constructor(pair: CryptoKeyPair, point: Bytes) {
    this.pair = pair;
    this.point = point;
  }

  /** Makes a new one. */
  static async generate(): Promise<SessionKey> {
    return SessionKey.fromPair(await crypto.subtle.generateKey(ALGORITHM, false, ['sign', 'verify']));
  }

  /** From the pair that was kept. */
  static async fromPair(pair: CryptoKeyPair): Promise<SessionKey> {
    return new SessionKey(pair, new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)));
  }

  /** 64 bytes r ‖ s over the SHA-256 of a message. */
  async sign(message: Bytes): Promise<Hex> {
    return toHex(new Uint8Array(await crypto.subtle.sign(SIGNING, this.pair.privateKey, message)));
  }
}

/** Checks a session key's signature: 64 bytes r ‖ s (IEEE P1363), ECDSA with SHA-256. `false` for a point off the curve. */
export async function verifySessionSignature(point: Bytes, message: Bytes, signature: Bytes): Promise<boolean> {
  if (point.length !== 65 || point[0] !== 0x04 || signature.length !== 64) return false;
  try {
    const key = await crypto.subtle.importKey('raw', point, ALGORITHM, false, ['verify']);
    return await crypto.subtle.verify(SIGNING, key, signature, message);
  } catch {
    return false;
  }
}
