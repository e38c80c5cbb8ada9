/** Making an envelope. */

import type { Address } from '../hex.ts';
import type { Bytes } from '../bytes.ts';
import { concat, isZero, u32 } from '../bytes.ts';
import { ProtocolError } from '../error.ts';
import type { PublicKey } from '../identity.ts';
import type { RecordId } from '../ids.ts';
import { type Random, systemRandom } from '../random.ts';
import type { DataKey } from '../secret.ts';
import { ContentHasher } from './content-hash.ts';
import { FLOE_IV_LEN, FloeMessage, SEGMENT_IV_LEN } from './floe.ts';
import { type EnvelopeContext, Header } from './header.ts';
import { plaintextLen, SEGMENT_PAYLOAD_LEN, sealedLen } from './layout.ts';
import { encodeMetadata, type Metadata } from './metadata.ts';

/** Segments that WebCrypto works on at one time, so that its threads are never idle. */
const SEGMENTS_IN_FLIGHT = 16;
/** Length of the chunks that come out; the last one is shorter. */
export const CHUNK_LEN = 1 << 20;
/** Segment IVs are drawn this many at a time: asking the generator for 12 bytes costs as much as asking for 768. */
const IVS_AT_ONCE = 64;

const MESSAGES = {
  version: 'version and key epoch count from 1',
  content_changed: 'the content changed while it was read',
} as const;

/**
 * Why an envelope could not be made.
 *
 * - `version`: version and key epoch count from 1.
 * - `content_changed`: the content is not what the metadata announce: it changed between the two passes. Start again.
 */
export class SealError extends ProtocolError<keyof typeof MESSAGES> {
  constructor(code: keyof typeof MESSAGES) {
    super(code, MESSAGES[code]);
  }
}

/** What an envelope is made for. */
export interface SealParams {
  /** Chain and registry. */
  readonly context: EnvelopeContext;
  /** The record. */
  readonly record: RecordId;
  /** Its version, from 1. */
  readonly version: number;
  /** Whose record it is. */
  readonly patient: Address;
  /** The patient's identity key, from the chain. */
  readonly patientKey: PublicKey;
  /** Its epoch, from 1. */
  readonly patientKeyEpoch: number;
  /** What the first pass over the content (`hashContent`) found. */
  readonly metadata: Metadata;
}

/** Encrypts one stream of content. Memory: a chunk of the input, one of the output, and the segments in flight. */
export class Sealer {
  /** The clear header. */
  readonly header: Header;
  /** Length of the whole envelope, known from the start. */
  readonly sealedLength: number;
  readonly #message: FloeMessage;
  readonly #announced: Metadata;
  readonly #encodedMetadata: Bytes;
  readonly #random: Random;

  private constructor(header: Header, message: FloeMessage, announced: Metadata, encoded: Bytes, random: Random) {
    this.header = header;
    this.sealedLength = sealedLen(announced.contentLength, encoded.length);
    this.#message = message;
    this.#announced = announced;
    this.#encodedMetadata = encoded;
    this.#random = random;
  }

  /**
   * Starts an envelope. The data key may be wiped when this returns.
   *
   * @throws MetadataError, SealError `version`.
   */
  static async create(params: SealParams, dek: DataKey, random: Random = systemRandom): Promise<Sealer> {
    if (params.version === 0 || params.patientKeyEpoch === 0) throw new SealError('version');
    const encoded = encodeMetadata(params.metadata);
    const of = { ...params.context, record: params.record, version: params.version };
    const header = await Header.create(of, params.patient, params.patientKey, params.patientKeyEpoch, dek);
    const iv = random(FLOE_IV_LEN);
    const message = await FloeMessage.derive(dek.expose(), iv, header.associatedData(params.context));
    return new Sealer(header, message, params.metadata, encoded, random);
  }

