/** Hooks for records: lists and details. */
import { device } from '../device/device.ts';
import { nameOfRecord } from '../flows/record-names.ts';
import { putBack, retract, withdraw } from '../flows/record-status.ts';
import { listRecords, showRecord } from '../flows/records.ts';
import type { Hex } from 'viem';
import type { Act, Loaded, LoadedList } from '../types/actions.ts';
import type { RecordFilter, RecordItem, RecordName } from '../types/records.ts';
import { useAct } from './use-act.ts';
import { useList, useReady } from './use-loaded.ts';

/** The records that the person owns, has uploaded, or was granted, newest first. */
export const useRecords = (filter: RecordFilter = {}): LoadedList<RecordItem> =>
  useList(useReady(['records', filter.patient ?? null, filter.category ?? null], (client) => listRecords(client, filter)));

/** One record. For `null`, nothing is loaded. */
export const useRecord = (id: Hex | null): Loaded<RecordItem> =>
  useReady(['records', 'one', id], (client) => showRecord(client, id ?? '0x'), { isWanted: id !== null });

/**
 * Name and type of the newest version of an own record; `null` until its envelope was checked. For records of other people `data` stays
 * undefined, because opening them is logged.
 */
export function useRecordName(record: RecordItem): Loaded<RecordName | null> {
  const { version: newest, size } = record.versions.at(-1) ?? { version: 0, size: null };
  const isWanted = record.isMine && record.status !== 'tombstoned';
  return useReady(['record-name', record.id, newest], (client) => nameOfRecord(client, record.id, size), { isWanted, staleMs: Infinity });
}

/** Withdraws an own record, so that nobody can open it. */
export const useWithdraw = (): Act<Hex, void> =>
  useAct(async (record, errand) => withdraw(await device.ready(), record, errand), ['records']);

/** Puts back an own record that was withdrawn, while that is still possible. */
export const usePutBack = (): Act<Hex, void> =>
  useAct(async (record, errand) => putBack(await device.ready(), record, errand), ['records']);

/** Warns people not to rely on the versions that the person uploaded to somebody else's record. */
export const useRetract = (): Act<Hex, void> =>
  useAct(async (record, errand) => retract(await device.ready(), record, errand), ['records']);
