/** Locks the session after fifteen minutes without pointer or keyboard input, and counts down the last two minutes. */
import { device } from './device.ts';

export const IDLE_MS = 15 * 60_000;
const WARN_MS = 2 * 60_000;
/** The interval of the check. A computer that slept notices the end of the idle time at the first check after it wakes. */
const CHECK_MS = 1_000;

/** Tabs tell each other that the person is active: a tab in the background must not lock the tab that is used. */
const tabs = new BroadcastChannel('medlock.seen');
const TELL_TABS_MS = 5_000;

let lastSeen = Date.now();
let lastTold = 0;
let left: number | null = null;
let limitMs = IDLE_MS;
const listeners = new Set<() => void>();

/** Returns the seconds until the lock; `null` before the last two minutes. */
export const secondsToLock = (): number | null => left;

/** Calls `listener` on every change. Returns the function that stops it. */
export function onCountdown(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(next: number | null): void {
  if (next === left) return;
  left = next;
  for (const listener of listeners) listener();
}

/** Records that the person is active in this tab. */
function sawPerson(): void {
  lastSeen = Date.now();
  if (lastSeen - lastTold < TELL_TABS_MS) return;
  lastTold = lastSeen;
  tabs.postMessage(lastSeen);
}

/** Restarts the idle time and ends the countdown. */
export function stayAwake(): void {
  sawPerson();
  tell(null);
}

function check(): void {
  if (!device.hasKeys) {
    tell(null);
    return;
  }
  const rest = limitMs - (Date.now() - lastSeen);
  if (rest <= 0) {
    tell(null);
    device.lock('idle');
  } else {
    tell(rest <= Math.min(WARN_MS, limitMs) ? Math.ceil(rest / 1000) : null);
  }
}

/** Watches for input until the returned function is called. */
export function watchIdle(limit = IDLE_MS): () => void {
  limitMs = limit;
  stayAwake();
  const seen = (): void => {
    // Once the countdown is shown, an accidental movement does not end it: the person would not have time to read it.
    if (left === null) sawPerson();
  };
  const pressed = (): void => stayAwake();
  const events = ['pointermove', 'wheel', 'scroll'] as const;
  for (const event of events) window.addEventListener(event, seen, { passive: true });
  for (const event of ['pointerdown', 'keydown'] as const) window.addEventListener(event, pressed, { passive: true, capture: true });
  tabs.onmessage = () => {
    lastSeen = Date.now();
    tell(null);
  };
  let was = device.snapshot().session.state;
  const stop = device.watch(() => {
    const { state } = device.snapshot().session;
    if (state === 'ready' && was !== 'ready') stayAwake();
    was = state;
  });
  const timer = setInterval(check, CHECK_MS);
  return () => {
    clearInterval(timer);
    tabs.onmessage = null;
    stop();
    for (const event of events) window.removeEventListener(event, seen);
    for (const event of ['pointerdown', 'keydown'] as const) window.removeEventListener(event, pressed, { capture: true });
  };
}
