/**
 * Opening envelopes in a worker: a blob, or a stream as it is downloaded. Memory stays flat: pieces move to the worker and
 * its content back, a few at a time.
 */

import { type Bytes, own } from '../protocol/bytes.ts';
import type { Cid } from '../protocol/cid/cid.ts';
import { ByteReader } from '../protocol/envelope/byte-reader.ts';
import { type EnvelopeContext, Header } from '../protocol/envelope/header.ts';
import { HEADER_LEN } from '../protocol/envelope/layout.ts';
import type { Metadata } from '../protocol/envelope/metadata.ts';
import type { Address } from '../protocol/hex.ts';
import type { PublicKey } from '../protocol/identity.ts';
import type { RecordId } from '../protocol/ids.ts';
import type { DataKey, ReleaseShare } from '../protocol/secret.ts';
import type { OpenJob, OpenMessage, OpenResult } from './open-job.ts';
import { spawnOpen } from './spawn.ts';
import { type JobLine, type JobOptions, runJob } from './wire.ts';

/** How a header is unlocked. Both secrets are used up: they are moved to the worker and wiped here. */
export interface Unlocked {
  /** From the owner capsule (`header.openOwnerCapsule`), or from joining two shares. */
  readonly dek: DataKey;
  /** Null for the owner. Everybody else gives the share that was released, and the patient's key of the header's epoch. */
  readonly commitment: { readonly patientKey: PublicKey; readonly releaseShare: ReleaseShare } | null;
}

/** What is opened. */
export interface OpenRequest {
  readonly context: EnvelopeContext;
  /** The record that was asked for; the header of another is refused. */
  readonly record: RecordId;
  readonly version: number;
  readonly patient: Address;
  /** What the chain says about the file; `null` only where every block was checked already. */
  readonly cid: Cid | null;
  /** Called with the header once that was checked for form, record and version. */
  readonly unlock: (header: Header) => Promise<Unlocked>;
}

/** An envelope of which everything held. */
interface OpenedFile {
  readonly metadata: Metadata;
  /** The content, kept by the browser outside of the page's memory. */
  readonly content: Blob;
}

/**
 * Opens an envelope into a blob, which is there only when all of it held. Progress counts bytes of content.
 *
 * @throws OpenError, CidMismatch, WorkerError; what `unlock` or the stream throws; the reason of `options.signal`.
 */
export async function openFile(
  file: Blob | ReadableStream<Uint8Array>,
  request: OpenRequest,
  options: JobOptions = {},
): Promise<OpenedFile> {
  const { metadata, content } = await open(file, request, options, 'blob', () => undefined);
  return { metadata, content: content ?? new Blob([]) };
}

/**
 * Opens an envelope piece by piece, each given to `take` once its tags hold; the next comes when `take` is done. Whether the
 * whole held is known only when this resolves: until then nothing may be shown or kept as whole.
 *
 * @throws as `openFile`; what `take` throws.
 */
export async function openFilePieces(
  file: Blob | ReadableStream<Uint8Array>,
  request: OpenRequest,
  take: (bytes: Bytes, metadata: Metadata) => Promise<void> | void,
  options: JobOptions = {},
): Promise<Metadata> {
  return (await open(file, request, options, 'pieces', take)).metadata;
}

async function open(
  file: Blob | ReadableStream<Uint8Array>,
  request: OpenRequest,
  options: JobOptions,
  into: OpenJob['into'],
  take: (bytes: Bytes, metadata: Metadata) => Promise<void> | void,
): Promise<OpenResult> {
  const source = await Source.of(file, options.signal);
  try {
    options.signal?.throwIfAborted();
    const header = Header.parse(source.header);
    header.expect(request.record, request.version);
    const { dek, commitment } = await request.unlock(header);
    let job: OpenJob;
    try {
      options.signal?.throwIfAborted();
      job = jobOf(request, source, dek, commitment, into);
    } finally {
      dek.wipe();
      commitment?.releaseShare.wipe();
    }
    const secrets = [job.dek, ...(job.commitment === null ? [] : [job.commitment.releaseShare])];
    return await runJob<OpenResult, OpenMessage>(
      spawnOpen,
      options,
      (line) =>
        line.post(
          job,
          secrets.map((secret) => secret.buffer),
        ),
      (message, line) => void answer(message, line, source, take).catch(line.fail),
    );
  } finally {
    await source.cancel();
  }
}

function jobOf(
  { context, cid, patient }: OpenRequest,
  source: Source,
  dek: DataKey,
  commitment: Unlocked['commitment'],
  into: OpenJob['into'],
): OpenJob {
  return {
    kind: 'open',
    file: source.blob,
    header: source.header,
    context,
    dek: dek.expose().slice(),
    cid: cid?.toString() ?? null,
    commitment: commitment && {
      patient,
      patientKey: commitment.patientKey.bytes,
      releaseShare: commitment.releaseShare.expose().slice(),
    },
    into,
  };
}

async function answer(
  message: OpenMessage,
  line: JobLine,
  source: Source,
  take: (bytes: Bytes, metadata: Metadata) => Promise<void> | void,
): Promise<void> {
  if (message.kind === 'content') {
    await take(message.bytes, message.metadata);
    line.post({ kind: 'take' });
    return;
  }
  const bytes = await source.next();
  line.post({ kind: 'piece', bytes }, bytes === null ? [] : [bytes.buffer]);
}

/** The envelope as it comes: its first 161 bytes, and the rest as a blob or a stream. */
class Source {
  /** The first 161 bytes, or all if those are fewer. */
  readonly header: Bytes;
  readonly blob: Blob | null;
  readonly #rest: AsyncIterator<Bytes> | null;
  readonly #cancel: () => Promise<void>;

  private constructor(header: Bytes, blob: Blob | null, rest: AsyncIterator<Bytes> | null, cancel: () => Promise<void>) {
    this.header = header;
    this.blob = blob;
    this.#rest = rest;
    this.#cancel = cancel;
  }

  static async of(file: Blob | ReadableStream<Uint8Array>, signal: AbortSignal | undefined): Promise<Source> {
    if (file instanceof Blob) {
      const header = new Uint8Array(await file.slice(0, HEADER_LEN).arrayBuffer());
      return new Source(header, file, null, async () => undefined);
    }
    const stream = file.getReader();
    const cancel = (): void => void stream.cancel().catch(() => undefined);
    signal?.addEventListener('abort', cancel, { once: true });
    const reader = new ByteReader(streamPieces(stream));
    // A copy: what lies behind the first bytes moves to the worker.
    const header = (await reader.read(HEADER_LEN)).slice();
    signal?.removeEventListener('abort', cancel);
    return new Source(header, null, reader.rest(), () => stream.cancel());
  }

  /** The next piece of the stream in a buffer of its own, or `null` at its end. */
  async next(): Promise<Bytes | null> {
    const next = await this.#rest?.next();
    if (next === undefined || next.done === true) return null;
    const isWhole = next.value.byteLength === next.value.buffer.byteLength;
    return isWhole ? next.value : next.value.slice();
  }

  /** Ends the download, also one that has stalled; does nothing after its end. */
  async cancel(): Promise<void> {
    await this.#cancel().catch(() => undefined);
  }
}

/** A stream as an async iterable; not every browser makes streams iterable themselves. */
async function* streamPieces(stream: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<Bytes, void, undefined> {
  for (;;) {
    const { done, value } = await stream.read();
    if (done) return;
    yield own(value);
  }
}
