/**
 * The bytes of envelopes as the server sends them, and the headers of those whose bytes were compared with the CID on chain.
 *
 * Anybody can seal a data key of their own to a patient (HPKE base mode has no sender), so a header, or a first segment with
 * a name in it, says something about a record only once the whole file was found to be the one that the chain names.
 */
import * as api from '../api/routes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import { verifyingCid } from '../protocol/cid/build.ts';
import type { Cid } from '../protocol/cid/cid.ts';
import { HEADER_LEN } from '../protocol/envelope/layout.ts';
import { Failure } from '../failure.ts';
import { whileBehind } from './act.ts';
import { asOpenFailure } from './open-failure.ts';

/** How much is fetched with one request. */
export const RANGE_LEN = 4 << 20;
/** For new versions: the server's mirror may be a moment behind the chain. */
const MIRROR_TRIES = 10;
/** How many envelopes are read at once for their headers and names. */
const READ_AT_ONCE = 3;

/**
 * The bytes of an envelope, in ranges, with one request ahead of what is being read. `tries` is how often a version that stands
 * on chain is asked for while the server's mirror may not have it yet.
 */
export async function* fetched(
  cid: string,
  tell: (done: number) => void,
  signal?: AbortSignal,
  tries = 1,
): AsyncGenerator<Bytes, void, undefined> {
  const range = (start: number): Promise<{ bytes: Bytes; total: number }> => api.blobRange(cid, start, start + RANGE_LEN, signal);
  let at = 0;
  let next: Promise<{ bytes: Bytes; total: number }> | null = whileBehind(['not_found'], () => range(0), tries);
  let expected: number | null = null;
  while (next !== null) {
    const { bytes, total }: { bytes: Bytes; total: number } = await next;
    expected ??= total;
    if (total !== expected || bytes.length !== Math.min(RANGE_LEN, total - at)) throw new Failure('cid_mismatch');
    at += bytes.length;
    next = at < total ? range(at) : null;
    // Its failure is told when its turn comes.
    next?.catch(() => undefined);
    tell(at / total);
    yield bytes;
  }
}

let running = 0;
const waiting: (() => void)[] = [];

/** A few at a time. */
async function inTurn<T>(act: () => Promise<T>): Promise<T> {
  if (running === READ_AT_ONCE) await new Promise<void>((begin) => waiting.push(begin));
  else running += 1;
  try {
    return await act();
  } finally {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }
}

/** Envelopes that were not there when they were asked for: what was never uploaded is not waited for again and again. */
const absent = new Set<string>();

/** Reads with the patience that a new version deserves, once. */
async function patiently<T>(cid: string, read: (tries: number) => Promise<T>): Promise<T> {
  try {
    const result = await read(absent.has(cid) ? 1 : MIRROR_TRIES);
    absent.delete(cid);
    return result;
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'not_found') throw error;
    absent.add(cid);
    throw new Failure('envelope_missing', { cause: error });
  }
}

/** The headers of envelopes that were compared with their CIDs, by CID. What they hold is encrypted. */
const headers = new Map<string, Promise<Bytes>>();

/**
 * The first 161 bytes of an envelope of which every byte was read once and compared with the CID, since this page was opened.
 *
 * @throws Failure `cid_mismatch`, and what the server refuses.
 */
export function checkedHeader(cid: Cid): Promise<Bytes> {
  const name = cid.toString();
  let header = headers.get(name);
  if (header === undefined) {
    header = inTurn(() => patiently(name, (tries) => readChecked(cid, HEADER_LEN, tries)));
    headers.set(name, header);
    // What failed is tried again when it is asked for again.
    header.catch(() => headers.delete(name));
  }
  return header;
}

/** Keeps the header of an envelope that was made here. */
export function rememberHeader(cid: Cid, header: Bytes): void {
  headers.set(cid.toString(), Promise.resolve(header));
}

/** The first `length` bytes, once the whole was compared. */
async function readChecked(cid: Cid, length: number, tries: number): Promise<Bytes> {
  let head: Bytes = new Uint8Array(0);
  try {
    for await (const piece of verifyingCid(
      fetched(cid.toString(), () => undefined, undefined, tries),
      cid,
    )) {
      // Pieces are longer than a header, but for a file that is shorter itself.
      if (head.length === 0) head = piece.slice(0, length);
    }
  } catch (error) {
    throw asOpenFailure(error);
  }
  return head;
}

/**
 * A whole envelope of at most `RANGE_LEN` bytes, compared with its CID; `null` for a longer one.
 *
 * @throws Failure as `checkedHeader`.
 */
export function checkedSmall(cid: Cid): Promise<Bytes | null> {
  return inTurn(async () => {
    const name = cid.toString();
    const { bytes, total } = await patiently(name, (tries) => whileBehind(['not_found'], () => api.blobRange(name, 0, RANGE_LEN), tries));
    if (total > RANGE_LEN) return null;
    try {
      const file = (async function* () {
        yield bytes;
      })();
      for await (const piece of verifyingCid(file, cid)) void piece;
    } catch (error) {
      throw asOpenFailure(error);
    }
    rememberHeader(cid, bytes.slice(0, HEADER_LEN));
    return bytes;
  });
}
