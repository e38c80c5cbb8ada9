/** Grants rights, and lists grants. Mirrors `client/src/grants.rs`; `revoke.ts` revokes them. */
import type { Address, Hex } from 'viem';
import * as api from '../api/routes.ts';
import type { Chain } from '../chain/chain.ts';
import { grantsOf, type ChainGrant } from '../chain/events.ts';
import type { Listed } from '../types/actions.ts';
import type { GrantItem, Granted, NewGrants, Scope } from '../types/grants.ts';
import type { Sentence } from '../types/signing.ts';
import type { ReadyClient, WalletClient } from '../device/client.ts';
import type { Errand } from '../device/errand.ts';
import { Failure } from '../failure.ts';
import type { Bundle } from '../protocol/bundle.ts';
import { PURPOSES, RIGHTS, SCOPE_KINDS } from '../protocol/codes.ts';
import { checkGrantForm, type GrantFormRule } from '../protocol/grants/form.ts';
import { scopeFromChain, scopeOnChain } from '../protocol/grants/scope.ts';
import { stateAt } from '../protocol/grants/terms.ts';
import { sameHex, ZERO_HASH } from '../protocol/hex.ts';
import { grantId } from '../protocol/ids.ts';
import { mapSome, newDeadline, newNonce, settle, signAction, toBody, unixNow } from './act.ts';
import { badItems, mapEach, shortName, type Sorted } from './each.ts';
import { makeBundle, type LeftOut } from './own-versions.ts';
import { publicKey } from './public-key.ts';
import { noteSentGrant } from './sent-grants.ts';

/** The field of the form to which each rule belongs. */
const FIELD_OF_RULE: Readonly<Record<GrantFormRule, string>> = {
  grantee: 'grantee',
  scope_count: 'scopes',
  scope_twice: 'scopes',
  read_scope: 'scopes',
  write_scope: 'scopes',
  no_purpose: 'purposes',
  period: 'until',
  too_far_ahead: 'until',
};

/** Checks a grant before anything is signed. @throws Failure `invalid_form` with the field. */
export function checkGrants(wanted: NewGrants, owner: Address, now: number): void {
  const { grantee, right, notAfter, notBefore = 0 } = wanted;
  const purposes = PURPOSES.mask(wanted.purposes);
  const scopes = wanted.scopes.map(scopeOnChain);
  const rule = checkGrantForm({ patient: owner, grantee, right, scopes, purposes, notBefore, notAfter }, now);
  if (rule !== null) throw new Failure('invalid_form', { values: { field: FIELD_OF_RULE[rule] } });
}

/** Returns the sentence that says what a grant allows. */
export function describeGrant(wanted: NewGrants): Sentence {
  const { grantee, purposes, notAfter: until, scopes } = wanted;
  if (wanted.right === 'read') {
    return { key: 'sign.grant_read', values: { grantee, records: scopes.length, purposes: [...purposes], until } };
  }
  const categories = scopes.flatMap((scope) => (scope.kind === 'category' ? [scope.category] : []));
  const all = scopes.some((scope) => scope.kind === 'all');
  return { key: 'sign.grant_write', values: { grantee, categories: all ? 'all' : categories, purposes: [...purposes], until } };
}

/**
 * Grants a right to one person over several scopes with one signature. A record or version whose capsules cannot be made is left out and
 * reported; the others are granted.
 *
 * @throws Failure of the first record if nothing is left, and the refusals of wallet, server and chain.
 */
export async function grant(client: ReadyClient, given: NewGrants, request: Hex | null, errand: Errand): Promise<Granted> {
  const asked = { ...given, grantee: given.grantee.toLowerCase() as Address };
  checkGrants(asked, client.address, unixNow());
  errand.phase('preparing');
  const { chain, keys } = client;
  await chain.verifyDeployment();
  const { tag, salt } = keys.tag(chain, asked.grantee, asked.right);
  const [patientEpoch, epochs, head] = await Promise.all([
    chain.patientEpoch(client.address),
    mapSome(
      asked.scopes,
      async (scope) => (await chain.terms(client.address, tag, scopeOnChain(scope).kind, scopeOnChain(scope).id)).epoch,
    ),
    chain.head(),
  ]);
  const { parts, leftOut } = await makeParts(client, asked, epochs);
  const wanted = { ...asked, scopes: parts.map(({ scope }) => scope) };
  const action = {
    type: 'grant',
    message: {
      patient: client.address,
      tag,
      rights: RIGHTS.bit(wanted.right),
      purposes: PURPOSES.mask(wanted.purposes),
      // The chain's clock may be behind this device's. Without a start time, the grant starts at the earlier of both times.
      notBefore: wanted.notBefore ?? Math.min(head.time, unixNow()),
      notAfter: wanted.notAfter,
      patientEpoch,
      scopes: parts.map(({ scope, epoch, bundle }) => ({ ...scopeOnChain(scope), epoch, bundleHash: bundle?.hash() ?? ZERO_HASH })),
      nonce: newNonce(),
      deadline: await newDeadline(chain, 'grant'),
    },
  } as const;
  const signed = await signAction(client, action, describeGrant(wanted), errand);
  // From here on the grant may take effect, even if this page is closed. It is stored so that it can be ended before it is on the chain.
  await noteSentGrant(client, action.message, wanted);
  errand.phase('sending');
  const body: api.GrantBody = {
    action: toBody(signed),
    grantee: wanted.grantee,
    salt,
    right: wanted.right,
    bundles: parts.map(({ scope, bundle }) => bundleBody(scope, bundle)),
    ...(request === null ? {} : { request }),
  };
  const { txHash } = await settle(client, action, await api.grant(body), errand);
  return { grants: wanted.scopes.map((scope) => grantId(client.address, tag, scope.kind, scopeOnChain(scope).id)), leftOut, txHash };
}

