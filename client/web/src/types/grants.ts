/**
 * Types for grants. Hooks: `useGrants('given' | 'received', record?)`, `useGrant()`, `useRevoke()`, `useRevokeEveryone()`. `describeGrant`
 * returns the sentence that stands beside the button that grants.
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
  /** `null` if neither the server nor the seed tells whose tag it is. */
  readonly grantee: Address | null;
  /** True if the server named a person to whom the tag does not belong. */
  readonly isMisnamed: boolean;
  /** For a received grant: true if it must be accepted first, because its patient is not accredited and not known here. */
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
  /** The newest version that the bundle opens, if the server says it; `null` for WRITE. */
  readonly newestVersion: number | null;
}

/** The content of one signed grant: one right for one person, over one or several scopes. */
export interface NewGrants {
  readonly grantee: Address;
  readonly right: Right;
  /** READ: records. WRITE: categories, or all. At most 64. */
  readonly scopes: readonly Scope[];
  readonly purposes: readonly Purpose[];
  /** Now, if absent. */
  readonly notBefore?: number;
  readonly notAfter: number;
  readonly confirm?: Confirmation;
}

export interface Granted {
  readonly grants: readonly Hex[];
  /** The versions that could not be granted, each with the reason. `version` is `null` if it concerns the whole record. */
  readonly leftOut: readonly { readonly record: Hex; readonly version: number | null; readonly code: FailureCode }[];
  readonly txHash: Hex | null;
}

/** A grant that was signed in this browser and is not on the chain yet. It may still take effect. */
export interface SentGrantItem {
  /** The grant ids, one for each scope. */
  readonly grants: readonly Hex[];
  readonly grantee: Address;
  readonly right: Right;
  readonly scopes: readonly Scope[];
  readonly notAfter: number;
  readonly signedAt: number;
  /** The time after which the grant can no longer take effect. */
  readonly deadline: number;
}

export type Ending =
  /** With one scope, this also ends a grant that is not on the chain yet: it ends before it begins. */
  | { readonly kind: 'person'; readonly grantee: Address; readonly scope?: Scope; readonly confirm?: Confirmation }
  | { readonly kind: 'grants'; readonly grants: readonly Hex[]; readonly confirm?: Confirmation };

/** Permissions that one signed message should have ended and did not. */
interface NotEnded {
  readonly grants: number;
  readonly code: FailureCode;
}

export interface Revoked {
  readonly ended: number;
  /**
   * Permissions that still count. If there are many permissions, several messages end them, and each message succeeds or fails by itself.
   */
  readonly notEnded: readonly NotEnded[];
  /** Records that were opened with these grants before. The grantee may have kept copies of them. */
  readonly openedBefore: readonly Hex[];
  readonly txHash: Hex | null;
}
