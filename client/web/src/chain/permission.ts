/**
 * Checks whether a person was permitted to read a record at a past block, from events alone. Every node has the events, but only an archive
 * node can call a contract at a past block (SPEC, section 11). Mirrors `client/src/chain/permission.rs`.
 */
import type { Abi, Address, Hex } from 'viem';
import { needsAccreditation, PURPOSES, RECORD_STATUSES } from '../protocol/codes.ts';
import { scopesOf } from '../protocol/grants/scope.ts';
import { sameHex } from '../protocol/hex.ts';
import { accreditationHistoryAbi, grantHistoryAbi, recordHistoryAbi } from './abi.ts';
import type { Chain } from './chain.ts';
import { decoded, logs, topic, word, type Log } from './events.ts';
import { permits, termsOf } from '../protocol/grants/terms.ts';

/** A read that took place. */
export interface PastRead {
  readonly patient: Address;
  readonly record: Hex;
  readonly reader: Address;
  readonly tag: Hex;
  /** The purpose's bit. */
  readonly purpose: number;
  /** Unix seconds. */
  readonly time: number;
  /** The permission is judged by the state after this block. */
  readonly block: bigint;
}

const GRANTED = topic(grantHistoryAbi as Abi, 'Granted');
const REVOKED = topic(grantHistoryAbi as Abi, 'Revoked');
const ALL_REVOKED = topic(grantHistoryAbi as Abi, 'AllRevoked');
const REGISTERED = topic(recordHistoryAbi as Abi, 'RecordRegistered');
const STATUS = topic(recordHistoryAbi as Abi, 'RecordStatusChanged');
const ACCREDITED = topic(accreditationHistoryAbi as Abi, 'Accredited');
const CHANGED = topic(accreditationHistoryAbi as Abi, 'AccreditationChanged');
const ACCREDITOR = topic(accreditationHistoryAbi as Abi, 'AccreditorSet');

const TOMBSTONED = RECORD_STATUSES.code('tombstoned');
/** Purposes for which the reader needs no accreditation. */
const PRIVATE = PURPOSES.mask(PURPOSES.all.filter((purpose) => !needsAccreditation(purpose)));

const isBefore = (log: Log, other: Log): boolean =>
  log.blockNumber < other.blockNumber || (log.blockNumber === other.blockNumber && log.logIndex < other.logIndex);
const upTo = (found: readonly Log[], block: bigint): readonly Log[] => found.filter((log) => log.blockNumber <= block);

/** The events that decide permissions. Each query is made once. */
export class Permissions {
  readonly #chain: Chain;
  readonly #read = new Map<string, Promise<readonly Log[]>>();

  constructor(chain: Chain) {
    this.#chain = chain;
  }

  #logs(contract: 'grant_registry' | 'record_registry' | 'accreditation', topics: Parameters<typeof logs>[2]): Promise<readonly Log[]> {
    const name = `${contract}:${JSON.stringify(topics)}`;
    const found = this.#read.get(name) ?? logs(this.#chain, this.#chain.addressOf(contract), topics);
    this.#read.set(name, found);
    // A query that failed is made again at the next call.
    found.catch(() => this.#read.delete(name));
    return found;
  }

  /** Returns whether the read was permitted. */
  async stood(read: PastRead): Promise<boolean> {
    const category = await this.#categoryAt(read);
    if (category === null) return false;
    return (await this.#isGranted(read, category)) && ((read.purpose & PRIVATE) !== 0 || (await this.#isAccredited(read)));
  }

  /** Returns the record's category; `null` if the record was not registered, was tombstoned, or belongs to another patient. */
  async #categoryAt({ record, patient, block }: PastRead): Promise<number | null> {
    const found = upTo(await this.#logs('record_registry', [[REGISTERED, STATUS], record]), block).map((log) =>
      decoded(recordHistoryAbi, log),
    );
    const first = found.find((event) => event.eventName === 'RecordRegistered');
    const last = found.findLast((event) => event.eventName === 'RecordStatusChanged');
    if (first === undefined || !sameHex(first.args.patient, patient)) return null;
    return last?.args.status === TOMBSTONED ? null : first.args.category;
  }

  /** Returns whether the last event for the tag, over the record, its category or everything, is a grant that counts. */
  async #isGranted({ patient, record, tag, purpose, time, block }: PastRead, category: number): Promise<boolean> {
    const [ofTag, ofAll] = await Promise.all([
      this.#logs('grant_registry', [[GRANTED, REVOKED], word(patient), tag]),
      this.#logs('grant_registry', [ALL_REVOKED, word(patient)]),
    ]);
    const lastForAll = upTo(ofAll, block).at(-1);
    const ended = lastForAll === undefined ? null : decoded(grantHistoryAbi, lastForAll);
    const patientEpoch = ended?.eventName === 'AllRevoked' ? ended.args.patientEpoch : 0;
    const events = upTo(ofTag, block).map((log) => decoded(grantHistoryAbi, log));
    const asked = PURPOSES.fromBit(purpose);
    // No grant permits a purpose that this version does not know.
    if (asked === null) return false;
    return scopesOf(record, category).some(({ kind, id }) => {
      const last = events.findLast(
        (event) =>
          (event.eventName === 'Granted' && sameHex(event.args.scopeId, id) && termsOf(event.args.terms).kind === kind) ||
          (event.eventName === 'Revoked' && sameHex(event.args.scopeId, id) && event.args.kind === kind),
      );
      if (last?.eventName !== 'Granted') return false;
      return permits(termsOf(last.args.terms), { right: 'read', purpose: asked, patientEpoch, time });
    });
  }

  /** Returns whether the reader was accredited by an accreditor that was itself still active in the same epoch. */
  async #isAccredited({ reader, time, block }: PastRead): Promise<boolean> {
    const [ofReader, accreditors] = await Promise.all([
      this.#logs('accreditation', [[ACCREDITED, CHANGED], null, word(reader)]),
      this.#logs('accreditation', [ACCREDITOR]),
    ]);
    const last = upTo(ofReader, block).at(-1);
    const event = last === undefined ? null : decoded(accreditationHistoryAbi, last);
    if (last === undefined || event?.eventName !== 'Accredited') return false;
    if (!(event.args.validFrom <= time && time < event.args.validUntil)) return false;
    const ofAccreditor = upTo(accreditors, block).flatMap((log) => {
      const set = decoded(accreditationHistoryAbi, log);
      return set.eventName === 'AccreditorSet' && sameHex(set.args.accreditor, event.args.accreditor) ? [{ log, ...set.args }] : [];
    });
    const [then, now] = [ofAccreditor.findLast(({ log }) => isBefore(log, last)), ofAccreditor.at(-1)];
    return now?.active === true && then?.epoch === now.epoch;
  }
}
