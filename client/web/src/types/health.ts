/** State of the connections and of the catch-up. `useHealth()` returns {@link Health}. */
import type { Hex } from 'viem';
import type { FailureCode } from '../failure.ts';

/** A problem with one version, or with one record as it is granted (`version` is `null`). */
export interface Trouble {
  readonly record: Hex;
  readonly version: number | null;
  readonly code: FailureCode;
}

export interface Health {
  /** The event feed: `live`, connecting again, or off (signed out). */
  readonly feed: 'live' | 'connecting' | 'off';
  /** `slow`: the server has not answered for five seconds. */
  readonly server: 'up' | 'slow' | 'down';
  readonly chain: 'up' | 'down' | 'unknown';
  /** Problems that the catch-up after signing in found and could not solve. */
  readonly troubles: readonly Trouble[];
}
