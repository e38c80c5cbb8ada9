/** Reads the chain's events: keys, versions, grants, and the anchored log. */
import { decodeEventLog, encodeEventTopics, keccak256, numberToHex, type Abi, type Address, type Hex } from 'viem';
import { Failure } from '../failure.ts';
import { Cid } from '../protocol/cid/cid.ts';
import { sameHex } from '../protocol/hex.ts';
import { accessLogAbi, accreditationAbi, grantRegistryAbi, keyRegistryAbi, recordRegistryAbi } from './abi.ts';
import type { Chain } from './chain.ts';
import { Refused } from './rpc.ts';
import { termsOf, type Terms } from '../protocol/grants/terms.ts';

/** The number of blocks in one query; lower if the node refuses so many. */
const BLOCKS_AT_ONCE = 100_000n;
/** The number of records in one filter. */
const RECORDS_AT_ONCE = 200;
const SLOT_IDENTITY = 0;

export interface Log {
  readonly topics: readonly Hex[];
  readonly data: Hex;
  readonly blockNumber: bigint;
  /** The position of the event in its block. */
  readonly logIndex: number;
  readonly txHash: Hex;
}

type Topic = Hex | readonly Hex[] | null;

/** Returns true if the log matches the query. A node may return other logs, such as those of another operator; they are ignored. */
function isWanted(log: Record<string, unknown>, address: Address, topics: readonly Topic[]): boolean {
  const found = log['topics'];
  if (log['removed'] === true || typeof log['address'] !== 'string' || !Array.isArray(found)) return false;
  const isOne = (wanted: Topic, at: number): boolean =>
    wanted === null || [wanted].flat().some((one) => typeof found[at] === 'string' && sameHex(found[at] as Hex, one));
  return sameHex(log['address'] as Hex, address) && topics.every(isOne);
}

/** Returns all matching logs of a contract, from the deployment's first block to the head, in order. */
export async function logs(chain: Chain, address: Address, topics: readonly Topic[], fromBlock?: bigint): Promise<Log[]> {
  const head = (await chain.head()).number;
  let from = fromBlock ?? BigInt(chain.deployment.startBlock);
  let span = BLOCKS_AT_ONCE;
  const found: Log[] = [];
  while (from <= head) {
    const to = from + span - 1n < head ? from + span - 1n : head;
    try {
      const filter = { address, topics, fromBlock: numberToHex(from), toBlock: numberToHex(to) };
      const answer = await chain.rpc('eth_getLogs', [filter]);
      if (!Array.isArray(answer)) throw new Failure('rpc');
      for (const log of answer as Record<string, unknown>[]) {
        if (!isWanted(log, address, topics)) continue;
        found.push({
          topics: log['topics'] as Hex[],
          data: log['data'] as Hex,
          blockNumber: BigInt(log['blockNumber'] as string),
          logIndex: Number(log['logIndex'] ?? 0),
          txHash: log['transactionHash'] as Hex,
        });
      }
      from = to + 1n;
    } catch (error) {
      // The query has too many blocks or results for this node: ask for fewer blocks.
      if (!(error instanceof Refused) || span === 1n) throw error;
      span = span / 4n > 1n ? span / 4n : 1n;
    }
  }
  return found;
}

export function decoded<const A extends Abi>(abi: A, log: Log) {
  try {
    return decodeEventLog({ abi, topics: log.topics as [Hex, ...Hex[]], data: log.data });
  } catch (error) {
    throw new Failure('rpc', { cause: error });
  }
}

export const word = (address: Address): Hex => `0x${address.slice(2).toLowerCase().padStart(64, '0')}`;
const lower = (address: Address): Address => address.toLowerCase() as Address;

export function topic(abi: Abi, eventName: string): Hex {
  const [first] = encodeEventTopics({ abi, eventName });
  if (typeof first !== 'string') throw new Error('an event has a topic');
  return first;
}

