/** Lists records and compares each with the chain. Mirrors `client/src/download.rs`. */
import type { Address, Hex } from 'viem';
import * as api from '../api/routes.ts';
import type { Chain, ChainRecord } from '../chain/chain.ts';
import { versionsOfRecord, type ChainVersion } from '../chain/events.ts';
import type { Listed } from '../types/actions.ts';
import type { RecordFilter, RecordItem, RecordVersion } from '../types/records.ts';
import type { Client } from '../device/client.ts';
import { Failure } from '../failure.ts';
import { CATEGORIES, RECORD_STATUSES } from '../protocol/codes.ts';
import { sameHex } from '../protocol/hex.ts';
import { badItems, mapEach, shortName } from './each.ts';

const TOMBSTONED = RECORD_STATUSES.code('tombstoned');

/**
 * Returns the records that the person owns, has uploaded, or was granted, newest first. Patient, category and newest version of each are
 * compared with the chain, and the status comes from the chain. A record that the server describes differently is left out and reported.
 */
export async function listRecords(client: Client, filter: RecordFilter = {}): Promise<Listed<RecordItem>> {
  await client.chain.verifyDeployment();
  const told = await api.records({ patient: filter.patient, category: filter.category });
  const { done, bad } = await mapEach(told, (view) => compared(client, view), 16);
  return { items: done.sort((a, b) => b.created - a.created), bad: badItems(bad, (view) => shortName(view.id)) };
}

/**
 * Returns one record. Everything is compared with the chain, including the CID of every version. A version that the server describes
 * differently from the chain is left out and reported.
 */
export async function showRecord(client: Client, id: Hex): Promise<RecordItem> {
  await client.chain.verifyDeployment();
  const [item, versions] = await Promise.all([
    visibleRecord(id).then((view) => compared(client, view)),
    versionsOfRecord(client.chain, id),
  ]);
  const isTrue = (told: RecordVersion): boolean => {
    const known = versions.find((version) => version.version === told.version);
    return known !== undefined && known.cid.toString() === told.cid && known.uploader === told.uploader;
  };
  const [kept, contradicted] = [item.versions.filter(isTrue), item.versions.filter((told) => !isTrue(told))];
  if (kept.length === 0) throw new Failure('wrong_answer');
  return { ...item, versions: kept, contradicted: contradicted.map(({ version }) => version) };
}

/**
 * Returns one record, from a list with one item. It is normal here that a person may no longer see a record, and this request avoids a 404,
 * which browsers print on their console.
 */
async function visibleRecord(id: Hex): Promise<api.RecordView> {
  const found = (await api.records({ record: id })).find((view) => sameHex(view.id as Hex, id));
  if (found === undefined) throw new Failure('not_found');
  return found;
}

/**
 * Compares the server's record with the chain. The server may be a moment behind the chain, but never ahead of it or in contradiction to
 * it.
 */
async function compared(client: Client, told: api.RecordView): Promise<RecordItem> {
  const known = await client.chain.findRecord(told.id as Hex);
  const newest = Math.max(...told.versions.map((version) => version.version));
  if (known === null || !sameHex(known.patient, told.patient as Address) || newest > known.version) {
    throw new Failure('wrong_answer');
  }
  if (CATEGORIES.fromCode(known.category) !== told.category) throw new Failure('wrong_answer');
  const uploader = told.uploader.toLowerCase() as Address;
  const status = RECORD_STATUSES.fromCode(known.status) ?? 'tombstoned';
  const isRetracted = (version: { version: number; uploader: string }): boolean =>
    version.version <= known.retracted && sameHex(version.uploader as Address, uploader);
  return {
    id: told.id as Hex,
    patient: known.patient,
    uploader,
    category: told.category,
    status,
    liftableUntil: status === 'tombstoned' ? (await client.chain.tombstone(told.id as Hex)).liftableUntil : null,
    created: known.created,
    versions: told.versions
      .map((version) => ({
        version: version.version,
        uploader: version.uploader.toLowerCase() as Address,
        retracted: isRetracted(version),
        cid: version.cid,
        size: version.size ?? null,
        hasReleaseShare: version.has_release_share,
        registeredAt: version.registered_at,
        blockNumber: version.block_number,
        txHash: version.tx_hash as Hex,
      }))
      .sort((a, b) => a.version - b.version),
    contradicted: [],
    isMine: known.patient === client.address,
    isUploader: uploader === client.address,
  };
}

/** Returns the version on chain with this number; the newest if none was named. */
export async function findVersion(chain: Chain, record: Hex, version: number | undefined): Promise<ChainVersion> {
  const [known, versions] = await Promise.all([chain.record(record), versionsOfRecord(chain, record)]);
  requireReadable(known);
  const number = version ?? known.version;
  if (!(number >= 1 && number <= known.version)) throw new Failure('unknown_version', { values: { versions: known.version } });
  const found = versions.find((one) => one.version === number);
  if (found === undefined) throw new Failure('no_history');
  return found;
}

/** Checks that a record can be read. @throws Failure `record_tombstoned`. */
export function requireReadable(record: ChainRecord): void {
  if (record.status === TOMBSTONED) throw new Failure('record_tombstoned');
}
