/** Tests for keyrings that are made here, for notes, address books and kits, and for the limits of secrets. */

import { privateKeyToAccount } from 'viem/accounts';
import { describe, expect, test, vi } from 'vitest';
import { AddressBook } from '../../src/protocol/address-book.ts';
import { utf8 } from '../../src/protocol/bytes.ts';
import { noteBinding } from '../../src/protocol/capsule.ts';
import { Keyring } from '../../src/protocol/keyring/keyring.ts';
import { WalletMessage } from '../../src/protocol/keyring/wallet.ts';
import { LABELS } from '../../src/protocol/kdf.ts';
import { MAX_NOTE_TEXT_LEN, openNote, sealNote } from '../../src/protocol/note.ts';
import { kitFromText, kitToText, seedFromWords, seedToWords } from '../../src/protocol/recovery.ts';
import { DataKey } from '../../src/protocol/secret.ts';
import { argon2idForTests } from './argon2.ts';
import { CONTEXT, GRANT_REGISTRY, GRANTEE, KEY_EPOCH, PATIENT, PATIENT_KEY, seedOf, WALLET } from './people.ts';

// Argon2id and thousands of cases are slow on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const account = privateKeyToAccount(WALLET);
const failsWith = (code: string): unknown => expect.objectContaining({ code });
const newMessage = (): WalletMessage =>
  WalletMessage.create({
    owner: PATIENT,
    chainId: CONTEXT.chainId,
    domain: 'localhost:5173',
    uri: 'http://localhost:5173',
    issuedAt: '2026-11-21T03:00:00Z',
  });

describe('a keyring', () => {
  test('opens with the wallet and with the passphrase, after it was stored', async () => {
    const keyring = new Keyring(CONTEXT.chainId, PATIENT);
    const message = newMessage();
    const signature = await account.signMessage({ message: message.text });
    await keyring.addWallet(seedOf(1), message, signature, signature);
    await keyring.addPassphrase(seedOf(1), 'correct horse battery', argon2idForTests);
    const stored = Keyring.fromJson(keyring.toJson(), CONTEXT.chainId, PATIENT);
    expect((await stored.openWithWallet(message, signature)).equals(seedOf(1))).toBe(true);
    expect((await stored.openWithPassphrase('correct horse battery', argon2idForTests)).equals(seedOf(1))).toBe(true);
    await expect(stored.openWithPassphrase('correct horse batterz', argon2idForTests)).rejects.toThrow(failsWith('no_match'));
    expect(stored.remove(0)).toBe(true);
    await expect(stored.openWithWallet(message, signature)).rejects.toThrow(failsWith('no_match'));
  });

  test('takes no wallet that signs differently each time, and no stranger', async () => {
    const keyring = new Keyring(CONTEXT.chainId, PATIENT);
    const message = newMessage();
    const signature = await account.signMessage({ message: message.text });
    const other = await account.signMessage({ message: 'other' });
    await expect(keyring.addWallet(seedOf(1), message, signature, other)).rejects.toThrow(failsWith('unstable_signature'));
    await expect(keyring.addWallet(seedOf(1), message, other, other)).rejects.toThrow(failsWith('invalid_signature'));
    const elsewhere = new Keyring(1, PATIENT);
    await expect(elsewhere.addWallet(seedOf(1), message, signature, signature)).rejects.toThrow(failsWith('other_owner'));
  });

  test('is read only if it is the account’s and of its form', () => {
    const keyring = new Keyring(CONTEXT.chainId, PATIENT);
    const json = keyring.toJson();
    expect(() => Keyring.fromJson(json, CONTEXT.chainId, GRANTEE)).toThrow(failsWith('other_owner'));
    expect(() => Keyring.fromJson(json, 1, PATIENT)).toThrow(failsWith('other_owner'));
    expect(() => Keyring.fromJson(utf8('{'), CONTEXT.chainId, PATIENT)).toThrow(failsWith('malformed'));
    expect(() => Keyring.fromJson(new Uint8Array(70_000), CONTEXT.chainId, PATIENT)).toThrow(failsWith('malformed'));
  });

  test('takes passphrases of at least ten characters', async () => {
    const keyring = new Keyring(CONTEXT.chainId, PATIENT);
    const add = (passphrase: string): Promise<void> => keyring.addPassphrase(seedOf(1), passphrase, argon2idForTests);
    await expect(add('123456789')).rejects.toThrow(failsWith('passphrase_length'));
    await expect(add('ä'.repeat(513))).rejects.toThrow(failsWith('passphrase_length'));
  });

  test('refuses an unlock message that is not exactly of its form', () => {
    const { text } = newMessage();
    expect(WalletMessage.parse(text).text).toBe(text);
    const bad = [text.replace('Unlock', 'Sign in'), `${text}\n`, text.replace('- urn', '-  urn'), text.replace('8B75', '8b75')];
    bad.push(text.replace('Version: 1', 'Version: 2'), text.replaceAll('\n', '\r\n'), text.replace('Chain ID: ', 'Chain ID: 0'));
    for (const other of bad) expect(() => WalletMessage.parse(other)).toThrow(failsWith('malformed'));
  });
});

