/** Makes an envelope. */

import type { Address } from '../hex.ts';
import type { Bytes } from '../bytes.ts';
import { concat, u32 } from '../bytes.ts';
import { ProtocolError } from '../error.ts';
import type { PublicKey } from '../key-pair.ts';
import type { RecordId } from '../ids.ts';
import { type Random, systemRandom } from '../random.ts';
import type { DataKey } from '../secret.ts';
import { ContentHasher } from './content-hash.ts';
import { FLOE_IV_LEN, FloeMessage } from './floe.ts';
import { encryptStream } from './floe-stream.ts';
import { type EnvelopeContext, Header } from './header.ts';
import { plaintextLen, sealedLen } from './layout.ts';
import { encodeMetadata, type Metadata } from './metadata.ts';

/** The number of zero bytes of padding that are encrypted at a time. */
const PADDING_STEP = 1 << 20;

const MESSAGES = {
  version: 'version and key epoch must be at least 1',
  content_changed: 'the content changed while it was read',
} as const;

/**
 * The reason why an envelope could not be made.
 *
 * - `version`: version and key epoch must be at least 1.
 * - `content_changed`: the content differs from the metadata: it changed between the two passes. Start again.
 */
export class SealError extends ProtocolError<keyof typeof MESSAGES> {
  constructor(code: keyof typeof MESSAGES) {
    super(code, MESSAGES[code]);
  }
}

/** The parameters of an envelope. */
export interface SealParams {
  /** Chain and registry. */
  readonly context: EnvelopeContext;
  /** The record. */
  readonly record: RecordId;
  /** Its version, counted from 1. */
  readonly version: number;
  /** The patient of the record. */
  readonly patient: Address;
  /** The patient's identity key, from the chain. */
  readonly patientKey: PublicKey;
  /** Epoch of that key, counted from 1. */
  readonly patientKeyEpoch: number;
  /** The result of the first pass over the content (`hashContent`), with the other metadata. */
  readonly metadata: Metadata;
}

/** Encrypts one stream of content. Memory use: one piece of the content, and the segments that are being encrypted. */
export class Sealer {
  /** The unencrypted header. */
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
   * Yields the envelope in parts of up to 64 KiB, each in a buffer of its own. `content` is read as fast as parts are consumed. After an
   * error the parts so far must be discarded. Call it only once.
   *
   * @throws SealError `content_changed`; the errors of `content`.
   */
  async *seal(content: AsyncIterable<Bytes> | Iterable<Bytes>): AsyncGenerator<Bytes, void, undefined> {
    const length = plaintextLen(this.#announced.contentLength, this.#encodedMetadata.length);
    const plaintext = this.#plaintext(content, length);
    yield this.header.toBytes();
    yield* encryptStream(this.#message, plaintext, length, this.#random);
  }

  /** Yields metadata, content and padding. The content is hashed at the same time; WebCrypto does that in another thread. */
  async *#plaintext(content: AsyncIterable<Bytes> | Iterable<Bytes>, length: number): AsyncGenerator<Bytes, void, undefined> {
    const { contentLength, contentHash } = this.#announced;
    const hasher = new ContentHasher();
    const front = concat(u32(this.#encodedMetadata.length), this.#encodedMetadata);
    yield front;
    for await (const piece of content) {
      if (piece.length > contentLength - hasher.length) throw new SealError('content_changed');
      const hashed = hasher.update(piece);
      yield piece;
      await hashed;
    }
    if (hasher.length !== contentLength || (await hasher.finish()) !== contentHash.toLowerCase()) {
      throw new SealError('content_changed');
    }
    for (let missing = length - front.length - contentLength; missing > 0; missing -= PADDING_STEP) {
      yield new Uint8Array(Math.min(missing, PADDING_STEP));
    }
  }
}
