/** What answers. `useHealth()` gives {@link Health}. */
import type { Hex } from 'viem';

export interface Health {
  /** The event feed: `live`, being made again, or off (signed out). */
  readonly feed: 'live' | 'connecting' | 'off';
  /** `slow`: it has not answered for five seconds. */
  readonly server: 'up' | 'slow' | 'down';
  readonly chain: 'up' | 'down' | 'unknown';
  /** Versions whose envelope does not follow the protocol, found by the catch-up after signing in. */
  readonly broken: readonly { readonly record: Hex; readonly version: number }[];
}