const KEY = topic(keyRegistryAbi as Abi, 'KeyRegistered');
const RECORD = topic(recordRegistryAbi as Abi, 'RecordRegistered');
const GRANTED = topic(grantRegistryAbi as Abi, 'Granted');
const ACCESSED = topic(accessLogAbi as Abi, 'Accessed');
const CHECKPOINT = topic(accessLogAbi as Abi, 'Checkpoint');
const ACCREDITED = topic(accreditationAbi as Abi, 'Accredited');

// ---- Keys --------------------------------------------------------------------------------------------------------

interface KeyEvent {
  readonly owner: Address;
  readonly epoch: number;
  readonly kem: number;
  readonly key: Hex;
  readonly hash: Hex;
}

/**
 * Returns the identity keys that a person has ever published (or everybody, for `null`), oldest first. Each key matches the hash in its
 * event.
 */
export async function keyEvents(chain: Chain, owner: Address | null): Promise<KeyEvent[]> {
  const found = await logs(chain, chain.addressOf('key_registry'), owner === null ? [KEY] : [KEY, word(owner)]);
  return found.flatMap((log) => {
    const { args } = decoded(keyRegistryAbi, log);
    if (args.slot !== SLOT_IDENTITY) return [];
    if (keccak256(args.key) !== args.keyHash) throw new Failure('rpc');
    return [{ owner: lower(args.owner), epoch: args.epoch, kem: args.kem, key: args.key, hash: args.keyHash }];
  });
}

// ---- Records -----------------------------------------------------------------------------------------------------

/** One version of a record, from its event. */
export interface ChainVersion {
  readonly record: Hex;
  readonly version: number;
  readonly patient: Address;
  readonly uploader: Address;
  readonly category: number;
  /** The CID of the envelope. */
  readonly cid: Cid;
  readonly blockNumber: number;
  readonly txHash: Hex;
}

function cidOf(codec: number, digest: Hex): Cid {
  try {
    return new Cid(codec, digest);
  } catch (error) {
    throw new Failure('rpc', { cause: error });
  }
}

async function versionEvents(chain: Chain, topics: readonly Topic[]): Promise<ChainVersion[]> {
  const found = await logs(chain, chain.addressOf('record_registry'), [RECORD, ...topics]);
  return found.map((log) => {
    const { args } = decoded(recordRegistryAbi, log);
    return {
      record: args.id,
      version: args.version,
      patient: lower(args.patient),
      uploader: lower(args.uploader),
      category: args.category,
      cid: cidOf(args.codec, args.digest),
      blockNumber: Number(log.blockNumber),
      txHash: log.txHash,
    };
  });
}

/** Returns every version of a record, oldest first. */
export const versionsOfRecord = (chain: Chain, record: Hex): Promise<ChainVersion[]> => versionEvents(chain, [record]);

/** Returns every version of every record of a patient, oldest first. */
export const versionsOfPatient = (chain: Chain, patient: Address): Promise<ChainVersion[]> => versionEvents(chain, [null, word(patient)]);

/** Returns the patients of these records, from their registrations. Records that are not on the chain are left out. */
export async function patientsOf(chain: Chain, records: readonly Hex[]): Promise<ReadonlyMap<Hex, Address>> {
  const patients = new Map<Hex, Address>();
  for (let at = 0; at < records.length; at += RECORDS_AT_ONCE) {
    const versions = await versionEvents(chain, [records.slice(at, at + RECORDS_AT_ONCE)]);
    for (const { record, patient } of versions) patients.set(record, patient);
  }
  return patients;
}

// ---- Grants ------------------------------------------------------------------------------------------------------

/** A grant that was given at some time, with its stored terms as they are now. */
export interface ChainGrant {
  readonly tag: Hex;
  readonly kind: number;
  readonly scopeId: Hex;
  readonly terms: Terms;
  readonly bundleHash: Hex;
  /** The patient's current epoch. */
  readonly patientEpoch: number;
  readonly txHash: Hex;
}

