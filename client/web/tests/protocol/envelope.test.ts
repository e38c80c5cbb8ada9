/** Tests for envelopes that are sealed and opened here. `vectors.test.ts` opens those that Rust sealed. */

import { describe, expect, test, vi } from 'vitest';
import type { Bytes } from '../../src/protocol/bytes.ts';
import { concat } from '../../src/protocol/bytes.ts';
import { CidMismatch, verifyingCid } from '../../src/protocol/cid/build.ts';
import { Cid } from '../../src/protocol/cid/cid.ts';
import { hashContent } from '../../src/protocol/envelope/content-hash.ts';
import { Header } from '../../src/protocol/envelope/header.ts';
import { FLOE_HEADER_LEN, HEADER_LEN, SEGMENT_LEN } from '../../src/protocol/envelope/layout.ts';
import { encodeMetadata, type Metadata } from '../../src/protocol/envelope/metadata.ts';
import { Opener } from '../../src/protocol/envelope/open.ts';
import { OpenError } from '../../src/protocol/envelope/open-error.ts';
import { RangeOpener } from '../../src/protocol/envelope/range.ts';
import { SealError, Sealer } from '../../src/protocol/envelope/seal.ts';
import { DataKey } from '../../src/protocol/secret.ts';
import { readerShare, joinShares, releaseShare } from '../../src/protocol/split.ts';
import { collect, fixedRandom, inPieces, patternBytes } from './patterns.ts';
import { CONTEXT, metadataOf, PATIENT, PATIENT_KEY, RECORD, sealParams } from './people.ts';

// Argon2id and thousands of cases are slow on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const OF = { ...CONTEXT, record: RECORD, version: 1 };
const newKey = (): DataKey => new DataKey(new Uint8Array(32).fill(0xd4));

async function seal(content: Bytes, pieceLength = content.length || 1, metadata?: Metadata): Promise<Bytes> {
  const announced = metadata ?? metadataOf(await hashContent([content]));
  const sealer = await Sealer.create(sealParams(announced), newKey(), fixedRandom(7));
  const envelope = await collect(sealer.seal(inPieces(content, pieceLength)));
  expect(envelope.length).toBe(sealer.sealedLength);
  return envelope;
}

async function open(envelope: Bytes, pieceLength = envelope.length || 1): Promise<{ metadata: Metadata; content: Bytes }> {
  const header = Header.parse(envelope);
  header.expect(RECORD, 1);
  const dek = await header.openOwnerCapsule(CONTEXT, PATIENT, PATIENT_KEY);
  const opening = new Opener(header, CONTEXT, dek).open(inPieces(envelope.subarray(HEADER_LEN), pieceLength));
  const content: Bytes[] = [];
  for (;;) {
    const next = await opening.next();
    if (next.done === true) return { metadata: next.value, content: concat(...content) };
    content.push(next.value);
  }
}

const sameBytes = (a: Bytes, b: Bytes): boolean => Buffer.compare(a, b) === 0;

/** Returns the number of bytes before content of that length, so that a test can place the end of a segment exactly. */
const before = (length: number): number => 4 + encodeMetadata(metadataOf({ length, hash: RECORD })).length;
const border = 65_504 - before(65_000);
/** The offset of the first segment. */
const segments = HEADER_LEN + FLOE_HEADER_LEN;
const secondBorder = 2 * 65_504 - before(130_000);

const MIB = 1 << 20;
const LENGTHS = [0, 1, 4_000, border - 1, border, border + 1, 65_503, 65_504, 65_505, 65_535, 65_536, 65_537];
const LARGE = [secondBorder - 1, secondBorder, secondBorder + 1, MIB - 1, MIB, MIB + 1, 3 * MIB + 17];

