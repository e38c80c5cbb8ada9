/**
 * Revokes grants: valid ones, and ones that are signed and not on the chain yet. Mirrors `client/src/grants/revoke.rs`. It needs the wallet
 * alone. Without keys, only grants whose tags must be computed from the seed cannot be named.
 */
import type { Address, Hex } from 'viem';
import * as api from '../api/routes.ts';
import type { Chain } from '../chain/chain.ts';
import { accessLog, grantsOf, type ChainGrant } from '../chain/events.ts';
import type { Ending, Revoked } from '../types/grants.ts';
import type { Sentence } from '../types/signing.ts';
import type { WalletClient } from '../device/client.ts';
import type { Errand } from '../device/errand.ts';
import { asFailure, Failure } from '../failure.ts';
import { MAX_SCOPES, SCOPE_KINDS } from '../protocol/codes.ts';
import { scopeOnChain } from '../protocol/grants/scope.ts';
import { stands } from '../protocol/grants/terms.ts';
import { sameHex } from '../protocol/hex.ts';
import { grantId } from '../protocol/ids.ts';
import type { GrantRef } from '../protocol/messages.ts';
import { newDeadline, newNonce, settle, signAction, toBody } from './act.ts';
import { isOfItem } from './each.ts';
import { sentGrants, type SentGrant } from './sent-grants.ts';

/**
 * Revokes grants. Reads stop as soon as the server has accepted the message or it is mined.
 *
 * @throws Failure `not_found` if there is no valid grant and none on its way; the refusals of wallet, server and chain.
 */
export async function revoke(client: WalletClient, ending: Ending, errand: Errand): Promise<Revoked> {
  errand.phase('preparing');
  const { chain } = client;
  await chain.verifyDeployment();
  const [onChain, sent] = await Promise.all([grantsOf(chain, client.address), sentGrants(client)]);
  const standing = onChain.filter((grant) => stands(grant.terms, grant.patientEpoch) && isMeant(client, ending, grant));
  const named = namedBy(client, ending, standing, sent);
  if (named.length === 0) throw new Failure('not_found');
  const { txHash, left } = await inBatches(client, named, ending.kind === 'person' ? ending.grantee : null, errand);
  // Grants that were on their way are deleted here once the chain no longer accepts them.
  await sentGrants(client).catch(() => []);
  const isLeft = (grant: ChainGrant): boolean => left.some(({ refs }) => refs.some(isSame({ ...grant, id: grant.scopeId })));
  return {
    ended: standing.filter((grant) => !isLeft(grant)).length,
    notEnded: left.map(({ refs, failure }) => ({ grants: refs.length, code: failure.code })),
    openedBefore: await openedWith(chain, named),
    txHash,
  };
}

/** The permissions that one or several messages did not end. */
interface Left {
  readonly refs: readonly GrantRef[];
  readonly failure: Failure;
}

/**
 * Returns whether no further message is tried. A server that refuses one message may accept the next. A refusal by the person or by this
 * device ends the operation.
 */
const stopsAll = (failure: Failure): boolean =>
  failure.code === 'wallet_rejected' || (!isOfItem(failure) && failure.code !== 'unavailable' && failure.code !== 'rate_limited');

/**
 * Revokes grants with as many messages as necessary. If one fails, the failure is collected, and the next one follows.
 *
 * @throws Failure of the first message if none was accepted.
 */
async function inBatches(
  client: WalletClient,
  named: readonly GrantRef[],
  grantee: Address | null,
  errand: Errand,
): Promise<{ txHash: Hex | null; left: Left[] }> {
  const left: Left[] = [];
  let taken: { txHash: Hex | null } | null = null;
  for (let at = 0; at < named.length; at += MAX_SCOPES) {
    const grants = named.slice(at, at + MAX_SCOPES);
    try {
      const message = { patient: client.address, grants, nonce: newNonce(), deadline: await newDeadline(client.chain, 'revoke') };
      const sentence = { key: 'sign.revoke', values: { grants: grants.length, grantee } } as const;
      taken = await send(client, { type: 'revoke', message }, sentence, errand);
    } catch (error) {
      const failure = asFailure(error);
      const isLast = stopsAll(failure);
      left.push({ refs: isLast ? named.slice(at) : grants, failure });
      if (isLast) break;
    }
  }
  const [first] = left;
  if (taken === null && first !== undefined) throw first.failure;
  return { txHash: taken?.txHash ?? null, left };
}

