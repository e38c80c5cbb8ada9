/** Opens an envelope from its first byte to its last. */

import { type Bytes, isZero, readU32 } from '../bytes.ts';
import type { DataKey } from '../secret.ts';
import { ByteReader } from './byte-reader.ts';
import { ContentHasher } from './content-hash.ts';
import { FloeMessage, readFraming, SEGMENT_PREFIX_LEN, SUITE_PARAMETERS } from './floe.ts';
import type { EnvelopeContext, Header } from './header.ts';
import { FLOE_HEADER_LEN, MAX_METADATA_LEN, METADATA_LENGTH_LEN, paddedLen } from './layout.ts';
import { decodeMetadata, type Metadata } from './metadata.ts';
import { OpenError } from './open-error.ts';

/** The number of segments that WebCrypto decrypts at the same time. */
const SEGMENTS_IN_FLIGHT = 16;

/** A segment that WebCrypto is decrypting; the result is `null` if its tag is wrong. */
interface Pending {
  readonly plaintext: Promise<Bytes | null>;
  readonly isFinal: boolean;
}

/**
 * Decrypts the part after the header. Yields the content of every segment whose tag is correct, in order, and returns the metadata after
 * every check passed.
 *
 * Nothing of a segment is yielded before its tag was checked. The content as a whole is checked against its hash only at the end: a caller
 * that cannot take bytes back must wait for that.
 */
export class Opener {
  readonly #header: Header;
  readonly #context: EnvelopeContext;
  readonly #dek: DataKey;
  readonly #plaintext = new PlaintextChecker();

  /** The data key comes from the owner capsule or from joining two shares. It is used when `open` starts. */
  constructor(header: Header, context: EnvelopeContext, dek: DataKey) {
    this.#header = header;
    this.#context = context;
    this.#dek = dek;
  }

  /** The metadata, after the first piece of content was yielded; `null` before. They may be trusted only after `open` has returned. */
  get metadata(): Metadata | null {
    return this.#plaintext.metadata;
  }

  /**
   * Opens the bytes after the 1,216 of the header. Call it only once.
   *
   * @throws OpenError; the bytes yielded before are authentic, but the file as a whole is not.
   */
  async *open(file: AsyncIterable<Bytes> | Iterable<Bytes>): AsyncGenerator<Bytes, Metadata, undefined> {
    const reader = new ByteReader(file);
    try {
      return yield* this.#open(reader);
    } finally {
      await reader.cancel();
    }
  }

  async *#open(reader: ByteReader): AsyncGenerator<Bytes, Metadata, undefined> {
    const message = await this.#receive(await reader.read(FLOE_HEADER_LEN));
    const inFlight: Pending[] = [];
    let framingHolds = true;
    let isLastRead = false;
    for (let position = 0; !isLastRead && framingHolds; position++) {
      const segment = await readSegment(reader);
      framingHolds = segment !== null;
      if (segment !== null) {
        isLastRead = segment.isFinal;
        if (!message.isReady(position)) await message.prepare(position);
        const plaintext = message.decryptSegment(segment.body, position, segment.isFinal);
        inFlight.push({ plaintext, isFinal: segment.isFinal });
      }
      // Segments before a broken one are checked first, so that the error is the same as when reading one segment at a time.
      const keep = isLastRead || !framingHolds ? 0 : SEGMENTS_IN_FLIGHT - 1;
      while (inFlight.length > keep) yield* this.#settle(inFlight.shift() as Pending);
    }
    if (!framingHolds || !(await reader.isAtEnd())) throw new OpenError('final');
    return this.#plaintext.finish();
  }

  async #receive(floeHeader: Bytes): Promise<FloeMessage> {
    if (floeHeader.length < FLOE_HEADER_LEN) throw new OpenError('final');
    const associatedData = this.#header.associatedData(this.#context);
    const message = await FloeMessage.receive(this.#dek.expose(), floeHeader, associatedData);
    if (typeof message === 'string') throw new OpenError(message);
    return message;
  }

  async *#settle(pending: Pending): AsyncGenerator<Bytes, void, undefined> {
    const plaintext = await pending.plaintext;
    if (plaintext === null) throw new OpenError('tag');
    const content = await this.#plaintext.take(plaintext, pending.isFinal);
    if (content.length > 0) yield content;
  }
}

/** Returns the next segment without its prefix; `null` if there is none, or if it is shorter than its prefix states. */
async function readSegment(reader: ByteReader): Promise<{ body: Bytes; isFinal: boolean } | null> {
  const prefix = await reader.read(SEGMENT_PREFIX_LEN);
  const framing = prefix.length < SEGMENT_PREFIX_LEN ? null : readFraming(SUITE_PARAMETERS, prefix);
  if (framing === null) return null;
  const length = framing.length - SEGMENT_PREFIX_LEN;
  const body = await reader.read(length);
  return body.length < length ? null : { body, isFinal: framing.isFinal };
}

/** Splits an authenticated plaintext into metadata, content and padding, and checks each. */
class PlaintextChecker {
  metadata: Metadata | null = null;
  #metadataLength = 0;
  #received = 0;
  readonly #content = new ContentHasher();

  /** Takes the plaintext of one segment and returns the content in it. */
  async take(segment: Bytes, isFinal: boolean): Promise<Bytes> {
    this.#received += segment.length;
    let rest = segment;
    if (this.metadata === null) {
      const { metadata, length } = parseMetadata(segment);
      this.metadata = metadata;
      this.#metadataLength = length;
      rest = segment.subarray(METADATA_LENGTH_LEN + length);
    }
    const announced = this.metadata.contentLength;
    const end = METADATA_LENGTH_LEN + this.#metadataLength + announced;
    if (this.#received > paddedLen(end)) throw new OpenError('padding');
    if (isFinal && this.#received < end) throw new OpenError('length');
    if (isFinal && this.#received < paddedLen(end)) throw new OpenError('padding');
    const content = rest.subarray(0, announced - this.#content.length);
    if (!isZero(rest.subarray(content.length))) throw new OpenError('padding');
    await this.#content.update(content);
    return content;
  }

  async finish(): Promise<Metadata> {
    if (this.metadata === null) throw new OpenError('length');
    if ((await this.#content.finish()) !== this.metadata.contentHash) throw new OpenError('commitment');
    return this.metadata;
  }
}

/**
 * Parses length and metadata from the plaintext of the first segment.
 *
 * @throws OpenError `length` or `header`.
 */
export function parseMetadata(first: Bytes): { metadata: Metadata; length: number } {
  const length = first.length < METADATA_LENGTH_LEN ? MAX_METADATA_LEN + 1 : readU32(first, 0);
  const end = METADATA_LENGTH_LEN + length;
  if (length > MAX_METADATA_LEN || end > first.length) throw new OpenError('length');
  try {
    return { metadata: decodeMetadata(first.slice(METADATA_LENGTH_LEN, end)), length };
  } catch {
    throw new OpenError('header');
  }
}
