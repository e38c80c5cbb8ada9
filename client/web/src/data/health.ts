/** State of the connections (feed, server, chain), and the result of the catch-up. */
import { useMemo, useSyncExternalStore } from 'react';
import { onReachability, serverReachability } from '../api/request.ts';
import { liveState, onLive } from '../background/live.ts';
import type { Health } from '../types/health.ts';

export function useHealth(): Health {
  const live = useSyncExternalStore(onLive, liveState);
  const server = useSyncExternalStore(onReachability, serverReachability);
  return useMemo(() => ({ ...live, server }), [live, server]);
}
