/**
 * The routes of the server, one function each. Nothing in their answers counts as a permission or a key until it was compared with the
 * chain.
 */
import type { Address, Hex } from 'viem';
import { Failure } from '../failure.ts';
import { parseChallenge, parseServerInfo, parseSessionToken } from './answers.ts';
import { all, first, json, problemFailure, send, tellSignedOut, type Query } from './request.ts';
import type { components } from './schema.d.ts';

type Schemas = components['schemas'];
export type ActionView = Schemas['ActionView'];
export type BundleBody = Schemas['BundleBody'];
export type Challenge = Schemas['Challenge'];
export type DirectoryEntry = Schemas['DirectoryEntry'];
export type FeedEvent = Schemas['FeedEvent'];
export type GrantView = Schemas['GrantView'];
type LogEntry = Schemas['LogEntry'];
export type LogEvidence = Schemas['LogEvidence'];
export type MeView = Schemas['Me'];
type PublishedKey = Schemas['PublishedKey'];
type ReadAnswer = Schemas['ReadAnswer'];
export type RecordView = Schemas['RecordView'];
export type RegisterBody = Schemas['RegisterBody'];
export type GrantBody = Schemas['GrantBody'];
export type RequestView = Schemas['RequestView'];
type SessionToken = Schemas['SessionToken'];
export type SignedAction = Schemas['SignedAction'];
export type SignedProfile = Schemas['SignedProfile'];
export type SignedAccessRequest = Schemas['SignedAccessRequest'];
export type SignedDenial = Schemas['SignedDenial'];
type StoredBlob = Schemas['StoredBlob'];

/** Returns `null` in place of the failures that mean that there is none. */
async function maybe<T>(found: Promise<T>, ...codes: readonly string[]): Promise<T | null> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof Failure && codes.includes(error.code)) return null;
    throw error;
  }
}

export const serverInfo = async (): Promise<ReturnType<typeof parseServerInfo>> => parseServerInfo(await json('/v1/deployment'));
export const challenge = async (): Promise<Challenge> => parseChallenge(await json('/v1/auth/challenge'));
/** Sent only once, because a challenge can be used only once. */
export const login = async (message: string, signature: Hex): Promise<SessionToken> =>
  parseSessionToken(await json('/v1/auth/login', { method: 'POST', body: { message, signature }, once: true, mayBeSignedOut: true }));
export const logout = async (): Promise<void> => {
  await send('/v1/auth/logout', { method: 'POST', mayBeSignedOut: true });
};
/** Returns the signed-in account; `null` if nobody is signed in. */
export const me = (): Promise<MeView | null> => maybe(json<MeView>('/v1/me', { mayBeSignedOut: true }), 'not_signed_in');

/** Returns how many bytes the signed-in account stores, and how many it may store. */
export async function storage(): Promise<{ stored: number; quota: number }> {
  const { stored_bytes: stored, quota_bytes: quota } = await json<MeView>('/v1/me');
  return { stored, quota };
}

type PrivateBlobName = 'keyring' | 'address-book';
/** Returns the content of a private blob and its entity tag, which a later write must name; `null` if there is none. */
export async function privateBlob(name: PrivateBlobName): Promise<{ content: Uint8Array<ArrayBuffer>; tag: string } | null> {
  // The account data says which blobs exist. This avoids a 404, which browsers always print on their console.
  const told = await json<Partial<MeView>>('/v1/me');
  if ((name === 'keyring' ? told.has_keyring : told.has_address_book) === false) return null;
  const response = await maybe(send(`/v1/${name}`), 'not_found');
  if (response === null) return null;
  const tag = response.headers.get('etag');
  const body = (await response.json().catch(() => null)) as { content?: unknown } | null;
  if (tag === null || typeof body?.content !== 'string') throw new Failure('invalid_answer');
  try {
    return { content: Uint8Array.from(atob(body.content), (char) => char.charCodeAt(0)), tag };
  } catch (error) {
    throw new Failure('invalid_answer', { cause: error });
  }
}
/**
 * Writes a private blob in place of the one with the tag `replaces`; `null` for the first. It is sent only once: the first copy would make
 * the server refuse the second.
 */