/** Returns a bundle in the form that the API accepts. */
export function bundleBody(scope: Scope, bundle: Bundle | null): api.BundleBody {
  const capsules = bundle?.entries.map(({ version, capsule }) => ({ version, capsule: capsule.hex })) ?? [];
  return { kind: scope.kind, scope_id: scopeOnChain(scope).id, capsules };
}

/** One scope of a grant, with the epoch that it replaces and its capsules; no capsules for WRITE. */
interface Part {
  readonly scope: Scope;
  readonly epoch: number;
  readonly bundle: Bundle | null;
}

async function makeParts(
  client: ReadyClient,
  wanted: NewGrants,
  epochs: readonly number[],
): Promise<{ parts: Part[]; leftOut: readonly LeftOut[] }> {
  const indexed = wanted.scopes.map((scope, index) => ({ scope, epoch: epochs[index] as number }));
  if (wanted.right === 'write') return { parts: indexed.map((one) => ({ ...one, bundle: null })), leftOut: [] };
  const key = await publicKey(client.chain, wanted.grantee);
  const leftOut: LeftOut[] = [];
  const { done, bad } = await mapEach(indexed, async ({ scope, epoch }): Promise<Part> => {
    if (scope.kind !== 'record') return { scope, epoch, bundle: null };
    const made = await makeBundle(client, scope.record, wanted.grantee, key, epoch + 1);
    leftOut.push(...made.leftOut);
    return { scope, epoch, bundle: made.bundle };
  });
  const [first] = bad;
  if (done.length === 0 && first !== undefined) throw first.failure;
  return { parts: done, leftOut: [...leftOut, ...bad.flatMap(({ item: { scope }, failure }) => wholeRecord(scope, failure.code))] };
}

/** The entry for a record of which no version can be granted. */
const wholeRecord = (scope: Scope, code: LeftOut['code']): LeftOut[] =>
  scope.kind === 'record' ? [{ record: scope.record, version: null, code }] : [];

/** A grant as the server describes it, with its data from the chain. */
export interface ComparedGrant {
  readonly view: api.GrantView;
  readonly item: GrantItem;
  readonly epoch: number;
}

/** Returns the server's list. For received grants, these are the grants of known people and the newest grants of strangers. */
async function toldGrants(side: 'given' | 'received', record: Hex | undefined): Promise<api.GrantView[]> {
  if (side === 'given' || record !== undefined) return api.grants({ side, record });
  const [known, strangers] = await Promise.all([api.grants({ side }), api.waitingGrants('strangers')]);
  return [...known, ...strangers.items];
}

/**
 * Returns grants given or received. Terms and state are read from the chain, not from the server. A grant that is not on the chain is left
 * out, since the server's copy can be wrong after a reorganisation. A grant that cannot be read is reported.
 */
export async function listGrants(
  client: WalletClient,
  side: 'given' | 'received',
  record?: Hex,
): Promise<Sorted<api.GrantView, ComparedGrant>> {
  await client.chain.verifyDeployment();
  const { done, bad } = await compareAll(client, await toldGrants(side, record));
  return { done: side === 'received' ? done : done.map((one) => withGrantee(client, one)), bad };
}

async function compareAll({ chain }: WalletClient, told: readonly api.GrantView[]): Promise<Sorted<api.GrantView, ComparedGrant>> {
  const now = await chain.now();
  const epochs = new Map<string, Promise<number>>();
  const patientEpoch = (patient: Address): Promise<number> => {
    const known = epochs.get(patient) ?? chain.patientEpoch(patient);
    epochs.set(patient, known);
    return known;
  };
  const { done, bad } = await mapEach(told, (view) => compare(chain, view, now, patientEpoch), 16);
  return { done: done.filter((one): one is ComparedGrant => one !== null), bad };
}

