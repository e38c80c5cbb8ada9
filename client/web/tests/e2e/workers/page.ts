/** A page that runs the workers like the app. `workers.test.ts` controls it and checks its answers. */

import { CidBuilder } from '../../../src/protocol/cid/build.ts';
import { hashContent } from '../../../src/protocol/envelope/content-hash.ts';
import { ProtocolError } from '../../../src/protocol/error.ts';
import { toHex } from '../../../src/protocol/hex.ts';
import { identityKey } from '../../../src/protocol/identity.ts';
import { Seed } from '../../../src/protocol/secret.ts';
import { argon2id } from '../../../src/workers/argon2.ts';
import { blobPieces } from '../../../src/workers/blob.ts';
import { openFile, openFilePieces, type OpenRequest } from '../../../src/workers/open.ts';
import { hashFile, sealFile, type SealedFile } from '../../../src/workers/seal.ts';

const context = { chainId: 31_337, registry: `0x${'5f'.repeat(20)}` } as const;
const patient = `0x${'8b'.repeat(20)}` as const;
const key = identityKey(Seed.generate(), 1);
const target = { context, record: `0x${'52'.repeat(32)}`, version: 1, patient } as const;

function chosenFile(): File {
  const file = document.querySelector('input')?.files?.[0];
  if (file === undefined) throw new Error('a file is chosen');
  return file;
}

async function seal(file: File, signal?: AbortSignal): Promise<SealedFile> {
  const { length, hash } = await hashFile(file, { signal });
  const metadata = {
    contentLength: length,
    mediaType: 'application/octet-stream',
    fileName: 'scan.dcm',
    contentHash: hash,
    created: 0n,
    fhirType: null,
    codes: [],
    signedBy: null,
  };
  const keys = { patientKey: key.publicKey, patientKeyEpoch: 1, operator: patient, operatorKey: key.publicKey, operatorKeyEpoch: 1 };
  return sealFile(file, { ...target, ...keys, metadata }, { signal });
}

const requestOf = (sealed: SealedFile): OpenRequest => ({
  ...target,
  cid: sealed.cid,
  unlock: async (header) => ({ dek: await header.openOwnerCapsule(context, patient, key), commitment: null }),
});

/** Returns the error code of a rejected promise, or the name of an error of another library; `null` if it is fulfilled. */
async function refusal(promise: Promise<unknown>): Promise<string | null> {
  try {
    await promise;
    return null;
  } catch (error) {
    return error instanceof ProtocolError ? error.code : (error as Error).name;
  }
}

const workers = {
  /** Seals the chosen file and opens it in each way. Returns the content hash of the file and of the results. */
  async roundTrip(): Promise<{ original: string; fromBlob: string; fromStream: string; cidHolds: boolean }> {
    const file = chosenFile();
    const sealed = await seal(file);
    const cid = new CidBuilder();
    for await (const piece of blobPieces(sealed.envelope)) await cid.update(piece);
    const { content } = await openFile(sealed.envelope, requestOf(sealed));
    const parts: Blob[] = [];
    await openFilePieces(sealed.envelope.stream(), requestOf(sealed), (bytes) => void parts.push(new Blob([bytes])));
    return {
      original: (await hashContent(blobPieces(file))).hash,
      fromBlob: (await hashContent(blobPieces(content))).hash,
      fromStream: (await hashContent(blobPieces(new Blob(parts)))).hash,
      cidHolds: (await cid.finish()).equals(sealed.cid),
    };
  },

  /** Starts to seal and cancels after a while. */
  cancelSealing(afterMs: number): Promise<string | null> {
    return refusal(seal(chosenFile(), AbortSignal.timeout(afterMs)));
  },

  /** Starts to open a download that stops after `afterBytes` bytes, and cancels. Returns also whether the download was ended. */
  async cancelStalled(afterBytes: number): Promise<{ refused: string | null; wasCancelled: boolean }> {
    const sealed = await seal(chosenFile());
    const head = new Uint8Array(await sealed.envelope.slice(0, afterBytes).arrayBuffer());
    let wasCancelled = false;
    const stalled = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(head),
      cancel: () => {
        wasCancelled = true;
      },
    });
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 500);
    const refused = await refusal(openFile(stalled, requestOf(sealed), { signal: controller.signal }));
    return { refused, wasCancelled };
  },

  /** Opens a changed envelope, and one whose download breaks off. */
  async openBroken(): Promise<(string | null)[]> {
    const sealed = await seal(chosenFile());
    const half = sealed.envelope.size >> 1;
    const changed = new Blob([sealed.envelope.slice(0, half), new Uint8Array([1, 2, 3]), sealed.envelope.slice(half + 3)]);
    const head = new Uint8Array(await sealed.envelope.slice(0, 300_000).arrayBuffer());
    const broken = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(head),
      pull: (controller) => controller.error(new TypeError('network')),
    });
    return Promise.all([changed, sealed.envelope.slice(0, half), broken].map((file) => refusal(openFile(file, requestOf(sealed)))));
  },

  /** Tries to seal the chosen file. */
  trySealing(): Promise<string | null> {
    return refusal(seal(chosenFile()));
  },

  /** Runs Argon2id with small parameters. */
  async argon2(): Promise<string> {
    const password = new TextEncoder().encode('password');
    const key = await argon2id(password, new Uint8Array(16).fill(1), { memoryKib: 19_456, iterations: 2, lanes: 1 });
    return `${toHex(key)} ${password.length}`;
  },
};

export type Workers = typeof workers;
Object.assign(globalThis, { workers });
