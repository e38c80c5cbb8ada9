/** Mounted once around the app: queries, the session, the idle lock, the event feed. */
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { useEffect, type ReactNode } from 'react';
import type { FeedEvent } from '../api/routes.ts';
import { device } from '../device/device.ts';
import { watchIdle } from '../device/idle.ts';
import { onFeed, runLive } from '../background/live.ts';

const queries = new QueryClient({
  defaultOptions: {
    queries: { refetchOnWindowFocus: false, gcTime: 5 * 60_000, networkMode: 'always' },
    mutations: { networkMode: 'always' },
  },
});

/** Which lists an event makes stale. */
const STALE: Readonly<Record<FeedEvent['kind'], readonly string[]>> = {
  record_registered: ['records', 'record-name', 'grants'],
  record_status_changed: ['records'],
  record_retracted: ['records'],
  granted: ['grants', 'records', 'requests', 'inbox'],
  revoked: ['grants', 'records', 'inbox'],
  key_registered: ['people'],
  request_opened: ['requests'],
  request_answered: ['requests', 'grants'],
  accessed: ['activity', 'audit'],
  action_settled: [],
  accreditation_changed: ['people', 'requests'],
};

export function DataProvider({ children }: { readonly children: ReactNode }): ReactNode {
  useEffect(() => {
    device.start();
    const stopIdle = watchIdle();
    const stopLive = runLive();
    const stopFeed = onFeed((event) => {
      if (event === 'again') void queries.invalidateQueries();
      // A kind that this version does not know changes nothing that it shows.
      else for (const key of STALE[event.kind] ?? []) void queries.invalidateQueries({ queryKey: [key] });
    });
    let wasReady = false;
    const stopWatch = device.watch(() => {
      const isReady = device.snapshot().session.state === 'ready';
      // What was read with the keys goes with them: names, reasons, contacts.
      if (wasReady && !isReady) queries.clear();
      wasReady = isReady;
    });
    return () => {
      stopIdle();
      stopLive();
      stopFeed();
      stopWatch();
    };
  }, []);
  return <QueryClientProvider client={queries}>{children}</QueryClientProvider>;
}
