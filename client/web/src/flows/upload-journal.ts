/**
 * What is kept of an upload until it has ended, so that doing it again completes it instead of starting another. An entry
 * holds no key, no name, and nothing by which a guess of the content could be confirmed: neither its hash, nor its exact
 * length, nor the author's signature over it. What was encrypted under a lost key is encrypted anew, for the same record and
 * version, of which the chain accepts only one. Mirrors `client/src/upload/journal.rs`.
 */
import type { Address, Hex } from 'viem';
import type { RegisterBody } from '../api/routes.ts';
import type { Category } from '../protocol/codes.ts';
import type { Client } from '../device/client.ts';
import { fromHex, toHex } from '../protocol/hex.ts';
import { expand, LABELS } from '../protocol/kdf.ts';
import type { Keys } from '../device/keys.ts';

export interface JournalEntry {
  /** With `version`: what is registered, whichever envelope it becomes. */
  readonly record: Hex;
  readonly version: number;
  /** Opens the record id, and later the way to further versions; `null` for a version of a record that exists. */
  readonly salt: Hex | null;
  /** Whose record it is, and for whom it is encrypted. */
  readonly patient: Address;
  /** Only their uploads are gone on with. */
  readonly uploader: Address;
  /** Where it goes; `null` for a further version. */
  readonly category: Category | null;
  /** Tells whether it is the same document: {@link markOf} its hash. */
  readonly mark: Hex;
  /** Unix seconds; also the time that the author signs. */
  readonly begun: number;
  /** `null` until the server has the envelope. */
  readonly stored: StoredEnvelope | null;
}

/** The envelope that the server has, and what else its registration takes: nothing of it is secret from the server. */
export interface StoredEnvelope {
  /** With `digest`: its CID. */
  readonly codec: number;
  readonly digest: Hex;
  /** Sealed to the operator; the data key behind it is gone. */
  readonly releaseShare: Hex;
  /** The signed registration and its deadline: sent again as it is, it counts once. */
  readonly body: { readonly json: RegisterBody; readonly deadline: number; readonly nonce: string } | null;
}

/** `HMAC(seed, label ‖ content hash)`: whoever reads the journal without the seed can compare it with no document. */
export const markOf = (keys: Keys, contentHash: Hex): Hex => toHex(expand(keys.seed.expose(), LABELS.uploadMark, fromHex(contentHash)));

const nameOf = (entry: JournalEntry): string => `upload:${entry.record}-${entry.version}`;

export const saveEntry = (client: Client, entry: JournalEntry): Promise<void> => client.shelf.put(nameOf(entry), entry);

/** Removes it: the upload has ended. Keeps the salt, which opens the id for later versions. */
export async function endEntry(client: Client, entry: JournalEntry): Promise<void> {
  if (entry.salt !== null) await client.shelf.put(`salt:${entry.record}`, entry.salt);
  await client.shelf.remove(nameOf(entry));
}

/** Every upload that has not ended. */
export const allEntries = (client: Client): Promise<JournalEntry[]> => client.shelf.all<JournalEntry>('upload:');