  /**
   * Gives the envelope in chunks of `CHUNK_LEN` bytes. `content` is read as fast as chunks are taken. After an error the
   * envelope so far must be thrown away. To be called once.
   *
   * @throws SealError `content_changed`; whatever `content` throws.
   */
  async *seal(content: AsyncIterable<Bytes> | Iterable<Bytes>): AsyncGenerator<Bytes, void, undefined> {
    const output = new ChunkWriter(this.sealedLength);
    output.write(this.header.toBytes());
    output.write(this.#message.header);

    const inFlight: ReturnType<FloeMessage['encryptSegment']>[] = [];
    const takeFirst = async (): Promise<void> => {
      const segment = await inFlight.shift();
      if (segment === undefined) return;
      output.write(segment.head);
      output.write(segment.ciphertext);
    };
    const ivs = new SegmentIvs(this.#random);
    let position = 0;
    for await (const { plaintext, isFinal } of this.#segments(content)) {
      inFlight.push(this.#message.encryptSegment(plaintext, position, isFinal, ivs.next()));
      position += 1;
      if (inFlight.length >= SEGMENTS_IN_FLIGHT) await takeFirst();
      yield* output.takeFull();
    }
    while (inFlight.length > 0) await takeFirst();
    yield* output.takeFull();
    yield* output.takeLast();
  }

  /** The plaintext of each segment: metadata, content, padding. Full segments are views of the content where they can be. */
  async *#segments(
    content: AsyncIterable<Bytes> | Iterable<Bytes>,
  ): AsyncGenerator<{ plaintext: Bytes; isFinal: boolean }, void, undefined> {
    const { contentLength, contentHash } = this.#announced;
    const hasher = new ContentHasher();
    const cutter = new SegmentCutter(plaintextLen(contentLength, this.#encodedMetadata.length));
    yield* cutter.push(concat(u32(this.#encodedMetadata.length), this.#encodedMetadata));
    for await (const piece of content) {
      if (piece.length > contentLength - hasher.length) throw new SealError('content_changed');
      // Hashing and encryption run side by side: WebCrypto has threads of its own.
      const hashed = hasher.update(piece);
      yield* cutter.push(piece);
      await hashed;
    }
    if (hasher.length !== contentLength || (await hasher.finish()) !== contentHash.toLowerCase()) {
      throw new SealError('content_changed');
    }
    while (cutter.missing > 0) yield* cutter.push(new Uint8Array(Math.min(cutter.missing, CHUNK_LEN)));
  }
}

/** Cuts a plaintext of known length into segments. */
class SegmentCutter {
  /** Plaintext bytes that have not come yet. */
  missing: number;
  #partial: Bytes | null = null;
  #filled = 0;

  constructor(length: number) {
    this.missing = length;
  }

  /** Takes at most `missing` bytes. */
  *push(bytes: Bytes): Generator<{ plaintext: Bytes; isFinal: boolean }, void, undefined> {
    let rest = bytes;
    while (rest.length > 0) {
      const now = rest.subarray(0, SEGMENT_PAYLOAD_LEN - this.#filled);
      rest = rest.subarray(now.length);
      this.missing -= now.length;
      const isFinal = this.missing === 0;
      if (this.#partial === null && (isFinal || now.length === SEGMENT_PAYLOAD_LEN)) {
        yield { plaintext: now, isFinal };
        continue;
      }
      this.#partial ??= new Uint8Array(SEGMENT_PAYLOAD_LEN);
      this.#partial.set(now, this.#filled);
      this.#filled += now.length;
      if (isFinal || this.#filled === SEGMENT_PAYLOAD_LEN) {
        const plaintext = this.#partial.subarray(0, this.#filled);
        this.#partial = null;
        this.#filled = 0;
        yield { plaintext, isFinal };
      }
    }
  }
}

/** Fresh IVs for segments. */
class SegmentIvs {
  readonly #random: Random;
  #drawn: Bytes = new Uint8Array(0);

  constructor(random: Random) {
    this.#random = random;
  }

  next(): Bytes {
    if (this.#drawn.length === 0) {
      this.#drawn = this.#random(SEGMENT_IV_LEN * IVS_AT_ONCE);
      // A generator that gives nothing but zeros is broken; AES-GCM would be, too.
      if (isZero(this.#drawn)) throw new Error('the system gives no random numbers');
    }
    const iv = this.#drawn.subarray(0, SEGMENT_IV_LEN);
    this.#drawn = this.#drawn.subarray(SEGMENT_IV_LEN);
    return iv;
  }
}

/** Gathers a stream of known length into chunks, each a buffer of its own that may be transferred away. */
class ChunkWriter {
  #missing: number;
  #chunk: Bytes;
  #filled = 0;
  #full: Bytes[] = [];

  constructor(length: number) {
    this.#missing = length;
    this.#chunk = this.#allocate();
  }

  write(bytes: Bytes): void {
    let rest = bytes;
    while (rest.length > 0) {
      const now = rest.subarray(0, this.#chunk.length - this.#filled);
      this.#chunk.set(now, this.#filled);
      this.#filled += now.length;
      rest = rest.subarray(now.length);
      if (this.#filled === this.#chunk.length) {
        this.#full.push(this.#chunk);
        this.#missing -= this.#filled;
        this.#chunk = this.#allocate();
        this.#filled = 0;
      }
    }
  }

  *takeFull(): Generator<Bytes, void, undefined> {
    yield* this.#full;
    this.#full = [];
  }

  #allocate(): Bytes {
    return new Uint8Array(Math.min(CHUNK_LEN, this.#missing));
  }

  *takeLast(): Generator<Bytes, void, undefined> {
    yield* this.takeFull();
    if (this.#missing !== 0) throw new Error('the envelope is not as long as it was announced');
  }
}
