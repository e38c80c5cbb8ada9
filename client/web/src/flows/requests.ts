/** Access requests: a practitioner asks with a note, and the patient approves or denies. Mirrors `client/src/requests.rs`. */
import type { Address, Hex } from 'viem';
import * as api from '../api/routes.ts';
import { versionsOfPatient } from '../chain/events.ts';
import type { Granted, Scope } from '../types/grants.ts';
import type { Approval, NewRequest, RequestItem } from '../types/requests.ts';
import type { Client, ReadyClient } from '../device/client.ts';
import type { Errand } from '../device/errand.ts';
import { Failure } from '../failure.ts';
import { noteBinding, type Binding } from '../protocol/capsule.ts';
import { CATEGORIES, MAX_SCOPES, PURPOSES, RECORD_STATUSES, RIGHTS } from '../protocol/codes.ts';
import { mayEndAt, REQUEST_SECONDS_MAX } from '../protocol/ends.ts';
import { fromHex, sameHex, toHex } from '../protocol/hex.ts';
import { noteHash, NoteError, openNote, sealNote } from '../protocol/note.ts';
import { ACCESS_REQUEST, DENY_REQUEST, requestId, type AccessRequest } from '../protocol/statements.ts';
import type { Listed } from '../types/actions.ts';
import { badItems, mapEach, shortName } from './each.ts';
import { forWallet, mapSome, newDeadline, newNonce, unixNow } from './act.ts';
import { scopeFromChain, scopeOnChain } from '../protocol/grants/scope.ts';
import { grant } from './grants.ts';
import { publicKey } from './public-key.ts';

function bindingOf(client: Client, patient: Address, epoch: number): Binding {
  return noteBinding(client.chain.deployment.chainId, client.chain.addressOf('grant_registry'), patient, epoch);
}

/** Sends a request to a patient. Returns the request's id. */
export async function ask(client: ReadyClient, wanted: NewRequest, errand: Errand): Promise<Hex> {
  const patient = wanted.patient.toLowerCase() as Address;
  const now = unixNow();
  const refuse = (field: string): never => {
    throw new Failure('invalid_form', { values: { field } });
  };
  if (patient === client.address) refuse('patient');
  if (wanted.purposes.length === 0) refuse('purposes');
  if (wanted.until <= now || !mayEndAt(wanted.until, now)) refuse('until');
  if (wanted.openSeconds <= 0 || wanted.openSeconds > REQUEST_SECONDS_MAX) refuse('until');
  errand.phase('preparing');
  const { chain } = client;
  await chain.verifyDeployment();
  const { key, epoch } = await publicKey(chain, patient);
  let note: Uint8Array<ArrayBuffer>;
  try {
    note = await sealNote(wanted.reason, client.address, key, bindingOf(client, patient, epoch));
  } catch (error) {
    if (error instanceof NoteError) throw new Failure('invalid_form', { cause: error, values: { field: 'reason' } });
    throw error;
  }
  const { kind, id: scopeId } = scopeOnChain(wanted.scope);
  const request: AccessRequest = {
    requester: client.address,
    patient,
    rights: RIGHTS.bit(wanted.right),
    kind,
    scopeId,
    purposes: PURPOSES.mask(wanted.purposes),
    until: wanted.until,
    noteHash: noteHash(note),
    nonce: newNonce(),
    deadline: BigInt(now + wanted.openSeconds),
  };
  const data = forWallet(ACCESS_REQUEST.typedData(request, chain.deployment));
  const sentence = { key: 'sign.request', values: { patient, right: wanted.right, until: wanted.until } } as const;
  const signature = await errand.signTypedData(client.wallet, data, sentence);
  errand.phase('sending');
  const signed = { request: ACCESS_REQUEST.toJson(request) as api.SignedAccessRequest['request'], signature };
  const view = await api.ask({ signed, note: toHex(note) });
  const id = requestId(request, chain.deployment);
  if (!sameHex(view.id as Hex, id)) throw new Failure('wrong_answer');
  return id;
}

/**
 * Returns the requests to and from this person, newest first. A request with an invalid signature is left out; a request that cannot be
 * checked is reported.
 */
export async function listRequests(client: ReadyClient): Promise<Listed<RequestItem>> {
  await client.chain.verifyDeployment();
  const { done, bad } = await mapEach(await api.requests(), (view) => check(client, view));
  const items = done.filter((one): one is RequestItem => one !== null).sort((a, b) => b.createdAt - a.createdAt);
  return { items, bad: badItems(bad, (view) => shortName(view.id)) };
}

