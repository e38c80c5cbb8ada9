/** Signing in: the challenge, the login message that the wallet signs, and the new session. */
import type { Address } from 'viem';
import * as api from '../api/routes.ts';
import { unixNow } from '../chain/chain.ts';
import type { Errand } from './errand.ts';
import type { Shelf } from './shelf.ts';
import { Failure } from '../failure.ts';
import { loginText, rfc3339, SessionKey } from '../protocol/session.ts';
import type { Wallet } from '../wallet/wallet.ts';
import { KeptSession } from './kept-session.ts';

/** The maximum difference between this device's clock and the server's. */
const CLOCK_SKEW_SECONDS_MAX = 120;
const SESSION_SECONDS_MAX = 31 * 24 * 3600;

/**
 * Signs in and stores the session.
 *
 * @throws Failure `suspicious_challenge` if the server asks for another chain or site, and the failures of the wallet and the server.
 */
export async function login(wallet: Wallet, chainId: number, shelf: Shelf, errand: Errand): Promise<KeptSession> {
  const challenge = await api.challenge();
  checkChallenge(challenge, chainId, { host: location.host, origin: location.origin });
  const key = await SessionKey.generate();
  const expires = challenge.server_time + challenge.session_seconds_max;
  const message = loginText({
    domain: challenge.domain,
    address: wallet.address,
    uri: challenge.uri,
    chainId,
    nonce: challenge.nonce,
    issuedAt: rfc3339(challenge.server_time),
    expirationTime: rfc3339(expires),
    sessionKey: key.point,
  });
  const sentence = { key: 'sign.login', values: { domain: challenge.domain, until: expires } } as const;
  const signature = await errand.signMessage(wallet, message, sentence);
  errand.phase('sending');
  const answer = await api.login(message, signature);
  if ((answer.address.toLowerCase() as Address) !== wallet.address) throw new Failure('wrong_answer');
  const session = new KeptSession(wallet.address, message, Math.min(answer.expires_at, expires), key);
  await session.save(shelf);
  return session;
}

/** Rejects a challenge that would sign this person in to another site than the page that they see. */
export function checkChallenge(challenge: api.Challenge, chainId: number, page: { host: string; origin: string }): void {
  const isSite = challenge.domain === page.host && URL.parse(challenge.uri)?.origin === page.origin;
  const isPlain = /^[a-zA-Z0-9]{8,128}$/.test(challenge.nonce) && /^[\x21-\x7e]{1,256}$/.test(challenge.uri);
  if (challenge.chain_id !== chainId || !isSite || !isPlain) {
    throw new Failure('suspicious_challenge', { values: { domain: challenge.domain.slice(0, 100) } });
  }
  if (Math.abs(challenge.server_time - unixNow()) > CLOCK_SKEW_SECONDS_MAX) throw new Failure('clock_skew');
  const seconds = challenge.session_seconds_max;
  if (!(seconds > 0 && seconds <= SESSION_SECONDS_MAX)) throw new Failure('suspicious_challenge');
}
