/**
 * Publishes the person's identity key: the first one, and the next one after somebody else's key was published in its place. The latter
 * needs the wallet alone, because this browser stores the public halves for the next epochs. Mirrors `client/src/register.rs`.
 */
import type { Hex } from 'viem';
import type { Client, ReadyClient, WalletClient } from '../device/client.ts';
import type { Errand } from '../device/errand.ts';
import { Failure } from '../failure.ts';
import { KEM_X_WING, SLOT_IDENTITY } from '../protocol/codes.ts';
import { PublicKey } from '../protocol/key-pair.ts';
import type { Keys } from '../device/keys.ts';
import { carryOut, newDeadline, newNonce } from './act.ts';

const NAME = 'own-public-keys';
/** The number of epochs after the newest one for which public halves are stored. */
const AHEAD = 8;

/**
 * Public halves of the person's identity keys, as this browser stores them: the published ones, which tell whose a key is, and the next
 * ones.
 */
interface KeptKeys {
  readonly published: readonly Hex[];
  readonly coming: readonly { readonly epoch: number; readonly key: Hex }[];
}

/** The facts about the person's published key that are known while the session is locked. */
export interface KeyState {
  /** Epoch of the newest published key; 0 if there is none. */
  readonly epoch: number;
  /** `unknown`: this person's keys were never unlocked in this browser. */
  readonly whose: 'own' | 'foreign' | 'unknown' | 'none';
}

/** Stores what distinguishes the person's own keys from those of others, after unlocking. Public halves only. */
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

/** Returns whose the newest published key is, as far as this browser can tell while the session is locked. */
export async function keyState(client: Client): Promise<KeyState> {
  const [published, kept] = await Promise.all([client.chain.findKey(client.address), keptKeys(client)]);
  if (published === null) return { epoch: 0, whose: 'none' };
  const { epoch, hash } = published;
  if (kept === undefined) return { epoch, whose: 'unknown' };
  return { epoch, whose: isKept(kept, hash) ? 'own' : 'foreign' };
}

/**
 * Publishes this person's key in place of the newest one, whoever that belongs to. With unlocked keys, the key derives from the seed;
 * otherwise it is the one that this browser has stored. Does nothing if the newest key is their own.
 *
 * @throws Failure `own_key_unknown` if this browser does not know which key is theirs.
 */
export async function registerKey(client: WalletClient, errand: Errand): Promise<void> {
  const { chain, address: owner } = client;
  errand.phase('preparing');
  await chain.verifyDeployment();
  // The keys on the chain may have changed since unlocking.
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
    kem: KEM_X_WING,
    key,
    nonce: newNonce(),
    deadline: await newDeadline(chain, 'register_key'),
  };
  const sentence =
    current === 0 ? ({ key: 'sign.publish_key', values: { epoch: 1 } } as const) : ({ key: 'sign.register_again', values: {} } as const);
  await carryOut(client, { type: 'register_key', message }, sentence, errand);
}

/** Returns the key for that epoch. If it is not stored, returns the newest own key again, which the specification allows. */
const nextOf = (kept: KeptKeys | undefined, epoch: number): Hex | undefined =>
  kept?.coming.find((one) => one.epoch === epoch)?.key ?? kept?.published[0];

/** Publishes the key with unlocked keys. Returns the keys, compared with the chain afterwards. */
export async function publishKey(client: ReadyClient, errand: Errand): Promise<Keys> {
  await registerKey(client, errand);
  return client.keys.refreshed(client.chain);
}
