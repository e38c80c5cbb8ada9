/**
 * The address book: private names for addresses. Only their owner can read them.
 *
 * ```text
 * off len
 *   0   4  magic "MLB1"
 *   4  12  nonce, random
 *  16   …  AES-256-GCM over: length 4 ‖ JSON ‖ zeros up to a multiple of 4,096; and its tag
 * ```
 *
 * Key: `Expand(seed, "medlock/v1/address-book\0")`; associated data: label ‖ owner 20.
 */

import { type Bytes, concat, fromUtf8, utf8 } from './bytes.ts';
import { ProtocolError } from './error.ts';
import { type Address, addressBytes, isHex } from './hex.ts';
import { exactFields } from './json-form.ts';
import { expand, LABELS } from './kdf.ts';
import { type Random, systemRandom } from './random.ts';
import { decrypt, encrypt, pad, unpad } from './sealed-box.ts';
import type { Seed } from './secret.ts';

/** The maximum length of a sealed address book in bytes. */
const MAX_ADDRESS_BOOK_LEN = 1 << 20;
/** The maximum length of a name, in bytes of UTF-8. */
const MAX_NAME_LEN = 128;
const MAGIC = utf8('MLB1');
const NONCE_AT = 4;
const CIPHERTEXT_AT = 16;
const STEP = 4_096;

const MESSAGES = {
  name: 'a name is empty or too long',
  too_long: 'the address book is too long',
  malformed: 'malformed address book',
  tag: 'the address book was changed or belongs to another account',
} as const;

/** The reason why an address book cannot be made or read. `tag`: it belongs to another seed or owner, or was changed. */
export class AddressBookError extends ProtocolError<keyof typeof MESSAGES> {
  constructor(code: keyof typeof MESSAGES) {
    super(code, MESSAGES[code]);
  }
}

/** Private names. Addresses are stored in lower case. */
export class AddressBook {
  readonly #names = new Map<Address, string>();

  /** Returns the name of an address; `null` if it has none. */
  find(address: Address): string | null {
    return this.#names.get(lower(address)) ?? null;
  }

  /** Returns all names, in ascending order of their addresses. */
  entries(): [Address, string][] {
    return [...this.#names].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /**
   * Sets the name of an address, and replaces an earlier one.
   *
   * @throws AddressBookError `name`.
   */
  set(address: Address, name: string): void {
    if (!isName(name)) throw new AddressBookError('name');
    this.#names.set(lower(address), name);
  }

  /** Removes the name of an address. Returns `false` if it had none. */
  remove(address: Address): boolean {
    return this.#names.delete(lower(address));
  }

  /**
   * Encrypts the address book under the seed of its owner.
   *
   * @throws AddressBookError `too_long`.
   */
  async seal(seed: Seed, owner: Address, random: Random = systemRandom): Promise<Bytes> {
    const json = utf8(JSON.stringify({ version: 1, names: Object.fromEntries(this.entries()) }));
    const padded = pad(json, Math.ceil((json.length + 4) / STEP) * STEP);
    if (padded === null) throw new AddressBookError('too_long');
    const nonce = random(CIPHERTEXT_AT - NONCE_AT);
    const key = expand(seed.expose(), LABELS.addressBook);
    const sealed = concat(MAGIC, nonce, await encrypt(key, nonce, associatedData(owner), padded));
    for (const used of [key, padded, json]) used.fill(0);
    if (sealed.length > MAX_ADDRESS_BOOK_LEN) throw new AddressBookError('too_long');
    return sealed;
  }

  /**
   * Decrypts an address book.
   *
   * @throws AddressBookError
   */
  static async open(sealed: Bytes, seed: Seed, owner: Address): Promise<AddressBook> {
    if (sealed.length > MAX_ADDRESS_BOOK_LEN) throw new AddressBookError('too_long');
    const isForm = sealed.length >= CIPHERTEXT_AT && MAGIC.every((byte, i) => sealed[i] === byte);
    if (!isForm) throw new AddressBookError('malformed');
    const key = expand(seed.expose(), LABELS.addressBook);
    const nonce = sealed.slice(NONCE_AT, CIPHERTEXT_AT);
    const padded = await decrypt(key, nonce, associatedData(owner), sealed.subarray(CIPHERTEXT_AT));
    key.fill(0);
    if (padded === null) throw new AddressBookError('tag');
    const bytes = unpad(padded);
    const names = namesOf(bytes === null ? null : fromUtf8(bytes));
    padded.fill(0);
    if (names === null) throw new AddressBookError('malformed');
    const book = new AddressBook();
    for (const [address, name] of names) book.#names.set(address, name);
    return book;
  }
}

function namesOf(text: string | null): [Address, string][] | null {
  const json = exactFields(parseJson(text), ['version', 'names'] as const);
  if (json === null || json.version !== 1) return null;
  if (typeof json.names !== 'object' || json.names === null || Array.isArray(json.names)) return null;
  const names: [Address, string][] = [];
  for (const [address, name] of Object.entries(json.names)) {
    if (!isHex(address, 20) || typeof name !== 'string' || !isName(name)) return null;
    names.push([lower(address), name]);
  }
  return names;
}

function parseJson(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

/** Returns whether a text can be a name: it has a visible character, no control characters and no half surrogate pairs. */
function isName(name: string): boolean {
  return /\P{White_Space}/u.test(name) && utf8(name).length <= MAX_NAME_LEN && !/[\p{Cc}\p{Cs}]/u.test(name);
}

function lower(address: Address): Address {
  return address.toLowerCase() as Address;
}

function associatedData(owner: Address): Bytes {
  return concat(LABELS.addressBook, addressBytes(owner));
}