export async function putPrivateBlob(name: PrivateBlobName, content: Uint8Array, replaces: string | null): Promise<void> {
  let binary = '';
  for (const byte of content) binary += String.fromCharCode(byte);
  const headers: Record<string, string> = replaces === null ? { 'if-none-match': '*' } : { 'if-match': replaces };
  await send(`/v1/${name}`, { method: 'PUT', body: { content: btoa(binary) }, headers, once: true });
}

export const findKey = (owner: Address): Promise<PublishedKey | null> =>
  maybe(json<PublishedKey>(`/v1/keys/${owner}`), 'not_found', 'key_not_registered');
export const directory = (query: Query = {}): Promise<DirectoryEntry[]> => all('/v1/directory', query);
export const putProfile = async (practitioner: Address, profile: SignedProfile): Promise<void> => {
  await send(`/v1/directory/${practitioner}`, { method: 'PUT', body: profile });
};

export const records = (query: Query = {}): Promise<RecordView[]> => all('/v1/records', query);
/** Returns every version of a record, newest first. The lists of records contain only the newest one. */
export const versions = (id: Hex): Promise<Schemas['VersionView'][]> => all(`/v1/records/${id}/versions`);
export const putReleaseShare = async (id: Hex, version: number, releaseShare: Hex): Promise<void> => {
  await send(`/v1/records/${id}/versions/${version}/release-share`, { method: 'PUT', body: { release_share: releaseShare } });
};
export const grants = (query: Query): Promise<GrantView[]> => all('/v1/grants', query);
/** Received grants that are not in the ordinary list wait in one of these lists. */
export type WaitingShelf = 'strangers' | 'blocked' | 'hidden';
/** Returns the first page of a waiting list. More appears after the person has dealt with these. */
export const waitingGrants = (shelf: WaitingShelf): Promise<{ items: GrantView[]; more: boolean }> =>
  first('/v1/grants', { side: 'received', shelf, limit: 100 });
/** Marks a person as known: what they share appears in the ordinary lists from now on. */
export const accept = async (address: Address): Promise<void> => void (await send(`/v1/accepted/${address}`, { method: 'PUT' }));
export const hideGrant = async (grant: Hex, isHidden: boolean): Promise<void> =>
  void (await send(`/v1/grants/${grant}/hidden`, { method: isHidden ? 'PUT' : 'DELETE' }));
/** Returns the people whose grants and requests this person does not want. */
export const blocks = (): Promise<Schemas['BlockView'][]> => all('/v1/blocks');
export const block = async (address: Address, isBlocked: boolean): Promise<void> =>
  void (await send(`/v1/blocks/${address}`, { method: isBlocked ? 'PUT' : 'DELETE' }));
/** Returns the capsules of one grant; `null` if the server has none. */
export const bundle = (grant: Hex): Promise<BundleBody | null> => maybe(json<BundleBody>(`/v1/grants/${grant}/bundle`), 'not_found');
export const putBundle = async (grant: Hex, bundle: BundleBody): Promise<void> => {
  await send(`/v1/grants/${grant}/bundle`, { method: 'PUT', body: { bundle } });
};
export const requests = (): Promise<RequestView[]> => all('/v1/requests');
export const ask = (body: Schemas['RequestBody']): Promise<RequestView> => json('/v1/requests', { method: 'POST', body });
export const deny = async (request: Hex, denial: SignedDenial): Promise<void> => {
  await send(`/v1/requests/${request}/deny`, { method: 'POST', body: denial });
};
/** May be sent again: the same bytes always get the same receipt. */
export const read = (body: Schemas['ReadBody']): Promise<ReadAnswer> => json('/v1/reads', { method: 'POST', body });
export const log = (query: Query): Promise<LogEntry[]> => all('/v1/log', query);
export const evidence = (leaf: Hex): Promise<LogEvidence> => json(`/v1/log/leaves/${leaf}`);
export const action = (id: Hex): Promise<ActionView> => json(`/v1/actions/${id}`);

