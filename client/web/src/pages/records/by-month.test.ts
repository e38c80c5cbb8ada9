import { expect, test } from 'vitest';
import type { RecordItem } from '../../types/records.ts';
import { byMonth } from './by-month.ts';

const record = (created: string): RecordItem =>
  ({ id: `0x${created.replaceAll(/\D/g, '')}`, created: new Date(created).getTime() / 1_000 }) as RecordItem;

test('records are grouped by month, newest first', () => {
  const months = byMonth([record('2026-04-30T12:00'), record('2026-05-02T12:00'), record('2026-05-20T12:00'), record('2025-05-20T12:00')]);
  expect(months.map((month) => month.records.map((each) => new Date(each.created * 1_000).getDate()))).toEqual([[20, 2], [30], [20]]);
});

test('no record, no month', () => {
  expect(byMonth([])).toEqual([]);
});