const badGrants = (bad: Sorted<api.GrantView, unknown>['bad']) => badItems(bad, (view) => shortName(view.id));

/** Returns the grants that this person received. */
export async function listReceived(client: ReadyClient, record?: Hex): Promise<Listed<GrantItem>> {
  const { done, bad } = await listGrants(client, 'received', record);
  return { items: done.map(({ item }) => item), bad: badGrants(bad) };
}

/** Returns the first page of the received grants that wait in a separate list, and whether there are more. */
export async function listWaiting(client: WalletClient, shelf: api.WaitingShelf): Promise<Listed<GrantItem> & { readonly more: boolean }> {
  await client.chain.verifyDeployment();
  const { items, more } = await api.waitingGrants(shelf);
  const { done, bad } = await compareAll(client, items);
  return { items: done.map(({ item }) => item), bad: badGrants(bad), more };
}

/**
 * Returns every grant that this person ever gave: the server's list, and grants that are on the chain and that the server leaves out. The
 * grantees of the latter are unknown. Works without keys; then the names are unchecked, too.
 */
export async function listGiven(client: WalletClient, record?: Hex): Promise<Listed<GrantItem>> {
  const { done, bad } = await listGrants(client, 'given', record);
  const told = done.map(({ item }) => item);
  // The chain is read after the server's list. A grant that is made in between is then on both lists, or on this one.
  const [onChain, now] = await Promise.all([grantsOf(client.chain, client.address), client.chain.now()]);
  const known = new Set(told.map((item) => item.id));
  const untold = onChain.flatMap((grant) => fromChain(client.address, grant, now) ?? []);
  const added = untold.filter(({ id, scope }) => {
    const isWanted = record === undefined || (scope.kind === 'record' && sameHex(scope.record, record));
    return isWanted && !known.has(id);
  });
  return { items: [...told, ...added], bad: badGrants(bad) };
}

/** Returns a grant that only the chain describes; `null` for a scope that this version does not know. */
function fromChain(patient: Address, { tag, kind, scopeId, terms, patientEpoch, txHash }: ChainGrant, now: number): GrantItem | null {
  const scope = scopeFromChain(kind, scopeId);
  if (scope === null) return null;
  return {
    id: grantId(patient, tag, scope.kind, scopeId),
    patient,
    grantee: null,
    isMisnamed: false,
    isFromStranger: false,
    tag,
    right: RIGHTS.fromBit(terms.rights),
    scope,
    purposes: PURPOSES.fromMask(terms.purposes),
    notBefore: terms.notBefore,
    notAfter: terms.notAfter,
    state: stateAt(terms, patientEpoch, now),
    txHash,
    newestVersion: null,
  };
}

async function compare(
  chain: Chain,
  view: api.GrantView,
  now: number,
  patientEpoch: (patient: Address) => Promise<number>,
): Promise<ComparedGrant | null> {
  const patient = view.patient.toLowerCase() as Address;
  const kind = SCOPE_KINDS.code(view.kind);
  const scope = scopeFromChain(kind, view.scope_id as Hex);
  const terms = await chain.terms(patient, view.tag as Hex, kind, view.scope_id as Hex);
  if (terms.epoch === 0 || scope === null) return null;
  const item: GrantItem = {
    id: grantId(patient, view.tag as Hex, scope.kind, view.scope_id as Hex),
    patient,
    grantee: (view.grantee?.toLowerCase() ?? null) as Address | null,
    isMisnamed: false,
    isFromStranger: view.shelf === 'strangers',
    tag: view.tag as Hex,
    right: RIGHTS.fromBit(terms.rights),
    scope,
    purposes: PURPOSES.fromMask(terms.purposes),
    notBefore: terms.notBefore,
    notAfter: terms.notAfter,
    state: stateAt(terms, await patientEpoch(patient), now),
    txHash: view.tx_hash as Hex,
    newestVersion: view.newest_version ?? null,
  };
  return { view, item, epoch: terms.epoch };
}

/**
 * Checks the grantee that the server names with the seed, which decides whose tag it is. If the server is wrong, the grantee is unknown.
 */
function withGrantee({ keys, chain }: WalletClient, one: ComparedGrant): ComparedGrant {
  const { grantee, tag } = one.item;
  if (grantee === null || keys === null) return one;
  const isTheirs = (['read', 'write'] as const).some((right) => sameHex(keys.tag(chain, grantee, right).tag, tag));
  return isTheirs ? one : { ...one, item: { ...one.item, grantee: null, isMisnamed: true } };
}
