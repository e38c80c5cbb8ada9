/** One bad version does not prevent that the others are granted. */
import { expect, test, vi } from 'vitest';
import type { ReadyClient } from '../device/client.ts';
import { Failure } from '../failure.ts';
import { Header } from '../protocol/envelope/header.ts';
import { identityKey } from '../protocol/identity.ts';
import { DataKey } from '../protocol/secret.ts';
import { CONTEXT, GRANTEE, KEY_EPOCH, PATIENT, PATIENT_KEY, RECORD, seedOf } from '../../tests/protocol/people.ts';
import { makeBundle } from './own-versions.ts';

type Envelope = 'good' | 'malformed' | 'missing' | 'foreign' | 'of another record';
let envelopes: readonly Envelope[] = [];

vi.mock('../chain/events.ts', () => ({
  versionsOfRecord: async () => envelopes.map((_, index) => ({ record: RECORD, version: index + 1, patient: PATIENT, cid: index + 1 })),
}));
vi.mock('./envelope-bytes.ts', () => ({
  checkedHeader: async (version: number) => {
    const kind = envelopes[version - 1];
    if (kind === 'missing') throw new Failure('envelope_missing');
    if (kind === 'malformed') return new Uint8Array(1_216);
    const of = { ...CONTEXT, record: kind === 'of another record' ? (`0x${'66'.repeat(32)}` as const) : RECORD, version };
    const key = kind === 'foreign' ? identityKey(seedOf(9), KEY_EPOCH + 1).publicKey : PATIENT_KEY.publicKey;
    const dek = new DataKey(new Uint8Array(32).fill(version));
    return (await Header.create(of, PATIENT, key, kind === 'foreign' ? KEY_EPOCH + 1 : KEY_EPOCH, dek)).toBytes();
  },
}));

const client = {
  address: PATIENT,
  chain: {
    envelopeContext: CONTEXT,
    record: async () => ({ patient: PATIENT, version: envelopes.length, status: 1, category: 1, created: 0 }),
  },
  keys: { owner: PATIENT, foreign: [KEY_EPOCH + 1], identityAt: () => PATIENT_KEY },
} as unknown as ReadyClient;
const grantee = { key: identityKey(seedOf(5), 1).publicKey, epoch: 1 };
const bundleOf = (...kinds: readonly Envelope[]) => {
  envelopes = kinds;
  return makeBundle(client, RECORD, GRANTEE, grantee, 1);
};

test.each<[Envelope, string]>([
  ['malformed', 'invalid_envelope'],
  ['missing', 'envelope_missing'],
  ['foreign', 'foreign_key'],
  ['of another record', 'invalid_envelope'],
])('a version that is %s is left out and told; those before and behind it are granted', async (kind, code) => {
  const { bundle, leftOut } = await bundleOf('good', kind, 'good');
  expect(bundle.entries.map(({ version }) => version)).toEqual([1, 3]);
  expect(leftOut).toEqual([{ record: RECORD, version: 2, code }]);
});

test('where no version opens, the newest one’s failure is told and nothing is signed', async () => {
  await expect(bundleOf('missing', 'foreign')).rejects.toMatchObject({ code: 'foreign_key' });
  await expect(bundleOf('missing')).rejects.toMatchObject({ code: 'envelope_missing' });
});
