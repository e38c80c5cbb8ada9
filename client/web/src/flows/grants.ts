/** Granting, listing and ending grants. Mirrors `client/src/grants.rs`. */
import type { Address, Hex } from 'viem';
import * as api from '../api/routes.ts';
import type { Chain } from '../chain/chain.ts';
import { accessLog, grantsOf, type ChainGrant } from '../chain/events.ts';
import type { Ending, GrantItem, GrantState, Granted, NewGrants, Revoked, Scope } from '../data/types/grants.ts';
import type { Sentence } from '../data/types/signing.ts';
import type { ReadyClient } from '../device/device.ts';
import type { Errand } from '../device/errand.ts';
import { Failure } from '../failure.ts';
import type { Bundle } from '../protocol/bundle.ts';
import { CATEGORIES, categoryScopeId, MAX_SCOPES, PURPOSES, RIGHTS, SCOPE_KINDS } from '../protocol/codes.ts';
import { sameHex, ZERO_HASH } from '../protocol/hex.ts';
import { grantId } from '../protocol/ids.ts';
import { mapSome, newDeadline, newNonce, newRevocationDeadline, settle, signAction, toBody, unixNow } from './act.ts';
import { makeBundle } from './own-versions.ts';
import { publicKey, type CurrentKey } from './public-key.ts';

/** Longest time that fits the contract's 40 bits. */
const TIME_MAX = 2 ** 40;

/** A scope as the chain names it. */
export function scopeOnChain(scope: Scope): { kind: number; id: Hex } {
  const kind = SCOPE_KINDS.code(scope.kind);
  if (scope.kind === 'record') return { kind, id: scope.record };
  return { kind, id: scope.kind === 'category' ? categoryScopeId(scope.category) : ZERO_HASH };
}

/** The same back; `null` for a category that this version does not know. */
export function scopeFromChain(kind: number, id: Hex): Scope | null {
  const word = SCOPE_KINDS.fromCode(kind);
  if (word === 'record') return { kind: 'record', record: id };
  if (word === 'all') return sameHex(id, ZERO_HASH) ? { kind: 'all' } : null;
  const category = word === 'category' ? CATEGORIES.fromCode(Number(BigInt(id) & 0xffffn)) : null;
  return category !== null && sameHex(categoryScopeId(category), id) ? { kind: 'category', category } : null;
}

const keyOf = (scope: Scope): string => JSON.stringify(scopeOnChain(scope));

/** What cannot be granted is refused before anything is signed. @throws Failure `invalid_form` with the field. */
export function checkGrants(wanted: NewGrants, owner: Address, now: number): void {
  const refuse = (field: string): never => {
    throw new Failure('invalid_form', { values: { field } });
  };
  const { scopes, right, purposes, notAfter } = wanted;
  if (scopes.length === 0 || scopes.length > MAX_SCOPES || new Set(scopes.map(keyOf)).size !== scopes.length) refuse('scopes');
  // READ over records, WRITE over a category or all, until category keys exist.
  if (scopes.some((scope) => (scope.kind === 'record') !== (right === 'read'))) refuse('scopes');
  if (purposes.length === 0) refuse('purposes');
  if (notAfter <= Math.max(now, wanted.notBefore ?? 0) || notAfter >= TIME_MAX) refuse('until');
  if (sameHex(wanted.grantee, owner)) refuse('grantee');
}

/** What a grant allows, in one sentence. */
export function describeGrants(wanted: NewGrants): Sentence {
  const { grantee, purposes, notAfter: until, scopes } = wanted;
  if (wanted.right === 'read') {
    return { key: 'sign.grant_read', values: { grantee, records: scopes.length, purposes: [...purposes], until } };
  }
  const categories = scopes.flatMap((scope) => (scope.kind === 'category' ? [scope.category] : []));
  const all = scopes.some((scope) => scope.kind === 'all');
  return { key: 'sign.grant_write', values: { grantee, categories: all ? 'all' : categories, purposes: [...purposes], until } };
}