/** Returns a request that its requester has signed, and that is to or from this person; `null` for any other. */
async function check(client: ReadyClient, view: api.RequestView): Promise<RequestItem | null> {
  const { chain } = client;
  let request: AccessRequest;
  try {
    request = ACCESS_REQUEST.fromJson(view.signed.request);
  } catch {
    return null;
  }
  const hash = requestId(request, chain.deployment);
  const concernsUs = [request.patient, request.requester].includes(client.address);
  const right = RIGHTS.fromBit(request.rights);
  const scope = scopeFromChain(request.kind, request.scopeId);
  if (!sameHex(view.id as Hex, hash) || !concernsUs || right === null || scope === null) return null;
  if (!(await chain.signedBy(request.requester, hash, view.signed.signature as Hex))) return null;
  const practitioner = await chain.findPractitioner(request.requester);
  const isToMe = request.patient === client.address;
  const reason = isToMe ? await reasonOf(client, request, view.note) : null;
  return {
    id: hash,
    requester: request.requester,
    patient: request.patient,
    right,
    scope,
    purposes: PURPOSES.fromMask(request.purposes),
    until: request.until,
    reason,
    // A note does not say to which key it was sealed. If somebody else's key was published at some time, that may be why it does not open.
    isReasonForeign: isToMe && reason === null && client.keys.foreign.length > 0,
    accredited: practitioner?.counts === true,
    // The requester signed a time after which the request cannot be answered. The server must not show it as open after that.
    state: view.state === 'open' && request.deadline <= BigInt(unixNow()) ? 'lapsed' : view.state,
    createdAt: view.created_at,
    isToMe,
  };
}

/** Returns the reason, if the note is the one that was signed and it opens with one of the patient's keys. */
async function reasonOf(client: ReadyClient, request: AccessRequest, text: string): Promise<string | null> {
  try {
    const note = fromHex(text);
    if (!sameHex(noteHash(note), request.noteHash)) return null;
    for (const epoch of client.keys.own) {
      const binding = bindingOf(client, request.patient, epoch);
      const reason = await openNote(note, request.requester, client.keys.identityAt(epoch), binding).catch(() => null);
      // The text is from a stranger: line breaks may stay, all other control characters are replaced.
      if (reason !== null) return reason.replace(/[^\P{Cc}\n]/gu, ' ');
    }
    return null;
  } catch {
    return null;
  }
}

async function findOpen(client: ReadyClient, id: Hex): Promise<RequestItem> {
  const known = (await listRequests(client)).items.find((one) => sameHex(one.id, id) && one.isToMe);
  if (known === undefined || known.state !== 'open') throw new Failure('not_found');
  return known;
}

/** Approves a request: grants what was asked, or the narrower selection. */
export async function approve(client: ReadyClient, approval: Approval, errand: Errand): Promise<Granted> {
  errand.phase('preparing');
  const asked = await findOpen(client, approval.request);
  const narrowed = approval.records?.map((record) => ({ kind: 'record', record }) as const);
  if (asked.right === 'write' && narrowed !== undefined) throw new Failure('invalid_form', { values: { field: 'records' } });
  const scopes = asked.right === 'write' ? [asked.scope] : (narrowed ?? (await recordsIn(client, asked.scope)));
  const wanted = {
    grantee: asked.requester,
    right: asked.right,
    scopes,
    purposes: approval.purposes ?? asked.purposes,
    notAfter: approval.until ?? asked.until,
  };
  return grant(client, wanted, approval.request, errand);
}

/**
 * Returns the records that a scope covers now, each as a scope of its own. If there are too many for one grant, returns the newest ones.
 */
async function recordsIn(client: ReadyClient, scope: Scope): Promise<Scope[]> {
  if (scope.kind === 'record') return [scope];
  const code = scope.kind === 'category' ? CATEGORIES.code(scope.category) : null;
  const firsts = (await versionsOfPatient(client.chain, client.address)).filter(
    (version) => version.version === 1 && (code === null || version.category === code),
  );
  const known = await mapSome(firsts, async ({ record }) => ({ record, status: (await client.chain.record(record)).status }));
  const readable = known.filter(({ status }) => status !== RECORD_STATUSES.code('tombstoned'));
  if (readable.length === 0) throw new Failure('not_found');
  return readable.slice(-MAX_SCOPES).map(({ record }) => ({ kind: 'record', record }));
}

/** Denies a request. */
export async function deny(client: ReadyClient, id: Hex, errand: Errand): Promise<void> {
  errand.phase('preparing');
  const asked = await findOpen(client, id);
  const denial = { patient: client.address, request: id, deadline: await newDeadline(client.chain, 'deny_request') };
  const data = forWallet(DENY_REQUEST.typedData(denial, client.chain.deployment));
  const signature = await errand.signTypedData(client.wallet, data, { key: 'sign.deny', values: { requester: asked.requester } });
  errand.phase('sending');
  await api.deny(id, { denial: DENY_REQUEST.toJson(denial) as api.SignedDenial['denial'], signature });
}