describe('what was sealed opens', () => {
  test.each([...LENGTHS, ...LARGE])('%i bytes', async (length) => {
    const content = patternBytes(length);
    const { metadata, content: opened } = await open(await seal(content));
    expect(metadata).toEqual(metadataOf(await hashContent([content])));
    expect(sameBytes(opened, content)).toBe(true);
  });

  test('in pieces of any length, and always to the same bytes', async () => {
    const content = patternBytes(3 * 65_504 + 11);
    const whole = await seal(content);
    for (const pieceLength of [1_000, 65_503, 65_504, 65_505, 65_536, 100_000]) {
      expect(sameBytes(await seal(content, pieceLength), whole)).toBe(true);
      const { content: opened } = await open(whole, pieceLength);
      expect(sameBytes(opened, content)).toBe(true);
    }
  });

  test('two envelopes of one content under one key differ in every segment', async () => {
    const content = patternBytes(70_000);
    const metadata = metadataOf(await hashContent([content]));
    const seals = [1, 2].map(async (seed) => {
      const sealer = await Sealer.create(sealParams(metadata), newKey(), fixedRandom(seed));
      return collect(sealer.seal([content]));
    });
    const [one, other] = (await Promise.all(seals)) as [Bytes, Bytes];
    expect(sameBytes(one.subarray(0, HEADER_LEN), other.subarray(0, HEADER_LEN))).toBe(true);
    const equal = one.filter((byte, i) => i >= HEADER_LEN + 10 && byte === other[i]).length;
    expect(equal).toBeLessThan(one.length / 100);
  });
});

describe('nothing that was changed opens', () => {
  test('a flipped bit anywhere', async () => {
    const envelope = await seal(patternBytes(70_000));
    // `capsule.test.ts` changes capsules, too.
    const inFront = Array.from({ length: segments + 40 }, (_, i) => i).filter((i) => i <= 48 || i >= HEADER_LEN || i % 7 === 0);
    const spread = Array.from({ length: 60 }, (_, i) => segments + Math.floor((i * (envelope.length - segments)) / 60));
    const atBorder = [SEGMENT_LEN - 1, SEGMENT_LEN, SEGMENT_LEN + 3, SEGMENT_LEN + 4].map((at) => segments + at);
    for (const at of [...inFront, ...spread, ...atBorder, envelope.length - 1]) {
      const changed = envelope.slice();
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      await expect(open(changed), `byte ${at}`).rejects.toThrow(OpenError);
    }
  });

  test('a file cut anywhere, or longer', async () => {
    const envelope = await seal(patternBytes(140_000));
    const cuts = [
      0,
      HEADER_LEN - 1,
      HEADER_LEN,
      HEADER_LEN + 1,
      segments - 1,
      segments,
      segments + 3,
      segments + SEGMENT_LEN,
      envelope.length - 1,
    ];
    for (const length of cuts) {
      await expect(open(envelope.subarray(0, length)), `cut to ${length}`).rejects.toMatchObject({
        code: length < HEADER_LEN ? 'header' : 'final',
      });
    }
    await expect(open(concat(envelope, new Uint8Array(1)))).rejects.toMatchObject({ code: 'final' });
  });

  test('what comes before a broken segment is given, the broken one and what follows is not', async () => {
    const content = patternBytes(5 * 65_504);
    const envelope = await seal(content);
    const third = HEADER_LEN + FLOE_HEADER_LEN + 2 * SEGMENT_LEN + 100;
    envelope[third] = (envelope[third] ?? 0) ^ 1;
    const opener = new Opener(Header.parse(envelope), CONTEXT, newKey());
    let given = 0;
    const drain = async (): Promise<void> => {
      for await (const piece of opener.open([envelope.subarray(HEADER_LEN)])) given += piece.length;
    };
    await expect(drain()).rejects.toMatchObject({ code: 'tag' });
    expect(given).toBe(2 * 65_504 - before(content.length));
  });

  test('content that changed between the two passes', async () => {
    const content = patternBytes(2_000);
    const metadata = metadataOf(await hashContent([content]));
    const changed = content.slice();
    changed[5] = (changed[5] ?? 0) ^ 1;
    for (const other of [changed, content.subarray(1), concat(content, Uint8Array.of(0))]) {
      await expect(seal(other, 512, metadata)).rejects.toMatchObject({ code: 'content_changed' });
    }
    await expect(seal(changed, 512, metadata)).rejects.toThrow(SealError);
  });
});

