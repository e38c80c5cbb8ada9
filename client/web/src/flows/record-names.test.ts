import { expect, test, vi } from 'vitest';
import type { ReadyClient } from '../device/client.ts';
import { concat, type Bytes } from '../protocol/bytes.ts';
import { CidBuilder } from '../protocol/cid/build.ts';
import { ContentHasher } from '../protocol/envelope/content-hash.ts';
import { HEADER_LEN } from '../protocol/envelope/layout.ts';
import { Sealer } from '../protocol/envelope/seal.ts';
import { DataKey } from '../protocol/secret.ts';
import type { Keys } from '../device/keys.ts';
import { CONTEXT, KEY_EPOCH, metadataOf, PATIENT, PATIENT_KEY, RECORD, repeated, sealParams } from '../../tests/protocol/people.ts';
import { checkedHeader } from './envelope-bytes.ts';
import { nameOfRecord } from './record-names.ts';
import { makeBundle } from './own-versions.ts';

/** The file that the store serves for each CID on the chain. It may be another one than the chain names. */
const stored = new Map<string, Bytes>();
let asked = 0;
vi.stubGlobal('fetch', async (url: string, init: RequestInit): Promise<Response> => {
  asked += 1;
  const file = stored.get(url.split('/').at(-1) ?? '') ?? new Uint8Array(0);
  const [, start = '0', end = '0'] = /bytes=(\d+)-(\d+)/.exec(new Headers(init.headers).get('range') ?? '') ?? [];
  const part = file.slice(Number(start), Number(end) + 1);
  return new Response(part, { status: 206, headers: { 'content-range': `bytes ${start}-${end}/${file.length}` } });
});

/** An envelope of the record, with a file name. Anybody can make one, since sealing to a patient needs no secret. */
async function envelope(fileName: string, content: string, key: number): Promise<Bytes> {
  const bytes = new TextEncoder().encode(content);
  const hasher = new ContentHasher();
  await hasher.update(bytes);
  const metadata = { ...metadataOf({ length: bytes.length, hash: await hasher.finish() }), fileName };
  const sealer = await Sealer.create(sealParams(metadata), new DataKey(new Uint8Array(32).fill(key)));
  const parts: Bytes[] = [];
  for await (const part of sealer.seal([bytes])) parts.push(part);
  return concat(...parts);
}

async function cidOf(file: Bytes) {
  const builder = new CidBuilder();
  await builder.update(file);
  return builder.finish();
}

/** A patient whose record has one version on chain: this file. */
async function patientOf(file: Bytes) {
  const cid = await cidOf(file);
  const known = { patient: PATIENT, version: 1, status: 1, category: 1, created: 0 };
  const chain = { envelopeContext: CONTEXT, record: async () => known } as unknown as ReadyClient['chain'];
  const keys = { owner: PATIENT, epoch: KEY_EPOCH, foreign: [], identityAt: () => PATIENT_KEY } as unknown as Keys;
  const version = {
    record: RECORD,
    version: 1,
    patient: PATIENT,
    uploader: PATIENT,
    category: 1,
    cid,
    blockNumber: 1,
    txHash: repeated(1),
  };
  versions.push(version);
  return { cid, client: { chain, keys, address: PATIENT } as unknown as ReadyClient };
}
const versions: unknown[] = [];
vi.mock('../chain/events.ts', () => ({ versionsOfRecord: async () => versions.slice(-1) }));

test('a record is called what its own envelope says', async () => {
  const file = await envelope('Blood test.pdf', 'a', 1);
  const { cid, client } = await patientOf(file);
  stored.set(cid.toString(), file);
  expect(await nameOfRecord(client, RECORD, file.length)).toMatchObject({ fileName: 'Blood test.pdf' });
  const before = asked;
  expect(await nameOfRecord(client, RECORD, file.length)).toMatchObject({ fileName: 'Blood test.pdf' });
  expect(asked).toBe(before);
});

test('a name that the server sealed itself is not shown, and its key is not passed on', async () => {
  const file = await envelope('Psychiatry.pdf', 'b', 2);
  const { cid, client } = await patientOf(file);
  stored.set(cid.toString(), await envelope('Blood test.pdf', 'c', 3));
  await expect(nameOfRecord(client, RECORD, file.length)).rejects.toMatchObject({ code: 'cid_mismatch' });
  const grantee = { key: PATIENT_KEY.publicKey, epoch: KEY_EPOCH };
  await expect(makeBundle(client, RECORD, PATIENT, grantee, 1)).rejects.toMatchObject({ code: 'cid_mismatch' });
});

test('a forged header before the true rest is noticed; a true one is read once', async () => {
  const file = await envelope('Long.pdf', 'd'.repeat(5 << 20), 4);
  const { cid } = await patientOf(file);
  stored.set(cid.toString(), concat((await envelope('x', 'e', 5)).slice(0, HEADER_LEN), file.slice(HEADER_LEN)));
  await expect(checkedHeader(cid)).rejects.toMatchObject({ code: 'cid_mismatch' });
  stored.set(cid.toString(), file);
  expect(await checkedHeader(cid)).toEqual(file.slice(0, HEADER_LEN));
  const before = asked;
  await checkedHeader(cid);
  expect(asked).toBe(before);
});

test('a long envelope has no name before it was opened', async () => {
  const { client } = await patientOf(await envelope('Long.pdf', 'f', 6));
  expect(await nameOfRecord(client, RECORD, 1 << 30)).toBeNull();
});
