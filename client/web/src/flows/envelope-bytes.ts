/**
 * Fetches the bytes of envelopes from the server, and keeps the headers of envelopes whose bytes were compared with the CID on chain.
 *
 * Anybody can seal a data key of their own to a patient (HPKE base mode has no sender). Therefore a header, or a first segment with a name
 * in it, is reliable only after the whole file was compared with the CID on the chain.
 */
import * as api from '../api/routes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import { verifyingCid } from '../protocol/cid/build.ts';
import type { Cid } from '../protocol/cid/cid.ts';
import { HEADER_LEN } from '../protocol/envelope/layout.ts';
import { Failure } from '../failure.ts';
import { whileBehind } from './act.ts';
import { asOpenFailure } from './open-failure.ts';

/** The number of bytes in one request. */
export const RANGE_LEN = 4 << 20;
/** Number of tries for a new version, because the server's copy of the chain may be a moment old. */
const MIRROR_TRIES = 10;
/** The number of envelopes that are read at the same time for their headers and names. */
const READ_AT_ONCE = 3;

/**
 * Yields the bytes of an envelope in ranges. One request runs ahead of the range that is being read. `tries` is how often the server is
 * asked for a version that is on the chain and that the server may not know yet.
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
    // If this request fails, the failure is thrown when its range is read.
    next?.catch(() => undefined);
    tell(at / total);
    yield bytes;
  }
}

let running = 0;
const waiting: (() => void)[] = [];

/** Runs `act` when fewer than `READ_AT_ONCE` others are running. */
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

/** CIDs of envelopes that the server did not have. The long wait for an envelope that was never uploaded happens only once. */
const absent = new Set<string>();

/** Runs `read` with the number of tries for a new version the first time, and with one try after that. */
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

/** Checked headers, by CID: the headers of envelopes that were compared with their CIDs. Their content is encrypted. */
const headers = new Map<string, Promise<Bytes>>();

/**
 * Returns the first 1,216 bytes of an envelope. Every byte of the envelope is read and compared with the CID, once for each visit to this
 * page.
 *
 * @throws Failure `cid_mismatch`, and the refusals of the server.
 */
export function checkedHeader(cid: Cid): Promise<Bytes> {
  const name = cid.toString();
  let header = headers.get(name);
  if (header === undefined) {
    header = inTurn(() => patiently(name, (tries) => readChecked(cid, HEADER_LEN, tries)));
    headers.set(name, header);
    // A read that failed is made again at the next call.
    header.catch(() => headers.delete(name));
  }
  return header;
}

/** Stores the header of an envelope that was made here. */
export function rememberHeader(cid: Cid, header: Bytes): void {
  headers.set(cid.toString(), Promise.resolve(header));
}

/** Returns the first `length` bytes, after the whole envelope was compared with the CID. */
async function readChecked(cid: Cid, length: number, tries: number): Promise<Bytes> {
  let head: Bytes = new Uint8Array(0);
  try {
    for await (const piece of verifyingCid(
      fetched(cid.toString(), () => undefined, undefined, tries),
      cid,
    )) {
      // A piece is longer than a header, unless the file itself is shorter.
      if (head.length === 0) head = piece.slice(0, length);
    }
  } catch (error) {
    throw asOpenFailure(error);
  }
  return head;
}

/**
 * Returns a whole envelope of at most `RANGE_LEN` bytes, compared with its CID; `null` for a longer one.
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
