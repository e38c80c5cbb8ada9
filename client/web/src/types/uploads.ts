/** The queue of uploads. `useUploads()` gives {@link Uploads}. */
import type { Address, Hex } from 'viem';
import type { Failure } from '../failure.ts';
import type { Act, Loaded } from './actions.ts';
import type { Category } from '../protocol/codes.ts';

export type UploadTarget =
  /** To oneself, or (as lab or doctor) to a patient who allowed it. */
  { readonly kind: 'record'; readonly patient: Address; readonly category: Category } | { readonly kind: 'version'; readonly record: Hex };

export interface NewUpload {
  readonly content: Blob;
  readonly fileName: string;
  /** Guessed from name and content when absent. */
  readonly mediaType?: string;
  readonly target: UploadTarget;
}

export type UploadState = 'waiting' | 'hashing' | 'signing' | 'sending' | 'registering' | 'done' | 'failed' | 'cancelled';

export interface UploadItem {
  readonly id: string;
  readonly fileName: string;
  readonly size: number;
  readonly target: UploadTarget;
  /** The patient it goes to, once known (for a version from the chain). */
  readonly patient: Address | null;
  readonly state: UploadState;
  /** 0 to 1 within `hashing` and `sending`, else 0. */
  readonly progress: number;
  readonly error: Failure | null;
  /** Once known; present when done. */
  readonly record: Hex | null;
  readonly version: number | null;
  /** When it was added. */
  readonly addedAt: number;
}

/** An upload of an earlier visit whose envelope is stored and only the registration is open. */
export interface UnfinishedUpload {
  readonly record: Hex;
  readonly version: number;
  readonly patient: Address;
  readonly begunAt: number;
}

/** `useUploads()`: one queue for the whole app, one upload at a time, kept while pages change. */
export interface Uploads {
  readonly items: readonly UploadItem[];
  readonly isBusy: boolean;
  /** Adds to the queue and gives their ids. Files are not read before their turn. */
  add(uploads: readonly NewUpload[]): readonly string[];
  cancel(id: string): void;
  retry(id: string): void;
  /** Takes a finished, failed or cancelled one off the list. */
  remove(id: string): void;
  clearFinished(): void;
  readonly unfinished: Loaded<readonly UnfinishedUpload[]>;
  readonly finish: Act<UnfinishedUpload, void>;
}
