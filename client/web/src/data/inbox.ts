/** Hooks for grants of strangers and of unwanted senders: the waiting lists, accepting, hiding and blocking. */
import type { Address, Hex } from 'viem';
import * as api from '../api/routes.ts';
import { mapEach } from '../flows/each.ts';
import { listWaiting } from '../flows/grants.ts';
import type { Act, Listed, Loaded } from '../types/actions.ts';
import type { GrantItem } from '../types/grants.ts';
import type { BlockedSender } from '../types/people.ts';
import { useAct } from './use-act.ts';
import { useReady } from './use-loaded.ts';

/** The lists that each of these actions changes. */
const LISTS = ['inbox', 'grants', 'records', 'requests'];

/** Received grants that are not in the ordinary list: the first page, and whether there are more. */
export const useWaiting = (shelf: 'strangers' | 'hidden'): Loaded<Listed<GrantItem> & { readonly more: boolean }> =>
  // The feed does not report what strangers do: the list is read on every visit and every ten seconds.
  useReady(['inbox', shelf], (client) => listWaiting(client, shelf), { staleMs: 0, everyMs: 10_000 });

/** Accepts a person: from now on they are known. */
export const useAccept = (): Act<Address, void> => useAct((address: Address) => api.accept(address), LISTS);

/**
 * Hides grants from the person's own lists; the grants still count. If one cannot be hidden, the error is thrown after the others were
 * hidden.
 */
export const useHide = (): Act<readonly Hex[], void> =>
  useAct(async (grants: readonly Hex[]) => {
    const { bad } = await mapEach(grants, (grant) => api.hideGrant(grant, true), 1);
    if (bad[0] !== undefined) throw bad[0].failure;
  }, LISTS);

export const useShowAgain = (): Act<Hex, void> => useAct((grant: Hex) => api.hideGrant(grant, false), LISTS);

/** People whose grants and requests the person does not want, newest first. */
export const useBlocked = (): Loaded<readonly BlockedSender[]> =>
  useReady(['inbox', 'blocked'], async () =>
    (await api.blocks()).map(({ address, since }) => ({ address: address.toLowerCase() as Address, since })),
  );

export const useBlock = (): Act<Address, void> => useAct((address: Address) => api.block(address, true), LISTS);
export const useUnblock = (): Act<Address, void> => useAct((address: Address) => api.block(address, false), LISTS);
