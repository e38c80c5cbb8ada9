/** The access log: reading it, and checking it from the chain alone. Mirrors `client/src/audit.rs`. */
import { hashMessage, type Address, type Hex } from 'viem';
import * as api from '../api/routes.ts';
import type { Chain } from '../chain/chain.ts';
import { accessesOf, accessLog, patientsOf, versionsOfPatient, type AnchoredAccess, type Anchor } from '../chain/events.ts';
import type {
  ActivityFilter, ActivityItem, AuditEntry, AuditReport, Checkpoint, FindingKind, ReadProof,
} from '../data/types/log.ts';
import type { Client } from '../device/device.ts';
import { Failure } from '../failure.ts';
import { PURPOSES } from '../protocol/codes.ts';
import { fromHex, sameHex } from '../protocol/hex.ts';
import { EMPTY_HEAD, Frontier, headHash, nextHead, verifyInclusion } from '../protocol/log.ts';
import { hashOfLeaf, isPromisedInTime, readRequestBytes, readRequestTag, type Leaf } from '../protocol/reads.ts';
import { loginHash, SESSION_RESOURCE_PREFIX, verifySessionSignature } from '../protocol/session.ts';
import { inclusionPath } from './inclusion-path.ts';
import { mapSome } from './act.ts';
import { leafOf, type KeptReceipt } from './read-key.ts';

/** How late after `anchorBy` a receipt becomes evidence: the block's time may lag behind a clock. */
const GRACE_SECONDS = 60;
/** How old an entry of the server's log may be before it must stand on chain. */
const ANCHOR_SECONDS_MAX = 600;

/** How old an access must be before a server that does not tell it hides it: what it tells is a copy of the chain. */
const HIDDEN_SECONDS_MIN = 120;

/**
 * The log of one's own records and reads, newest first. What the server tells is compared with the chain, and what it leaves
 * out about one's own records is added from there.
 */
export async function listActivity(client: Client, filter: ActivityFilter): Promise<ActivityItem[]> {
  const { chain } = client;
  await chain.verifyDeployment();
  const told = await toldActivity(filter);
  const own = await ownRecords(client);
  const onChain = await accessesOf(chain, [...new Set([...own, ...told.map((entry) => entry.record)])]);
  const anchored = new Map(onChain.map((access) => [access.leaf, access]));
  const compared = told.map((entry) => ({ ...entry, isAnchored: isSame(entry, anchored.get(entry.leaf)) }));
  const hidden = (await hiddenReads(chain, own, onChain, told)).filter(
    ({ record, purpose, time }) =>
      (filter.record === undefined || sameHex(record, filter.record)) &&
      (filter.purpose === undefined || purpose === filter.purpose) &&
      time >= (filter.from ?? 0) && time < (filter.until ?? Infinity),
  );
  return [...compared, ...hidden].sort((a, b) => b.time - a.time);
}

/** The ids of one's own records, from the chain. */
async function ownRecords(client: Client): Promise<ReadonlySet<Hex>> {
  return new Set((await versionsOfPatient(client.chain, client.address)).map(({ record }) => record));
}

/** Whether the chain has this very entry. */
function isSame(entry: ActivityItem, access: AnchoredAccess | undefined): boolean {
  return (
    access !== undefined && entry.purpose !== null &&
    sameHex(access.record, entry.record) && sameHex(access.tag, entry.tag) && access.purposes === PURPOSES.bit(entry.purpose)
  );
}

/** Accesses of one's own records that stand on chain and that the server leaves out. */
async function hiddenReads(
  chain: Chain,
  own: ReadonlySet<Hex>,
  onChain: readonly AnchoredAccess[],
  told: readonly ActivityItem[],
): Promise<ActivityItem[]> {
  const known = new Set(told.map((entry) => entry.leaf));
  const untold = onChain.filter((access) => own.has(access.record) && !known.has(access.leaf));
  if (untold.length === 0) return [];
  // Filters leave entries out, and a read may have come in between: what is missing is asked for once more, without them.
  const again = new Set((await toldActivity({})).map((entry) => entry.leaf));
  const now = await chain.now();
  const timed = await mapSome(
    untold.filter((access) => !again.has(access.leaf)),
    async (access) => ({ access, time: await chain.blockTime(BigInt(access.blockNumber)) }),
    16,
  );
  return timed
    .filter(({ time }) => time + HIDDEN_SECONDS_MIN <= now)
    .map(({ access, time }) => ({
      leaf: access.leaf, index: null, isAnchored: true, isHidden: true, record: access.record, version: null, tag: access.tag,
      purpose: PURPOSES.fromBit(access.purposes), reader: null, time, blockNumber: access.blockNumber, txHash: access.txHash,
    }));
}

