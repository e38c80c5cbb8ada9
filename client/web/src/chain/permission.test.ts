/** Tests whether a permission existed at a past block, from events alone. */
import { encodeAbiParameters, encodeEventTopics, numberToHex, type Abi, type AbiEvent, type Hex } from 'viem';
import { expect, test } from 'vitest';
import { PURPOSES, RIGHTS } from '../protocol/codes.ts';
import { DEPLOYMENT, GRANTEE, OPERATOR, PATIENT, RECORD, repeated } from '../../tests/protocol/people.ts';
import { accreditationHistoryAbi, grantHistoryAbi, recordHistoryAbi } from './abi.ts';
import { Chain } from './chain.ts';
import { Permissions, type PastRead } from './permission.ts';

const TAG = repeated(0x0a);
const TREAT = PURPOSES.bit('TREAT');
const ABIS = { grant_registry: grantHistoryAbi, record_registry: recordHistoryAbi, accreditation: accreditationHistoryAbi } as const;

/** One event in a block of its own number. */
function event(block: number, contract: keyof typeof ABIS, eventName: string, args: Record<string, unknown>) {
  const abi = ABIS[contract] as Abi;
  const found = abi.find((item): item is AbiEvent => item.type === 'event' && item.name === eventName);
  const data = found?.inputs.filter((input) => input.indexed !== true) ?? [];
  return {
    address: DEPLOYMENT.contracts[contract].address,
    topics: encodeEventTopics({ abi, eventName, args } as Parameters<typeof encodeEventTopics>[0]) as Hex[],
    data: encodeAbiParameters(
      data,
      data.map((input) => args[input.name ?? '']),
    ),
    blockNumber: numberToHex(block),
    logIndex: '0x0',
    transactionHash: repeated(0x0d),
  };
}
type Event = ReturnType<typeof event>;

interface Terms {
  readonly rights?: number;
  readonly purposes?: number;
  readonly from?: number;
  readonly until?: number;
  readonly patientEpoch?: number;
  readonly kind?: number;
}
const word = ({ rights = RIGHTS.bit('read'), purposes = TREAT, from = 0, until = 10_000, patientEpoch = 0, kind = 0 }: Terms): bigint =>
  BigInt(from) |
  (BigInt(until) << 40n) |
  (1n << 80n) |
  (BigInt(patientEpoch) << 112n) |
  (BigInt(purposes) << 144n) |
  (BigInt(rights) << 160n) |
  (BigInt(kind) << 168n);

const registered = event(1, 'record_registry', 'RecordRegistered', {
  id: RECORD,
  patient: PATIENT,
  category: 2,
  uploader: PATIENT,
  version: 1,
  codec: 0x55,
  digest: repeated(1),
});
const granted = (block: number, terms: Terms = {}, scopeId: Hex = RECORD): Event =>
  event(block, 'grant_registry', 'Granted', { patient: PATIENT, tag: TAG, scopeId, terms: word(terms), bundleHash: repeated(2) });
const revoked = (block: number, kind = 0): Event =>
  event(block, 'grant_registry', 'Revoked', { patient: PATIENT, tag: TAG, scopeId: RECORD, kind, epoch: 2 });
const allRevoked = (block: number, patientEpoch: number): Event =>
  event(block, 'grant_registry', 'AllRevoked', { patient: PATIENT, patientEpoch });
const named = (block: number, active: boolean, epoch: number): Event =>
  event(block, 'accreditation', 'AccreditorSet', { accreditor: OPERATOR, active, epoch });
const accredited = (block: number, validUntil = 10_000): Event =>
  event(block, 'accreditation', 'Accredited', {
    accreditor: OPERATOR,
    practitioner: GRANTEE,
    roles: 1,
    validFrom: 0,
    validUntil,
    epoch: 1,
    accreditorEpoch: 1,
  });
const suspended = (block: number): Event =>
  event(block, 'accreditation', 'AccreditationChanged', { accreditor: OPERATOR, practitioner: GRANTEE, suspended: true, epoch: 2 });
