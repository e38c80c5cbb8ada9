/**
 * What is kept of an upload until it has ended, so that doing it again completes it instead of starting another. An entry
 * holds no key and no name: what was encrypted under a lost key is encrypted anew, for the same record and version, of which
 * the chain accepts only one. Mirrors `client/src/upload/journal.rs`.
 */
import type { Address, Hex } from 'viem';
import type { RegisterBody } from '../api/routes.ts';
import type { Category } from '../data/types.ts';
import type { Client } from '../device/device.ts';

export interface JournalEntry {
  readonly record: Hex;
  readonly version: number;
  /** Opens the record id; `null` for a version of a record that exists. */
  readonly salt: Hex | null;
  readonly patient: Address;
  readonly uploader: Address;
  /** `null` for a further version. */
  readonly category: Category | null;
  readonly contentHash: Hex;
  readonly contentLength: number;
  /** Unix seconds; also what the author signed. */
  readonly begun: number;
  readonly authorSignature: Hex;
  readonly stored: StoredEnvelope | null;
}

/** The envelope that the server has. */
export interface StoredEnvelope {
  readonly codec: number;
  readonly digest: Hex;
  readonly size: number;
  /** Sealed to the operator. */
  readonly releaseShare: Hex;
  /** The signed registration and its deadline: sent again as it is, it counts once. */
  readonly body: { readonly json: RegisterBody; readonly deadline: number; readonly nonce: string } | null;
}

const nameOf = (entry: JournalEntry): string => `upload:${entry.record}-${entry.version}`;

export const saveEntry = (client: Client, entry: JournalEntry): Promise<void> => client.shelf.put(nameOf(entry), entry);

/** Removes it: the upload has ended. Keeps the salt, which opens the id for later versions. */
export async function endEntry(client: Client, entry: JournalEntry): Promise<void> {
  if (entry.salt !== null) await client.shelf.put(`salt:${entry.record}`, entry.salt);
  await client.shelf.remove(nameOf(entry));
}

/** Every upload that has not ended. */
export const allEntries = (client: Client): Promise<JournalEntry[]> => client.shelf.all<JournalEntry>('upload:');
