/**
 * The session that this browser stores: the login message and a P-256 key that cannot be exported. The token is the server's HttpOnly
 * cookie, which no script can read.
 */
import type { Address } from 'viem';
import type { Shelf } from './shelf.ts';
import { SessionKey } from '../protocol/session.ts';

const NAME = 'session';

/** The session as IndexedDB stores it. The key pair is a handle: nobody can read its private half. */
interface Stored {
  readonly address: Address;
  readonly loginMessage: string;
  readonly expiresAt: number;
  readonly pair: CryptoKeyPair;
}

export class KeptSession {
  readonly address: Address;
  readonly loginMessage: string;
  /** Unix seconds. */
  readonly expiresAt: number;
  readonly key: SessionKey;

  constructor(address: Address, loginMessage: string, expiresAt: number, key: SessionKey) {
    this.address = address;
    this.loginMessage = loginMessage;
    this.expiresAt = expiresAt;
    this.key = key;
  }

  /** Returns the session that this browser stores; `null` if there is none or it has ended. */
  static async load(shelf: Shelf): Promise<KeptSession | null> {
    const stored = await shelf.get<Stored>(NAME);
    if (stored === undefined || stored.expiresAt * 1000 <= Date.now()) return null;
    return new KeptSession(stored.address, stored.loginMessage, stored.expiresAt, await SessionKey.fromPair(stored.pair));
  }

  async save(shelf: Shelf): Promise<void> {
    const { address, loginMessage, expiresAt, key } = this;
    await shelf.put(NAME, { address, loginMessage, expiresAt, pair: key.pair } satisfies Stored);
  }

  static async forget(shelf: Shelf): Promise<void> {
    await shelf.remove(NAME);
  }
}
