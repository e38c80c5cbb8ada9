/** Opens any byte range of the content from the segments that cover it. */

import { type Bytes, concat } from '../bytes.ts';
import type { DataKey } from '../secret.ts';
import { FloeMessage, readFraming, SEGMENT_PREFIX_LEN, SUITE_PARAMETERS } from './floe.ts';
import { type EnvelopeContext, Header } from './header.ts';
import {
  FLOE_HEADER_LEN,
  HEADER_LEN,
  METADATA_LENGTH_LEN,
  SEGMENT_LEN,
  SEGMENT_OVERHEAD,
  SEGMENT_PAYLOAD_LEN,
  sealedLen,
} from './layout.ts';
import type { Metadata } from './metadata.ts';
import { parseMetadata } from './open.ts';
import { OpenError } from './open-error.ts';

const SEGMENTS_AT = HEADER_LEN + FLOE_HEADER_LEN;

/** A half-open range of bytes. */
interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Random access to an envelope of known length.
 *
 * When a range is returned, the tags of its segments were checked, so it is authentic and at its right place, and the length of the file is
 * the one that follows from the metadata. The content hash and the padding are not checked: that needs the whole file.
 */
export class RangeOpener {
  /** The number of first bytes of a file that `start` needs. If the file is shorter, it needs the whole file. */
  static readonly HEAD_LEN = SEGMENTS_AT + SEGMENT_LEN;

  /** The metadata of the envelope. */
  readonly metadata: Metadata;
  readonly #message: FloeMessage;
  readonly #fileLength: number;
  readonly #contentAt: number;

  private constructor(message: FloeMessage, fileLength: number, metadata: Metadata, contentAt: number) {
    this.#message = message;
    this.#fileLength = fileLength;
    this.metadata = metadata;
    this.#contentAt = contentAt;
  }

  /**
   * Opens FLOE's header and the first segment. `head` starts with the envelope's first byte; `fileLength` is the length of the whole file.
   * The data key may be wiped when this returns.
   *
   * @throws OpenError `header`, `tag`, `final` for a head that is too short, `length` if `fileLength` does not match the metadata.
   */
  static async start(head: Bytes, fileLength: number, context: EnvelopeContext, dek: DataKey): Promise<RangeOpener> {
    const header = Header.parse(head);
    const floeHeader = head.slice(HEADER_LEN, SEGMENTS_AT);
    if (floeHeader.length < FLOE_HEADER_LEN) throw new OpenError('final');
    const message = await FloeMessage.receive(dek.expose(), floeHeader, header.associatedData(context));
    if (typeof message === 'string') throw new OpenError(message);
    const first = await openSegment(message, segmentRange(0, fileLength), 0, fileLength, head.subarray(SEGMENTS_AT));
    const { metadata, length } = parseMetadata(first.plaintext);
    if (sealedLen(metadata.contentLength, length) !== fileLength) throw new OpenError('length');
    return new RangeOpener(message, fileLength, metadata, METADATA_LENGTH_LEN + length);
  }

  /**
   * Returns the byte range of the file to fetch for a range of the content: whole segments. It is empty for an empty range.
   *
   * @throws OpenError `length` for a range beyond the content.
   */
  fileRange(content: ByteRange): ByteRange {
    const { start, end } = this.#segments(content);
    if (start === end) return { start: SEGMENTS_AT, end: SEGMENTS_AT };
    return {
      start: segmentRange(start, this.#fileLength).start,
      end: segmentRange(end - 1, this.#fileLength).end,
    };
  }

  /**
   * Opens a range of the content. `fileBytes` are the bytes of `fileRange`.
   *
   * @throws OpenError `tag` or `final` for bytes that are not those of the file, `length` for a range beyond the content.
   */
  async open(content: ByteRange, fileBytes: Bytes): Promise<Bytes> {
    const parts: Bytes[] = [];
    let rest = fileBytes;
    const segments = this.#segments(content);
    for (let position = segments.start; position < segments.end; position++) {
      const range = segmentRange(position, this.#fileLength);
      const opened = await openSegment(this.#message, range, position, this.#fileLength, rest);
      rest = opened.rest;
      const within = (at: number): number => Math.max(0, this.#contentAt + at - position * SEGMENT_PAYLOAD_LEN);
      parts.push(opened.plaintext.subarray(within(content.start), within(content.end)));
    }
    if (rest.length > 0) throw new OpenError('final');
    return concat(...parts);
  }

  /** Returns the positions of the segments that cover a range of the content. */
  #segments(content: ByteRange): ByteRange {
    if (content.start > content.end || content.start < 0 || content.end > this.metadata.contentLength) {
      throw new OpenError('length');
    }
    if (content.start === content.end) return { start: 0, end: 0 };
    return {
      start: Math.floor((this.#contentAt + content.start) / SEGMENT_PAYLOAD_LEN),
      end: Math.ceil((this.#contentAt + content.end) / SEGMENT_PAYLOAD_LEN),
    };
  }
}

/** Returns the byte range of a segment in a file of that length. */
function segmentRange(position: number, fileLength: number): ByteRange {
  const start = SEGMENTS_AT + position * SEGMENT_LEN;
  return { start, end: Math.min(start + SEGMENT_LEN, fileLength) };
}

/** Opens the segment at the front of `bytes`. Returns also the bytes after it. */
async function openSegment(
  message: FloeMessage,
  range: ByteRange,
  position: number,
  fileLength: number,
  bytes: Bytes,
): Promise<{ plaintext: Bytes; rest: Bytes }> {
  const length = range.end - range.start;
  if (length < SEGMENT_OVERHEAD || bytes.length < length) throw new OpenError('final');
  const framing = readFraming(SUITE_PARAMETERS, bytes.subarray(0, SEGMENT_PREFIX_LEN));
  const isFinal = range.end === fileLength;
  if (framing === null || framing.isFinal !== isFinal || framing.length !== length) throw new OpenError('final');
  if (!message.isReady(position)) await message.prepare(position);
  const plaintext = await message.decryptSegment(bytes.subarray(SEGMENT_PREFIX_LEN, length), position, isFinal);
  if (plaintext === null) throw new OpenError('tag');
  return { plaintext, rest: bytes.subarray(length) };
}