/** Returns every grant that a patient ever gave, in the order in which they were first given. */
export async function grantsOf(chain: Chain, patient: Address): Promise<ChainGrant[]> {
  const found = await logs(chain, chain.addressOf('grant_registry'), [GRANTED, word(patient)]);
  const last = new Map<string, Omit<ChainGrant, 'terms' | 'patientEpoch'>>();
  for (const log of found) {
    const { args } = decoded(grantRegistryAbi, log);
    const kind = termsOf(args.terms).kind;
    const grant = { tag: args.tag, kind, scopeId: args.scopeId, bundleHash: args.bundleHash, txHash: log.txHash };
    last.set(`${args.tag}:${kind}:${args.scopeId}`, grant);
  }
  const patientEpoch = await chain.patientEpoch(patient);
  return Promise.all(
    [...last.values()].map(async (grant) => {
      const terms = await chain.terms(patient, grant.tag, grant.kind, grant.scopeId);
      return { ...grant, terms, patientEpoch };
    }),
  );
}

/** Returns the bundle hash of one grant, from its latest `Granted` event; `null` if it was never granted. */
export async function bundleHash(chain: Chain, patient: Address, tag: Hex, kind: number, scopeId: Hex): Promise<Hex | null> {
  const found = await logs(chain, chain.addressOf('grant_registry'), [GRANTED, word(patient), tag, scopeId]);
  const ours = found.map((log) => decoded(grantRegistryAbi, log).args).filter((args) => termsOf(args.terms).kind === kind);
  return ours.at(-1)?.bundleHash ?? null;
}

// ---- The log -----------------------------------------------------------------------------------------------------

export interface AnchoredAccess {
  readonly record: Hex;
  readonly tag: Hex;
  /** The purpose's bit. */
  readonly purposes: number;
  readonly leaf: Hex;
  readonly blockNumber: number;
  readonly txHash: Hex;
}

export interface Anchor {
  readonly size: bigint;
  readonly root: Hex;
  readonly head: Hex;
  readonly blockNumber: number;
  readonly txHash: Hex;
  /** The number of accesses before it. */
  readonly accessesBefore: number;
}

/** Returns the operator's log from the chain: accesses in the order of their leaves, and checkpoints. */
export async function accessLog(chain: Chain): Promise<{ accesses: AnchoredAccess[]; anchors: Anchor[] }> {
  const found = await logs(chain, chain.addressOf('access_log'), [[ACCESSED, CHECKPOINT], word(chain.deployment.operator)]);
  const accesses: AnchoredAccess[] = [];
  const anchors: Anchor[] = [];
  for (const log of found) {
    const origin = { blockNumber: Number(log.blockNumber), txHash: log.txHash };
    const event = decoded(accessLogAbi, log);
    if (event.eventName === 'Accessed') {
      const { record, tag, purposes, leaf } = event.args;
      accesses.push({ record, tag, purposes, leaf, ...origin });
    } else {
      const { size, root, head } = event.args;
      anchors.push({ size, root, head, accessesBefore: accesses.length, ...origin });
    }
  }
  return { accesses, anchors };
}

/** Returns the accesses of these records, from events alone. This does not check that they are in the log's tree. */
export async function accessesOf(chain: Chain, records: readonly Hex[]): Promise<AnchoredAccess[]> {
  const accesses: AnchoredAccess[] = [];
  for (let at = 0; at < records.length; at += RECORDS_AT_ONCE) {
    const some = records.slice(at, at + RECORDS_AT_ONCE);
    const found = await logs(chain, chain.addressOf('access_log'), [ACCESSED, word(chain.deployment.operator), some]);
    for (const log of found) {
      const event = decoded(accessLogAbi, log);
      if (event.eventName !== 'Accessed') continue;
      const { record, tag, purposes, leaf } = event.args;
      accesses.push({ record, tag, purposes, leaf, blockNumber: Number(log.blockNumber), txHash: log.txHash });
    }
  }
  return accesses;
}

// ---- Accreditation -----------------------------------------------------------------------------------------------

/** Returns everybody whom an accreditor ever accredited, oldest first. */
export async function practitionersOf(chain: Chain, accreditor: Address): Promise<Address[]> {
  const found = await logs(chain, chain.addressOf('accreditation'), [ACCREDITED, word(accreditor)]);
  return [...new Set(found.map((log) => lower(decoded(accreditationAbi, log).args.practitioner)))];
}