/** Grants a right to one person over several scopes with one signature. */
export async function share(client: ReadyClient, given: NewGrants, request: Hex | null, errand: Errand): Promise<Granted> {
  const wanted = { ...given, grantee: given.grantee.toLowerCase() as Address };
  checkGrants(wanted, client.address, unixNow());
  errand.phase('preparing');
  const { chain, keys } = client;
  await chain.verifyDeployment();
  const { tag, salt } = keys.tag(chain, wanted.grantee, wanted.right);
  const places = wanted.scopes.map(scopeOnChain);
  const [patientEpoch, epochs, head] = await Promise.all([
    chain.patientEpoch(client.address),
    mapSome(places, async ({ kind, id }) => (await chain.terms(client.address, tag, kind, id)).epoch),
    chain.head(),
  ]);
  const bundles = await makeBundles(client, wanted, epochs);
  const action = {
    type: 'grant',
    message: {
      patient: client.address,
      tag,
      rights: RIGHTS.bit(wanted.right),
      purposes: PURPOSES.mask(wanted.purposes),
      // The chain's clock may be behind this device's: from now on means from its now on.
      notBefore: wanted.notBefore ?? Math.min(head.time, unixNow()),
      notAfter: wanted.notAfter,
      patientEpoch,
      scopes: places.map(({ kind, id }, index) => ({
        kind, id, epoch: epochs[index] as number, bundleHash: bundles[index]?.hash() ?? ZERO_HASH,
      })),
      nonce: newNonce(),
      deadline: await newDeadline(chain),
    },
  } as const;
  const signed = await signAction(client, action, describeGrants(wanted), errand);
  errand.phase('sending');
  const body: api.GrantBody = {
    action: toBody(signed),
    grantee: wanted.grantee,
    salt,
    right: wanted.right,
    bundles: wanted.scopes.map((scope, index) => bundleBody(scope, bundles[index] ?? null)),
    ...(request === null ? {} : { request }),
  };
  const { txHash } = await settle(client, action, await api.grant(body), errand);
  return { grants: wanted.scopes.map((scope) => grantId(client.address, tag, scope.kind, scopeOnChain(scope).id)), txHash };
}

/** A bundle as the API takes it. */
export function bundleBody(scope: Scope, bundle: Bundle | null): api.BundleBody {
  const capsules = bundle?.entries.map(({ version, capsule }) => ({ version, capsule: capsule.hex })) ?? [];
  return { kind: scope.kind, scope_id: scopeOnChain(scope).id, capsules };
}

/** The capsules for each scope; none for WRITE. */
async function makeBundles(client: ReadyClient, wanted: NewGrants, epochs: readonly number[]): Promise<(Bundle | null)[]> {
  if (wanted.right === 'write') return wanted.scopes.map(() => null);
  const key: CurrentKey = await publicKey(client.chain, wanted.grantee);
  const indexed = wanted.scopes.map((scope, index) => ({ scope, epoch: epochs[index] as number }));
  return mapSome(indexed, async ({ scope, epoch }) =>
    scope.kind === 'record' ? makeBundle(client, scope.record, wanted.grantee, key, epoch + 1) : null,
  );
}

/** A grant as the server tells it, with what the chain says about it. */
export interface ComparedGrant {
  readonly view: api.GrantView;
  readonly item: GrantItem;
  readonly epoch: number;
}

/** What the server tells: of received grants those of people one knows, and the newest of strangers. */
async function toldGrants(side: 'given' | 'received', record: Hex | undefined): Promise<api.GrantView[]> {
  if (side === 'given' || record !== undefined) return api.grants({ side, record });
  const [known, strangers] = await Promise.all([api.grants({ side }), api.grantsOfStrangers()]);
  return [...known, ...strangers.items];
}

/**
 * Grants given or received. Terms and state are read from the chain, not from the server; one that the chain does not know
 * is left out, since the server's mirror can be behind a reorganisation.
 */
