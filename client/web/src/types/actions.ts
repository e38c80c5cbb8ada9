/**
 * Types shared by all hooks: how loaded data and actions look. In every type of this folder, times are in Unix seconds, sizes in bytes,
 * addresses in lower-case hex, and ids are `0x` followed by 64 hex digits.
 */
import type { Failure, FailureCode } from '../failure.ts';

/** Data that a hook loads. `data` keeps its old value while it is loaded again. */
export interface Loaded<T> {
  readonly data: T | undefined;
  readonly error: Failure | null;
  /** The data is being loaded for the first time. */
  readonly isLoading: boolean;
  /** The data is being loaded again while the old `data` is shown. */
  readonly isRefreshing: boolean;
  refetch(): void;
}

/** An item of a list that could not be shown, and the reason. It is reported beside the other items. */
export interface BadItem {
  /** A short text that identifies the item. */
  readonly name: string;
  readonly code: FailureCode;
}

/** The result of loading a list. */
export interface Listed<T> {
  readonly items: readonly T[];
  readonly bad: readonly BadItem[];
}

/** A list that a hook loads. `bad` has the items that are missing from `data`. */
export interface LoadedList<T> extends Loaded<readonly T[]> {
  readonly bad: readonly BadItem[];
}

/** The phase of an action. Live regions announce it as `action.<phase>`. */
export type ActionPhase =
  /** The action has not started, or it was reset. */
  | 'idle'
  /** Preparing: reading the chain, deriving keys. */
  | 'preparing'
  /** The wallet's window is open, or about to be. */
  | 'signing'
  /** Sent to the server. */
  | 'sending'
  /** The server accepted the action; it waits for the chain. */
  | 'waiting'
  /**
   * As `waiting`, and the server gives the reason for a long wait: other actions come first, transactions cost too much at the moment, or
   * its relayer has too little ether.
   */
  | 'waiting_room'
  | 'waiting_fees'
  | 'waiting_funds'
  | 'done'
  | 'failed';

/** An action that a page can run. A second `run` during the first one returns the promise of the first, so double clicks have no effect. */
export interface Act<In, Out> {
  /** Runs the action. Rejects with a {@link Failure}. Pages that show `error` may ignore the promise: they use `start`. */
  run(input: In): Promise<Out>;
  /** Runs the action like `run`, but returns nothing and never rejects. */
  start(input: In): void;
  readonly phase: ActionPhase;
  readonly isBusy: boolean;
  readonly data: Out | undefined;
  readonly error: Failure | null;
  reset(): void;
}
