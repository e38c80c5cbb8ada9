/**
 * Seals files in a worker: a first pass finds length and hash, which the author signs; a second pass encrypts.
 *
 * Neither pass holds the file or the envelope in memory: large envelopes wait for their upload in a file of the browser
 * (`waiting-envelopes.ts`). The data key is generated in the worker. It leaves the worker only inside of the owner capsule and of the
 * capsule for the operator.
 */

import { Capsule } from '../protocol/capsule.ts';
import { Cid } from '../protocol/cid/cid.ts';
import type { SealParams } from '../protocol/envelope/seal.ts';
import type { Address, Hex } from '../protocol/hex.ts';
import type { PublicKey } from '../protocol/key-pair.ts';
import type { HashJob, HashResult, SealFileJob, SealResult } from './seal-job.ts';
import { spawnSeal } from './spawn.ts';
import { SMALL_LEN_MAX, WaitingEnvelope } from './waiting-envelopes.ts';
import { type JobOptions, runJob, WorkerError } from './wire.ts';

/** The parameters of the envelope, and the operator that keeps its release share. */
interface SealRequest extends SealParams {
  readonly operator: Address;
  /** The operator's encryption key, from the server's information. */
  readonly operatorKey: PublicKey;
  readonly operatorKeyEpoch: number;
}

/** A sealed file. */
export interface SealedFile {
  /** The envelope to upload. The envelope of a large document is a file on the disk. */
  readonly envelope: Blob;
  /** The CID of the envelope, to be compared with the server's answer. */
  readonly cid: Cid;
  /** The release share B, sealed to the operator, to be deposited. */
  readonly releaseShare: Capsule;
  /** Removes the envelope from this browser. Call it when the upload has ended, whether it succeeded or not. Never fails. */
  readonly discard: () => Promise<void>;
}

/**
 * Returns length and content hash of a file.
 *
 * @throws WorkerError `file_unreadable`; the reason of `options.signal`.
 */
export async function hashFile(file: Blob, options: JobOptions = {}): Promise<{ length: number; hash: Hex }> {
  const job: HashJob = { kind: 'hash', file };
  const { length, hash } = await runJob<HashResult>(spawnSeal, options, (line) => line.post(job));
  return { length, hash };
}

/**
 * Encrypts a file. Progress counts bytes of the file; it starts again at 0 if the private file system is full.
 *
 * @throws SealError `content_changed` if the file is not the one that was hashed (start again); MetadataError; WorkerError (`no_room`:
 * neither the disk nor memory has room); the reason of `options.signal`. After an error, nothing of the envelope is left.
 */
export async function sealFile(file: Blob, request: SealRequest, options: JobOptions = {}): Promise<SealedFile> {
  const waiting = file.size > SMALL_LEN_MAX ? await WaitingEnvelope.reserve() : null;
  const discard = async (): Promise<void> => waiting?.remove();
  try {
    const { patientKey, operatorKey, ...rest } = request;
    const keys = { patientKey: patientKey.bytes, operatorKey: operatorKey.bytes };
    const job: SealFileJob = { kind: 'seal', file, ...rest, ...keys, waitingName: waiting?.name ?? null };
    const result = await runJob<SealResult>(spawnSeal, options, (line) => line.post(job));
    const envelope = result.envelope ?? (await waiting?.file());
    if (envelope === undefined) throw new WorkerError('failed');
    const releaseShare = Capsule.fromBytes(result.releaseShare);
    return { envelope, cid: Cid.parse(result.cid), releaseShare, discard };
  } catch (error) {
    await discard();
    throw error;
  }
}
