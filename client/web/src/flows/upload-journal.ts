/**
 * The data of an unfinished upload that this browser stores, so that uploading again completes it instead of starting another. An entry
 * contains no key, no name, and nothing that could confirm a guess of the content: neither its hash, nor its exact length, nor the author's
 * signature over it. If the key is lost, the document is encrypted again, for the same record and version, of which the chain accepts only
 * one. Mirrors `client/src/upload/journal.rs`.
 */
import type { Address, Hex } from 'viem';
import type { RegisterBody } from '../api/routes.ts';
import type { Category } from '../protocol/codes.ts';
import type { Client } from '../device/client.ts';
import { fromHex, toHex } from '../protocol/hex.ts';
import { expand, LABELS } from '../protocol/kdf.ts';
import type { Keys } from '../device/keys.ts';

export interface JournalEntry {
  /** Together with `version`, the version that is registered, whichever envelope it gets. */
  readonly record: Hex;
  readonly version: number;
  /** Opens the record id, and is later needed to add further versions; `null` for a version of an existing record. */
  readonly salt: Hex | null;
  /** The patient of the record, for whom it is encrypted. */
  readonly patient: Address;
  /** The uploader. Only uploads of the signed-in account are continued. */
  readonly uploader: Address;
  /** The category of a new record; `null` for a further version. */
  readonly category: Category | null;
  /** Identifies the document: {@link markOf} of its hash. */
  readonly mark: Hex;
  /** Unix seconds. The author also signs this time. */
  readonly begun: number;
  /** `null` until the server has the envelope. */
  readonly stored: StoredEnvelope | null;
}

/** The envelope that the server has, and the other data for its registration. The server knows all of it. */
export interface StoredEnvelope {
  /** Together with `digest`, the CID. */
  readonly codec: number;
  readonly digest: Hex;
  /** Sealed to the operator. The data key from which it was made is wiped. */
  readonly releaseShare: Hex;
  /** The signed registration, its deadline and its nonce. It can be sent again unchanged: it counts only once. */
  readonly body: { readonly json: RegisterBody; readonly deadline: number; readonly nonce: string } | null;
}

/** Returns `HMAC(seed, label ‖ content hash)`. A person who reads the journal without the seed cannot compare it with a document. */
export const markOf = (keys: Keys, contentHash: Hex): Hex => toHex(expand(keys.seed.expose(), LABELS.uploadMark, fromHex(contentHash)));

const nameOf = (entry: JournalEntry): string => `upload:${entry.record}-${entry.version}`;

export const saveEntry = (client: Client, entry: JournalEntry): Promise<void> => client.shelf.put(nameOf(entry), entry);

/** Removes an entry because the upload has ended. Keeps the salt, which opens the record id for later versions. */
export async function endEntry(client: Client, entry: JournalEntry): Promise<void> {
  if (entry.salt !== null) await client.shelf.put(`salt:${entry.record}`, entry.salt);
  await client.shelf.remove(nameOf(entry));
}

/** Returns every upload that has not ended. */
export const allEntries = (client: Client): Promise<JournalEntry[]> => client.shelf.all<JournalEntry>('upload:');
