/** The code of the seal worker, separate from the worker itself so that tests can run it. */

import type { Bytes } from '../protocol/bytes.ts';
import { Capsule, releaseShareBinding } from '../protocol/capsule.ts';
import { CidBuilder } from '../protocol/cid/build.ts';
import { ContentHasher } from '../protocol/envelope/content-hash.ts';
import type { EnvelopeContext } from '../protocol/envelope/header.ts';
import type { Metadata } from '../protocol/envelope/metadata.ts';
import { Sealer } from '../protocol/envelope/seal.ts';
import type { Address, Hex } from '../protocol/hex.ts';
import { PublicKey } from '../protocol/key-pair.ts';
import type { RecordId } from '../protocol/ids.ts';
import { DataKey } from '../protocol/secret.ts';
import { releaseShare } from '../protocol/split.ts';
import { blobPieces } from './blob.ts';
import { type EnvelopeSink, FileSink, MemorySink, NoRoom } from './envelope-file.ts';
import { MEMORY_LEN_MAX } from './waiting-envelopes.ts';
import { doJob, type Post, WorkerError } from './wire.ts';

/** The first pass: finds length and content hash. */
export interface HashJob {
  readonly kind: 'hash';
  readonly file: Blob;
}

/** The second pass. Keys are public keys of 1,216 bytes. */
export interface SealFileJob {
  readonly kind: 'seal';
  readonly file: Blob;
  readonly context: EnvelopeContext;
  readonly record: RecordId;
  readonly version: number;
  readonly patient: Address;
  readonly patientKey: Bytes;
  readonly patientKeyEpoch: number;
  readonly metadata: Metadata;
  readonly operator: Address;
  readonly operatorKey: Bytes;
  readonly operatorKeyEpoch: number;
  /** The name of the file that the page has reserved for the envelope; `null`: the envelope is made in memory. */
  readonly waitingName: string | null;
}

export type SealJob = HashJob | SealFileJob;

/** The result of the first pass. */
export interface HashResult {
  readonly kind: 'hash';
  readonly length: number;
  readonly hash: Hex;
}

/** The result of the second pass: the envelope, its CID as text, and the capsule of the release share for the operator. */
export interface SealResult {
  readonly kind: 'seal';
  /** `null` if the envelope is in its reserved file. */
  readonly envelope: Blob | null;
  readonly cid: string;
  readonly releaseShare: Bytes;
}

/** Runs one job. The data key is generated in the worker and leaves it only inside of the two capsules. */
export function doSealJob(job: SealJob, post: Post<HashResult | SealResult>): Promise<void> {
  return doJob(post, async () => {
    const progress = (bytes: number): void => post({ kind: 'progress', bytes });
    return { result: job.kind === 'hash' ? await hash(job, progress) : await seal(job, progress) };
  });
}

async function hash({ file }: HashJob, progress: (bytes: number) => void): Promise<HashResult> {
  const hasher = new ContentHasher();
  for await (const piece of blobPieces(file)) {
    await hasher.update(piece);
    progress(hasher.length);
  }
  return { kind: 'hash', length: hasher.length, hash: await hasher.finish() };
}

/**
 * Writes the envelope into the reserved file. If the disk has no room, writes it into memory, unless the document is too large for that.
 */
async function seal(job: SealFileJob, progress: (bytes: number) => void): Promise<SealResult> {
  if (job.waitingName !== null) {
    const name = job.waitingName;
    try {
      return await sealInto((length) => FileSink.open(name, length), job, progress);
    } catch (error) {
      if (!(error instanceof NoRoom)) throw error;
    }
  }
  if (job.file.size > MEMORY_LEN_MAX) throw new WorkerError('no_room');
  return sealInto(async () => new MemorySink(), job, progress);
}

/** Makes the envelope. Each try has a new data key: bytes of an earlier try are never combined with those of this one. */
async function sealInto(
  open: (length: number) => Promise<EnvelopeSink>,
  job: SealFileJob,
  progress: (bytes: number) => void,
): Promise<SealResult> {
  const dek = DataKey.generate();
  let sink: EnvelopeSink | null = null;
  try {
    const patientKey = PublicKey.fromBytes(job.patientKey);
    const sealer = await Sealer.create({ ...job, patientKey }, dek);
    sink = await open(sealer.sealedLength);
    const cid = new CidBuilder();
    for await (const part of sealer.seal(reporting(blobPieces(job.file), progress))) {
      await cid.update(part);
      sink.add(part);
    }
    const capsule = await sealReleaseShare(job, dek);
    const text = (await cid.finish()).toString();
    return { kind: 'seal', envelope: sink.finish(), cid: text, releaseShare: capsule.bytes };
  } finally {
    dek.wipe();
    sink?.close();
  }
}

async function sealReleaseShare(job: SealFileJob, dek: DataKey): Promise<Capsule> {
  const of = { ...job.context, record: job.record, version: job.version };
  const share = releaseShare(dek, of);
  const binding = releaseShareBinding(of, job.patient, job.operator, job.operatorKeyEpoch);
  const capsule = await Capsule.seal(share, PublicKey.fromBytes(job.operatorKey), binding);
  share.wipe();
  return capsule;
}

async function* reporting(content: AsyncIterable<Bytes>, progress: (bytes: number) => void): AsyncGenerator<Bytes, void, undefined> {
  let length = 0;
  for await (const piece of content) {
    yield piece;
    length += piece.length;
    progress(length);
  }
}
