/**
 * Publishing one's identity key: the first, and the next one after somebody else's key got in its place. The latter needs the
 * wallet alone: this browser keeps the public halves of the epochs to come. Mirrors `client/src/register.rs`.
 */
import type { Hex } from 'viem';
import type { Client, ReadyClient, WalletClient } from '../device/client.ts';
import type { Errand } from '../device/errand.ts';
import { Failure } from '../failure.ts';
import { KEM_SECP256K1, SLOT_IDENTITY } from '../protocol/codes.ts';
import { PublicKey } from '../protocol/identity.ts';
import type { Keys } from '../device/keys.ts';
import { carryOut, newDeadline, newNonce } from './act.ts';

const NAME = 'own-public-keys';
/** For how many epochs beyond the newest one public halves are kept. */
const AHEAD = 8;

/** Public halves of one's identity keys as this browser keeps them: what was published, to tell whose a key is, and what comes next. */
interface KeptKeys {
  readonly published: readonly Hex[];
  readonly coming: readonly { readonly epoch: number; readonly key: Hex }[];
}

/** What can be said of one's published key without opening anything. */
export interface KeyState {
  /** Epoch of the newest published key; 0 while there is none. */
  readonly epoch: number;
  /** `unknown`: this browser has not seen this person's keys open. */
  readonly whose: 'own' | 'foreign' | 'unknown' | 'none';
}

/** Keeps what tells one's own keys from others', after an unlocking. Public halves only. */
export async function keepPublicKeys(client: Client, keys: Keys): Promise<void> {
  const epochs = Array.from({ length: AHEAD }, (_, index) => keys.current + 1 + index);
  const kept: KeptKeys = {
    published: keys.own.map((epoch) => keys.identityAt(epoch).publicKey.hex),
    coming: epochs.map((epoch) => ({ epoch, key: keys.identityAt(epoch).publicKey.hex })),
  };
  await client.shelf.put(NAME, kept);
}

const keptKeys = (client: Client): Promise<KeptKeys | undefined> => client.shelf.get<KeptKeys>(NAME);

function isKept({ published, coming }: KeptKeys, hash: Hex): boolean {
  return [...published, ...coming.map(({ key }) => key)].some((key) => PublicKey.fromHex(key).hasHash(hash));
}

/** Whose the newest published key is, as far as this browser can tell while everything is locked. */
export async function keyState(client: Client): Promise<KeyState> {
  const [published, kept] = await Promise.all([client.chain.findKey(client.address), keptKeys(client)]);
  if (published === null) return { epoch: 0, whose: 'none' };
  const { epoch, hash } = published;
  if (kept === undefined) return { epoch, whose: 'unknown' };
  return { epoch, whose: isKept(kept, hash) ? 'own' : 'foreign' };
}

/**
 * Publishes this person's key in place of the newest one, whosever that is. With open keys the key derives from the seed; else
 * it is the one that this browser has kept. Does nothing if the newest key is their own.
 *
 * @throws Failure `own_key_unknown` if nothing here says which key is theirs.
 */
export async function registerKey(client: WalletClient, errand: Errand): Promise<void> {
  const { chain, address: owner } = client;
  errand.phase('preparing');
  await chain.verifyDeployment();
  // What the chain has may have changed since the keys were opened.
  const keys = await (client.keys?.refreshed(chain) ?? null);
  const published = await chain.findKey(owner);
  const current = published?.epoch ?? 0;
  const kept = keys === null ? await keptKeys(client) : null;
  const isOwn = (hash: Hex): boolean =>
    keys === null ? kept !== null && kept !== undefined && isKept(kept, hash) : !keys.isReplaced && keys.current === current;
  if (published !== null && isOwn(published.hash)) return;
  const key = keys === null ? nextOf(kept ?? undefined, current + 1) : keys.identityAt(current + 1).publicKey.hex;
  if (key === undefined) throw new Failure('own_key_unknown');
  const message = {
    owner,
    slot: SLOT_IDENTITY,
    epoch: current,
    kem: KEM_SECP256K1,
    key,
    nonce: newNonce(),
    deadline: await newDeadline(chain, 'register_key'),
  };
  const sentence =
    current === 0 ? ({ key: 'sign.publish_key', values: { epoch: 1 } } as const) : ({ key: 'sign.register_again', values: {} } as const);
  await carryOut(client, { type: 'register_key', message }, sentence, errand);
}

/** The key of that epoch; where it is not kept, the newest own one again, which the specification allows. */
const nextOf = (kept: KeptKeys | undefined, epoch: number): Hex | undefined =>
  kept?.coming.find((one) => one.epoch === epoch)?.key ?? kept?.published[0];

/** The same with open keys. Gives them as they stand then. */
export async function publishKey(client: ReadyClient, errand: Errand): Promise<Keys> {
  await registerKey(client, errand);
  return client.keys.refreshed(client.chain);
}
