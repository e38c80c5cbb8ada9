import type { RecordItem } from '../../types/records.ts';

/** The records of one month, newest first. */
interface Month {
  /** Unix seconds of its newest record, from which the heading is made. */
  readonly seconds: number;
  readonly records: readonly RecordItem[];
}

/** Groups records by the month in which they were added: newest month first, newest record first. */
export function byMonth(records: readonly RecordItem[]): readonly Month[] {
  const months = new Map<string, RecordItem[]>();
  for (const record of [...records].sort((a, b) => b.created - a.created)) {
    const date = new Date(record.created * 1_000);
    const key = `${date.getFullYear()}-${date.getMonth()}`;
    const month = months.get(key);
    if (month) month.push(record);
    else months.set(key, [record]);
  }
  return [...months.values()].map((group) => ({ seconds: group[0]?.created ?? 0, records: group }));
}
