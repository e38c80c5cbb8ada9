/**
 * Opens envelopes in a worker: a blob, or a stream while it is downloaded. Memory use does not grow with the file: pieces move to the
 * worker and its content back, a few at a time.
 */

import { type Bytes, own } from '../protocol/bytes.ts';
import type { Cid } from '../protocol/cid/cid.ts';
import { ByteReader } from '../protocol/envelope/byte-reader.ts';
import { type EnvelopeContext, Header } from '../protocol/envelope/header.ts';
import { HEADER_LEN } from '../protocol/envelope/layout.ts';
import type { Metadata } from '../protocol/envelope/metadata.ts';
import type { Address } from '../protocol/hex.ts';
import type { PublicKey } from '../protocol/key-pair.ts';
import type { RecordId } from '../protocol/ids.ts';
import type { DataKey, ReleaseShare } from '../protocol/secret.ts';
import type { OpenJob, OpenMessage, OpenResult } from './open-job.ts';
import { spawnOpen } from './spawn.ts';
import { type JobLine, type JobOptions, runJob } from './wire.ts';

/** The keys for a header. Both secrets are consumed: they are moved to the worker and wiped here. */
export interface Unlocked {
  /** From the owner capsule (`header.openOwnerCapsule`), or from joining two shares. */
  readonly dek: DataKey;
  /** `null` for the owner. Every other reader gives the release share, and the patient's key of the header's epoch. */
  readonly commitment: { readonly patientKey: PublicKey; readonly releaseShare: ReleaseShare } | null;
}

/** The envelope to open. */
export interface OpenRequest {
  readonly context: EnvelopeContext;
  /** The record that was requested. The header of another record is refused. */
  readonly record: RecordId;
  readonly version: number;
  readonly patient: Address;
  /** The CID of the file on the chain; `null` only if every block was checked before. */
  readonly cid: Cid | null;
  /** Called with the header, after its form, record and version were checked. */
  readonly unlock: (header: Header) => Promise<Unlocked>;
}

/** An envelope that passed every check. */
interface OpenedFile {
  readonly metadata: Metadata;
  /** The content, which the browser stores outside of the page's memory. */
  readonly content: Blob;
}

/**
 * Opens an envelope into a blob, which exists only if every check passed. Progress counts bytes of content.
 *
 * @throws OpenError, CidMismatch, WorkerError; the errors of `unlock` or of the stream; the reason of `options.signal`.
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
 * Opens an envelope piece by piece. Each piece is given to `take` after its tags were checked; the next one follows when `take` has
 * returned. The file as a whole is checked only when this resolves. Until then nothing may be shown or kept as complete.
 *
 * @throws as `openFile`; the errors of `take`.
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

/** The incoming envelope: its first 1,216 bytes, and the rest as a blob or a stream. */
class Source {
  /** The first 1,216 bytes, or all bytes if there are fewer. */
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
    // A copy, because the bytes behind the header move to the worker.
    const header = (await reader.read(HEADER_LEN)).slice();
    signal?.removeEventListener('abort', cancel);
    return new Source(header, null, reader.rest(), () => stream.cancel());
  }

  /** Returns the next piece of the stream in a buffer of its own, or `null` at its end. */
  async next(): Promise<Bytes | null> {
    const next = await this.#rest?.next();
    if (next === undefined || next.done === true) return null;
    const isWhole = next.value.byteLength === next.value.buffer.byteLength;
    return isWhole ? next.value : next.value.slice();
  }

  /** Ends the download, even if no data arrives any more. Does nothing after its end. */
  async cancel(): Promise<void> {
    await this.#cancel().catch(() => undefined);
  }
}

/** Returns a stream as an async iterable, because streams are not iterable in every browser. */
async function* streamPieces(stream: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<Bytes, void, undefined> {
  for (;;) {
    const { done, value } = await stream.read();
    if (done) return;
    yield own(value);
  }
}
