/** Requests for access. Hooks: `useRequests()`, `useAskAccess()`, `useApprove()`, `useDeny()`. */
import type { Address, Hex } from 'viem';
import type { Purpose, Right } from '../protocol/codes.ts';
import type { Scope } from './grants.ts';
import type { Confirmation } from './signing.ts';

type RequestState = 'open' | 'approved' | 'denied' | 'lapsed';

/** A request whose signature was checked. */
export interface RequestItem {
  readonly id: Hex;
  readonly requester: Address;
  readonly patient: Address;
  readonly right: Right;
  readonly scope: Scope;
  readonly purposes: readonly Purpose[];
  readonly until: number;
  /** For the patient; `null` for others, or when it does not open. Plain text of a stranger. */
  readonly reason: string | null;
  /** Whether it may have been sealed to a key that somebody else had published in this person's name. */
  readonly isReasonForeign: boolean;
  /** Whether the requester is accredited now, from the chain. */
  readonly accredited: boolean;
  readonly state: RequestState;
  readonly createdAt: number;
  /** Whether it is addressed to the signed-in person. */
  readonly isToMe: boolean;
}

export interface NewRequest {
  readonly patient: Address;
  readonly right: Right;
  readonly scope: Scope;
  readonly purposes: readonly Purpose[];
  readonly until: number;
  readonly reason: string;
  /** How long it stays open, seconds. */
  readonly openSeconds: number;
  readonly confirm?: Confirmation;
}

export interface Approval {
  readonly request: Hex;
  /** Instead of what was asked; needed to narrow a category or everything. */
  readonly records?: readonly Hex[];
  readonly until?: number;
  readonly purposes?: readonly Purpose[];
  readonly confirm?: Confirmation;
}
