/** Background work while the session is ready: the event feed, and the patient's catch-up. There is one for the page. */
import { followFeed } from '../api/events.ts';
import { serverReachability, tellReachability } from '../api/request.ts';
import { serverInfo, type FeedEvent } from '../api/routes.ts';
import type { Health, Trouble } from '../types/health.ts';
import { catchUp } from '../flows/catch-up.ts';
import { pause } from '../flows/act.ts';
import { device } from '../device/device.ts';

interface LiveState {
  readonly feed: Health['feed'];
  readonly chain: Health['chain'];
  readonly troubles: readonly Trouble[];
}

/** Interval at which the chain is asked for a sign of life. */
const CHAIN_MS = 20_000;
/** Interval at which a server that did not answer is asked again. */
const SERVER_MS = 3_000;

let state: LiveState = { feed: 'off', chain: 'unknown', troubles: [] };
const listeners = new Set<() => void>();
const takers = new Set<(event: FeedEvent | 'again') => void>();

function set(change: Partial<LiveState>): void {
  state = { ...state, ...change };
  for (const listener of listeners) listener();
}

export const liveState = (): LiveState => state;

/** Calls `listener` on every change. Returns the function that stops it. */
export function onLive(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Calls `taker` for every event, and with `again` if events may have been missed. */
export function onFeed(taker: (event: FeedEvent | 'again') => void): () => void {
  takers.add(taker);
  return () => takers.delete(taker);
}

function give(event: FeedEvent | 'again'): void {
  for (const take of takers) take(event);
}

let isCatchingUp = false;
let isWanted = false;

/** Runs the catch-up now, and once more if it was requested during the run. A failed step is tried again at the next event. */
function catchUpNow(signal: AbortSignal): void {
  isWanted = true;
  if (isCatchingUp) return;
  isCatchingUp = true;
  void (async () => {
    while (isWanted && !signal.aborted) {
      isWanted = false;
      try {
        const client = await device.ready();
        if (client.keys.current === 0) return;
        const { troubles, sharesDeposited, bundlesExtended } = await catchUp(client, signal);
        set({ troubles });
        if (sharesDeposited + bundlesExtended > 0) give('again');
      } catch {
        await pause(1000);
      }
    }
  })().finally(() => {
    isCatchingUp = false;
  });
}

async function watchChain(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const client = await device.client();
      await client.chain.head();
      set({ chain: 'up' });
    } catch {
      set({ chain: 'down' });
    }
    await pause(CHAIN_MS);
  }
}

/** Asks a server that did not answer until it does. Then everything is loaded again. */
async function watchServer(signal: AbortSignal): Promise<void> {
  // An answer that was already on its way when the connection broke does not show that the server is reachable now.
  let isDoubted = false;
  const lost = (): void => {
    isDoubted = true;
    tellReachability('down');
  };
  window.addEventListener('offline', lost, { signal });
  while (!signal.aborted) {
    await pause(SERVER_MS);
    if (signal.aborted || (serverReachability() === 'up' && !isDoubted)) continue;
    isDoubted = false;
    const answers = await serverInfo().then(
      () => true,
      () => false,
    );
    if (answers && !signal.aborted) give('again');
  }
}

/** Starts the background work. It runs until the returned function is called. */
export function runLive(): () => void {
  let running: AbortController | null = null;
  const follow = (): void => {
    const isReady = device.snapshot().session.state === 'ready';
    if (isReady === (running !== null)) return;
    if (running !== null) {
      running.abort();
      running = null;
      set({ feed: 'off', chain: 'unknown', troubles: [] });
      return;
    }
    running = new AbortController();
    const { signal } = running;
    set({ feed: 'connecting' });
    let wasLive = false;
    const tell = (feed: 'live' | 'connecting'): void => {
      // After a feed broke, it may have missed events that its last id does not bring back.
      if (feed === 'live' && wasLive) give('again');
      wasLive ||= feed === 'live';
      if (!signal.aborted) set({ feed });
    };
    const take = (event: FeedEvent): void => {
      give(event);
      if (event.kind === 'record_registered' || event.kind === 'granted') catchUpNow(signal);
      // The key may be somebody else's. If this check fails, the next unlocking finds it.
      if (event.kind === 'key_registered') void device.checkKeys().catch(() => undefined);
    };
    void followFeed(take, tell, signal);
    void watchChain(signal);
    void watchServer(signal);
    catchUpNow(signal);
  };
  const stop = device.watch(follow);
  follow();
  return () => {
    stop();
    running?.abort();
    running = null;
  };
}
