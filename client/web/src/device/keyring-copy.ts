/** Reads and stores the keyring: this browser's copy, else the server's. Only the keyring's unlockers can decrypt the seed in it. */
import * as api from '../api/routes.ts';
import type { Unlocker } from '../types/session.ts';
import { Failure } from '../failure.ts';
import { Keyring } from '../protocol/keyring/keyring.ts';
import { KeyringError } from '../protocol/keyring/keyring-error.ts';
import type { Client } from './client.ts';

const NAME = 'keyring';

/**
 * Returns the keyring of an account; `null` if neither this browser nor the server has one that can be read. A damaged or invalid copy
 * counts as none, so that the recovery words can always restore the keyring, whatever the server sends.
 */
export async function findKeyring(client: Client): Promise<Keyring | null> {
  const own = parsed(client, await client.shelf.get<Uint8Array<ArrayBuffer>>(NAME));
  return own ?? parsed(client, (await api.privateBlob('keyring'))?.content);
}

function parsed(client: Client, json: Uint8Array<ArrayBuffer> | undefined): Keyring | null {
  if (json === undefined) return null;
  try {
    return Keyring.fromJson(json, client.chain.deployment.chainId, client.address);
  } catch (error) {
    if (error instanceof KeyringError) return null;
    throw error;
  }
}

/** Returns the unlockers of a keyring. */
export function unlockersOf(keyring: Keyring): readonly Unlocker[] {
  const wallet: readonly Unlocker[] = keyring.walletMessages().length > 0 ? ['wallet'] : [];
  return keyring.hasPassphrase() ? [...wallet, 'passphrase'] : wallet;
}

/** Stores a copy in this browser. */
export const keepKeyring = (client: Client, keyring: Keyring): Promise<void> => client.shelf.put(NAME, keyring.toJson());

/** Sends this browser's copy to the server if the server has none. Returns whether the server has a keyring now. */
export async function putBackKeyring(client: Client): Promise<boolean> {
  const own = await client.shelf.get<Uint8Array<ArrayBuffer>>(NAME);
  if ((await api.privateBlob('keyring')) !== null) return true;
  if (own === undefined) return false;
  try {
    await api.putPrivateBlob('keyring', own, null);
  } catch (error) {
    // Another tab has sent it first.
    if (!isTaken(error)) throw error;
  }
  return true;
}

/** Returns true for the errors that the server gives if it already has a keyring. */
const isTaken = (error: unknown): boolean => error instanceof Failure && ['already_exists', 'precondition_failed'].includes(error.code);

/**
 * Stores the first keyring of an account, in this browser and on the server. If another tab or device has made a keyring in the meantime,
 * that one stays, because somebody may have written down its words. Returns whether the server has the keyring; if the server does not
 * answer, it gets its copy at the next sign-in.
 *
 * @throws Failure `already_set_up`.
 */
export function keepFirstKeyring(client: Client, keyring: Keyring): Promise<boolean> {
  return alone(async () => {
    if ((await client.shelf.get(NAME)) !== undefined) throw new Failure('already_set_up');
    const onServer = await api.putPrivateBlob('keyring', keyring.toJson(), null).then(
      () => true,
      (error: unknown) => {
        if (isTaken(error)) throw new Failure('already_set_up', { cause: error });
        return false;
      },
    );
    await keepKeyring(client, keyring);
    return onServer;
  });
}

/** Runs `act` in one tab at a time, if the browser supports locks. */
async function alone<T>(act: () => Promise<T>): Promise<T> {
  const { locks } = (globalThis as { navigator?: { locks?: LockManager } }).navigator ?? {};
  return locks === undefined ? act() : await locks.request('medlock.keyring', act);
}

/** Replaces the existing keyring, for a person who has proved that they have the seed. Returns whether the server has the new one. */
export async function replaceKeyring(client: Client, keyring: Keyring): Promise<boolean> {
  await keepKeyring(client, keyring);
  const known = await api.privateBlob('keyring');
  await api.putPrivateBlob('keyring', keyring.toJson(), known?.tag ?? null);
  return true;
}
