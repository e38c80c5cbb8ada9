/**
 * Private names: an address book encrypted under the seed. All devices share the server's copy, and this browser keeps the last one that it
 * read. A write names the revision that it replaces. If another device has written in the meantime, its book is read, the change is made in
 * it, and it is written again. So no name is lost. Mirrors `client/src/contacts.rs`.
 */
import type { Address } from 'viem';
import * as api from '../api/routes.ts';
import type { Contact } from '../types/people.ts';
import type { ReadyClient } from '../device/client.ts';
import { Failure } from '../failure.ts';
import { AddressBook, AddressBookError } from '../protocol/address-book.ts';

const NAME = 'address-book';
const TRIES = 5;

/** Returns all private names, sorted by name. */
export async function listContacts(client: ReadyClient): Promise<Contact[]> {
  const { book } = await read(client);
  const contacts = book.entries().map(([address, name]) => ({ address, name }));
  return contacts.sort((a, b) => a.name.localeCompare(b.name));
}

/** Sets or changes the private name of a person. */
export const putContact = (client: ReadyClient, { address, name }: Contact): Promise<void> =>
  change(client, (book) => {
    book.set(address, name.trim());
    return true;
  });

/** Removes a private name. */
export const removeContact = (client: ReadyClient, address: Address): Promise<void> => change(client, (book) => book.remove(address));

/** Makes one change in the newest book. Writes nothing if `apply` returns that nothing changed. */
async function change(client: ReadyClient, apply: (book: AddressBook) => boolean): Promise<void> {
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const { book, tag } = await read(client);
    try {
      if (!apply(book)) return;
      const sealed = await book.seal(client.keys.seed, client.address);
      await api.putPrivateBlob('address-book', sealed, tag);
      await client.shelf.put(NAME, sealed);
      return;
    } catch (error) {
      const failure = unusable(error);
      // Another device has written first.
      if (!(failure instanceof Failure) || !['precondition_failed', 'already_exists'].includes(failure.code)) throw failure;
    }
  }
  throw new Failure('contended');
}

/** Returns the newest book and the server's revision of it. If the server has none, it gets this browser's copy with the next change. */
async function read(client: ReadyClient): Promise<{ book: AddressBook; tag: string | null }> {
  const open = async (sealed: Uint8Array<ArrayBuffer>): Promise<AddressBook> => {
    try {
      return await AddressBook.open(sealed, client.keys.seed, client.address);
    } catch (error) {
      throw unusable(error);
    }
  };
  const onServer = await api.privateBlob('address-book').catch((error: unknown) => {
    if (error instanceof Failure && error.code === 'unreachable') return null;
    throw error;
  });
  if (onServer !== null) {
    const book = await open(onServer.content);
    await client.shelf.put(NAME, onServer.content);
    return { book, tag: onServer.tag };
  }
  const kept = await client.shelf.get<Uint8Array<ArrayBuffer>>(NAME);
  return { book: kept === undefined ? new AddressBook() : await open(kept), tag: null };
}

function unusable(error: unknown): unknown {
  if (!(error instanceof AddressBookError)) return error;
  if (error.code === 'name') return new Failure('invalid_form', { cause: error, values: { field: 'name' } });
  if (error.code === 'too_long') return new Failure('too_large', { cause: error });
  return new Failure('invalid_address_book', { cause: error });
}
