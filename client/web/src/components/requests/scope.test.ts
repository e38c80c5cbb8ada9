import { expect, test } from 'vitest';
import type { Hex } from 'viem';
import type { Category } from '../../protocol/codes.ts';
import type { RecordItem } from '../../types/records.ts';
import type { RequestItem } from '../../types/requests.ts';
import { approvalTerms } from './scope.ts';

const idOf = (number: number): Hex => `0x${number.toString(16).padStart(64, '0')}`;
const record = (number: number, category: Category, change: Partial<RecordItem> = {}): RecordItem =>
  ({ id: idOf(number), category, status: 'active', isMine: true, ...change }) as RecordItem;
const request = (change: Partial<RequestItem>): RequestItem =>
  ({
    right: 'read',
    scope: { kind: 'category', category: 'laboratory' },
    requester: '0xaa',
    purposes: ['TREAT'],
    until: 9,
    ...change,
  }) as RequestItem;

test('an approval names exactly the records that its sentence counts', () => {
  const all = [
    record(1, 'laboratory'),
    record(2, 'imaging'),
    record(3, 'laboratory', { status: 'tombstoned' }),
    record(4, 'laboratory', { isMine: false }),
    record(5, 'laboratory'),
  ];
  const terms = approvalTerms(request({}), all);
  expect(terms?.records).toEqual([idOf(1), idOf(5)]);
  expect(terms?.sentence.values).toMatchObject({ records: 2 });
});

test('there are no terms before the records are known', () => {
  expect(approvalTerms(request({}), null)).toBeNull();
  expect(approvalTerms(request({ scope: { kind: 'record', record: idOf(1) } }), null)?.records).toEqual([idOf(1)]);
});

test('one signature covers the newest 64 records', () => {
  const many = Array.from({ length: 100 }, (_, index) => record(index, 'laboratory'));
  expect(approvalTerms(request({ scope: { kind: 'all' } }), many)?.records).toEqual(many.slice(0, 64).map(({ id }) => id));
});
