/** Strangers, and senders whom one does not want: what waits apart, accepting, hiding and blocking. */
import type { Address, Hex } from 'viem';
import * as api from '../api/routes.ts';
import { mapEach } from '../flows/each.ts';
import { listWaiting } from '../flows/grants.ts';
import type { Act, Listed, Loaded } from '../types/actions.ts';
import type { GrantItem } from '../types/grants.ts';
import type { BlockedSender } from '../types/people.ts';
import { useAct } from './use-act.ts';
import { useReady } from './use-loaded.ts';

/** What changes with each of these. */
const LISTS = ['inbox', 'grants', 'records', 'requests'];

/** Received grants that are not in the ordinary list: the first of them, and whether there are more. */
export const useWaiting = (shelf: 'strangers' | 'hidden'): Loaded<Listed<GrantItem> & { readonly more: boolean }> =>
  // No feed tells what strangers do: it is asked for with every visit, and now and then.
  useReady(['inbox', shelf], (client) => listWaiting(client, shelf), { staleMs: 0, everyMs: 10_000 });

/** From now on somebody is known. */
export const useAccept = (): Act<Address, void> => useAct((address: Address) => api.accept(address), LISTS);

/** Hides grants from one's own lists; they go on to count. One that cannot be hidden is told, after the others were. */
export const useHide = (): Act<readonly Hex[], void> =>
  useAct(async (grants: readonly Hex[]) => {
    const { bad } = await mapEach(grants, (grant) => api.hideGrant(grant, true), 1);
    if (bad[0] !== undefined) throw bad[0].failure;
  }, LISTS);

export const useShowAgain = (): Act<Hex, void> => useAct((grant: Hex) => api.hideGrant(grant, false), LISTS);

/** Whose grants and requests one does not want, newest first. */
export const useBlocked = (): Loaded<readonly BlockedSender[]> =>
  useReady(['inbox', 'blocked'], async () =>
    (await api.blocks()).map(({ address, since }) => ({ address: address.toLowerCase() as Address, since })),
  );

export const useBlock = (): Act<Address, void> => useAct((address: Address) => api.block(address, true), LISTS);
export const useUnblock = (): Act<Address, void> => useAct((address: Address) => api.block(address, false), LISTS);
