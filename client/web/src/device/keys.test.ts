/**
 * Keys that somebody else published in a person's name: two epochs, three epochs, first, in the middle, and followed by the person's own
 * key again.
 */
import { expect, test, vi } from 'vitest';
import type { Chain } from '../chain/chain.ts';
import { identityKey } from '../protocol/identity.ts';
import { PATIENT, seedOf } from '../../tests/protocol/people.ts';
import { Keys } from './keys.ts';

/** The key of an epoch: the seed that it comes from, and the epoch for which it was derived if that is another one. */
type Registered = readonly [seed: number, epoch?: number];
const OWN = 1;
const FOREIGN = 2;

let registered: readonly Registered[] = [];
let isForgetful = false;
const hashOf = ([seed, epoch]: Registered, at: number) => identityKey(seedOf(seed), epoch ?? at).publicKey.hash();
vi.mock('../chain/events.ts', () => ({
  keyEvents: async () => (isForgetful ? [] : registered.map((one, index) => ({ epoch: index + 1, hash: hashOf(one, index + 1) }))),
}));

const chain = {
  findKey: async () => {
    const last = registered.at(-1);
    return last === undefined ? null : { epoch: registered.length, hash: hashOf(last, registered.length), kem: 0x647a };
  },
} as unknown as Chain;

async function compared(...list: readonly Registered[]): Promise<Keys> {
  registered = list;
  return Keys.compared(chain, PATIENT, seedOf(OWN));
}

test.each<[string, readonly Registered[], { epoch: number; current: number; own: number[]; foreign: number[]; isReplaced: boolean }]>([
  ['nothing', [], { epoch: 0, current: 0, own: [], foreign: [], isReplaced: false }],
  ['one own key', [[OWN]], { epoch: 1, current: 1, own: [1], foreign: [], isReplaced: false }],
  ['two epochs, the second somebody else’s', [[OWN], [FOREIGN]], { epoch: 1, current: 2, own: [1], foreign: [2], isReplaced: true }],
  [
    'three epochs, the second somebody else’s',
    [[OWN], [FOREIGN], [OWN]],
    { epoch: 3, current: 3, own: [3, 1], foreign: [2], isReplaced: false },
  ],
  [
    'three epochs, two of them somebody else’s',
    [[OWN], [FOREIGN], [FOREIGN]],
    { epoch: 1, current: 3, own: [1], foreign: [3, 2], isReplaced: true },
  ],
  ['a first key of somebody else', [[FOREIGN]], { epoch: 0, current: 1, own: [], foreign: [1], isReplaced: true }],
  [
    'an own key that was registered again as it was',
    [[OWN], [FOREIGN], [OWN, 1]],
    { epoch: 3, current: 3, own: [3, 1], foreign: [2], isReplaced: false },
  ],
])('%s on chain', async (_, list, standing) => {
  const keys = await compared(...list);
  const { epoch, current, own, foreign, isReplaced } = keys;
  expect({ epoch, current, own, foreign, isReplaced }).toEqual(standing);
});

test('what stands in an epoch opens what was sealed to it, also where an own key stands there again', async () => {
  const keys = await compared([OWN], [FOREIGN], [OWN, 1]);
  expect(keys.identityAt(3).publicKey.hex).toBe(identityKey(seedOf(OWN), 1).publicKey.hex);
  expect(keys.ownKey).toMatchObject({ epoch: 3 });
  expect(keys.ownKey.key.hex).toBe(identityKey(seedOf(OWN), 1).publicKey.hex);
});

test('what is for oneself is never sealed to a key of somebody else', async () => {
  expect((await compared([OWN], [FOREIGN])).ownKey.key.hex).toBe(identityKey(seedOf(OWN), 1).publicKey.hex);
  const none = await compared([FOREIGN]);
  expect(() => none.ownKey).toThrow(expect.objectContaining({ code: 'foreign_key' }));
  const unpublished = await compared();
  expect(() => unpublished.ownKey).toThrow(expect.objectContaining({ code: 'key_not_registered' }));
});

test('words of which no published key is are somebody else’s; one own epoch is enough', async () => {
  registered = [[FOREIGN], [FOREIGN]];
  const seed = seedOf(OWN);
  await expect(Keys.checked(chain, PATIENT, seed)).rejects.toMatchObject({ code: 'wrong_keys' });
  expect(() => seed.expose()).toThrow('wiped');
  registered = [[FOREIGN], [OWN], [FOREIGN]];
  expect((await Keys.checked(chain, PATIENT, seedOf(OWN))).own).toEqual([2]);
});

test('a node that has given up its past still tells whose the newest key is', async () => {
  isForgetful = true;
  try {
    expect(await compared([OWN], [OWN])).toMatchObject({ epoch: 2, current: 2, foreign: [] });
    expect(await compared([OWN], [FOREIGN])).toMatchObject({ epoch: 0, current: 2, foreign: [2], isReplaced: true });
  } finally {
    isForgetful = false;
  }
});

test('keys that were looked up again are wiped with the first ones', async () => {
  const keys = await compared([OWN]);
  const key = keys.identityAt(1);
  registered = [[OWN], [FOREIGN]];
  const fresh = await keys.refreshed(chain);
  expect(fresh).toMatchObject({ epoch: 1, current: 2 });
  fresh.wipe();
  expect(() => key.decapsulate(new Uint8Array(1_120))).toThrow('wiped');
});
