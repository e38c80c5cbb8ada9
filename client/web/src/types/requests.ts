/** Requests for access. Hooks: `useRequests()`, `useAskAccess()`, `useApprove()`, `useDeny()`. */
import type { Address, Hex } from 'viem';
import type { Purpose, Right } from '../protocol/codes.ts';
import type { Scope } from './grants.ts';
import type { Confirmation } from './signing.ts';

type RequestState = 'open' | 'approved' | 'denied' | 'lapsed';

/** An access request whose signature was checked. */
export interface RequestItem {
  readonly id: Hex;
  readonly requester: Address;
  readonly patient: Address;
  readonly right: Right;
  readonly scope: Scope;
  readonly purposes: readonly Purpose[];
  readonly until: number;
  /**
   * The decrypted reason, for the patient; `null` for other people, or if it cannot be decrypted. It is plain text written by a stranger.
   */
  readonly reason: string | null;
  /** True if the reason may be sealed to a key that somebody else published in this person's name. */
  readonly isReasonForeign: boolean;
  /** True if the requester is accredited now, according to the chain. */
  readonly accredited: boolean;
  readonly state: RequestState;
  readonly createdAt: number;
  /** True if the request is addressed to the signed-in person. */
  readonly isToMe: boolean;
}

export interface NewRequest {
  readonly patient: Address;
  readonly right: Right;
  readonly scope: Scope;
  readonly purposes: readonly Purpose[];
  readonly until: number;
  readonly reason: string;
  /** Seconds for which the request stays open. */
  readonly openSeconds: number;
  readonly confirm?: Confirmation;
}

export interface Approval {
  readonly request: Hex;
  /** The records to grant instead of the requested scope; required to narrow a category or everything. */
  readonly records?: readonly Hex[];
  readonly until?: number;
  readonly purposes?: readonly Purpose[];
  readonly confirm?: Confirmation;
}