/** Sends a write that may become a transaction. Returns the action from the answer, or `null` if there is none. */
async function relayed(path: string, body: unknown): Promise<ActionView | null> {
  const answer = await json<Partial<ActionView> | null>(path, { method: 'POST', body });
  return typeof answer?.id === 'string' && typeof answer.state === 'string' ? (answer as ActionView) : null;
}
export const submit = (signed: SignedAction): Promise<ActionView | null> => relayed('/v1/actions', signed);
/** May be sent again: the nonce of the signed message counts only once, so the record is not registered twice. */
export const register = (body: RegisterBody): Promise<ActionView | null> => relayed('/v1/records', body);
export const grant = (body: GrantBody): Promise<ActionView | null> => relayed('/v1/grants', body);
export const revoke = (signed: SignedAction): Promise<ActionView | null> => relayed('/v1/grants/revoke', { action: signed });

/** Lets a new person use the server. Only an accreditor, the owner of the contract, or the operator may call it. */
export const invite = async (address: Address): Promise<void> => void (await send(`/v1/invitations/${address}`, { method: 'PUT' }));

/** The longest time in which an upload or download may make no progress. */
const STALL_MS_MAX = 60_000;

/**
 * Sends an envelope. It uses `XMLHttpRequest`, because `fetch` does not report upload progress and can stream bodies over HTTP/2 only. The
 * blob is read from disk during the upload. It is not tried again automatically.
 */
export function uploadBlob(
  target: { record: Hex; version: number },
  envelope: Blob,
  tell: (sent: number) => void,
  signal: AbortSignal,
): Promise<StoredBlob> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let stalled = setTimeout(() => request.abort(), STALL_MS_MAX);
    const alive = (): void => {
      clearTimeout(stalled);
      stalled = setTimeout(() => request.abort(), STALL_MS_MAX);
    };
    const cancel = (): void => request.abort();
    const end = (failure: Failure): void => {
      clearTimeout(stalled);
      signal.removeEventListener('abort', cancel);
      reject(signal.aborted ? new Failure('cancelled') : failure);
    };
    request.upload.onprogress = (event) => {
      alive();
      tell(event.loaded);
    };
    request.onerror = () => end(new Failure('unreachable'));
    request.onabort = () => end(new Failure('unreachable'));
    request.onload = () => {
      clearTimeout(stalled);
      signal.removeEventListener('abort', cancel);
      let answer: unknown = null;
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        // The status is reported below.
      }
      if (request.status >= 200 && request.status < 300 && answer !== null) resolve(answer as StoredBlob);
      else {
        const failure = problemFailure(answer) ?? new Failure(request.status >= 500 ? 'unreachable' : 'invalid_answer');
        if (failure.code === 'not_signed_in') tellSignedOut();
        reject(failure);
      }
    };
    if (signal.aborted) {
      end(new Failure('cancelled'));
      return;
    }
    signal.addEventListener('abort', cancel, { once: true });
    request.open('POST', `/v1/blobs?record=${target.record}&version=${target.version}`);
    request.setRequestHeader('content-type', 'application/octet-stream');
    request.send(envelope);
  });
}

/** Returns a part of an envelope (`end` excluded), and the length of the whole. */
export async function blobRange(
  cid: string,
  start: number,
  end: number,
  signal?: AbortSignal,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; total: number }> {
  const response = await send(`/v1/blobs/${cid}`, {
    headers: { accept: 'application/octet-stream', range: `bytes=${start}-${end - 1}` },
    ...(signal === undefined ? {} : { signal }),
  });
  const total = Number(/\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1] ?? NaN);
  if (!Number.isSafeInteger(total)) throw new Failure('invalid_answer');
  try {
    return { bytes: new Uint8Array(await response.arrayBuffer()), total };
  } catch (error) {
    throw signal?.aborted ? new Failure('cancelled') : new Failure('unreachable', { cause: error });
  }
}
