/** Finds the wallets of this browser with EIP-6963 only. `window.ethereum` is not used: it belongs to whichever wallet set it last. */
import type { Eip1193 } from './eip1193.ts';

/** A wallet that announced itself. */
export interface Announced {
  readonly uuid: string;
  readonly rdns: string;
  readonly name: string;
  readonly icon: string;
  readonly provider: Eip1193;
}

const announced = new Map<string, Announced>();
const listeners = new Set<() => void>();
let snapshot: readonly Announced[] = [];
let isListening = false;

/** Reads an announcement: texts as one line each, and only pictures that need no request. */
function read(detail: unknown): Announced | null {
  if (typeof detail !== 'object' || detail === null) return null;
  const { info, provider } = detail as { info?: Record<string, unknown>; provider?: Eip1193 };
  if (info === undefined || typeof provider?.request !== 'function') return null;
  const text = (name: string, length: number): string => {
    const value = info[name];
    return typeof value === 'string' ? value.slice(0, length) : '';
  };
  const icon = text('icon', 200_000);
  const uuid = text('uuid', 64);
  if (uuid === '') return null;
  return {
    uuid,
    rdns: text('rdns', 200),
    name: text('name', 60) || text('rdns', 60),
    icon: icon.startsWith('data:image/') ? icon : '',
    provider,
  };
}

function onAnnounce(event: Event): void {
  const wallet = read((event as CustomEvent<unknown>).detail);
  if (wallet === null || announced.has(wallet.uuid)) return;
  announced.set(wallet.uuid, wallet);
  snapshot = [...announced.values()].sort((a, b) => a.name.localeCompare(b.name));
  for (const listener of listeners) listener();
}

/** Starts to listen and asks wallets to announce themselves. Later calls only ask again. */
export function searchWallets(): void {
  if (!isListening) {
    isListening = true;
    window.addEventListener('eip6963:announceProvider', onAnnounce);
  }
  window.dispatchEvent(new Event('eip6963:requestProvider'));
}

/** Returns the wallets that have announced themselves so far, sorted by name. The array is the same object until it changes. */
export const wallets = (): readonly Announced[] => snapshot;

/** Calls `listener` when a wallet announces itself. Returns the function that stops it. */
export function onWallets(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
