/** Encrypts a long message of known length with FLOE, several segments at a time. */

import type { Bytes } from '../bytes.ts';
import { isZero } from '../bytes.ts';
import type { Random } from '../random.ts';
import { type FloeMessage, SEGMENT_IV_LEN, segmentHead } from './floe.ts';
import { SEGMENT_PAYLOAD_LEN } from './layout.ts';

/** The number of segments that WebCrypto encrypts at the same time, so that its threads are never idle. */
const SEGMENTS_IN_FLIGHT = 16;
/** The number of segment IVs that are generated at a time: generating 12 random bytes costs as much as generating 768. */
const IVS_AT_ONCE = 64;

/**
 * Yields the FLOE header and the segments, in parts. The concatenation of the parts is the message. Each part is as WebCrypto made it:
 * joining them into longer ones would cost as much as the encryption itself. `plaintext` must yield exactly `length` bytes. It is read only
 * as fast as the parts are consumed, and may reuse its buffer once it is asked for more. `message` has the parameters of suite 0x01.
 *
 * @throws the errors of `plaintext`; RangeError if it yields another number of bytes.
 */
export async function* encryptStream(
  message: FloeMessage,
  plaintext: AsyncIterable<Bytes>,
  length: number,
  random: Random,
): AsyncGenerator<Bytes, void, undefined> {
  yield message.header;
  const ivs = new SegmentIvs(random);
  const cutter = new SegmentCutter(length);
  const inFlight: Segment[] = [];
  let position = 0;
  for await (const piece of plaintext) {
    for (const { payload, isFinal } of cutter.push(piece)) {
      if (!message.isReady(position)) await message.prepare(position);
      const iv = ivs.next();
      const ciphertext = message.encryptSegment(payload, position, isFinal, iv);
      inFlight.push({ head: segmentHead(payload.length, isFinal, iv), ciphertext });
      position += 1;
      if (inFlight.length === SEGMENTS_IN_FLIGHT) yield* partsOf(inFlight.shift());
    }
  }
  while (inFlight.length > 0) yield* partsOf(inFlight.shift());
  if (cutter.missing > 0) throw new RangeError('the plaintext is not as long as it was announced');
}

/** A segment that WebCrypto is encrypting. */
interface Segment {
  readonly head: Bytes;
  readonly ciphertext: Promise<ArrayBuffer>;
}

async function* partsOf(segment: Segment | undefined): AsyncGenerator<Bytes, void, undefined> {
  if (segment === undefined) return;
  yield segment.head;
  yield new Uint8Array(await segment.ciphertext);
}

/** Cuts a plaintext of known length into payloads. Full payloads are views of the input if possible. */
class SegmentCutter {
  /** Number of plaintext bytes that have not arrived yet. */
  missing: number;
  #partial: Bytes | null = null;
  #filled = 0;

  constructor(length: number) {
    this.missing = length;
  }

  *push(bytes: Bytes): Generator<{ payload: Bytes; isFinal: boolean }, void, undefined> {
    if (bytes.length > this.missing) throw new RangeError('the plaintext is not as long as it was announced');
    let rest = bytes;
    while (rest.length > 0) {
      const now = rest.subarray(0, SEGMENT_PAYLOAD_LEN - this.#filled);
      rest = rest.subarray(now.length);
      this.missing -= now.length;
      const isFinal = this.missing === 0;
      if (this.#filled === 0 && (isFinal || now.length === SEGMENT_PAYLOAD_LEN)) {
        yield { payload: now, isFinal };
        continue;
      }
      this.#partial ??= new Uint8Array(SEGMENT_PAYLOAD_LEN);
      this.#partial.set(now, this.#filled);
      this.#filled += now.length;
      if (isFinal || this.#filled === SEGMENT_PAYLOAD_LEN) {
        const payload = this.#partial.subarray(0, this.#filled);
        this.#filled = 0;
        yield { payload, isFinal };
      }
    }
  }
}

/** New random IVs for segments. */
class SegmentIvs {
  readonly #random: Random;
  #drawn: Bytes = new Uint8Array(0);

  constructor(random: Random) {
    this.#random = random;
  }

  next(): Bytes {
    if (this.#drawn.length === 0) {
      this.#drawn = this.#random(SEGMENT_IV_LEN * IVS_AT_ONCE);
      // A generator that returns only zeros is broken, and AES-GCM with such IVs would be insecure.
      if (isZero(this.#drawn)) throw new Error('the system did not provide random numbers');
    }
    const iv = this.#drawn.subarray(0, SEGMENT_IV_LEN);
    this.#drawn = this.#drawn.subarray(SEGMENT_IV_LEN);
    return iv;
  }
}
