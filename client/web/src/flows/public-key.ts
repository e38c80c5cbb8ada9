/** Encryption keys of other people: read from the chain, and compared with the server's answer. Mirrors `client/src/published_key.rs`. */
import { type Address, type Hex, isHex, keccak256 } from 'viem';
import * as api from '../api/routes.ts';
import type { Chain } from '../chain/chain.ts';
import { keyEvents } from '../chain/events.ts';
import { Failure } from '../failure.ts';
import { KEM_X_WING } from '../protocol/codes.ts';
import { sameHex } from '../protocol/hex.ts';
import { PublicKey } from '../protocol/key-pair.ts';

export interface CurrentKey {
  readonly key: PublicKey;
  readonly epoch: number;
}

function parse(text: string): PublicKey {
  try {
    return PublicKey.fromHex(text);
  } catch (error) {
    throw new Failure('key_not_registered', { cause: error });
  }
}

/**
 * Returns the current public key of a person. The chain decides. If the server names another key for the same epoch, it is dishonest or
 * broken, and the operation stops: otherwise this app might seal data to the server's own key.
 *
 * @throws Failure `key_not_registered`, `wrong_public_key`, `no_history` if neither node nor server has the bytes.
 */
export async function publicKey(chain: Chain, owner: Address): Promise<CurrentKey> {
  const stored = await chain.findKey(owner);
  if (stored === null || stored.kem !== KEM_X_WING) throw new Failure('key_not_registered');
  const [events, told] = await Promise.all([
    keyEvents(chain, owner),
    // The chain is enough: it does not matter if the server does not answer.
    api.findKey(owner).catch(() => null),
  ]);
  const { epoch, hash } = stored;
  if (told !== null) {
    const contradicts = !sameHex(told.owner as Address, owner) || told.epoch > epoch;
    if (contradicts || (told.epoch === epoch && !hasHash(told.key, hash))) throw new Failure('wrong_public_key');
  }
  const event = events.find((found) => found.epoch === epoch && sameHex(found.hash, hash));
  // The node may no longer have the event; the contract still has the hash.
  const bytes = event?.key ?? (told?.epoch === epoch ? told.key : undefined);
  if (bytes === undefined) throw new Failure('no_history');
  return { key: parse(bytes), epoch };
}

/** Returns whether the server's bytes have the hash on chain. Whether they are a key is another question, for which the server is not to blame. */
function hasHash(bytes: string, hash: Hex): boolean {
  return isHex(bytes) && sameHex(keccak256(bytes), hash);
}

/** Returns the public key of a person in an epoch. */
export async function publicKeyAt(chain: Chain, owner: Address, epoch: number): Promise<PublicKey> {
  const event = (await keyEvents(chain, owner)).find((found) => found.epoch === epoch && found.kem === KEM_X_WING);
  if (event === undefined) throw new Failure('key_not_registered');
  return parse(event.key);
}
