/** Who opened what, and the proof of it. */
import { listActivity, proofOfRead } from '../flows/audit.ts';
import type { ActivityFilter, ActivityItem, Hex, Loaded, ReadProof } from './types.ts';
import { useReady } from './use-loaded.ts';

/** Openings of one's own records, and one's own openings, newest first. */
export const useActivity = (filter: ActivityFilter = {}): Loaded<readonly ActivityItem[]> =>
  useReady(['activity', filter.record ?? null, filter.purpose ?? null, filter.from ?? null, filter.until ?? null], () => listActivity(filter), {
    // An entry gets its place in the log a few seconds after the opening.
    isUnsettled: (items) => items.some((item) => item.index === null),
  });

/** What proves one opening; asked only when there is a leaf. */
export const useReadProof = (leaf: Hex | null): Loaded<ReadProof> =>
  useReady(['activity', 'proof', leaf], (client) => proofOfRead(client, leaf as Hex), {
    isWanted: leaf !== null,
    isUnsettled: (proof) => proof.inclusion === null,
  });
