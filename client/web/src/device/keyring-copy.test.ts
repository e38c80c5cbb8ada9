import 'fake-indexeddb/auto';
import { expect, test, vi } from 'vitest';
import type { Chain } from '../chain/chain.ts';
import { isKitSaved, proveKit } from '../flows/set-up.ts';
import { Keyring } from '../protocol/keyring/keyring.ts';
import { Keys } from './keys.ts';
import { DEPLOYMENT, seedOf } from '../../tests/protocol/people.ts';
import type { Client, ReadyClient } from './client.ts';
import { keepFirstKeyring } from './keyring-copy.ts';
import { Shelf } from './shelf.ts';

/** A server that accepts a keyring only if it has none. */
let stored = false;
vi.stubGlobal('fetch', async (_: string, init: RequestInit): Promise<Response> => {
  if (new Headers(init.headers).get('if-none-match') !== '*') return Response.json({ code: 'invalid_request' }, { status: 400 });
  if (stored) return Response.json({ code: 'precondition_failed' }, { status: 412 });
  stored = true;
  return new Response(null, { status: 204 });
});

let people = 0;
/** A person about whom this browser has stored nothing. */
function somebody(): Client {
  people += 1;
  const address: `0x${string}` = `0x${people.toString(16).padStart(40, '0')}`;
  return { address, shelf: new Shelf(DEPLOYMENT, address), chain: { deployment: DEPLOYMENT } } as Client;
}
const keyringOf = (client: Client): Keyring => new Keyring(DEPLOYMENT.chainId, client.address);

test('a first keyring does not replace one that another device gave the server meanwhile', async () => {
  const client = somebody();
  stored = true;
  await expect(keepFirstKeyring(client, keyringOf(client))).rejects.toMatchObject({ code: 'already_set_up' });
  expect(await client.shelf.get('keyring')).toBeUndefined();
});

test('of two tabs that set up at once, one keeps its keyring and the other is told', async () => {
  const client = somebody();
  stored = false;
  const tabs = await Promise.allSettled([keepFirstKeyring(client, keyringOf(client)), keepFirstKeyring(client, keyringOf(client))]);
  expect(tabs.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
});

test('the proof of a kit is about the words of one seed', async () => {
  const client = somebody();
  const unpublished = { findKey: async () => null } as unknown as Chain;
  const withSeed = async (byte: number): Promise<ReadyClient> =>
    ({ ...client, keys: await Keys.checked(unpublished, client.address, seedOf(byte)) }) as ReadyClient;
  const first = await withSeed(1);
  await proveKit(first, [], []);
  expect(await isKitSaved(first)).toBe(true);
  expect(await isKitSaved(await withSeed(2))).toBe(false);
});
