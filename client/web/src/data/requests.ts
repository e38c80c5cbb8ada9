/** Hooks for access requests. */
import { device } from '../device/device.ts';
import { approve, ask, deny, listRequests } from '../flows/requests.ts';
import type { Hex } from 'viem';
import type { Act, LoadedList } from '../types/actions.ts';
import type { Granted } from '../types/grants.ts';
import type { Approval, NewRequest, RequestItem } from '../types/requests.ts';
import type { Confirmation } from '../types/signing.ts';
import { useAct } from './use-act.ts';
import { useList, useReady } from './use-loaded.ts';

/** Requests to and from the person, newest first. */
export const useRequests = (): LoadedList<RequestItem> => useList(useReady(['requests'], listRequests));

export const useAskAccess = (): Act<NewRequest, Hex> =>
  useAct(async (wanted, errand) => ask(await device.ready(), wanted, errand), ['requests']);

export const useApprove = (): Act<Approval, Granted> =>
  useAct(async (approval, errand) => approve(await device.ready(), approval, errand), ['requests', 'grants']);

export const useDeny = (): Act<{ request: Hex; confirm?: Confirmation }, void> =>
  useAct(async ({ request }, errand) => deny(await device.ready(), request, errand), ['requests']);
