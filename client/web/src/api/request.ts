/**
 * Sends one request to the server and reads its answer: time limits, retries, problems (RFC 9457) as stable codes.
 *
 * Reads are tried again if the server does not answer. Writes are tried again only if they carry an idempotency key, or if sending the same
 * bytes twice has the same effect as once. The session is an HttpOnly cookie, so this code never sees a token.
 */
import { Failure, isFailureCode } from '../failure.ts';
import type { components } from './schema.d.ts';

/** Number of tries for a request that may be tried again. */
const TRIES = 4;
/** Time limit for an answer. The server itself answers 202 after 30 s. */
const ANSWER_MS_MAX = 90_000;
/** The longest wait before an automatic retry. For a longer wait, the person decides. */
const RETRY_AFTER_MS_MAX = 5_000;
/** Time without an answer after which the server counts as slow. */
const SLOW_MS = 5_000;

/** The state of the server, according to the requests of this page. */
type Reachability = 'up' | 'slow' | 'down';
let reachability: Reachability = 'up';
const watchers = new Set<() => void>();

/** Returns the state of the server. */
export const serverReachability = (): Reachability => reachability;

/** Calls `watcher` whenever the state of the server changes. Returns the function that stops it. */
export function onReachability(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

/** Sets the state of the server. The event feed calls it too. */
export function tellReachability(next: Reachability): void {
  if (next === reachability) return;
  reachability = next;
  for (const watcher of watchers) watcher();
}

/** Called when the server answers that nobody is signed in. */
let onSignedOut: () => void = () => undefined;
export function whenSignedOut(handler: () => void): void {
  onSignedOut = handler;
}

/** Reports that nobody is signed in, when the server has said so outside the answer to a request. */
export const tellSignedOut = (): void => onSignedOut();

export interface Query {
  readonly [name: string]: string | number | undefined;
}

interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly query?: Query;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** The request is sent only once: a second copy would have another effect. */
  readonly once?: boolean;
  /** An answer of 401 is expected here. */
  readonly mayBeSignedOut?: boolean;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function url(path: string, query: Query | undefined): string {
  const pairs = Object.entries(query ?? {}).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return pairs.length === 0 ? path : `${path}?${new URLSearchParams(pairs)}`;
}

async function fetchOnce(path: string, call: Call, headers: Headers): Promise<Response> {
  const slow = setTimeout(() => tellReachability('slow'), SLOW_MS);
  const limit = AbortSignal.timeout(ANSWER_MS_MAX);
  try {
    const response = await fetch(url(path, call.query), {
      method: call.method ?? 'GET',
      headers,
      credentials: 'same-origin',
      redirect: 'error',
      cache: 'no-store',
      referrerPolicy: 'no-referrer',
      signal: call.signal === undefined ? limit : AbortSignal.any([call.signal, limit]),
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    });
    tellReachability('up');
    return response;
  } catch (error) {
    if (call.signal?.aborted) throw new Failure('cancelled', { cause: error });
    tellReachability('down');
    throw new Failure('unreachable', { cause: error });
  } finally {
    clearTimeout(slow);
  }
}

/** Returns true if the same request may succeed in a moment. 409 with a waiting time means that the request is still being carried out. */
const isTemporary = ({ status, headers }: Response): boolean =>
  status === 503 || status === 429 || status === 502 || status === 408 || (status === 409 && headers.has('retry-after'));

/** Sends a request. Returns the answer if it is a success, else throws its {@link Failure}. */
export async function send(path: string, call: Call = {}): Promise<Response> {
  const headers = new Headers({ accept: 'application/json', ...call.headers });
  if (call.body !== undefined) headers.set('content-type', 'application/json');
  if (call.method !== undefined && call.method !== 'GET' && call.once !== true && !headers.has('idempotency-key')) {
    headers.set('idempotency-key', crypto.randomUUID().replaceAll('-', ''));
  }
  let wait = 200;
  for (let attempt = 1; ; attempt += 1) {
    const isLast = call.once === true || attempt === TRIES;
    try {
      const response = await fetchOnce(path, call, headers);
      if (!isTemporary(response) || isLast) return await accepted(response, call);
      const wished = Number(response.headers.get('retry-after') ?? '0') * 1000;
      if (wished > RETRY_AFTER_MS_MAX) return await accepted(response, call);
      await pause(Math.max(wait, wished));
    } catch (error) {
      if (isLast || !(error instanceof Failure) || error.code !== 'unreachable') throw error;
      await pause(wait);
    }
    wait *= 2;
  }
}

async function accepted(response: Response, call: Call): Promise<Response> {
  if (response.ok) return response;
  const failure = await problemOf(response);
  if (failure.code === 'not_signed_in' && call.mayBeSignedOut !== true) onSignedOut();
  throw failure;
}

/** Returns the failure that describes an answer. */
export async function problemOf(response: Response): Promise<Failure> {
  const problem: unknown = await response.json().catch(() => null);
  return (
    problemFailure(problem) ??
    new Failure(response.status >= 500 ? 'unreachable' : 'invalid_answer', { values: { status: response.status } })
  );
}

/** Returns the failure for a problem document (RFC 9457); `null` if it is none. */
export function problemFailure(problem: unknown): Failure | null {
  const { code, request_id: requestId } = (problem ?? {}) as Partial<components['schemas']['Problem']>;
  if (typeof code !== 'string') return null;
  const known = isFailureCode(code) ? code : 'unknown';
  return new Failure(known, { values: { code }, ...(typeof requestId === 'string' ? { requestId } : {}) });
}

/** Sends a request and returns its JSON answer. */
export async function json<T>(path: string, call: Call = {}): Promise<T> {
  const response = await send(path, call);
  try {
    return (await response.json()) as T;
  } catch (error) {
    throw new Failure('invalid_answer', { cause: error });
  }
}

/** Returns the first page of a list, and whether there is more. */
export async function first<T>(path: string, query: Query = {}): Promise<{ items: T[]; more: boolean }> {
  const page = await json<{ items: T[]; next?: string | null }>(path, { query });
  if (!Array.isArray(page.items)) throw new Failure('invalid_answer');
  return { items: page.items, more: typeof page.next === 'string' };
}

/** Returns every page of a list. */
export async function all<T>(path: string, query: Query = {}): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await json<{ items: T[]; next?: string | null }>(path, { query: { ...query, limit: 500, cursor } });
    if (!Array.isArray(page.items)) throw new Failure('invalid_answer');
    items.push(...page.items);
    // A page may be empty and still have a next one. A position that repeats would lead to an endless loop.
    const next = page.next ?? undefined;
    cursor = next === cursor ? undefined : next;
  } while (cursor !== undefined);
  return items;
}
