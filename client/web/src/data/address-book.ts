/** Private names. */
import { useMemo } from 'react';
import { device } from '../device/device.ts';
import { listContacts, putContact, removeContact } from '../flows/contacts.ts';
import type { Address } from 'viem';
import type { AddressBook, Contact } from '../types/people.ts';
import { useAct } from './use-act.ts';
import { useReady } from './use-loaded.ts';

export function useAddressBook(): AddressBook {
  const contacts = useReady(['contacts'], listContacts, { staleMs: 60_000 });
  const put = useAct(async (contact: Contact) => putContact(await device.ready(), contact), ['contacts']);
  const remove = useAct(async (address: Address) => removeContact(await device.ready(), address), ['contacts']);
  return useMemo(() => ({ contacts, put, remove }), [contacts, put, remove]);
}