/** The server's log, newest first: of one's own records and reads; for auditors of all, without readers. */
export async function toldActivity(filter: ActivityFilter): Promise<ActivityItem[]> {
  const { record, purpose, from, until } = filter;
  const told = await api.log({ record, purpose, from, until });
  return told
    .map((entry) => ({
      leaf: entry.leaf.toLowerCase() as Hex,
      index: entry.index ?? null,
      isAnchored: false,
      isHidden: false,
      record: entry.record.toLowerCase() as Hex,
      version: entry.version ?? null,
      tag: entry.tag as Hex,
      purpose: entry.purpose,
      reader: (entry.reader?.toLowerCase() ?? null) as Address | null,
      time: entry.time,
      blockNumber: entry.block_number ?? null,
      txHash: (entry.tx_hash ?? null) as Hex | null,
    }))
    .sort((a, b) => b.time - a.time);
}

const checkpointOf = (anchor: Anchor): Checkpoint => ({
  size: Number(anchor.size),
  root: anchor.root,
  head: anchor.head,
  blockNumber: anchor.blockNumber,
  txHash: anchor.txHash,
});

/** What proves one read, recomputed from the chain and the operator's evidence, and compared with what the entry says. */
export async function proofOfRead(client: Client, entry: ActivityItem): Promise<ReadProof> {
  const { leaf } = entry;
  await client.chain.verifyDeployment();
  const [log, evidence] = await Promise.all([
    accessLog(client.chain),
    api.evidence(leaf).catch((error: unknown) => {
      if (error instanceof Failure && (error.code === 'not_found' || error.code === 'forbidden')) return null;
      throw error;
    }),
  ]);
  const told = evidence === null ? null : leafOf(evidence);
  const isWithheld = told === null && entry.reader !== null;
  const checked =
    told === null
      ? null
      : { holds: saysSame(told, entry) && (await evidenceHolds(client.chain, told, leaf)), loginMessage: told.loginMessage, blockHash: told.blockHash, time: told.time };
  const index = log.accesses.findIndex((access) => sameHex(access.leaf, leaf));
  const anchor = log.anchors.find((one) => one.accessesBefore > index);
  if (index < 0 || anchor === undefined) return { leaf, evidence: checked, isWithheld, inclusion: null, checkpoint: null };
  const size = anchor.accessesBefore;
  const path = inclusionPath(log.accesses.slice(0, size).map((access) => access.leaf), index);
  const holds =
    isSame(entry, log.accesses[index]) && Number(anchor.size) === size && verifyInclusion(leaf, index, size, path, anchor.root);
  return { leaf, evidence: checked, isWithheld, inclusion: { index, size, path, holds }, checkpoint: checkpointOf(anchor) };
}

/** Whether the evidence says what the server's entry says. */
function saysSame({ request, time }: Leaf, entry: ActivityItem): boolean {
  return (
    sameHex(request.record, entry.record) &&
    sameHex(readRequestTag(request), entry.tag) &&
    request.purpose === entry.purpose &&
    (entry.version === null || request.version === entry.version) &&
    (entry.reader === null || sameHex(request.grantee, entry.reader)) &&
    (entry.isHidden || time === entry.time)
  );
}

async function evidenceHolds(chain: Chain, told: Leaf, leaf: Hex): Promise<boolean> {
  return isPromisedInTime(told) && sameHex(hashOfLeaf(told, chain.deployment), leaf) && (await isSigned(chain, told));
}

/**
 * Whether the reader stood behind a leaf: the wallet signed the login message, which names the session key, which signed the
 * request.
 */
async function isSigned(chain: Chain, told: Leaf): Promise<boolean> {
  const lines = told.loginMessage.split('\n');
  const resource = lines.at(-1)?.startsWith(`- ${SESSION_RESOURCE_PREFIX}`) ? lines.at(-1)?.slice(2 + SESSION_RESOURCE_PREFIX.length) : undefined;
  if (resource === undefined || !/^04[0-9a-f]{128}$/.test(resource)) return false;
  const namesLogin = sameHex(told.request.loginHash, loginHash(told.loginMessage));
  const namesReader = lines[1]?.toLowerCase() === told.request.grantee.toLowerCase();
  const bytes = readRequestBytes(told.request, chain.deployment);
  const isRequested = await verifySessionSignature(fromHex(`0x${resource}`), bytes, fromHex(told.signature));
  return namesLogin && namesReader && isRequested && chain.signedBy(told.request.grantee, hashMessage(told.loginMessage), told.loginSignature);
}

/** Every access and checkpoint of the operator's log, from the chain alone. */
export async function chainLog(chain: Chain): Promise<{ entries: AuditEntry[]; checkpoints: Checkpoint[] }> {
  await chain.verifyDeployment();
  const { accesses, anchors } = await accessLog(chain);
  const blocks = [...new Set(accesses.map((access) => access.blockNumber))];
  const patients = await patientsOf(chain, [...new Set(accesses.map((access) => access.record))]);
  const times = new Map(await mapSome(blocks, async (number) => [number, await chain.blockTime(BigInt(number))] as const, 16));
  const entries = accesses.map((access, index) => ({
    index,
    record: access.record,
    patient: patients.get(access.record) ?? null,
    tag: access.tag,
    purpose: PURPOSES.fromBit(access.purposes),
    leaf: access.leaf,
    blockNumber: access.blockNumber,
    txHash: access.txHash,
    time: times.get(access.blockNumber) ?? 0,
    reader: null,
  }));
  return { entries, checkpoints: anchors.map(checkpointOf) };
}

