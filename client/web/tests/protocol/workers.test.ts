/** Tests the code of the workers without a browser. `tests/e2e/workers.test.ts` runs the workers in one. */

import { describe, expect, test } from 'vitest';
import type { Bytes } from '../../src/protocol/bytes.ts';
import { Capsule, releaseShareBinding } from '../../src/protocol/capsule.ts';
import { CidBuilder, CidMismatch } from '../../src/protocol/cid/build.ts';
import { hashContent } from '../../src/protocol/envelope/content-hash.ts';
import { Header } from '../../src/protocol/envelope/header.ts';
import { HEADER_LEN } from '../../src/protocol/envelope/layout.ts';
import { MetadataError } from '../../src/protocol/envelope/metadata.ts';
import { OpenError } from '../../src/protocol/envelope/open-error.ts';
import { SealError } from '../../src/protocol/envelope/seal.ts';
import { identityKey } from '../../src/protocol/identity.ts';
import { ReleaseShare } from '../../src/protocol/secret.ts';
import { releaseShare } from '../../src/protocol/split.ts';
import { BlobCollector, blobPieces } from '../../src/workers/blob.ts';
import { type OpenJob, OpenJobRunner, type OpenMessage, type OpenResult } from '../../src/workers/open-job.ts';
import { doSealJob, type HashResult, type SealFileJob, type SealResult } from '../../src/workers/seal-job.ts';
import { MEMORY_LEN_MAX } from '../../src/workers/waiting-envelopes.ts';
import { type FromWorker, fromWire, toWire, WorkerError } from '../../src/workers/wire.ts';
import { collect, inPieces, patternBytes } from './patterns.ts';
import { CONTEXT, metadataOf, OPERATOR, PATIENT, PATIENT_KEY, RECORD, sealParams, seedOf } from './people.ts';

const OPERATOR_KEY = identityKey(seedOf(0x0a), 1);
const content = patternBytes(9_000_000);
const file = new Blob([content]);

/** Runs a seal job. Returns its result, and all progress messages. */
async function sealed(job: SealFileJob | { kind: 'hash'; file: Blob }): Promise<{ result: unknown; progress: number[] }> {
  const progress: number[] = [];
  let result: unknown = null;
  await doSealJob(job, (message: FromWorker<HashResult | SealResult>) => {
    if (message.kind === 'progress') progress.push(message.bytes);
    if (message.kind === 'failed') throw fromWire(message.failure);
    if (message.kind === 'result') result = message.result;
  });
  return { result, progress };
}

async function sealJob(): Promise<SealFileJob> {
  const { patientKey, ...params } = sealParams(metadataOf(await hashContent([content])));
  const keys = { patientKey: patientKey.bytes, operator: OPERATOR, operatorKey: OPERATOR_KEY.publicKey.bytes, operatorKeyEpoch: 3 };
  return { kind: 'seal', file, ...params, ...keys, waitingName: null };
}

const sealing = sealJob().then(sealed);
/** The result of a job whose envelope was made in memory. */
type InMemory = SealResult & { readonly envelope: Blob };
const envelope = sealing.then(({ result }) => result as InMemory);

/** Runs an open job with a page that answers at once. Returns its result, and the content that came in pieces. */
async function opened(change: Partial<OpenJob>, stream: Bytes[] = []): Promise<{ result: OpenResult; pieces: Bytes[]; waiting: number }> {
  const { envelope: blob, cid } = await envelope;
  const head = new Uint8Array(await blob.slice(0, HEADER_LEN).arrayBuffer());
  const dek = await Header.parse(head).openOwnerCapsule(CONTEXT, PATIENT, PATIENT_KEY);
  const job: OpenJob = {
    kind: 'open',
    file: blob,
    header: head,
    context: CONTEXT,
    dek: dek.expose().slice(),
    cid,
    commitment: null,
    into: 'blob',
    ...change,
  };
  const pieces: Bytes[] = [];
  let waiting = 0;
  return new Promise((resolve, reject) => {
    const runner = new OpenJobRunner((message: FromWorker<OpenResult, OpenMessage>) => {
      if (message.kind === 'result') resolve({ result: message.result, pieces, waiting });
      if (message.kind === 'failed') reject(fromWire(message.failure));
      if (message.kind !== 'message') return;
      if (message.message.kind === 'want') {
        waiting += 1;
        queueMicrotask(() => runner.take({ kind: 'piece', bytes: stream.shift() ?? null }));
      } else {
        pieces.push(message.message.bytes);
        queueMicrotask(() => runner.take({ kind: 'take' }));
      }
    });
    runner.take(job);
  });
}

const bytesOf = async (blob: Blob | null): Promise<Buffer> => Buffer.from(await (blob ?? new Blob([])).arrayBuffer());

