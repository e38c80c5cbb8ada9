/** Hooks for grants: the lists, granting, and revoking. */
import { device } from '../device/device.ts';
import * as flow from '../flows/grants.ts';
import { revoke, revokeEveryone } from '../flows/revoke.ts';
import { sentGrants } from '../flows/sent-grants.ts';
import type { Hex } from 'viem';
import type { Act, Loaded, LoadedList } from '../types/actions.ts';
import type { Ending, GrantItem, Granted, NewGrants, Revoked, SentGrantItem } from '../types/grants.ts';
import type { Confirmation } from '../types/signing.ts';
import { useAct } from './use-act.ts';
import { useList, useReady, useSignedIn } from './use-loaded.ts';

/** Grants given or received, with terms and state from the chain. */
export function useGrants(side: 'given' | 'received', record?: Hex): LoadedList<GrantItem> {
  return useList(
    useReady(['grants', side, record ?? null], async (client) =>
      side === 'given' ? flow.listGiven(client, record) : flow.listReceived(client, record),
    ),
  );
}

/** Given grants while the session is locked. Names come from the server and are not checked. */
export const useGivenWhileLocked = (): LoadedList<GrantItem> =>
  useList(useSignedIn(['grants', 'locked'], (client) => flow.listGiven(client)));

/** Grants that were signed in this browser and may still take effect. */
export const useSentGrants = (): Loaded<readonly SentGrantItem[]> =>
  useSignedIn(['grants', 'sent'], sentGrants, { isUnsettled: (sent) => sent.length > 0 });

export const useGrant = (): Act<NewGrants, Granted> =>
  useAct(async (wanted, errand) => flow.grant(await device.ready(), wanted, null, errand), ['grants', 'requests']);

/** Revokes grants. It needs only the wallet, unless a person is named: only the seed tells which tags belong to that person. */
export const useRevoke = (): Act<Ending, Revoked> =>
  useAct(async (ending, errand) => revoke(await device.withWallet(), ending, errand), ['grants']);

/** Revokes every permission. It needs only the wallet. */
export const useRevokeEveryone = (): Act<{ confirm?: Confirmation } | undefined, Revoked> =>
  useAct(async (_, errand) => revokeEveryone(await device.withWallet(), errand), ['grants']);

/** Returns the sentence of a grant, to be shown beside the button that grants. */
export const describeGrant = flow.describeGrant;
