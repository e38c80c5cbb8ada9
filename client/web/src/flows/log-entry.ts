/**
 * Checks one entry of the log: the operator's evidence, whose tag it is, whether there was a permission, and whether the entry was anchored
 * in time (SPEC, section 11). The patient's own client does the check and trusts no statement of the server. Mirrors `client/src/audit.rs`.
 */
import { hashMessage, type Address, type Hex } from 'viem';
import * as api from '../api/routes.ts';
import type { Chain } from '../chain/chain.ts';
import { patientsOf, type AnchoredAccess } from '../chain/events.ts';
import { Permissions } from '../chain/permission.ts';
import type { ActivityItem, EntryProblem } from '../types/log.ts';
import type { Shelf } from '../device/shelf.ts';
import { asFailure, Failure } from '../failure.ts';
import { PURPOSES } from '../protocol/codes.ts';
import { fromHex, sameHex } from '../protocol/hex.ts';
import { hashOfLeaf, isPromisedInTime, readRequestBytes, readRequestTag, type Leaf } from '../protocol/reads.ts';
import { loginHash, SESSION_RESOURCE_PREFIX, verifySessionSignature } from '../protocol/session.ts';
import type { Keys } from '../device/keys.ts';
import { isOfItem } from './each.ts';
import { leafOf } from './read-key.ts';

/** The greatest age, in seconds, of an entry that is not on the chain, if no leaf states its own time limit. */
const ANCHOR_SECONDS_MAX = 600;

/** Returns whether the chain has exactly this entry. */
export function isSame(entry: ActivityItem, access: AnchoredAccess | undefined): boolean {
  return (
    access !== undefined &&
    entry.purpose !== null &&
    sameHex(access.record, entry.record) &&
    sameHex(access.tag, entry.tag) &&
    access.purposes === PURPOSES.bit(entry.purpose)
  );
}

/** Returns whether the evidence and the server's entry state the same. */
export function saysSame({ request, time }: Leaf, entry: ActivityItem): boolean {
  return (
    sameHex(request.record, entry.record) &&
    sameHex(readRequestTag(request), entry.tag) &&
    request.purpose === entry.purpose &&
    (entry.version === null || request.version === entry.version) &&
    (entry.reader === null || sameHex(request.grantee, entry.reader)) &&
    (entry.isHidden || time === entry.time)
  );
}

/** Returns whether the evidence hashes to its leaf, promises an allowed time, and is signed by the reader. */
export async function evidenceHolds(chain: Chain, told: Leaf, leaf: Hex): Promise<boolean> {
  return isPromisedInTime(told) && sameHex(hashOfLeaf(told, chain.deployment), leaf) && (await isSigned(chain, told));
}

/**
 * Returns whether the reader signed the read: the wallet signed the login message, the login message names the session key, and the session
 * key signed the request.
 */
async function isSigned(chain: Chain, told: Leaf): Promise<boolean> {
  const lines = told.loginMessage.split('\n');
  const resource = lines.at(-1)?.startsWith(`- ${SESSION_RESOURCE_PREFIX}`)
    ? lines.at(-1)?.slice(2 + SESSION_RESOURCE_PREFIX.length)
    : undefined;
  if (resource === undefined || !/^04[0-9a-f]{128}$/.test(resource)) return false;
  const namesLogin = sameHex(told.request.loginHash, loginHash(told.loginMessage));
  const namesReader = lines[1]?.toLowerCase() === told.request.grantee.toLowerCase();
  const bytes = readRequestBytes(told.request, chain.deployment);
  const isRequested = await verifySessionSignature(fromHex(`0x${resource}`), bytes, fromHex(told.signature));
  return (
    namesLogin && namesReader && isRequested && chain.signedBy(told.request.grantee, hashMessage(told.loginMessage), told.loginSignature)
  );
}

/** Returns the operator's evidence for a leaf; `null` if it shows none. @throws Failure with a temporary cause. */
export async function askEvidence(leaf: Hex): Promise<api.LogEvidence | null> {
  try {
    return await api.evidence(leaf);
  } catch (error) {
    const failure = asFailure(error);
    if (isOfItem(failure)) return null;
    throw failure;
  }
}

/** The result of checking an entry. */
interface Judgement {
  readonly problems: readonly EntryProblem[];
  /** True if the evidence was shown and is valid. */
  readonly isEvidenceGood: boolean;
}

/** The person who checks the log, and the chain that is used. */
interface Judge {
  readonly chain: Chain;
  readonly address: Address;
  /** The keys that open tags. Without them a named reader is only compared with the evidence. */
  readonly keys: Keys | null;
  /** The ids of this person's own records. */
  readonly own: ReadonlySet<Hex>;
  /** The store for entries that were found good. An entry that was checked once and is unchanged is not checked again. */
  readonly shelf: Shelf;
}

