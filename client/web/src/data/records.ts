/** Records: lists and details. */
import { device } from '../device/device.ts';
import { nameOfRecord } from '../flows/record-names.ts';
import { putBack, retract, withdraw } from '../flows/record-status.ts';
import { listRecords, showRecord } from '../flows/records.ts';
import type { Hex } from 'viem';
import type { Act, Loaded, LoadedList } from '../types/actions.ts';
import type { RecordFilter, RecordItem, RecordName } from '../types/records.ts';
import { useAct } from './use-act.ts';
import { useList, useReady } from './use-loaded.ts';

/** What the person owns, uploaded or was granted, newest first. */
export const useRecords = (filter: RecordFilter = {}): LoadedList<RecordItem> =>
  useList(useReady(['records', filter.patient ?? null, filter.category ?? null], (client) => listRecords(client, filter)));

/** One record; for `null` nothing is asked. */
export const useRecord = (id: Hex | null): Loaded<RecordItem> =>
  useReady(['records', 'one', id], (client) => showRecord(client, id ?? '0x'), { isWanted: id !== null });

/**
 * Name and kind of the newest version of an own record; `null` while its envelope was not checked. For others' records `data`
 * stays undefined: opening is logged.
 */
export function useRecordName(record: RecordItem): Loaded<RecordName | null> {
  const { version: newest, size } = record.versions.at(-1) ?? { version: 0, size: null };
  const isWanted = record.isMine && record.status !== 'tombstoned';
  return useReady(['record-name', record.id, newest], (client) => nameOfRecord(client, record.id, size), { isWanted, staleMs: Infinity });
}

/** Closes an own record for everybody. */
export const useWithdraw = (): Act<Hex, void> =>
  useAct(async (record, errand) => withdraw(await device.ready(), record, errand), ['records']);

/** Opens an own record again that was closed, while there is time. */
export const usePutBack = (): Act<Hex, void> =>
  useAct(async (record, errand) => putBack(await device.ready(), record, errand), ['records']);

/** Says that what was uploaded of somebody else's record must not be relied on. */
export const useRetract = (): Act<Hex, void> =>
  useAct(async (record, errand) => retract(await device.ready(), record, errand), ['records']);
