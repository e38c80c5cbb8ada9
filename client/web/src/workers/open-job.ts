/** The code of the open worker, separate from the worker itself so that tests can run it. */

import type { Bytes } from '../protocol/bytes.ts';
import { concat } from '../protocol/bytes.ts';
import { verifyingCid } from '../protocol/cid/build.ts';
import { Cid } from '../protocol/cid/cid.ts';
import { type EnvelopeContext, Header } from '../protocol/envelope/header.ts';
import { HEADER_LEN } from '../protocol/envelope/layout.ts';
import type { Metadata } from '../protocol/envelope/metadata.ts';
import { Opener } from '../protocol/envelope/open.ts';
import type { Address } from '../protocol/hex.ts';
import { PublicKey } from '../protocol/key-pair.ts';
import { DataKey, ReleaseShare } from '../protocol/secret.ts';
import { BlobCollector, blobPieces } from './blob.ts';
import { doJob, type Post } from './wire.ts';

/** Content goes to the page in pieces of about this length. Progress is reported at the same steps. */
const PIECE_LEN = 1 << 20;

/** The job. Secrets are moved to the worker, not copied. */
export interface OpenJob {
  readonly kind: 'open';
  /** The envelope, or `null`: then it comes in pieces after the header, each requested with a `want`. */
  readonly file: Blob | null;
  /** The first 1,216 bytes of the envelope. */
  readonly header: Bytes;
  readonly context: EnvelopeContext;
  readonly dek: Bytes;
  /** The CID that the whole file must have; `null` if the blocks were checked before. */
  readonly cid: string | null;
  /** For readers other than the owner: the values to which the envelope must commit. */
  readonly commitment: { readonly patient: Address; readonly patientKey: Bytes; readonly releaseShare: Bytes } | null;
  /** `blob`: the content is sent as one blob at the end. `pieces`: it is sent while it is opened, each piece requested with a `take`. */
  readonly into: 'blob' | 'pieces';
}

/** Messages from the page to the worker. */
export type ToOpenWorker = OpenJob | { readonly kind: 'piece'; readonly bytes: Bytes | null } | { readonly kind: 'take' };

/** Messages from the worker, besides progress and result: it needs a piece of the file, or it sends a piece of the content. */
export type OpenMessage = { readonly kind: 'want' } | { readonly kind: 'content'; readonly bytes: Bytes; readonly metadata: Metadata };

/** The metadata, after every check passed; and the content, if it was requested as a blob. */
export interface OpenResult {
  readonly metadata: Metadata;
  readonly content: Blob | null;
}

/** Runs one job, and receives the page's messages during it. */
export class OpenJobRunner {
  readonly #post: Post<OpenResult, OpenMessage>;
  #givePiece: (bytes: Bytes | null) => void = () => undefined;
  #giveTurn: () => void = () => undefined;

  constructor(post: Post<OpenResult, OpenMessage>) {
    this.#post = post;
  }

  /** Receives a message of the page. */
  take(message: ToOpenWorker): void {
    if (message.kind === 'piece') this.#givePiece(message.bytes);
    else if (message.kind === 'take') this.#giveTurn();
    else void doJob(this.#post, async () => ({ result: await this.#open(message) }));
  }

  async #open(job: OpenJob): Promise<OpenResult> {
    const dek = new DataKey(job.dek);
    try {
      const header = Header.parse(job.header);
      const opener = new Opener(header, job.context, dek);
      const content = new BlobCollector();
      const metadata = await this.#drain(job, opener, content);
      if (job.commitment !== null) {
        const { patient, patientKey, releaseShare } = job.commitment;
        const released = new ReleaseShare(releaseShare);
        await header.checkCommitment(job.context, patient, PublicKey.fromBytes(patientKey), dek, released);
        released.wipe();
      }
      return { metadata, content: job.into === 'blob' ? content.finish() : null };
    } finally {
      dek.wipe();
    }
  }

  async #drain(job: OpenJob, opener: Opener, content: BlobCollector): Promise<Metadata> {
    const opening = opener.open(afterHeader(this.#file(job)));
    let held: Bytes[] = [];
    let heldLength = 0;
    let length = 0;
    const flush = async (): Promise<void> => {
      if (heldLength > 0) await this.#giveContent(concat(...held), opener);
      held = [];
      heldLength = 0;
    };
    for (;;) {
      const next = await opening.next();
      if (next.done === true) {
        await flush();
        return next.value;
      }
      const before = length;
      length += next.value.length;
      if (job.into === 'blob') {
        content.add(next.value);
      } else {
        held.push(next.value);
        heldLength += next.value.length;
        if (heldLength >= PIECE_LEN) await flush();
      }
      if (Math.floor(length / PIECE_LEN) > Math.floor(before / PIECE_LEN)) this.#post({ kind: 'progress', bytes: length });
    }
  }

  /** Returns all bytes of the file, checked against its CID. */
  #file(job: OpenJob): AsyncIterable<Bytes> {
    const bytes = job.file === null ? this.#pieces(job.header) : blobPieces(job.file);
    return job.cid === null ? bytes : verifyingCid(bytes, Cid.parse(job.cid));
  }

  async *#pieces(header: Bytes): AsyncGenerator<Bytes, void, undefined> {
    yield header;
    for (;;) {
      const piece = new Promise<Bytes | null>((resolve) => {
        this.#givePiece = resolve;
      });
      this.#post({ kind: 'message', message: { kind: 'want' } });
      const bytes = await piece;
      if (bytes === null) return;
      yield bytes;
    }
  }

  async #giveContent(bytes: Bytes, opener: Opener): Promise<void> {
    if (opener.metadata === null) return;
    const turn = new Promise<void>((resolve) => {
      this.#giveTurn = resolve;
    });
    const message: OpenMessage = { kind: 'content', bytes, metadata: opener.metadata };
    this.#post({ kind: 'message', message }, [bytes.buffer]);
    await turn;
  }
}

/** Returns the bytes after the first 1,216. */
async function* afterHeader(file: AsyncIterable<Bytes>): AsyncGenerator<Bytes, void, undefined> {
  let missing = HEADER_LEN;
  for await (const bytes of file) {
    const skipped = Math.min(missing, bytes.length);
    missing -= skipped;
    if (skipped < bytes.length) yield bytes.subarray(skipped);
  }
}
