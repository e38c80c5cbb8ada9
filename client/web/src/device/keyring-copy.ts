/** The keyring: this browser's copy, else the server's. It holds the seed for nobody but its unlockers. */
import * as api from '../api/routes.ts';
import type { Unlocker } from '../types/session.ts';
import { Failure } from '../failure.ts';
import { Keyring } from '../protocol/keyring/keyring.ts';
import { KeyringError } from '../protocol/keyring/keyring-error.ts';
import type { Client } from './client.ts';

const NAME = 'keyring';

/**
 * The keyring of an account; `null` if neither this browser nor the server has one that can be read. A copy that is damaged, or
 * is none, counts as none: the words bring the keyring back, and nothing that a server says may stand in their way.
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

/** What opens a keyring. */
export function unlockersOf(keyring: Keyring): readonly Unlocker[] {
  const wallet: readonly Unlocker[] = keyring.walletMessages().length > 0 ? ['wallet'] : [];
  return keyring.hasPassphrase() ? [...wallet, 'passphrase'] : wallet;
}

/** Keeps a copy in this browser. */
export const keepKeyring = (client: Client, keyring: Keyring): Promise<void> => client.shelf.put(NAME, keyring.toJson());

/** Gives the server this browser's copy if it has none. Says whether the server has one now. */
export async function putBackKeyring(client: Client): Promise<boolean> {
  const own = await client.shelf.get<Uint8Array<ArrayBuffer>>(NAME);
  if ((await api.privateBlob('keyring')) !== null) return true;
  if (own === undefined) return false;
  try {
    await api.putPrivateBlob('keyring', own, null);
  } catch (error) {
    // Another tab was faster.
    if (!isTaken(error)) throw error;
  }
  return true;
}

/** What the server answers when there is a keyring already. */
const isTaken = (error: unknown): boolean => error instanceof Failure && ['already_exists', 'precondition_failed'].includes(error.code);

/**
 * Keeps the first keyring of an account, here and at the server. Another tab or device may have made one meanwhile, whose
 * words somebody has written down: that one stays. Says whether the server has it; one that does not answer gets its copy at
 * the next sign-in.
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

/** One tab at a time, where the browser can hold the others back. */
async function alone<T>(act: () => Promise<T>): Promise<T> {
  const { locks } = (globalThis as { navigator?: { locks?: LockManager } }).navigator ?? {};
  return locks === undefined ? act() : await locks.request('medlock.keyring', act);
}

/** Puts a new keyring in place of the one that is there: for somebody who has proved to hold the seed. Says whether the server has it. */
export async function replaceKeyring(client: Client, keyring: Keyring): Promise<boolean> {
  await keepKeyring(client, keyring);
  const known = await api.privateBlob('keyring');
  await api.putPrivateBlob('keyring', keyring.toJson(), known?.tag ?? null);
  return true;
}
