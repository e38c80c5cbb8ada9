/**
 * Form content that survives an expired session, a lock, or leaving the page and coming back. It is kept in memory only, since a draft may
 * contain a diagnosis. Drafts of another account are deleted.
 */
import { useCallback, useSyncExternalStore } from 'react';
import { device } from '../device/device.ts';

const drafts = new Map<string, unknown>();
const listeners = new Set<() => void>();
let owner: string | null = null;

device.watch(() => {
  const { wallet, session } = device.snapshot();
  const address = wallet?.address ?? null;
  const isOthers = address !== null && owner !== null && address !== owner;
  const isOver = session.state === 'signed_out' && session.why === 'signed_out';
  if (address !== null) owner = address;
  if ((isOthers || isOver) && drafts.size > 0) {
    drafts.clear();
    for (const listener of listeners) listener();
  }
});

function watch(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function set(name: string, value: unknown): void {
  if (value === undefined) drafts.delete(name);
  else drafts.set(name, value);
  for (const listener of listeners) listener();
}

/** Returns the content of the form with this name, a function that changes it, and one that deletes it. `initial` must not change. */
export function useDraft<T extends object>(name: string, initial: T): [T, (next: T | ((known: T) => T)) => void, () => void] {
  const get = useCallback((): T => (drafts.has(name) ? (drafts.get(name) as T) : initial), [name, initial]);
  const value = useSyncExternalStore(watch, get);
  const put = useCallback((next: T | ((known: T) => T)): void => set(name, typeof next === 'function' ? next(get()) : next), [name, get]);
  const forget = useCallback((): void => set(name, undefined), [name]);
  return [value, put, forget];
}