describe('a recovery kit', () => {
  test('is read as it was printed, in any case and with more blanks', () => {
    const kit = { chainId: 31_337, owner: PATIENT, seed: seedOf(0x7a) };
    const text = kitToText(kit);
    const [title, chain, owner, ...words] = text.split('\n');
    const typed = [title, '', chain, owner, ...words.map((line) => line.toUpperCase().replaceAll('   ', '\t'))].join('\r\n');
    expect(kitFromText(typed).seed.equals(kit.seed)).toBe(true);
    expect(kitFromText(text)).toMatchObject({ chainId: 31_337, owner: PATIENT });
    expect(kitFromText(text).seed.equals(kit.seed)).toBe(true);
    expect(() => kitFromText('medlock')).toThrow(failsWith('malformed'));
  });

  test('says which word is wrong', () => {
    const words = seedToWords(seedOf(0x7a)).split(' ');
    words[4] = 'medlock';
    expect(() => seedFromWords(words.join(' '))).toThrow(expect.objectContaining({ code: 'unknown_word', place: 5 }));
    expect(() => seedFromWords(words.slice(1).join(' '))).toThrow(failsWith('count'));
    words[4] = words[5] === 'abandon' ? 'ability' : 'abandon';
    expect(() => seedFromWords(words.join(' '))).toThrow(failsWith('checksum'));
  });
});

describe('notes and address books', () => {
  const binding = noteBinding(CONTEXT.chainId, GRANT_REGISTRY, PATIENT, KEY_EPOCH);

  test('a note opens for the patient, from its author', async () => {
    for (const text of ['', 'Darf ich den Befund sehen?', 'x'.repeat(MAX_NOTE_TEXT_LEN)]) {
      const note = await sealNote(text, GRANTEE, PATIENT_KEY.publicKey, binding);
      expect(note.length).toBe(2_212);
      expect(await openNote(note, GRANTEE, PATIENT_KEY, binding)).toBe(text);
    }
    const long = sealNote('x'.repeat(MAX_NOTE_TEXT_LEN + 1), GRANTEE, PATIENT_KEY.publicKey, binding);
    await expect(long).rejects.toThrow(failsWith('too_long'));
  });

  test('an address book opens for its owner', async () => {
    const book = new AddressBook();
    book.set(GRANTEE, 'Dr. Ada');
    book.set(PATIENT, 'मैं');
    const sealed = await book.seal(seedOf(1), PATIENT);
    expect(sealed.length).toBe(4 + 12 + 4_096 + 16);
    const opened = await AddressBook.open(sealed, seedOf(1), PATIENT);
    expect(opened.entries()).toEqual(book.entries());
    expect(opened.remove(GRANTEE)).toBe(true);
    expect(opened.find(GRANTEE)).toBeNull();
    await expect(AddressBook.open(sealed, seedOf(2), PATIENT)).rejects.toThrow(failsWith('tag'));
    for (const name of ['', ' \u0085 ', 'a\u0000', 'x'.repeat(129)]) expect(() => book.set(GRANTEE, name)).toThrow(failsWith('name'));
  });
});

describe('secrets', () => {
  test('do not show themselves, and do not serve after they were wiped', () => {
    const key = DataKey.generate();
    expect(() => JSON.stringify({ key })).toThrow();
    expect(`${key}`).toBe('[secret]');
    expect(JSON.stringify(structuredClone({ ...key }))).not.toMatch(/\d{3}/);
    key.wipe();
    expect(() => key.expose()).toThrow();
  });

  test('derive under labels of which none is the beginning of another', () => {
    const labels = Object.values(LABELS).map((label) => new TextDecoder().decode(label));
    for (const one of labels) {
      expect(one.indexOf('\0')).toBe(one.length - 1);
      expect(labels.filter((other) => other.startsWith(one))).toEqual([one]);
    }
  });
});