describe('readers', () => {
  test('join the shares, and notice an envelope that locks the patient out', async () => {
    const header = Header.parse(await seal(patternBytes(100)));
    const released = releaseShare(newKey(), OF);
    const dek = joinShares(readerShare(newKey(), OF), released);
    await header.checkCommitment(CONTEXT, PATIENT, PATIENT_KEY.publicKey, dek, released);
    const other = new DataKey(new Uint8Array(32).fill(0xd5));
    const check = header.checkCommitment(CONTEXT, PATIENT, PATIENT_KEY.publicKey, other, releaseShare(other, OF));
    await expect(check).rejects.toMatchObject({ code: 'commitment' });
  });

  test('of a range get the bytes of that range', async () => {
    const content = patternBytes(300_000);
    const envelope = await seal(content);
    const head = envelope.subarray(0, RangeOpener.HEAD_LEN);
    const opener = await RangeOpener.start(head, envelope.length, CONTEXT, newKey());
    expect(opener.metadata.contentLength).toBe(300_000);
    const ranges = [0, 0, 0, 1, border - 1, border + 1, border, border, 65_000, 200_001, 299_999, 300_000, 0, 300_000];
    for (let i = 0; i < ranges.length; i += 2) {
      const range = { start: ranges[i] ?? 0, end: ranges[i + 1] ?? 0 };
      const { start, end } = opener.fileRange(range);
      const opened = await opener.open(range, envelope.slice(start, end));
      expect(sameBytes(opened, content.subarray(range.start, range.end)), JSON.stringify(range)).toBe(true);
    }
    const past = { start: 0, end: 300_001 };
    expect(() => opener.fileRange(past)).toThrow(OpenError);
    await expect(opener.open({ start: 0, end: 1 }, envelope.slice(segments, segments + 65))).rejects.toMatchObject({ code: 'final' });
    const swapped = envelope.slice(segments + SEGMENT_LEN, segments + 2 * SEGMENT_LEN);
    await expect(opener.open({ start: 0, end: 1 }, swapped)).rejects.toMatchObject({ code: 'tag' });
    const other = RangeOpener.start(head, envelope.length - 1, CONTEXT, newKey());
    await expect(other).rejects.toMatchObject({ code: 'length' });
  });
});

test('a stream that is not the file of its CID ends in an error', async () => {
  const stream = async function* (): AsyncGenerator<Bytes> {
    yield* inPieces(patternBytes(5_000), 1_000);
  };
  const cid = Cid.parse('bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq');
  await expect(collect(verifyingCid(stream(), cid))).rejects.toThrow(CidMismatch);
});

describe('metadata', () => {
  const good = metadataOf({ length: 10, hash: `0x${'11'.repeat(32)}` });

  test.each([
    ['file_name', { fileName: '' }],
    ['file_name', { fileName: '..' }],
    ['file_name', { fileName: 'a/b' }],
    ['file_name', { fileName: 'exe.\u202egpj' }],
    ['file_name', { fileName: 'half\ud800' }],
    ['file_name', { fileName: 'ä'.repeat(128) }],
    ['media_type', { mediaType: 'text' }],
    ['media_type', { mediaType: '/plain' }],
    ['media_type', { mediaType: 'text/plain\n' }],
    ['fhir_type', { fhirType: '' }],
    ['codes', { codes: [{ system: 'a b', code: 'c' }] }],
    ['codes', { codes: Array.from({ length: 33 }, () => ({ system: 'a', code: 'c' })) }],
    ['created', { created: 2n ** 64n }],
    ['content_length', { contentLength: 2 ** 46 + 1 }],
    ['signature', { signedBy: { author: PATIENT, signature: '0x' } }],
  ] as const)('%s is refused (%#)', (code, change) => {
    expect(() => encodeMetadata({ ...good, ...change } as Metadata)).toThrow(expect.objectContaining({ code }));
  });
});