/**
 * Recomputes the operator's whole log from chain events alone, then compares the server's entries, its evidence where this
 * person may see it, and this browser's receipts with it. Findings are not failures.
 */
export async function verifyLog(client: Client | null, chain: Chain): Promise<AuditReport> {
  await chain.verifyDeployment();
  // What the server tells comes first: it cannot be ahead of a chain that is read afterwards.
  const told = client === null ? [] : await toldActivity({});
  const log = await accessLog(chain);
  const own = client === null ? new Set<Hex>() : await ownRecords(client);
  const [storedHead, now] = await Promise.all([chain.logHead(), chain.now()]);
  const { root, findings } = recompute(log, storedHead);
  const anchored = new Map(log.accesses.map((access) => [access.leaf, access]));
  const receipts = client === null ? [] : await client.shelf.all<KeptReceipt>('receipt:');
  const compared = compareReceipts(receipts, anchored, now);
  const entries = await compareEntries(chain, told, anchored, now);
  const hidden = await hiddenReads(chain, own, log.accesses, told);
  return {
    leaves: log.accesses.length,
    checkpoints: log.anchors.length,
    root,
    entriesFound: entries.found,
    evidenceChecked: entries.checked,
    receiptsAnchored: compared.anchored,
    receiptsWaiting: compared.waiting,
    findings: [
      ...findings, ...compared.findings, ...entries.findings,
      ...hidden.map(({ leaf }): Finding => ({ kind: 'hidden_read', leaf, size: null })),
    ],
  };
}

type Finding = AuditReport['findings'][number];

/** The tree and the chain of heads, from events alone. */
export function recompute(
  log: { accesses: readonly Pick<AnchoredAccess, 'leaf'>[]; anchors: readonly Pick<Anchor, 'size' | 'root' | 'head' | 'accessesBefore'>[] },
  storedHead: Hex,
): { root: Hex; findings: Finding[] } {
  const findings: Finding[] = [];
  const tree = new Frontier();
  const find = (kind: FindingKind): void => void findings.push({ kind, leaf: null, size: tree.size });
  let head = EMPTY_HEAD;
  for (const anchor of log.anchors) {
    for (const access of log.accesses.slice(tree.size, anchor.accessesBefore)) tree.push(access.leaf);
    if (Number(anchor.size) !== tree.size) find('size');
    if (!sameHex(anchor.root, tree.root())) find('root');
    head = nextHead(head, Number(anchor.size), anchor.root);
    if (!sameHex(anchor.head, headHash(head))) find('head');
  }
  if (!sameHex(headHash(head), storedHead)) find('head');
  if (log.accesses.length > tree.size) find('size');
  return { root: tree.root(), findings };
}

/** A receipt past its time without an `Accessed` for its leaf is evidence against the operator. */
function compareReceipts(receipts: readonly KeptReceipt[], onChain: ReadonlyMap<Hex, AnchoredAccess>, now: number) {
  const findings: Finding[] = [];
  let [anchored, waiting] = [0, 0];
  for (const receipt of receipts) {
    const access = onChain.get(receipt.leaf);
    if (access === undefined && now <= receipt.anchorBy + GRACE_SECONDS) waiting += 1;
    else if (access === undefined) findings.push({ kind: 'unlogged_read', leaf: receipt.leaf, size: null });
    else if (sameHex(access.record, receipt.record)) anchored += 1;
    else findings.push({ kind: 'evidence', leaf: receipt.leaf, size: null });
  }
  return { anchored, waiting, findings };
}

async function compareEntries(chain: Chain, told: readonly ActivityItem[], onChain: ReadonlyMap<Hex, AnchoredAccess>, now: number) {
  const findings: Finding[] = [];
  let [found, checked] = [0, 0];
  await mapSome(told, async (entry) => {
    const find = (kind: FindingKind): void => void findings.push({ kind, leaf: entry.leaf, size: null });
    const access = onChain.get(entry.leaf);
    if (access !== undefined) {
      if (isSame(entry, access)) found += 1;
      else find('evidence');
    } else if (entry.index !== null) find('missing_leaf');
    else if (entry.time + ANCHOR_SECONDS_MAX < now) find('unanchored_entry');
    // Only the patient of the record and the reader may see what a leaf commits to.
    if (entry.reader === null) return;
    try {
      const leaf = leafOf(await api.evidence(entry.leaf));
      if (saysSame(leaf, entry) && (await evidenceHolds(chain, leaf, entry.leaf))) checked += 1;
      else find('evidence');
    } catch (error) {
      if (error instanceof RangeError) find('evidence');
      else if (!(error instanceof Failure) || !['not_found', 'forbidden'].includes(error.code)) throw error;
    }
  });
  return { found, checked, findings };
}

/** RFC 4180: quoted where it must be; a cell that a spreadsheet would run is quoted as text. */
export function csvOf(names: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  const cell = (value: string | number | null): string => {
    const text = String(value ?? '');
    const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return [names, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}