export async function listGrants(client: ReadyClient, side: 'given' | 'received', record?: Hex): Promise<ComparedGrant[]> {
  const { chain } = client;
  await chain.verifyDeployment();
  const [told, now] = await Promise.all([toldGrants(side, record), chain.now()]);
  const epochs = new Map<string, Promise<number>>();
  const patientEpoch = (patient: Address): Promise<number> => {
    const known = epochs.get(patient) ?? chain.patientEpoch(patient);
    epochs.set(patient, known);
    return known;
  };
  const compared = await mapSome(told, (view) => compare(chain, view, now, patientEpoch), 16);
  const found = compared.filter((one): one is ComparedGrant => one !== null);
  return side === 'received' ? found : found.map((one) => withGrantee(client, one));
}

/**
 * Everything that this person ever granted: what the server tells, and what stands on chain and the server leaves out. Of the
 * latter nobody says whose it is.
 */
export async function listGiven(client: ReadyClient, record?: Hex): Promise<GrantItem[]> {
  const told = (await listGrants(client, 'given', record)).map(({ item }) => item);
  // Read afterwards: what is granted in between is on both lists or on this one.
  const [onChain, now] = await Promise.all([grantsOf(client.chain, client.address), client.chain.now()]);
  const known = new Set(told.map((item) => item.id));
  const untold = onChain.flatMap((grant) => fromChain(client.address, grant, now) ?? []);
  return [
    ...told,
    ...untold.filter(({ id, scope }) => {
      const isWanted = record === undefined || (scope.kind === 'record' && sameHex(scope.record, record));
      return isWanted && !known.has(id);
    }),
  ];
}

/** A grant of which only the chain says something; `null` for a scope that this version does not know. */
function fromChain(patient: Address, { tag, kind, scopeId, terms, stands, txHash }: ChainGrant, now: number): GrantItem | null {
  const scope = scopeFromChain(kind, scopeId);
  if (scope === null) return null;
  return {
    id: grantId(patient, tag, scope.kind, scopeId),
    patient,
    grantee: null,
    tag,
    right: RIGHTS.fromBit(terms.rights),
    scope,
    purposes: PURPOSES.fromMask(terms.purposes),
    notBefore: terms.notBefore,
    notAfter: terms.notAfter,
    state: stateOf(terms, stands, now),
    txHash,
    newestVersion: null,
  };
}

function stateOf(terms: { readonly notBefore: number; readonly notAfter: number }, stands: boolean, now: number): GrantState {
  if (!stands) return 'revoked';
  if (now < terms.notBefore) return 'future';
  return now >= terms.notAfter ? 'expired' : 'active';
}

async function compare(chain: Chain, view: api.GrantView, now: number, patientEpoch: (patient: Address) => Promise<number>): Promise<ComparedGrant | null> {
  const patient = view.patient.toLowerCase() as Address;
  const kind = SCOPE_KINDS.code(view.kind);
  const scope = scopeFromChain(kind, view.scope_id as Hex);
  const terms = await chain.terms(patient, view.tag as Hex, kind, view.scope_id as Hex);
  if (terms.epoch === 0 || scope === null) return null;
  const stands = terms.rights !== 0 && terms.patientEpoch === (await patientEpoch(patient));
  const item: GrantItem = {
    id: grantId(patient, view.tag as Hex, scope.kind, view.scope_id as Hex),
    patient,
    grantee: (view.grantee?.toLowerCase() ?? null) as Address | null,
    tag: view.tag as Hex,
    right: RIGHTS.fromBit(terms.rights),
    scope,
    purposes: PURPOSES.fromMask(terms.purposes),
    notBefore: terms.notBefore,
    notAfter: terms.notAfter,
    state: stateOf(terms, stands, now),
    txHash: view.tx_hash as Hex,
    newestVersion: view.newest_version ?? null,
  };
  return { view, item, epoch: terms.epoch };
}

/** The server names the grantee; only the seed decides whose tag it is. */
function withGrantee(client: ReadyClient, one: ComparedGrant): ComparedGrant {
  const { grantee, tag } = one.item;
  if (grantee === null) return one;
  const isTheirs = (['read', 'write'] as const).some((right) => sameHex(client.keys.tag(client.chain, grantee, right).tag, tag));
  if (!isTheirs) throw new Failure('wrong_answer');
  return one;
}

