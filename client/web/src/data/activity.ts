/** Who opened what, and the proof of it. */
import { listActivity, proofOfRead } from '../flows/audit.ts';
import type { Loaded } from '../types/actions.ts';
import type { ActivityFilter, ActivityItem, ReadProof } from '../types/log.ts';
import { useReady } from './use-loaded.ts';

/** Openings of one's own records, and one's own openings, newest first. */
export const useActivity = (filter: ActivityFilter = {}): Loaded<readonly ActivityItem[]> =>
  useReady(
    ['activity', filter.record ?? null, filter.purpose ?? null, filter.from ?? null, filter.until ?? null],
    (client) => listActivity(client, filter),
    {
      // An entry gets its place in the log a few seconds after the opening.
      isUnsettled: (items) => items.some((item) => !item.isAnchored),
    },
  );

/** What proves one opening; asked only when there is an entry. */
export const useReadProof = (entry: ActivityItem | null): Loaded<ReadProof> =>
  useReady(['activity', 'proof', entry?.leaf ?? null, entry], (client) => proofOfRead(client, entry as ActivityItem), {
    isWanted: entry !== null,
    isUnsettled: (proof) => proof.inclusion === null,
  });
