/**
 * The forms of all hooks: what is read, and what is done. In every type of this folder times are unix seconds, sizes bytes,
 * addresses lower-case hex, ids `0x` and 64 hex digits.
 */
import type { Failure, FailureCode } from '../failure.ts';

/** Data that is read. `data` stays while it is read again. */
export interface Loaded<T> {
  readonly data: T | undefined;
  readonly error: Failure | null;
  /** The first reading is under way. */
  readonly isLoading: boolean;
  /** It is read again while `data` is shown. */
  readonly isRefreshing: boolean;
  refetch(): void;
}

/** One thing of a list that could not be shown, and why: it is told, and the rest is there. */
export interface BadItem {
  /** Which one, in a few characters. */
  readonly name: string;
  readonly code: FailureCode;
}

/** What was read for a list. */
export interface Listed<T> {
  readonly items: readonly T[];
  readonly bad: readonly BadItem[];
}

/** A list that is read; `bad` is what is not in `data`. */
export interface LoadedList<T> extends Loaded<readonly T[]> {
  readonly bad: readonly BadItem[];
}

/** Where an action stands. Live regions announce it as `action.<phase>`. */
export type ActionPhase =
  /** Nothing was begun, or it was reset. */
  | 'idle'
  /** Preparing: reading the chain, deriving keys. */
  | 'preparing'
  /** The wallet's window is open, or about to be. */
  | 'signing'
  /** Sent to the server. */
  | 'sending'
  /** Accepted; waiting for the chain. */
  | 'waiting'
  /** The same, and the server says why it takes long: others go first, the chain costs too much for now, its relayer is short of ether. */
  | 'waiting_room'
  | 'waiting_fees'
  | 'waiting_funds'
  | 'done'
  | 'failed';

/** Something that is done. A second `run` while one is under way gives the first one's promise: double clicks do nothing. */
export interface Act<In, Out> {
  /** Rejects with a {@link Failure}. Pages that show `error` may ignore the promise: use `start`. */
  run(input: In): Promise<Out>;
  /** As `run`, but never rejects. */
  start(input: In): void;
  readonly phase: ActionPhase;
  readonly isBusy: boolean;
  readonly data: Out | undefined;
  readonly error: Failure | null;
  reset(): void;
}
