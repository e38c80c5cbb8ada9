/** Types for the queue of uploads. `useUploads()` returns {@link Uploads}. */
import type { Address, Hex } from 'viem';
import type { Failure } from '../failure.ts';
import type { Act, Loaded } from './actions.ts';
import type { Category } from '../protocol/codes.ts';

export type UploadTarget =
  /** A new record for the signed-in person, or (from a laboratory or doctor) for a patient who allowed it. */
  { readonly kind: 'record'; readonly patient: Address; readonly category: Category } | { readonly kind: 'version'; readonly record: Hex };

export interface NewUpload {
  readonly content: Blob;
  readonly fileName: string;
  /** If absent, it is derived from the name and the content. */
  readonly mediaType?: string;
  readonly target: UploadTarget;
}

export type UploadState = 'waiting' | 'hashing' | 'signing' | 'sending' | 'registering' | 'done' | 'failed' | 'cancelled';

export interface UploadItem {
  readonly id: string;
  readonly fileName: string;
  readonly size: number;
  readonly target: UploadTarget;
  /** The patient who gets the document; `null` until known (for a version it is read from the chain). */
  readonly patient: Address | null;
  readonly state: UploadState;
  /** Progress from 0 to 1 during `hashing` and `sending`, else 0. */
  readonly progress: number;
  readonly error: Failure | null;
  /** The record id; `null` until known. It is always present when the upload is done. */
  readonly record: Hex | null;
  readonly version: number | null;
  /** The time when it was added to the queue. */
  readonly addedAt: number;
}

/** An upload of an earlier visit whose envelope is stored and whose record is not registered yet. */
export interface UnfinishedUpload {
  readonly record: Hex;
  readonly version: number;
  readonly patient: Address;
  readonly begunAt: number;
}

/**
 * The value that `useUploads()` returns: one queue for the whole app, which uploads one file at a time and continues when the page changes.
 */
export interface Uploads {
  readonly items: readonly UploadItem[];
  readonly isBusy: boolean;
  /** Adds files to the queue and returns their ids. A file is not read before its turn. */
  add(uploads: readonly NewUpload[]): readonly string[];
  cancel(id: string): void;
  retry(id: string): void;
  /** Removes a finished, failed or cancelled upload from the list. */
  remove(id: string): void;
  clearFinished(): void;
  readonly unfinished: Loaded<readonly UnfinishedUpload[]>;
  readonly finish: Act<UnfinishedUpload, void>;
}
