/**
 * Identifiers. Each has a type of its own, so that two different ones cannot be confused. Hex text from elsewhere can be assigned to each
 * of them; `isHex(value, 32)` checks it.
 */

import { keccak256 } from 'viem/utils';
import { concat, equalConstantTime, u8 } from './bytes.ts';
import { type ScopeKind, SCOPE_KINDS } from './codes.ts';
import { type Address, addressBytes, fromHex, type Hex } from './hex.ts';

declare const names: unique symbol;
type Id<Name extends string> = Hex & { readonly [names]?: Name };

/** The id of a record: keccak256(uploader20 ‖ salt32) of its first uploader. */
export type RecordId = Id<'record'>;
/** The salted pseudonym of a grantee for one patient and one kind of right: keccak256(grantee20 ‖ salt32). */
export type Tag = Id<'tag'>;
/** The secret that opens a tag or a record id. Only the people whom it concerns know it. It must not be logged. */
export type Salt = Id<'salt'>;
/** The RFC 6962 hash of one leaf of the operator's log. */
export type LeafHash = Id<'leaf'>;
/** The id of a relayed action: the EIP-712 signing hash of its message. */
export type ActionId = Id<'action'>;
/** The id of an access request: the EIP-712 signing hash of its message. */
export type RequestId = Id<'request'>;
/** The id of a grant: keccak256(abi.encode(patient, tag, scope kind, scope id)), the key of its storage slot. */
type GrantId = Id<'grant'>;

/** Returns the record id that `uploader` opens with `salt`. */
export function recordId(uploader: Address, salt: Salt): RecordId {
  return keccak256(concat(addressBytes(uploader), fromHex(salt, 32)));
}

/** Returns the tag that `grantee` opens with `salt`. */
export function tagOf(grantee: Address, salt: Salt): Tag {
  return keccak256(concat(addressBytes(grantee), fromHex(salt, 32)));
}

/** Returns whether `salt` opens `tag` for `grantee`. The comparison takes constant time, since a salt is a secret of two people. */
export function opensTag(tag: Tag, grantee: Address, salt: Salt): boolean {
  return equalConstantTime(fromHex(tagOf(grantee, salt)), fromHex(tag, 32));
}

/** Returns the key of a grant's storage slot in `GrantRegistry`. */
export function grantId(patient: Address, tag: Tag, kind: ScopeKind, scopeId: Hex): GrantId {
  const words = [
    new Uint8Array(12),
    addressBytes(patient),
    fromHex(tag, 32),
    new Uint8Array(31),
    u8(SCOPE_KINDS.code(kind)),
    fromHex(scopeId, 32),
  ];
  return keccak256(concat(...words));
}
