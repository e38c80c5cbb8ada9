/**
 * Grants that were signed here and are not on the chain yet. A relayer may hold one back, and a closed page would lose it. Therefore each
 * is stored before it is sent, and deleted once it can no longer take effect. Mirrors `client/src/grants/revoke.rs`.
 */
import type { Address, Hex } from 'viem';
import type { Client } from '../device/client.ts';
import type { NewGrants, Scope, SentGrantItem } from '../types/grants.ts';
import type { Right } from '../protocol/codes.ts';
import type { Action, GrantRef } from '../protocol/messages.ts';
import { grantId } from '../protocol/ids.ts';
import { mapSome, unixNow } from './act.ts';

type GrantMessage = Extract<Action, { type: 'grant' }>['message'];

/** A grant as this browser stores it. The server knows all of this data. */
interface Kept {
  readonly nonce: string;
  readonly tag: Hex;
  readonly grantee: Address;
  readonly right: Right;
  readonly scopes: readonly { readonly scope: Scope; readonly kind: number; readonly id: Hex; readonly epoch: number }[];
  readonly patientEpoch: number;
  readonly notAfter: number;
  readonly signedAt: number;
  readonly deadline: number;
}

/** A grant that may still take effect, with the references of its grants on chain. */
export interface SentGrant extends SentGrantItem {
  readonly refs: readonly GrantRef[];
}

const PREFIX = 'sent-grant:';
const nameOf = ({ nonce }: Kept): string => PREFIX + nonce;

/** Stores a signed grant. */
export async function noteSentGrant(client: Client, message: GrantMessage, wanted: NewGrants): Promise<void> {
  const kept: Kept = {
    nonce: message.nonce.toString(),
    tag: message.tag,
    grantee: wanted.grantee,
    right: wanted.right,
    scopes: message.scopes.map(({ kind, id, epoch }, index) => ({ scope: wanted.scopes[index] as Scope, kind, id, epoch })),
    patientEpoch: message.patientEpoch,
    notAfter: wanted.notAfter,
    signedAt: unixNow(),
    deadline: Number(message.deadline),
  };
  await client.shelf.put(nameOf(kept), kept);
}

/** Returns the grants that may still take effect, oldest first. Deletes the others. */
export async function sentGrants(client: Client): Promise<SentGrant[]> {
  const { chain, address, shelf } = client;
  const kept = await shelf.all<Kept>(PREFIX);
  if (kept.length === 0) return [];
  const [now, patientEpoch] = await Promise.all([chain.now(), chain.patientEpoch(address)]);
  const registry = chain.addressOf('grant_registry');
  /** The chain accepts a grant only with an unused nonce, before its deadline, and while every epoch is the one that it names. */
  const canLand = async (one: Kept): Promise<boolean> => {
    if (one.deadline <= now || one.patientEpoch !== patientEpoch) return false;
    if (await chain.isNonceUsed(registry, address, BigInt(one.nonce))) return false;
    const epochs = await mapSome(one.scopes, async ({ kind, id }) => (await chain.terms(address, one.tag, kind, id)).epoch);
    return one.scopes.every(({ epoch }, index) => epochs[index] === epoch);
  };
  const judged = await mapSome(kept, async (one) => ({ one, lands: await canLand(one) }));
  await Promise.all(judged.filter(({ lands }) => !lands).map(({ one }) => shelf.remove(nameOf(one))));
  return judged
    .filter(({ lands }) => lands)
    .map(({ one: { tag, grantee, right, scopes, notAfter, signedAt, deadline } }) => ({
      grants: scopes.map(({ scope, id }) => grantId(address, tag, scope.kind, id)),
      refs: scopes.map(({ kind, id }) => ({ tag, kind, id })),
      scopes: scopes.map(({ scope }) => scope),
      grantee,
      right,
      notAfter,
      signedAt,
      deadline,
    }))
    .sort((a, b) => a.signedAt - b.signedAt);
}