describe('sealing', () => {
  test('hashes as the page would', async () => {
    const { result, progress } = await sealed({ kind: 'hash', file });
    expect(result).toEqual({ kind: 'hash', ...(await hashContent([content])) });
    expect(progress.at(-1)).toBe(content.length);
  });

  test('gives envelope, CID and the operator’s capsule, and keeps the key to itself', async () => {
    const { result, progress } = await sealing;
    const { envelope: blob, cid, releaseShare: capsule } = result as InMemory;
    expect(Object.keys(result as object).sort()).toEqual(['cid', 'envelope', 'kind', 'releaseShare']);
    expect(progress.at(-1)).toBe(content.length);
    const builder = new CidBuilder();
    for await (const piece of blobPieces(blob)) await builder.update(piece);
    expect((await builder.finish()).toString()).toBe(cid);
    const header = Header.parse(new Uint8Array(await blob.slice(0, HEADER_LEN).arrayBuffer()));
    const dek = await header.openOwnerCapsule(CONTEXT, PATIENT, PATIENT_KEY);
    const of = { ...CONTEXT, record: RECORD, version: 1 };
    const binding = releaseShareBinding(of, PATIENT, OPERATOR, 3);
    const share = await Capsule.fromBytes(capsule).open(ReleaseShare, OPERATOR_KEY, binding);
    expect(share.equals(releaseShare(dek, of))).toBe(true);
  });

  test('two envelopes of one file have two keys', async () => {
    const again = (await sealed(await sealJob())).result as SealResult;
    expect(again.cid).not.toBe((await envelope).cid);
    expect(Buffer.compare(again.releaseShare, (await envelope).releaseShare)).not.toBe(0);
  });

  test('goes on in memory where there is no file for the envelope, but not with a document that is too large for it', async () => {
    const job = { ...(await sealJob()), waitingName: 'not-to-be-had-here' };
    const { envelope: blob } = (await sealed(job)).result as SealResult;
    expect(blob?.size).toBe((await envelope).envelope.size);
    const large = new Blob(Array.from({ length: Math.ceil(MEMORY_LEN_MAX / file.size) }, () => file));
    await expect(sealed({ ...job, file: large })).rejects.toMatchObject({ code: 'no_room' });
  });

  test('notices a file that is another than was hashed', async () => {
    const job = { ...(await sealJob()), file: new Blob([content.subarray(1)]) };
    await expect(sealed(job)).rejects.toMatchObject({ code: 'content_changed' });
  });
});

describe('opening', () => {
  test('a blob into a blob', async () => {
    const { result } = await opened({});
    expect(Buffer.compare(await bytesOf(result.content), content)).toBe(0);
    expect(result.metadata).toEqual(metadataOf(await hashContent([content])));
  });

  test('a stream into pieces, asked for one by one', async () => {
    const { envelope: blob } = await envelope;
    const rest = new Uint8Array(await blob.slice(HEADER_LEN).arrayBuffer());
    const stream = [...inPieces(rest, 700_001)];
    const asked = stream.length + 1;
    const { result, pieces, waiting } = await opened({ file: null, into: 'pieces' }, stream);
    expect(result.content).toBeNull();
    expect(waiting).toBe(asked);
    expect(Buffer.compare(Buffer.concat(pieces), content)).toBe(0);
    expect(pieces.length).toBeLessThan(12);
  });

  test('refuses another file, and a file that is cut or commits to something else', async () => {
    const { envelope: blob } = await envelope;
    const changed = new Uint8Array(await blob.arrayBuffer());
    changed[changed.length - 20] = (changed[changed.length - 20] ?? 0) ^ 1;
    await expect(opened({ file: new Blob([changed]) })).rejects.toMatchObject({ code: 'tag' });
    await expect(opened({ file: blob.slice(0, blob.size - 1), cid: null })).rejects.toMatchObject({ code: 'final' });
    const other = 'bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq';
    await expect(opened({ cid: other })).rejects.toBeInstanceOf(CidMismatch);
    const commitment = { patient: PATIENT, patientKey: PATIENT_KEY.publicKey.bytes, releaseShare: new Uint8Array(32) };
    await expect(opened({ commitment })).rejects.toMatchObject({ code: 'commitment' });
    await expect(opened({ dek: new Uint8Array(32) })).rejects.toMatchObject({ code: 'tag' });
  });
});

test('errors are the same on the other side, and unknown ones keep their text to themselves', () => {
  const known = [new OpenError('padding'), new SealError('content_changed'), new MetadataError('file_name'), new CidMismatch()];
  for (const error of [...known, new WorkerError('file_unreadable'), new WorkerError('no_room')]) {
    const again = fromWire(structuredClone(toWire(error)));
    expect([again.constructor, again.code]).toEqual([error.constructor, error.code]);
  }
  expect(JSON.stringify(toWire(new Error('Blutbild.pdf')))).not.toContain('Blutbild');
  expect(toWire(new DOMException('gone', 'NotFoundError'))).toEqual({ of: 'worker', code: 'file_unreadable' });
});

test('a blob is gathered and read in the order it came', async () => {
  const collector = new BlobCollector();
  for (const piece of inPieces(content, 100_003)) collector.add(piece);
  const blob = collector.finish();
  expect(Buffer.compare(await bytesOf(blob), content)).toBe(0);
  expect(Buffer.compare(await collect(blobPieces(blob, 5)), content.subarray(5))).toBe(0);
  expect(new BlobCollector().finish().size).toBe(0);
});
