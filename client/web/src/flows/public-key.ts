/** The encryption keys of other people: from the chain, and compared with what the server says. `client/src/published_key.rs`. */
import type { Address } from 'viem';
import * as api from '../api/routes.ts';
import type { Chain } from '../chain/chain.ts';
import { keyEvents } from '../chain/events.ts';
import { Failure } from '../failure.ts';
import { KEM_SECP256K1 } from '../protocol/codes.ts';
import { sameHex } from '../protocol/hex.ts';
import { PublicKey } from '../protocol/identity.ts';

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
 * The current public key of somebody. The chain decides. A server that names another key for the same epoch is lying or
 * broken, and everything stops: it could have had us seal to itself.
 *
 * @throws Failure `key_not_registered`, `wrong_public_key`, `no_history` when neither node nor server has the bytes.
 */
export async function publicKey(chain: Chain, owner: Address): Promise<CurrentKey> {
  const stored = await chain.findKey(owner);
  if (stored === null || stored.kem !== KEM_SECP256K1) throw new Failure('key_not_registered');
  const [events, told] = await Promise.all([
    keyEvents(chain, owner),
    // The chain suffices: a server that does not answer here is no obstacle.
    api.findKey(owner).catch(() => null),
  ]);
  const { epoch, hash } = stored;
  if (told !== null) {
    const contradicts = !sameHex(told.owner as Address, owner) || told.epoch > epoch;
    if (contradicts || (told.epoch === epoch && !parse(told.key).hasHash(hash))) throw new Failure('wrong_public_key');
  }
  const event = events.find((found) => found.epoch === epoch && sameHex(found.hash, hash));
  // The node may have given up the event; the contract still has the hash.
  const bytes = event?.key ?? (told?.epoch === epoch ? told.key : undefined);
  if (bytes === undefined) throw new Failure('no_history');
  return { key: parse(bytes), epoch };
}

/** The public key of somebody in an epoch. */
export async function publicKeyAt(chain: Chain, owner: Address, epoch: number): Promise<PublicKey> {
  const event = (await keyEvents(chain, owner)).find((found) => found.epoch === epoch && found.kem === KEM_SECP256K1);
  if (event === undefined) throw new Failure('key_not_registered');
  return parse(event.key);
}
