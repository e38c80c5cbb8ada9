/** Provider that is mounted once around the app: queries, the session, the idle lock, the event feed. */
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

/** The lists that must be loaded again after an event of each kind. */
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
      // This version shows nothing that depends on a kind of event that it does not know.
      else for (const key of STALE[event.kind] ?? []) void queries.invalidateQueries({ queryKey: [key] });
    });
    let wasReady = false;
    const stopWatch = device.watch(() => {
      const isReady = device.snapshot().session.state === 'ready';
      // Data that was read with the keys is removed together with them: names, reasons, contacts.
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
