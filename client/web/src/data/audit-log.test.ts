import { expect, test } from 'vitest';
import { isShown } from './audit-log.ts';
import type { AuditEntry, AuditFilter } from '../types/log.ts';

const entry: AuditEntry = {
  index: 0,
  record: `0x01${'00'.repeat(31)}`,
  patient: `0x02${'00'.repeat(19)}`,
  tag: `0x03${'00'.repeat(31)}`,
  purpose: 'TREAT',
  leaf: `0x04${'00'.repeat(31)}`,
  blockNumber: 9,
  txHash: `0x05${'00'.repeat(31)}`,
  time: 1_000,
  reader: `0xAb${'00'.repeat(19)}`,
};

test.each<[string, AuditFilter, boolean]>([
  ['nothing', {}, true],
  ['its first second', { from: 1_000 }, true],
  ['later', { from: 1_001 }, false],
  ['its last second', { until: 1_000 }, true],
  ['earlier', { until: 999 }, false],
  ['the beginning of its record', { record: '0x01' }, true],
  ['its patient, in another case', { record: ` ${entry.patient?.toUpperCase().replace('0X', '0x')} ` }, true],
  ['another record', { record: '0x03' }, false],
  ['the beginning of its pseudonym', { reader: '0x03' }, true],
  ['its reader', { reader: '0xab' }, true],
  ['another reader', { reader: '0x01' }, false],
  ['its purpose', { purpose: 'TREAT' }, true],
  ['another purpose', { purpose: 'COC' }, false],
  ['all of it', { from: 1, until: 2_000, record: '0x01', reader: '0x03', purpose: 'TREAT' }, true],
])('a filter for %s', (_, filter, isThere) => {
  expect(isShown(entry, filter)).toBe(isThere);
});

test('an entry without patient and reader is found by what it has', () => {
  const bare: AuditEntry = { ...entry, patient: null, reader: null };
  expect(isShown(bare, { record: '0x01', reader: '0x03' })).toBe(true);
  expect(isShown(bare, { record: '0x02' })).toBe(false);
});