function isMeant(client: WalletClient, ending: Ending, grant: ChainGrant): boolean {
  if (ending.kind === 'grants') {
    const kind = SCOPE_KINDS.fromCode(grant.kind);
    return kind !== null && ending.grants.includes(grantId(client.address, grant.tag, kind, grant.scopeId));
  }
  const isTheirs = tagsOf(client, ending).some((tag) => sameHex(tag, grant.tag));
  if (!isTheirs || ending.scope === undefined) return isTheirs;
  const { kind, id } = scopeOnChain(ending.scope);
  return kind === grant.kind && sameHex(id, grant.scopeId);
}

type OfPerson = Extract<Ending, { kind: 'person' }>;

/** Returns the tags of a person, which only the seed can compute. @throws Failure `locked` without the seed. */
function tagsOf({ keys, chain }: WalletClient, { grantee }: OfPerson): readonly Hex[] {
  if (keys === null) throw new Failure('locked');
  return (['read', 'write'] as const).map((right) => keys.tag(chain, grantee, right).tag);
}

/**
 * Returns the grants that the message names: the valid grants; those that were signed here and are on their way; and, for one person over
 * one scope, also a grant that this device cannot see, since a relayer may hold a signed Grant back or a node may hide it. A Revoke ends
 * such a grant before it begins.
 */
function namedBy(client: WalletClient, ending: Ending, standing: readonly ChainGrant[], sent: readonly SentGrant[]): readonly GrantRef[] {
  const refs: GrantRef[] = standing.map(({ tag, kind, scopeId }) => ({ tag, kind, id: scopeId }));
  const add = (ref: GrantRef): void => {
    if (!refs.some(isSame(ref))) refs.push(ref);
  };
  const wanted = ending.kind === 'person' && ending.scope !== undefined ? scopeOnChain(ending.scope) : null;
  for (const one of sent) {
    for (const [index, ref] of one.refs.entries()) {
      const isNamed = ending.kind === 'grants' ? ending.grants.includes(one.grants[index] as Hex) : sameHex(one.grantee, ending.grantee);
      const isWithin = wanted === null || (ref.kind === wanted.kind && sameHex(ref.id, wanted.id));
      if (isNamed && isWithin) add(ref);
    }
  }
  if (ending.kind === 'person' && ending.scope !== undefined && wanted !== null) {
    const [read, write] = tagsOf(client, ending);
    add({ tag: (ending.scope.kind === 'record' ? read : write) as Hex, kind: wanted.kind, id: wanted.id });
  }
  return refs;
}

const isSame =
  (a: GrantRef) =>
  (b: GrantRef): boolean =>
    sameHex(a.tag, b.tag) && a.kind === b.kind && sameHex(a.id, b.id);

/** Revokes every permission of everybody, including grants on their way. */
export async function revokeEveryone(client: WalletClient, errand: Errand): Promise<Revoked> {
  errand.phase('preparing');
  const { chain } = client;
  await chain.verifyDeployment();
  // This works even if the list of valid grants cannot be read.
  const standing = await grantsOf(chain, client.address).then(
    (all) => all.filter(({ terms, patientEpoch }) => stands(terms, patientEpoch)),
    () => [],
  );
  const message = { patient: client.address, nonce: newNonce(), deadline: await newDeadline(chain, 'revoke_all') };
  const { txHash } = await send(client, { type: 'revoke_all', message }, { key: 'sign.revoke_all', values: {} }, errand);
  await sentGrants(client).catch(() => []);
  return { ended: standing.length, notEnded: [], openedBefore: await openedWith(chain, standing), txHash };
}

async function send(
  client: WalletClient,
  action: Parameters<typeof signAction>[1],
  sentence: Sentence,
  errand: Errand,
): Promise<{ txHash: Hex | null }> {
  const signed = await signAction(client, action, sentence, errand);
  errand.phase('sending');
  return settle(client, action, await api.revoke(toBody(signed)), errand);
}

/**
 * Returns the records that were opened with these grants, from the anchored log. If the log cannot be read, the revocation must not look
 * like a failure.
 */
async function openedWith(chain: Chain, grants: readonly Pick<GrantRef, 'tag'>[]): Promise<Hex[]> {
  const tags = new Set(grants.map((grant) => grant.tag));
  const log = await accessLog(chain).catch(() => null);
  return [...new Set(log?.accesses.filter((access) => tags.has(access.tag)).map((access) => access.record))];
}
