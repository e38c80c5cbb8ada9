/** Hooks for people: the directory, and the name to show for a person. */
import { useMemo } from 'react';
import { listDirectory, person } from '../flows/people.ts';
import { useAddressBook } from './address-book.ts';
import type { Address } from 'viem';
import type { Loaded, LoadedList } from '../types/actions.ts';
import type { DirectoryFilter, Name, Person } from '../types/people.ts';
import { useDevice } from './use-device.ts';
import { useList, useReady, useSignedIn } from './use-loaded.ts';

/** Accredited people. Each is compared with the chain. */
export const useDirectory = (filter: DirectoryFilter = {}): LoadedList<Person> =>
  useList(useReady(['people', 'directory', filter.role ?? null, filter.name ?? null], (client) => listDirectory(client, filter)));

/** One person; `null` if nobody ever accredited them. */
export const usePerson = (address: Address | null): Loaded<Person | null> =>
  useSignedIn(['people', 'one', address], (client) => person(client, address as Address), { isWanted: address !== null, staleMs: 60_000 });

/** The name to show for a person: "You", the private name, or the name of the signed profile. */
export function useName(address: Address | null): Name {
  const self = useDevice().wallet?.address ?? null;
  const { contacts } = useAddressBook();
  const lower = address?.toLowerCase() ?? null;
  const mine = contacts.data?.find((contact) => contact.address === lower)?.name ?? null;
  const known = usePerson(lower === null || lower === self || mine !== null ? null : (lower as Address));
  const profile = known.data?.name ?? null;
  return useMemo((): Name => {
    if (mine !== null) return { text: mine, from: 'address_book' };
    if (lower !== null && lower === self) return { text: null, from: 'self' };
    return profile === null ? { text: null, from: null } : { text: profile, from: 'profile' };
  }, [mine, lower, self, profile]);
}
