/** A page that seals, sends and saves large files like the app. `large-files.test.ts` controls it and checks its answers. */

import { uploadBlob } from '../../../src/api/routes.ts';
import { asFailure } from '../../../src/failure.ts';
import { ChosenFile } from '../../../src/flows/chosen-file.ts';
import { readInto, streamOf } from '../../../src/flows/download.ts';
import { fetched } from '../../../src/flows/envelope-bytes.ts';
import { asOpenFailure } from '../../../src/flows/open-failure.ts';
import { identityKey } from '../../../src/protocol/identity.ts';
import { Seed } from '../../../src/protocol/secret.ts';
import { hashFile, sealFile, type SealedFile } from '../../../src/workers/seal.ts';
import { removeLeftovers, WAITING_FOLDER } from '../../../src/workers/waiting-envelopes.ts';

const context = { chainId: 31_337, registry: `0x${'5f'.repeat(20)}` } as const;
const patient = `0x${'8b'.repeat(20)}` as const;
const record = `0x${'52'.repeat(32)}` as const;
const key = identityKey(Seed.generate(), 1);
const target = { context, record, version: 1, patient } as const;
let sealed: SealedFile | null = null;

function chosenFile(): File {
  const file = document.querySelector('input')?.files?.[0];
  if (file === undefined) throw new Error('a file is chosen');
  return file;
}

function sealedFile(): SealedFile {
  if (sealed === null) throw new Error('a file was sealed');
  return sealed;
}

/** Returns the error code of a rejected promise; `null` if it is fulfilled. */
const refusal = (promise: Promise<unknown>): Promise<string | null> =>
  promise.then(
    () => null,
    (error: unknown) => asFailure(asOpenFailure(error)).code,
  );

async function seal(signal?: AbortSignal): Promise<SealedFile> {
  const file = chosenFile();
  const { length, hash } = await hashFile(file, { signal });
  const metadata = {
    contentLength: length,
    mediaType: 'application/dicom',
    fileName: 'canary-scan.dcm',
    contentHash: hash,
    created: 0n,
    fhirType: null,
    codes: [],
    signedBy: null,
  };
  const keys = { patientKey: key.publicKey, patientKeyEpoch: 1, operator: patient, operatorKey: key.publicKey, operatorKeyEpoch: 1 };
  return sealFile(file, { ...target, ...keys, metadata }, { signal });
}

const largeFiles = {
  /** Seals the chosen file. Returns whether the envelope is on the disk. */
  async seal(): Promise<{ isFile: boolean; size: number }> {
    sealed = await seal();
    return { isFile: sealed.envelope instanceof File, size: sealed.envelope.size };
  },

  /** Tries to seal the chosen file. Returns the error code. Cancels after the given time, if there is one. */
  trySealing: (cancelAfterMs?: number): Promise<string | null> =>
    refusal(seal(cancelAfterMs === undefined ? undefined : AbortSignal.timeout(cancelAfterMs))),

  /** Sends the sealed file and discards it, as an upload does. Returns its CID, and the error code if it failed. */
  async send(cancelAfterMs?: number): Promise<{ cid: string; refused: string | null }> {
    const { envelope, cid, discard } = sealedFile();
    const signal = cancelAfterMs === undefined ? new AbortController().signal : AbortSignal.timeout(cancelAfterMs);
    const refused = await refusal(uploadBlob({ record, version: 1 }, envelope, () => undefined, signal));
    await discard();
    return { cid: cid.toString(), refused };
  },

  /** Saves the server's envelope into a file of the private file system, in place of a file that a person chooses. */
  async save(): Promise<{ refused: string | null; length: number | null; sha256: string | null }> {
    const root = await navigator.storage.getDirectory();
    const chosen = await ChosenFile.open(await root.getFileHandle('chosen', { create: true }));
    const { cid } = sealedFile();
    const request = {
      ...target,
      cid,
      unlock: async (header: Parameters<Parameters<typeof readInto>[2]['unlock']>[0]) => ({
        dek: await header.openOwnerCapsule(context, patient, key),
        commitment: null,
      }),
    };
    const reading = readInto(chosen, streamOf(fetched(cid.toString(), () => undefined)), request, new AbortController().signal);
    const refused = await refusal(reading);
    if (refused === null) await chosen.keep();
    else await chosen.drop();
    const names: string[] = [];
    for await (const name of root.keys()) names.push(name);
    if (!names.includes('chosen')) return { refused, length: null, sha256: null };
    const bytes = await (await (await root.getFileHandle('chosen')).getFile()).arrayBuffer();
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
    await root.removeEntry('chosen');
    return { refused, length: bytes.byteLength, sha256: [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('') };
  },

  /** Returns the lengths of the waiting envelopes. */
  async waiting(): Promise<number[]> {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle(WAITING_FOLDER, { create: true });
    const lengths: number[] = [];
    for await (const handle of folder.values()) lengths.push((await (handle as FileSystemFileHandle).getFile()).size);
    return lengths;
  },

  /** Does the same as the app at its start. */
  begin: (): Promise<void> => removeLeftovers(),
};

export type LargeFiles = typeof largeFiles;
Object.assign(globalThis, { largeFiles });