export class EntryJudge {
  readonly #judge: Judge;
  readonly #permissions: Permissions;
  readonly #times = new Map<number, Promise<number>>();

  constructor(judge: Judge) {
    this.#judge = judge;
    this.#permissions = new Permissions(judge.chain);
  }

  /** Returns whether this person is the patient of the record or the reader. The content behind a leaf is not shown to others. */
  concerns(entry: ActivityItem): boolean {
    return this.#judge.own.has(entry.record) || (entry.reader !== null && sameHex(entry.reader, this.#judge.address));
  }

  /**
   * Judges an entry that concerns this person. `access` is the chain's access with the same leaf.
   *
   * @throws Failure with a temporary cause.
   */
  async judge(entry: ActivityItem, access: AnchoredAccess | undefined, now: number): Promise<Judgement> {
    const { own, shelf } = this.#judge;
    const problems = new Set<EntryProblem>();
    if (access !== undefined && !isSame(entry, access)) problems.add('evidence');
    if (own.has(entry.record)) {
      if (entry.reader === null) problems.add('withheld_evidence');
      else if (!this.#opensTag(entry.reader, entry.tag)) problems.add('wrong_reader');
    }
    const mark = `log-entry:${entry.leaf}`;
    const said = JSON.stringify([entry.record, entry.tag, entry.purpose, entry.version, entry.reader, entry.time]);
    if (problems.size === 0 && access !== undefined && (await shelf.get(mark)) === said) return { problems: [], isEvidenceGood: true };
    const evidence = await askEvidence(entry.leaf);
    let isEvidenceGood = false;
    if (evidence === null) problems.add('withheld_evidence');
    else {
      const found = await this.#judgeLeaf(evidence, entry, access, now);
      for (const problem of found) problems.add(problem);
      isEvidenceGood = !found.includes('evidence');
    }
    const isOverdue = access === undefined && evidence === null && entry.time + ANCHOR_SECONDS_MAX < now;
    if (isOverdue) problems.add('unanchored_entry');
    if (problems.size === 0 && access !== undefined) await shelf.put(mark, said);
    return { problems: [...problems], isEvidenceGood };
  }

  async #judgeLeaf(
    evidence: api.LogEvidence,
    entry: ActivityItem,
    access: AnchoredAccess | undefined,
    now: number,
  ): Promise<EntryProblem[]> {
    const { chain, own, keys } = this.#judge;
    let leaf: Leaf;
    try {
      leaf = leafOf(evidence);
      if (!saysSame(leaf, entry) || !(await evidenceHolds(chain, leaf, entry.leaf))) return ['evidence'];
    } catch (error) {
      // The evidence is invalid. A node that does not answer is handled differently.
      const failure = asFailure(error);
      if (isOfItem(failure)) return ['evidence'];
      throw failure;
    }
    const { request } = leaf;
    const problems: EntryProblem[] = [];
    const isOwn = own.has(entry.record);
    if (isOwn && keys !== null && !sameHex(keys.tag(chain, request.grantee, 'read').salt, request.salt)) problems.push('wrong_reader');
    const known = await chain.blockNumberOf(leaf.blockHash);
    const block = known ?? (await chain.blockAt(leaf.time));
    if (access !== undefined && known !== null && known > BigInt(access.blockNumber)) problems.push('evidence');
    const patient = isOwn ? this.#judge.address : (await patientsOf(chain, [request.record])).get(request.record);
    const past = {
      record: request.record,
      reader: request.grantee,
      tag: entry.tag,
      purpose: PURPOSES.bit(request.purpose),
      time: leaf.time,
      block,
    };
    if (patient === undefined || !(await this.#permissions.stood({ ...past, patient }))) problems.push('no_grant');
    if (access === undefined ? now > leaf.anchorBy : (await this.timeOf(access)) > leaf.anchorBy) {
      problems.push(access === undefined ? 'unanchored_entry' : 'late_anchor');
    }
    return problems;
  }

  #opensTag(reader: Address, tag: Hex): boolean {
    const { keys, chain } = this.#judge;
    return keys === null || sameHex(keys.tag(chain, reader, 'read').tag, tag);
  }

  /** Returns the time of the block that contains an access. */
  timeOf({ blockNumber }: Pick<AnchoredAccess, 'blockNumber'>): Promise<number> {
    const time = this.#times.get(blockNumber) ?? this.#judge.chain.blockTime(BigInt(blockNumber));
    this.#times.set(blockNumber, time);
    return time;
  }
}

/** Judges an entry, or returns that it could not be judged now. */
export async function judged(
  judge: EntryJudge,
  entry: ActivityItem,
  access: AnchoredAccess | undefined,
  now: number,
): Promise<Judgement | null> {
  try {
    return await judge.judge(entry, access, now);
  } catch (error) {
    if (error instanceof Failure && ['not_signed_in', 'cancelled', 'locked'].includes(error.code)) throw error;
    return null;
  }
}
