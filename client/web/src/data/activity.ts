/** Hooks for the list of openings and their proofs. */
import { listActivity, proofOfRead } from '../flows/audit.ts';
import type { Loaded } from '../types/actions.ts';
import type { ActivityFilter, ActivityItem, ReadProof } from '../types/log.ts';
import { useReady } from './use-loaded.ts';

/** Openings of the person's own records, and openings that the person made, newest first. */
export const useActivity = (filter: ActivityFilter = {}): Loaded<readonly ActivityItem[]> =>
  useReady(
    ['activity', filter.record ?? null, filter.purpose ?? null, filter.from ?? null, filter.until ?? null],
    (client) => listActivity(client, filter),
    {
      // An entry gets its position in the log a few seconds after the opening.
      isUnsettled: (items) => items.some((item) => !item.isAnchored),
    },
  );

/** The proof of one opening. It is loaded only if `entry` is not `null`. */
export const useReadProof = (entry: ActivityItem | null): Loaded<ReadProof> =>
  useReady(['activity', 'proof', entry?.leaf ?? null, entry], (client) => proofOfRead(client, entry as ActivityItem), {
    isWanted: entry !== null,
    isUnsettled: (proof) => proof.inclusion === null,
  });
