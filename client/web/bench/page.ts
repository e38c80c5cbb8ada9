/**
 * What `run.mjs` measures in a real browser: the envelope beside bare `subtle.encrypt`, Argon2id, and a large file through
 * the workers. The page does what it is told through `globalThis.bench` and decides nothing.
 */

import { uploadBlob } from '../src/api/routes.ts';
import { ChosenFile } from '../src/flows/chosen-file.ts';
import { readInto, streamOf } from '../src/flows/download.ts';
import { fetched } from '../src/flows/envelope-bytes.ts';
import type { Bytes } from '../src/protocol/bytes.ts';
import { CidBuilder } from '../src/protocol/cid/build.ts';
import type { Cid } from '../src/protocol/cid/cid.ts';
import { hashContent } from '../src/protocol/envelope/content-hash.ts';
import { FloeMessage } from '../src/protocol/envelope/floe.ts';
import { encryptStream } from '../src/protocol/envelope/floe-stream.ts';
import { Sealer } from '../src/protocol/envelope/seal.ts';
import { identityKey } from '../src/protocol/identity.ts';
import { systemRandom } from '../src/protocol/random.ts';
import { DataKey, Seed } from '../src/protocol/secret.ts';
import { argon2id } from '../src/workers/argon2.ts';
import type { OpenRequest } from '../src/workers/open.ts';
import { hashFile, sealFile } from '../src/workers/seal.ts';

const SEGMENT = 65_536;
const PIECE = 4 << 20;
/** As many as the sealer keeps. */
const IN_FLIGHT = 16;

const context = { chainId: 31_337, registry: `0x${'5f'.repeat(20)}` } as const;
const patient = `0x${'8b'.repeat(20)}` as const;
const record = `0x${'52'.repeat(32)}` as const;
const seed = Seed.generate();
const key = identityKey(seed, 1);
const target = { context, record, version: 1, patient, patientKey: key.publicKey, patientKeyEpoch: 1 };

let content: Bytes = new Uint8Array(0);
let uploaded: { readonly cid: Cid; readonly contentLength: number } | null = null;
let announced = { length: 0, hash: `0x${'00'.repeat(32)}` as `0x${string}` };

const metadataOf = (found: typeof announced) => ({
  contentLength: found.length,
  mediaType: 'application/dicom',
  fileName: 'bench.dcm',
  contentHash: found.hash,
  created: 0n,
  fhirType: null,
  codes: [],
  signedBy: null,
});

async function* pieces(): AsyncGenerator<Bytes> {
  for (let at = 0; at < content.length; at += PIECE) yield content.subarray(at, at + PIECE);
}

/** Bytes that do not compress, quickly made: a random piece, over and over. */
function fill(length: number): Bytes {
  const bytes = new Uint8Array(length);
  const piece = systemRandom(SEGMENT);
  for (let at = 0; at < length; at += SEGMENT) bytes.set(piece.subarray(0, Math.min(SEGMENT, length - at)), at);
  return bytes;
}

/** Megabytes (10^6) a second of one run over the content. */
async function rate(run: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await run();
  return content.length / 1_000 / (performance.now() - start);
}

async function rawSubtle(inFlight: number): Promise<void> {
  const raw = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt']);
  const running: Promise<ArrayBuffer>[] = [];
  for (let at = 0; at < content.length; at += SEGMENT) {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    running.push(crypto.subtle.encrypt({ name: 'AES-GCM', iv }, raw, content.subarray(at, at + SEGMENT)));
    if (running.length === inFlight) await running.shift();
  }
  await Promise.all(running);
}

/** The content under FLOE: what is encrypted, and nothing else. */
async function encrypted(): Promise<void> {
  const message = await FloeMessage.derive(systemRandom(32), systemRandom(32), systemRandom(209));
  let length = 0;
  for await (const part of encryptStream(message, pieces(), content.length, systemRandom)) length += part.length;
  if (length <= content.length) throw new Error('too short');
}

async function sealed(cid: CidBuilder | null): Promise<void> {
  const sealer = await Sealer.create({ ...target, metadata: metadataOf(announced) }, DataKey.generate());
  for await (const part of sealer.seal(pieces())) await cid?.update(part);
  await cid?.finish();
}

const RUNS = {
  /** One segment after the other. */
  subtle_one_by_one: () => rawSubtle(1),
  /** As many at a time as the envelope's encryption keeps: what it is measured against. */
  subtle: () => rawSubtle(IN_FLIGHT),
  /** The envelope's encryption. */
  encrypted,
  /** The same with the content hash that sealing checks on the way. */
  sealed: () => sealed(null),
  /** The same with the content identifier, too: all that an upload computes while it streams. */
  sealed_with_cid: () => sealed(new CidBuilder()),
};

const bench = {
  async prepare(megabytes: number): Promise<void> {
    content = fill(megabytes << 20);
    announced = await hashContent(pieces());
  },

  run(name: keyof typeof RUNS): Promise<number> {
    return rate(RUNS[name]);
  },

  /** Milliseconds of one run with the parameters of a new keyring entry, in its worker. */
  async argon2(): Promise<number> {
    const start = performance.now();
    await argon2id(new Uint8Array(20), new Uint8Array(16), { memoryKib: 65_536, iterations: 3, lanes: 1 });
    return performance.now() - start;
  },

  /** Uploads the file that was chosen in `input` as the app does: hash, seal, send. Gives the milliseconds. */
  async upload(input: HTMLInputElement): Promise<number> {
    const file = input.files?.[0];
    if (file === undefined) throw new Error('a file is chosen');
    const start = performance.now();
    const found = await hashFile(file);
    const operator = { operator: patient, operatorKey: key.publicKey, operatorKeyEpoch: 1 };
    const sealed = await sealFile(file, { ...target, ...operator, metadata: metadataOf(found) });
    try {
      const answer = await uploadBlob({ record, version: 1 }, sealed.envelope, () => undefined, new AbortController().signal);
      if (answer.size !== sealed.envelope.size) throw new Error('another length');
      uploaded = { cid: sealed.cid, contentLength: file.size };
    } finally {
      await sealed.discard();
    }
    return performance.now() - start;
  },

  /**
   * Downloads what was uploaded as the app saves a large document. A file of the private file system stands in for the one
   * that a person chooses. Gives the milliseconds.
   */
  async download(): Promise<number> {
    if (uploaded === null) throw new Error('a file was uploaded');
    const start = performance.now();
    const { cid, contentLength } = uploaded;
    const request: OpenRequest = {
      ...target,
      cid,
      unlock: async (header) => ({ dek: await header.openOwnerCapsule(context, patient, key), commitment: null }),
    };
    const handle = await (await navigator.storage.getDirectory()).getFileHandle('chosen', { create: true });
    const chosen = await ChosenFile.open(handle);
    await readInto(chosen, streamOf(fetched(cid.toString(), () => undefined)), request, new AbortController().signal);
    await chosen.keep();
    if ((await handle.getFile()).size !== contentLength) throw new Error('another length');
    return performance.now() - start;
  },
};

export type Bench = typeof bench;
Object.assign(globalThis, { bench });