/** What ends, in one sentence. */
export function describeEnding(ending: Ending): Sentence {
  if (ending.kind === 'grants') return { key: 'sign.revoke', values: { grants: ending.grants.length, grantee: null } };
  return { key: 'sign.revoke', values: { grants: 0, grantee: ending.grantee } };
}

/**
 * Ends grants. Reads stop as soon as the server has accepted it or it is mined.
 *
 * @throws Failure `not_found` if nothing stands to be ended; what wallet, server and chain refuse.
 */
export async function revoke(client: ReadyClient, ending: Ending, errand: Errand): Promise<Revoked> {
  errand.phase('preparing');
  const { chain } = client;
  await chain.verifyDeployment();
  const standing = (await grantsOf(chain, client.address)).filter((grant) => grant.stands);
  const ended = standing.filter((grant) => isMeant(client, ending, grant));
  if (ended.length === 0) throw new Failure('not_found');
  let txHash: Hex | null = null;
  for (let at = 0; at < ended.length; at += MAX_SCOPES) {
    const grants = ended.slice(at, at + MAX_SCOPES).map(({ tag, kind, scopeId }) => ({ tag, kind, id: scopeId }));
    const message = { patient: client.address, grants, nonce: newNonce(), deadline: await newRevocationDeadline(chain) };
    const grantee = ending.kind === 'person' ? ending.grantee : null;
    const sentence = { key: 'sign.revoke', values: { grants: grants.length, grantee } } as const;
    ({ txHash } = await send(client, { type: 'revoke', message }, sentence, errand));
  }
  return { ended: ended.length, openedBefore: await openedWith(chain, ended), txHash };
}

function isMeant(client: ReadyClient, ending: Ending, grant: ChainGrant): boolean {
  if (ending.kind === 'grants') {
    const kind = SCOPE_KINDS.fromCode(grant.kind);
    return kind !== null && ending.grants.includes(grantId(client.address, grant.tag, kind, grant.scopeId));
  }
  const isTheirs = (['read', 'write'] as const).some((right) => sameHex(client.keys.tag(client.chain, ending.grantee, right).tag, grant.tag));
  if (!isTheirs || ending.scope === undefined) return isTheirs;
  const { kind, id } = scopeOnChain(ending.scope);
  return kind === grant.kind && sameHex(id, grant.scopeId);
}

/** Ends everything that everybody may do. */
export async function revokeEveryone(client: ReadyClient, errand: Errand): Promise<Revoked> {
  errand.phase('preparing');
  const { chain } = client;
  await chain.verifyDeployment();
  // It works also when the list of what stands cannot be read.
  const standing = await grantsOf(chain, client.address).then((all) => all.filter((grant) => grant.stands), () => []);
  const message = { patient: client.address, nonce: newNonce(), deadline: await newRevocationDeadline(chain) };
  const { txHash } = await send(client, { type: 'revoke_all', message }, { key: 'sign.revoke_all', values: {} }, errand);
  return { ended: standing.length, openedBefore: await openedWith(chain, standing), txHash };
}

async function send(client: ReadyClient, action: Parameters<typeof signAction>[1], sentence: Sentence, errand: Errand): Promise<{ txHash: Hex | null }> {
  const signed = await signAction(client, action, sentence, errand);
  errand.phase('sending');
  return settle(client, action, await api.revoke(toBody(signed)), errand);
}

/** Records that were opened with these grants, from the anchored log. That it cannot be told must not look like a failure. */
async function openedWith(chain: Chain, grants: readonly ChainGrant[]): Promise<Hex[]> {
  const tags = new Set(grants.map((grant) => grant.tag));
  const log = await accessLog(chain).catch(() => null);
  return [...new Set(log?.accesses.filter((access) => tags.has(access.tag)).map((access) => access.record))];
}