const tombstoned = (block: number): Event =>
  event(block, 'record_registry', 'RecordStatusChanged', { id: RECORD, patient: PATIENT, status: 3, epoch: 1, liftableUntil: 1 });

const GOOD = [registered, named(2, true, 1), accredited(3), granted(4)];

function stood(events: readonly Event[], read: Partial<PastRead> = {}): Promise<boolean> {
  const chain = new Chain(async (method, params) => {
    if (method === 'eth_getBlockByNumber') return { hash: repeated(1), number: numberToHex(100), timestamp: '0x1' };
    if (method !== 'eth_getLogs') throw new Error(method);
    // A node that returns everything it has: logs that do not match the query must have no effect.
    return (params[0] as { address: string }).address === ''
      ? []
      : [...events].sort((a, b) => Number(a.blockNumber) - Number(b.blockNumber));
  }, DEPLOYMENT);
  return new Permissions(chain).stood({
    patient: PATIENT,
    record: RECORD,
    reader: GRANTEE,
    tag: TAG,
    purpose: TREAT,
    time: 500,
    block: 10n,
    ...read,
  });
}

test('an honest read was permitted', async () => {
  expect(await stood(GOOD)).toBe(true);
});

test.each<[string, readonly Event[], Partial<PastRead>]>([
  ['before the grant', GOOD, { block: 3n }],
  ['after its revocation', [...GOOD, revoked(5)], {}],
  ['after everything was revoked', [...GOOD, allRevoked(5, 1)], {}],
  ['for another purpose', GOOD, { purpose: PURPOSES.bit('HRESCH') }],
  ['before its period', [registered, named(2, true, 1), accredited(3), granted(4, { from: 501 })], {}],
  ['at the end of its period', [registered, named(2, true, 1), accredited(3), granted(4, { until: 500 })], {}],
  ['by a right to write', [registered, named(2, true, 1), accredited(3), granted(4, { rights: RIGHTS.bit('write') })], {}],
  ['by a grant of another patient’s epoch', [registered, named(2, true, 1), accredited(3), granted(4, { patientEpoch: 3 })], {}],
  ['of another record', GOOD, { record: repeated(0x66) }],
  ['of another patient’s record', GOOD, { patient: GRANTEE }],
  ['under another tag', GOOD, { tag: repeated(0x0b) }],
  ['of a withdrawn record', [...GOOD, tombstoned(5)], {}],
  ['by somebody for whom nobody vouched', [registered, granted(4)], {}],
  ['by somebody suspended', [...GOOD, suspended(5)], {}],
  ['after an accreditation', [registered, named(2, true, 1), accredited(3, 500), granted(4)], {}],
  ['under an accreditor that was removed', [...GOOD, named(5, false, 2)], {}],
  ['under an accreditor that was removed and named again', [...GOOD, named(5, false, 2), named(6, true, 3)], {}],
])('a read %s was not', async (_, events, read) => {
  expect(await stood(events, read)).toBe(false);
});

test.each<[string, readonly Event[], Partial<PastRead>]>([
  ['what came later does not count', [...GOOD, revoked(11), allRevoked(11, 1), suspended(11), tombstoned(11)], {}],
  ['a grant after a revocation', [...GOOD, revoked(5), granted(6)], {}],
  ['a grant after everything was revoked', [...GOOD, allRevoked(5, 1), granted(6, { patientEpoch: 1 })], {}],
  ['a grant over the category', [registered, named(2, true, 1), accredited(3), granted(4, { kind: 1 }, `0x${'2'.padStart(64, '0')}`)], {}],
  ['a grant over everything', [registered, named(2, true, 1), accredited(3), granted(4, { kind: 2 }, `0x${'00'.repeat(32)}`)], {}],
  ['a revocation of another scope kind', [...GOOD, revoked(5, 2)], {}],
  [
    'a private purpose needs nobody who vouches',
    [registered, granted(4, { purposes: PURPOSES.bit('FAMRQT') })],
    { purpose: PURPOSES.bit('FAMRQT') },
  ],
])('%s: permitted', async (_, events, read) => {
  expect(await stood(events, read)).toBe(true);
});
