/** What answers. `useHealth()` gives {@link Health}. */
import type { Hex } from 'viem';
import type { FailureCode } from '../failure.ts';

/** One version, or one record as it is granted (`version` is `null`), with which something is wrong. */
export interface Trouble {
  readonly record: Hex;
  readonly version: number | null;
  readonly code: FailureCode;
}

export interface Health {
  /** The event feed: `live`, being made again, or off (signed out). */
  readonly feed: 'live' | 'connecting' | 'off';
  /** `slow`: it has not answered for five seconds. */
  readonly server: 'up' | 'slow' | 'down';
  readonly chain: 'up' | 'down' | 'unknown';
  /** What the catch-up after signing in found and could not do. */
  readonly troubles: readonly Trouble[];
}
