/**
 * One request to the server and its answer: time limits, retries, problems (RFC 9457) as stable codes.
 *
 * Reads are tried again when the server does not answer; writes only when they carry an idempotency key or when the same
 * bytes mean the same the second time. The session is an HttpOnly cookie, so nothing here holds a token.
 */
import { Failure, isFailureCode } from '../failure.ts';
import type { components } from './schema.d.ts';

/** Tries of a request that may be tried again. */
const TRIES = 4;
/** How long an answer may take; the server itself answers 202 after 30 s. */
const ANSWER_MS_MAX = 90_000;
/** A wait that a person would notice is theirs to decide. */
const RETRY_AFTER_MS_MAX = 5_000;
/** After so long without an answer the server counts as slow. */
const SLOW_MS = 5_000;

/** How the server is doing, as the requests of this page see it. */
type Reachability = 'up' | 'slow' | 'down';
let reachability: Reachability = 'up';
const watchers = new Set<() => void>();

/** How the server is doing. */
export const serverReachability = (): Reachability => reachability;

/** Calls `watcher` whenever that changes; gives the function that ends it. */
export function onReachability(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

/** Told also by the event feed. */
export function tellReachability(next: Reachability): void {
  if (next === reachability) return;
  reachability = next;
  for (const watcher of watchers) watcher();
}

/** Called when the server says that nobody is signed in. */
let onSignedOut: () => void = () => undefined;
export function whenSignedOut(handler: () => void): void {
  onSignedOut = handler;
}

/** The server has said, by another way than an answer to a request, that nobody is signed in. */
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
  /** Sent once only: a second copy would mean something else. */
  readonly once?: boolean;
  /** An answer of 401 is no surprise here. */
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

/** Whether the same request may be answered better in a moment; 409 with a time to wait: it is still being carried out. */
const isTemporary = ({ status, headers }: Response): boolean =>
  status === 503 || status === 429 || status === 502 || status === 408 || (status === 409 && headers.has('retry-after'));

/** Sends a request; gives the answer if it is a success, else throws its {@link Failure}. */
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

/** The failure that an answer stands for. */
export async function problemOf(response: Response): Promise<Failure> {
  const problem: unknown = await response.json().catch(() => null);
  return (
    problemFailure(problem) ??
    new Failure(response.status >= 500 ? 'unreachable' : 'invalid_answer', { values: { status: response.status } })
  );
}

/** The failure that a problem (RFC 9457) stands for; `null` if it is none. */
export function problemFailure(problem: unknown): Failure | null {
  const { code, request_id: requestId } = (problem ?? {}) as Partial<components['schemas']['Problem']>;
  if (typeof code !== 'string') return null;
  const known = isFailureCode(code) ? code : 'unknown';
  return new Failure(known, { values: { code }, ...(typeof requestId === 'string' ? { requestId } : {}) });
}

/** Sends a request and reads its JSON answer. */
export async function json<T>(path: string, call: Call = {}): Promise<T> {
  const response = await send(path, call);
  try {
    return (await response.json()) as T;
  } catch (error) {
    throw new Failure('invalid_answer', { cause: error });
  }
}

/** The first page of a list, and whether there is more. */
export async function first<T>(path: string, query: Query = {}): Promise<{ items: T[]; more: boolean }> {
  const page = await json<{ items: T[]; next?: string | null }>(path, { query });
  if (!Array.isArray(page.items)) throw new Failure('invalid_answer');
  return { items: page.items, more: typeof page.next === 'string' };
}

/** Every page of a list. */
export async function all<T>(path: string, query: Query = {}): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await json<{ items: T[]; next?: string | null }>(path, { query: { ...query, limit: 500, cursor } });
    if (!Array.isArray(page.items)) throw new Failure('invalid_answer');
    items.push(...page.items);
    // A page may be empty and still have a next one; a place that is given again would never end.
    const next = page.next ?? undefined;
    cursor = next === cursor ? undefined : next;
  } while (cursor !== undefined);
  return items;
}
