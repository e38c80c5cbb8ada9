// @vitest-environment jsdom
import 'fake-indexeddb/auto';
import { beforeEach, expect, test, vi } from 'vitest';
import type { Chain } from '../chain/chain.ts';
import { Seed } from '../protocol/secret.ts';
import { SessionKey } from '../protocol/session.ts';
import { KeptSession } from './kept-session.ts';
import { Keys } from './keys.ts';
import { DEPLOYMENT, finishedJson } from '../../tests/protocol/people.ts';
import { device } from './device.ts';
import { IDLE_MS, watchIdle } from './idle.ts';

const ALICE = '0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
const BOB = '0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb';

type Listener = (value: never) => void;
/** A wallet whose owner switches accounts. */
class SwitchingWallet {
  accounts: string[] = [ALICE];
  readonly #listeners = new Map<string, Set<Listener>>();

  async request({ method }: { method: string }): Promise<unknown> {
    if (method === 'eth_chainId') return `0x${DEPLOYMENT.chainId.toString(16)}`;
    return this.accounts;
  }

  on(event: string, listener: Listener): void {
    this.#listeners.set(event, (this.#listeners.get(event) ?? new Set()).add(listener));
  }

  removeListener(event: string, listener: Listener): void {
    this.#listeners.get(event)?.delete(listener);
  }

  switchTo(account: string): void {
    this.accounts = [account];
    for (const listener of [...(this.#listeners.get('accountsChanged') ?? [])]) listener(this.accounts as never);
  }
}

const wallet = new SwitchingWallet();
window.addEventListener('eip6963:requestProvider', () => {
  const detail = { info: { uuid: 'one', rdns: 'test.one', name: 'One', icon: '' }, provider: wallet };
  window.dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail }));
});

/** The server's answers. Nobody is signed in unless a test changes them. */
const answers: Record<string, unknown> = {
  '/v1/deployment': {
    deployment: finishedJson(1),
    envelope_bytes_max: 1 << 20,
    anchor_seconds_max: 60,
    version: '0.1.0',
  },
  '/config.json': {},
};
let signedIn: string | null = null;
vi.stubGlobal('fetch', async (url: string): Promise<Response> => {
  const path = new URL(url, location.origin).pathname;
  if (path === '/v1/me' && signedIn !== null) return Response.json({ address: signedIn, roles: [], key_epoch: 1, has_keyring: false });
  if (path in answers) return Response.json(answers[path]);
  return Response.json({ code: 'not_signed_in' }, { status: 401 });
});

const unpublished = { findKey: async () => null } as unknown as Chain;
const keysOf = (owner: `0x${string}`): Promise<Keys> => Keys.checked(unpublished, owner, new Seed(new Uint8Array(32).fill(7)));

const sessionOf = async (owner: `0x${string}`): Promise<KeptSession> =>
  new KeptSession(owner, '', Math.floor(Date.now() / 1000) + 3600, await SessionKey.generate());

beforeEach(async () => {
  device.start();
  signedIn = null;
  wallet.accounts = [ALICE];
  device.disconnect();
  await device.connect('one');
});

test('keys that were unlocked for another account than the connected one are wiped', async () => {
  const keys = await keysOf(ALICE);
  wallet.switchTo(BOB);
  await expect(device.unlocked(keys, new AbortController().signal)).rejects.toMatchObject({ code: 'cancelled' });
  expect(device.hasKeys).toBe(false);
  expect(() => keys.seed.expose()).toThrow('wiped');
});

test('keys of an errand that an account switch ended are wiped, even if the account is back', async () => {
  const { work } = device;
  const keys = await keysOf(ALICE);
  wallet.switchTo(BOB);
  wallet.switchTo(ALICE);
  await expect(device.unlocked(keys, work)).rejects.toMatchObject({ code: 'cancelled' });
  expect(() => keys.seed.expose()).toThrow('wiped');
});

test('a session of another account is not taken up', async () => {
  const session = await sessionOf(ALICE);
  wallet.switchTo(BOB);
  await expect(device.signedIn(session, new AbortController().signal)).rejects.toMatchObject({ code: 'cancelled' });
});

test('keys are wiped by the idle lock after the session has ended', async () => {
  signedIn = ALICE;
  const keys = await keysOf(ALICE);
  await device.signedIn(await sessionOf(ALICE), device.work);
  await device.unlocked(keys, device.work);
  signedIn = null;
  await device.refresh();
  expect(device.snapshot().session.state).toBe('signed_out');
  expect(device.hasKeys).toBe(true);
  vi.useFakeTimers();
  const stop = watchIdle();
  try {
    vi.advanceTimersByTime(IDLE_MS + 2_000);
    expect(device.hasKeys).toBe(false);
    expect(() => keys.seed.expose()).toThrow('wiped');
  } finally {
    stop();
    vi.useRealTimers();
  }
});
