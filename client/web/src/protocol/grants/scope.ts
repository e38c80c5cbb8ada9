/** The records that a grant covers. The twin of `protocol/src/grants/scope.rs`. */
import { CATEGORIES, type Category, categoryScopeId, SCOPE_KINDS } from '../codes.ts';
import { type Hex, sameHex, ZERO_HASH } from '../hex.ts';

/** The scope of a grant. READ is granted for records. WRITE is granted for a category or for everything, until there are category keys. */
export type Scope =
  | { readonly kind: 'record'; readonly record: Hex }
  | { readonly kind: 'category'; readonly category: Category }
  | { readonly kind: 'all' };

/** A scope in the form of the contracts: the code of its kind, and the record id, the category's code, or zero. */
export interface ScopeOnChain {
  readonly kind: number;
  readonly id: Hex;
}

/** Returns the kind and the id that the contracts use. */
export function scopeOnChain(scope: Scope): ScopeOnChain {
  const kind = SCOPE_KINDS.code(scope.kind);
  if (scope.kind === 'record') return { kind, id: scope.record };
  return { kind, id: scope.kind === 'category' ? categoryScopeId(scope.category) : ZERO_HASH };
}

/** Returns the scope for a kind and an id of the contracts; `null` for a category that this version does not know. */
export function scopeFromChain(kind: number, id: Hex): Scope | null {
  const word = SCOPE_KINDS.fromCode(kind);
  if (word === 'record') return { kind: 'record', record: id };
  if (word === 'all') return sameHex(id, ZERO_HASH) ? { kind: 'all' } : null;
  const category = word === 'category' ? CATEGORIES.fromCode(Number(BigInt(id) & 0xffffn)) : null;
  return category !== null && sameHex(categoryScopeId(category), id) ? { kind: 'category', category } : null;
}

/** Returns every scope that covers a record, narrowest first: the record, its category (a code, listed or not), all. */
export function scopesOf(record: Hex, category: number): readonly ScopeOnChain[] {
  return [
    { kind: SCOPE_KINDS.code('record'), id: record },
    { kind: SCOPE_KINDS.code('category'), id: `0x${category.toString(16).padStart(64, '0')}` },
    { kind: SCOPE_KINDS.code('all'), id: ZERO_HASH },
  ];
}

/** Returns whether a grant over this scope covers a record of the category with this code. */
export const covers = (scope: ScopeOnChain, record: Hex, category: number): boolean =>
  scopesOf(record, category).some(({ kind, id }) => kind === scope.kind && sameHex(id, scope.id));
