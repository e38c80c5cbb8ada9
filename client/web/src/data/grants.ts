/** Sharing: what was granted, granting, and ending it. */
import { device } from '../device/device.ts';
import { describeEnding, describeGrants, listGiven, listGrants, revoke, revokeEveryone, share } from '../flows/grants.ts';
import type { Hex } from 'viem';
import type { Act, Loaded } from './types/actions.ts';
import type { Ending, GrantItem, Granted, NewGrants, Revoked } from './types/grants.ts';
import type { Confirmation } from './types/signing.ts';
import { useAct } from './use-act.ts';
import { useReady } from './use-loaded.ts';

/** Grants given or received, with terms and state from the chain. */
export const useGrants = (side: 'given' | 'received', record?: Hex): Loaded<readonly GrantItem[]> =>
  useReady(['grants', side, record ?? null], async (client) =>
    side === 'given' ? listGiven(client, record) : (await listGrants(client, side, record)).map(({ item }) => item),
  );

export const useShare = (): Act<NewGrants, Granted> =>
  useAct(async (wanted, errand) => share(await device.ready(), wanted, null, errand), ['grants', 'requests']);

export const useRevoke = (): Act<Ending, Revoked> =>
  useAct(async (ending, errand) => revoke(await device.ready(), ending, errand), ['grants']);

export const useRevokeEveryone = (): Act<{ confirm?: Confirmation } | undefined, Revoked> =>
  useAct(async (_, errand) => revokeEveryone(await device.ready(), errand), ['grants']);

/** The sentence of a grant, to be shown beside the button that gives it. */
export const describeShare = describeGrants;

/** The sentence of an ending. */
export const describeRevoke = describeEnding;
