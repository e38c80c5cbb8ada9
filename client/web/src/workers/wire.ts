/**
 * The messages between a page and its workers: one job for each worker, its progress, and its result or failure. A job is cancelled by
 * ending its worker, which frees all of its memory.
 */

import { CidMismatch } from '../protocol/cid/build.ts';
import { MetadataError } from '../protocol/envelope/metadata.ts';
import { OpenError } from '../protocol/envelope/open-error.ts';
import { SealError } from '../protocol/envelope/seal.ts';
import { ProtocolError } from '../protocol/error.ts';

/** A message from the worker. */
export type FromWorker<Result, Message = never> =
  | { readonly kind: 'progress'; readonly bytes: number }
  | { readonly kind: 'message'; readonly message: Message }
  | { readonly kind: 'result'; readonly result: Result }
  | { readonly kind: 'failed'; readonly failure: WireFailure };

/** An error in a form that can be posted, because `postMessage` does not preserve classes. */
type WireFailure =
  | { readonly of: 'open'; readonly code: OpenError['code'] }
  | { readonly of: 'seal'; readonly code: SealError['code'] }
  | { readonly of: 'metadata'; readonly code: MetadataError['code'] }
  | { readonly of: 'cid' }
  | { readonly of: 'worker'; readonly code: WorkerError['code'] };

const MESSAGES = {
  file_unreadable: 'the file cannot be read, or was changed while it was read',
  no_room: 'the browser has no room for the envelope',
  failed: 'the worker failed',
} as const;

/**
 * An error that only workers have. `file_unreadable`: the file was deleted, was changed, or cannot be read. `no_room`: there is no room for
 * the envelope on the disk, and it is too large for memory. `failed`: anything else, such as a lack of memory.
 */
export class WorkerError extends ProtocolError<keyof typeof MESSAGES> {
  constructor(code: keyof typeof MESSAGES) {
    super(code, MESSAGES[code]);
  }
}

/** How the page follows and cancels its job. */
export interface JobOptions {
  /** Cancels the job, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of content bytes so far. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/** The connection from the page to a running job. */
export interface JobLine {
  /** Posts to the worker. The objects in `transfer` can no longer be used on this side. */
  readonly post: (message: unknown, transfer?: Transferable[]) => void;
  /** Ends the job, which then rejects with `error`. */
  readonly fail: (error: unknown) => void;
}

/** Runs one job in a new worker and ends the worker. `begin` posts the job; `take` receives its messages. */
export function runJob<Result, Message = never>(
  spawn: () => Worker,
  options: JobOptions,
  begin: (line: JobLine) => void,
  take: (message: Message, line: JobLine) => void = () => undefined,
): Promise<Result> {
  const { signal, onProgress } = options;
  return new Promise<Result>((resolve, reject) => {
    signal?.throwIfAborted();
    const worker = spawn();
    const end = (): void => {
      worker.terminate();
      signal?.removeEventListener('abort', abort);
    };
    const fail = (error: unknown): void => {
      end();
      reject(error);
    };
    const abort = (): void => fail(signal?.reason);
    signal?.addEventListener('abort', abort);
    const line: JobLine = { post: (message, transfer = []) => worker.postMessage(message, transfer), fail };
    worker.onerror = () => fail(new WorkerError('failed'));
    worker.onmessageerror = () => fail(new WorkerError('failed'));
    worker.onmessage = ({ data }: MessageEvent<FromWorker<Result, Message>>) => {
      switch (data.kind) {
        case 'progress':
          onProgress?.(data.bytes);
          break;
        case 'message':
          take(data.message, line);
          break;
        case 'failed':
          fail(fromWire(data.failure));
          break;
        case 'result':
          end();
          resolve(data.result);
          break;
      }
    };
    try {
      begin(line);
    } catch (error) {
      fail(error);
    }
  });
}

/** The worker's function that posts to the page. */
export type Post<Result, Message = never> = (message: FromWorker<Result, Message>, transfer?: Transferable[]) => void;

/** Runs a job in a worker: posts its result, or its failure in a form that can be posted. */
export async function doJob<Result, Message = never>(
  post: Post<Result, Message>,
  job: () => Promise<{ result: Result; transfer?: Transferable[] }>,
): Promise<void> {
  try {
    const { result, transfer } = await job();
    post({ kind: 'result', result }, transfer);
  } catch (error) {
    post({ kind: 'failed', failure: toWire(error) });
  }
}

/** Returns an error in a form that can be posted. An error of another library becomes `failed`, because its text may contain anything. */
export function toWire(error: unknown): WireFailure {
  if (error instanceof OpenError) return { of: 'open', code: error.code };
  if (error instanceof SealError) return { of: 'seal', code: error.code };
  if (error instanceof MetadataError) return { of: 'metadata', code: error.code };
  if (error instanceof CidMismatch) return { of: 'cid' };
  if (error instanceof WorkerError) return { of: 'worker', code: error.code };
  const isUnreadable = error instanceof DOMException && ['NotReadableError', 'NotFoundError'].includes(error.name);
  return { of: 'worker', code: isUnreadable ? 'file_unreadable' : 'failed' };
}

/** Returns the error object for a posted failure. */
export function fromWire(failure: WireFailure): ProtocolError {
  switch (failure.of) {
    case 'open':
      return new OpenError(failure.code);
    case 'seal':
      return new SealError(failure.code);
    case 'metadata':
      return new MetadataError(failure.code);
    case 'cid':
      return new CidMismatch();
    case 'worker':
      return new WorkerError(failure.code);
  }
}
