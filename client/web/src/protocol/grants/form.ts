/** The form that a grant must have before it is signed. The twin of `protocol/src/grants/form.rs`. */
import { MAX_SCOPES, type Right, SCOPE_KINDS } from '../codes.ts';
import { mayEndAt } from '../ends.ts';
import { type Address, sameHex } from '../hex.ts';
import type { ScopeOnChain } from './scope.ts';

/** The values of a grant to be checked. */
interface GrantForm {
  readonly patient: Address;
  readonly grantee: Address;
  readonly right: Right;
  readonly scopes: readonly ScopeOnChain[];
  /** Bit set. */
  readonly purposes: number;
  /** Unix seconds; the first second of the grant. */
  readonly notBefore: number;
  /** Unix seconds; the first second after the grant. */
  readonly notAfter: number;
}

/** A rule of {@link checkGrantForm}. */
export type GrantFormRule =
  | 'grantee'
  | 'scope_count'
  | 'scope_twice'
  | 'read_scope'
  | 'write_scope'
  | 'no_purpose'
  | 'period'
  | 'too_far_ahead';

const ZERO_ADDRESS: Address = `0x${'00'.repeat(20)}`;

/** Returns the first rule that a grant breaks at `now` (Unix seconds), in the order of {@link GrantFormRule}; `null` if none. */
export function checkGrantForm(form: GrantForm, now: number): GrantFormRule | null {
  const { patient, grantee, right, scopes, purposes, notBefore, notAfter } = form;
  if (sameHex(grantee, ZERO_ADDRESS) || sameHex(grantee, patient)) return 'grantee';
  if (scopes.length === 0 || scopes.length > MAX_SCOPES) return 'scope_count';
  if (new Set(scopes.map(({ kind, id }) => `${kind}:${id.toLowerCase()}`)).size !== scopes.length) return 'scope_twice';
  const isRead = right === 'read';
  if (scopes.some(({ kind }) => (kind === SCOPE_KINDS.code('record')) !== isRead)) return isRead ? 'read_scope' : 'write_scope';
  if (purposes === 0) return 'no_purpose';
  if (notAfter <= Math.max(notBefore, now)) return 'period';
  return mayEndAt(notAfter, now) ? null : 'too_far_ahead';
}
