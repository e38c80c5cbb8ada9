/** Hooks for accrediting practitioners. */
import { useMemo } from 'react';
import * as api from '../api/routes.ts';
import { device } from '../device/device.ts';
import { accredit, addAccreditor, ownPractitioners, publishProfile, reinstate, removeAccreditor, suspend } from '../flows/people.ts';
import type { Address } from 'viem';
import type { Act, LoadedList } from '../types/actions.ts';
import type { Accreditation, NewAccreditation, NewProfile, Person } from '../types/people.ts';
import { useAct } from './use-act.ts';
import { useList, useReady } from './use-loaded.ts';

/** Everybody whom the signed-in person has accredited. */
export const usePractitioners = (): LoadedList<Person> => useList(useReady(['people', 'mine'], ownPractitioners));

export function useAccreditation(): Accreditation {
  const changes = ['people'];
  const vouching = useAct(async (wanted: NewAccreditation, errand) => accredit(await device.ready(), wanted, errand), changes);
  const suspending = useAct(async (address: Address, errand) => suspend(await device.ready(), address, errand), changes);
  const reinstating = useAct(async (address: Address, errand) => reinstate(await device.ready(), address, errand), changes);
  const publishing = useAct(async (wanted: NewProfile, errand) => publishProfile(await device.ready(), wanted, errand), changes);
  const adding = useAct(async (address: Address, errand) => addAccreditor(await device.ready(), address, errand), changes);
  const removing = useAct(async (address: Address, errand) => removeAccreditor(await device.ready(), address, errand), changes);
  return useMemo(
    () => ({
      accredit: vouching,
      suspend: suspending,
      reinstate: reinstating,
      publishProfile: publishing,
      addAccreditor: adding,
      removeAccreditor: removing,
    }),
    [vouching, suspending, reinstating, publishing, adding, removing],
  );
}

/** Lets a new person use the server. Nothing is signed. */
export const useInvite = (): Act<Address, void> => useAct((address: Address) => api.invite(address));
