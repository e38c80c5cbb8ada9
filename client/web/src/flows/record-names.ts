/** Names of own records, from envelopes that were compared with the chain. They are in memory until the session locks. */
import type { Hex } from 'viem';
import type { RecordName } from '../types/records.ts';
import type { ReadyClient } from '../device/client.ts';
import type { Cid } from '../protocol/cid/cid.ts';
import type { Metadata } from '../protocol/envelope/metadata.ts';
import { RangeOpener } from '../protocol/envelope/range.ts';
import type { Keys } from '../device/keys.ts';
import { checkedSmall, RANGE_LEN } from './envelope-bytes.ts';
import { asOpenFailure } from './open-failure.ts';
import { openOwnVersion } from './own-versions.ts';
import { findVersion } from './records.ts';

/** Names by the CID of the envelope. They are removed together with the keys that opened them. */
const known = new WeakMap<Keys, Map<string, RecordName>>();

/** Stores the name from an envelope that was fully checked, or made here. */
export function rememberName(keys: Keys, cid: Cid, metadata: Metadata): RecordName {
  const name: RecordName = {
    fileName: metadata.fileName,
    mediaType: metadata.mediaType,
    created: Number(metadata.created),
    contentBytes: metadata.contentLength,
    fhirType: metadata.fhirType,
  };
  const names = known.get(keys) ?? new Map<string, RecordName>();
  known.set(keys, names.set(cid.toString(), name));
  return name;
}

/**
 * Returns name and type of the newest version of an own record; `null` if no checked envelope states them. Small envelopes are read
 * completely for this. A larger one gets a name after it was opened. `size` is the server's value and only saves a request.
 */
export async function nameOfRecord(client: ReadyClient, id: Hex, size: number | null): Promise<RecordName | null> {
  const version = await findVersion(client.chain, id, undefined);
  const kept = known.get(client.keys)?.get(version.cid.toString());
  if (kept !== undefined) return kept;
  if (size !== null && size > RANGE_LEN) return null;
  const envelope = await checkedSmall(version.cid);
  if (envelope === null) return null;
  const dek = await openOwnVersion(client, version);
  try {
    const head = envelope.slice(0, RangeOpener.HEAD_LEN);
    const { metadata } = await RangeOpener.start(head, envelope.length, client.chain.envelopeContext, dek);
    return rememberName(client.keys, version.cid, metadata);
  } catch (error) {
    throw asOpenFailure(error);
  } finally {
    dek.wipe();
  }
}
