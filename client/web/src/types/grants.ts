/**
 * Grants. Hooks: `useGrants('given' | 'received', record?)`, `useGrant()`, `useRevoke()`, `useRevokeEveryone()`. `describeGrant` gives
 * the sentence beside the button that grants.
 */
import type { Address, Hex } from 'viem';
import type { FailureCode } from '../failure.ts';
import type { Scope } from '../protocol/grants/scope.ts';
import type { GrantState } from '../protocol/grants/terms.ts';
import type { Purpose, Right } from '../protocol/codes.ts';
import type { Confirmation } from './signing.ts';

export type { Scope };

/** A grant whose terms and state were read from the chain. */
export interface GrantItem {
  readonly id: Hex;
  readonly patient: Address;
  /** `null` when the server does not know whose tag it is and the seed does not tell either. */
  readonly grantee: Address | null;
  /** Whether the server has named somebody whose tag it is not. */
  readonly isMisnamed: boolean;
  /** Of a received one: whether it waits to be accepted, since nobody vouches for its patient and they are not known here. */
  readonly isFromStranger: boolean;
  readonly tag: Hex;
  /** `null` once revoked. */
  readonly right: Right | null;
  readonly scope: Scope;
  readonly purposes: readonly Purpose[];
  readonly notBefore: number;
  readonly notAfter: number;
  readonly state: GrantState;
  readonly txHash: Hex;
  /** The newest version that the bundle opens, if the server says; `null` for WRITE. */
  readonly newestVersion: number | null;
}

/** What is granted with one signature: one right for one person, over one scope or several. */
export interface NewGrants {
  readonly grantee: Address;
  readonly right: Right;
  /** READ: records. WRITE: categories, or all. At most 64. */
  readonly scopes: readonly Scope[];
  readonly purposes: readonly Purpose[];
  /** Now if absent. */
  readonly notBefore?: number;
  readonly notAfter: number;
  readonly confirm?: Confirmation;
}

export interface Granted {
  readonly grants: readonly Hex[];
  /** What could not be granted, and why: a version, or a whole record (`version` is `null`). */
  readonly leftOut: readonly { readonly record: Hex; readonly version: number | null; readonly code: FailureCode }[];
  readonly txHash: Hex | null;
}

/** A grant that was signed here and that the chain does not show yet: it may still take effect. */
export interface SentGrantItem {
  /** Of each scope. */
  readonly grants: readonly Hex[];
  readonly grantee: Address;
  readonly right: Right;
  readonly scopes: readonly Scope[];
  readonly notAfter: number;
  readonly signedAt: number;
  /** From when on it can no longer take effect. */
  readonly deadline: number;
}

export type Ending =
  /** Over one scope also what nobody has seen yet: a grant that is still on its way ends before it begins. */
  | { readonly kind: 'person'; readonly grantee: Address; readonly scope?: Scope; readonly confirm?: Confirmation }
  | { readonly kind: 'grants'; readonly grants: readonly Hex[]; readonly confirm?: Confirmation };

/** Permissions that one message was to end and did not. */
interface NotEnded {
  readonly grants: number;
  readonly code: FailureCode;
}

export interface Revoked {
  readonly ended: number;
  /** What still counts; where it is many permissions, they end with several messages, each by itself. */
  readonly notEnded: readonly NotEnded[];
  /** Records that were opened with these grants before: what could have been kept. */
  readonly openedBefore: readonly Hex[];
  readonly txHash: Hex | null;
}
