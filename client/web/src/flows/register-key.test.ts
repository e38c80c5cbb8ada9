import 'fake-indexeddb/auto';
import { beforeEach, expect, test, vi } from 'vitest';
import type { Chain } from '../chain/chain.ts';
import type { WalletClient } from '../device/client.ts';
import { Errand } from '../device/errand.ts';
import { Shelf } from '../device/shelf.ts';
import { u32 } from '../protocol/bytes.ts';
import { toHex } from '../protocol/hex.ts';
import { identityKey } from '../protocol/identity.ts';
import { expand, LABELS } from '../protocol/kdf.ts';
import { Keys } from '../device/keys.ts';
import { DEPLOYMENT, PATIENT, seedOf } from '../../tests/protocol/people.ts';
import { keepPublicKeys, keyState, registerKey } from './register-key.ts';

const keyOf = (seed: number, epoch: number) => identityKey(seedOf(seed), epoch).publicKey;
let registered: { seed: number; epoch: number }[] = [];
const sent: { epoch: number; key: string }[] = [];
vi.mock('../chain/events.ts', () => ({
  keyEvents: async () => registered.map(({ seed, epoch }, index) => ({ epoch: index + 1, hash: keyOf(seed, epoch).hash() })),
}));
vi.mock('./act.ts', async (original) => ({
  ...(await original<typeof import('./act.ts')>()),
  newDeadline: async () => 1n,
  carryOut: async (_: unknown, action: { message: { epoch: number; key: string } }) => void sent.push(action.message),
}));

const chain = {
  deployment: DEPLOYMENT,
  verifyDeployment: async () => undefined,
  findKey: async () => {
    const last = registered.at(-1);
    return last === undefined ? null : { epoch: registered.length, hash: keyOf(last.seed, last.epoch).hash(), kem: 0x647a };
  },
} as unknown as Chain;
let people = 0;
let client: WalletClient;
beforeEach(() => {
  people += 1;
  registered = [];
  sent.length = 0;
  client = {
    address: PATIENT,
    chain,
    keys: null,
    shelf: new Shelf({ ...DEPLOYMENT, chainId: people }, PATIENT),
  } as unknown as WalletClient;
});
const opened = async (): Promise<Keys> => Keys.compared(chain, PATIENT, seedOf(1));

test('a browser that never saw the keys open says so, and registers nothing', async () => {
  registered = [{ seed: 2, epoch: 1 }];
  expect(await keyState(client)).toEqual({ epoch: 1, whose: 'unknown' });
  await expect(registerKey(client, new Errand())).rejects.toMatchObject({ code: 'own_key_unknown' });
  expect(sent).toEqual([]);
});

test('with the wallet alone the key of the next epoch is registered, however many were registered in between', async () => {
  registered = [{ seed: 1, epoch: 1 }];
  await keepPublicKeys(client, await opened());
  expect(await keyState(client)).toEqual({ epoch: 1, whose: 'own' });
  registered.push({ seed: 2, epoch: 2 });
  expect(await keyState(client)).toEqual({ epoch: 2, whose: 'foreign' });
  await registerKey(client, new Errand());
  registered.push({ seed: 2, epoch: 3 });
  await registerKey(client, new Errand());
  expect(sent).toEqual([
    expect.objectContaining({ epoch: 2, key: keyOf(1, 3).hex }),
    expect.objectContaining({ epoch: 3, key: keyOf(1, 4).hex }),
  ]);
  registered.push({ seed: 1, epoch: 4 });
  expect(await keyState(client)).toEqual({ epoch: 4, whose: 'own' });
  await registerKey(client, new Errand());
  expect(sent).toHaveLength(2);
});

test('far beyond what was kept, the own key of before is registered once more, and opens', async () => {
  registered = [{ seed: 1, epoch: 1 }];
  await keepPublicKeys(client, await opened());
  for (let epoch = 2; epoch <= 12; epoch += 1) registered.push({ seed: 2, epoch });
  await registerKey(client, new Errand());
  expect(sent).toEqual([expect.objectContaining({ epoch: 12, key: keyOf(1, 1).hex })]);
  registered.push({ seed: 1, epoch: 1 });
  expect(await opened()).toMatchObject({ epoch: 13, isReplaced: false });
});

test('with open keys a key that is current is not registered again, and one that is not is', async () => {
  registered = [{ seed: 1, epoch: 1 }];
  const keys = await opened();
  await registerKey({ ...client, keys }, new Errand());
  expect(sent).toEqual([]);
  registered.push({ seed: 2, epoch: 2 });
  await registerKey({ ...client, keys }, new Errand());
  expect(sent).toEqual([expect.objectContaining({ epoch: 2, key: keyOf(1, 3).hex })]);
});

test('what is kept are public keys only', async () => {
  registered = [{ seed: 1, epoch: 1 }];
  const keys = await opened();
  await keepPublicKeys(client, keys);
  const kept = JSON.stringify(await client.shelf.get('own-public-keys'));
  for (const epoch of [1, 2, 3]) {
    expect(kept).toContain(keyOf(1, epoch).hex);
    expect(kept).not.toContain(toHex(expand(seedOf(1).expose(), LABELS.identityKey, u32(epoch))).slice(2));
  }
});
