/** Encrypting a long message of known length with FLOE, several segments at a time. */

import type { Bytes } from '../bytes.ts';
import { isZero } from '../bytes.ts';
import type { Random } from '../random.ts';
import { type FloeMessage, SEGMENT_IV_LEN, segmentHead } from './floe.ts';
import { SEGMENT_PAYLOAD_LEN } from './layout.ts';

/** Segments that WebCrypto works on at one time, so that its threads are never idle. */
const SEGMENTS_IN_FLIGHT = 16;
/** Segment IVs are drawn this many at a time: asking the generator for 12 bytes costs as much as asking for 768. */
const IVS_AT_ONCE = 64;

/**
 * Gives the FLOE header and the segments, in parts which in a row are the message. Each part is as WebCrypto made it: joining
 * them into longer ones would cost as much as the encryption itself. `plaintext` gives exactly `length` bytes and is read as
 * fast as parts are taken; what it gave may be written over once it is asked for more. `message` has the parameters of
 * suite 0x01.
 *
 * @throws whatever `plaintext` throws; RangeError when it gives another number of bytes.
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

/** A segment on its way through WebCrypto. */
interface Segment {
  readonly head: Bytes;
  readonly ciphertext: Promise<ArrayBuffer>;
}

async function* partsOf(segment: Segment | undefined): AsyncGenerator<Bytes, void, undefined> {
  if (segment === undefined) return;
  yield segment.head;
  yield new Uint8Array(await segment.ciphertext);
}

/** Cuts a plaintext of known length into payloads. Full ones are views of what came, where they can be. */
class SegmentCutter {
  /** Plaintext bytes that have not come yet. */
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
