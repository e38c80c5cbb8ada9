/** Reads the access log, and checks it from the chain alone. Mirrors `client/src/audit.rs`. */
import type { Address, Hex } from 'viem';
import * as api from '../api/routes.ts';
import type { Chain } from '../chain/chain.ts';
import { accessesOf, accessLog, patientsOf, versionsOfPatient, type AnchoredAccess, type Anchor } from '../chain/events.ts';
import type { ActivityFilter, ActivityItem, AuditEntry, AuditReport, Checkpoint, FindingKind, ReadProof } from '../types/log.ts';
import type { Client, ReadyClient, WalletClient } from '../device/client.ts';
import { PURPOSES } from '../protocol/codes.ts';
import { isHex, sameHex } from '../protocol/hex.ts';
import { EMPTY_HEAD, Frontier, headHash, nextHead, verifyInclusion } from '../protocol/log.ts';
import type { Leaf } from '../protocol/reads.ts';
import { inclusionPath } from './inclusion-path.ts';
import { mapSome } from './act.ts';
import { askEvidence, EntryJudge, evidenceHolds, isSame, judged, saysSame } from './log-entry.ts';
import { leafOf, type KeptReceipt } from './read-key.ts';

/** Seconds after `anchorBy` from which a receipt is evidence against the operator: a block's time may be behind a clock. */
const GRACE_SECONDS = 60;
/** The greatest age, in seconds, of an entry that is not on the chain, if no leaf states its own time limit. */
const ANCHOR_SECONDS_MAX = 600;
/** The number of entries of a list that are checked at most, the newest first. Entries that were found good before do not count. */
const JUDGED_MAX = 300;

/**
 * The least age, in seconds, of an access that counts as hidden if the server does not show it: the server's log is a copy of the chain and
 * may be late.
 */
const HIDDEN_SECONDS_MIN = 120;

/**
 * Returns the log entries of the person's own records and reads, newest first. The server's entries are compared with the chain, and the
 * readers that it names are checked with the seed. Entries about own records that it leaves out are added from the chain.
 */
export async function listActivity(client: ReadyClient, filter: ActivityFilter): Promise<ActivityItem[]> {
  const { chain } = client;
  await chain.verifyDeployment();
  const told = await toldActivity(filter);
  const own = await ownRecords(client);
  const onChain = await accessesOf(chain, [...new Set([...own, ...told.map((entry) => entry.record)])]);
  const [anchored, now] = [new Map(onChain.map((access) => [access.leaf, access])), await chain.now()];
  const judge = new EntryJudge({ chain, address: client.address, keys: client.keys, own, shelf: client.shelf });
  const compared = await mapSome([...told.entries()], async ([index, entry]) => {
    const access = anchored.get(entry.leaf);
    const isJudged = index < JUDGED_MAX && judge.concerns(entry);
    const problems = isJudged ? ((await judged(judge, entry, access, now))?.problems ?? null) : null;
    return { ...entry, isAnchored: isSame(entry, access), problems };
  });
  const hidden = (await hiddenReads(chain, own, onChain, told)).filter(
    ({ record, purpose, time }) =>
      (filter.record === undefined || sameHex(record, filter.record)) &&
      (filter.purpose === undefined || purpose === filter.purpose) &&
      time >= (filter.from ?? 0) &&
      time < (filter.until ?? Infinity),
  );
  return [...compared, ...hidden].sort((a, b) => b.time - a.time);
}

/** Returns the ids of the person's own records, from the chain. */
async function ownRecords(client: Client): Promise<ReadonlySet<Hex>> {
  return new Set((await versionsOfPatient(client.chain, client.address)).map(({ record }) => record));
}

/** Returns the accesses of own records that are on the chain and that the server leaves out. */
async function hiddenReads(
  chain: Chain,
  own: ReadonlySet<Hex>,
  onChain: readonly AnchoredAccess[],
  told: readonly ActivityItem[],
): Promise<ActivityItem[]> {
  const known = new Set(told.map((entry) => entry.leaf));
  const untold = onChain.filter((access) => own.has(access.record) && !known.has(access.leaf));
  if (untold.length === 0) return [];
  // Filters leave entries out, and a read may have been added in between. Therefore the list is read once more, without filters.
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
      leaf: access.leaf,
      index: null,
      isAnchored: true,
      isHidden: true,
      problems: [],
      record: access.record,
      version: null,
      tag: access.tag,
      purpose: PURPOSES.fromBit(access.purposes),
      reader: null,
      time,
      blockNumber: access.blockNumber,
      txHash: access.txHash,
    }));
}

/** Returns the server's log, newest first: entries of own records and reads. Auditors get all entries, without readers. */
export async function toldActivity(filter: ActivityFilter): Promise<ActivityItem[]> {
  const { record, purpose, from, until } = filter;
  const told = await api.log({ record, purpose, from, until });
  return told
    .map((entry) => ({
      leaf: entry.leaf.toLowerCase() as Hex,
      index: entry.index ?? null,
      isAnchored: false,
      isHidden: false,
      problems: null,
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

/** Returns the proof of one read, recomputed from the chain and the operator's evidence, and compared with the entry. */
export async function proofOfRead(client: Client, entry: ActivityItem): Promise<ReadProof> {
  const { leaf } = entry;
  await client.chain.verifyDeployment();
  const [log, evidence] = await Promise.all([accessLog(client.chain), askEvidence(leaf)]);
  let told: Leaf | null = null;
  try {
    told = evidence === null ? null : leafOf(evidence);
  } catch {
    // Invalid evidence proves nothing. The entry's problems report it.
  }
  const isWithheld = told === null && entry.reader !== null;
  const checked =
    told === null
      ? null
      : {
          holds: saysSame(told, entry) && (await evidenceHolds(client.chain, told, leaf)),
          loginMessage: told.loginMessage,
          blockHash: told.blockHash,
          time: told.time,
        };
  const index = log.accesses.findIndex((access) => sameHex(access.leaf, leaf));
  const anchor = log.anchors.find((one) => one.accessesBefore > index);
  if (index < 0 || anchor === undefined) return { leaf, evidence: checked, isWithheld, inclusion: null, checkpoint: null };
  const size = anchor.accessesBefore;
  const path = inclusionPath(
    log.accesses.slice(0, size).map((access) => access.leaf),
    index,
  );
  const holds = isSame(entry, log.accesses[index]) && Number(anchor.size) === size && verifyInclusion(leaf, index, size, path, anchor.root);
  return { leaf, evidence: checked, isWithheld, inclusion: { index, size, path, holds }, checkpoint: checkpointOf(anchor) };
}

/** Returns every access and checkpoint of the operator's log, from the chain alone. */
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
 * Recomputes the operator's whole log from chain events alone. Then compares it with the server's entries, with its evidence if this person
 * may see it, and with the receipts in this browser. Findings are part of the result and are not thrown.
 */
export async function verifyLog(client: WalletClient | null, chain: Chain): Promise<AuditReport> {
  await chain.verifyDeployment();
  // The server's entries are read first. Then they cannot be newer than the chain, which is read afterwards.
  const told = client === null ? [] : await toldActivity({});
  const log = await accessLog(chain);
  const own = client === null ? new Set<Hex>() : await ownRecords(client);
  const [storedHead, now] = await Promise.all([chain.logHead(), chain.now()]);
  const { root, findings } = recompute(log, storedHead);
  const anchored = new Map(log.accesses.map((access) => [access.leaf, access]));
  const receipts = client === null ? [] : await client.shelf.all<unknown>('receipt:');
  const compared = await compareReceipts(chain, receipts, anchored, now);
  const judge = client === null ? null : new EntryJudge({ chain, address: client.address, keys: client.keys, own, shelf: client.shelf });
  const entries = await compareEntries(judge, told, anchored, now);
  const hidden = await hiddenReads(chain, own, log.accesses, told);
  return {
    leaves: log.accesses.length,
    checkpoints: log.anchors.length,
    root,
    entriesFound: entries.found,
    evidenceChecked: entries.checked,
    unchecked: entries.unchecked,
    receiptsAnchored: compared.anchored,
    receiptsWaiting: compared.waiting,
    findings: [
      ...findings,
      ...compared.findings,
      ...entries.findings,
      ...hidden.map(({ leaf }): Finding => ({ kind: 'hidden_read', leaf, size: null })),
    ],
  };
}

type Finding = AuditReport['findings'][number];

/** Recomputes the Merkle tree and the chain of heads, from events alone. */
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

/** Returns a stored receipt; `null` if it cannot be read any more. */
function receiptOf(kept: unknown): KeptReceipt | null {
  const { leaf, record, anchorBy } = (kept ?? {}) as Partial<KeptReceipt>;
  return isHex(leaf, 32) && isHex(record, 32) && typeof anchorBy === 'number' ? (kept as KeptReceipt) : null;
}

/**
 * Finds receipts that are evidence against the operator: their time has passed, and the chain has no `Accessed` event for their leaf, or a
 * late one.
 */
async function compareReceipts(chain: Chain, kept: readonly unknown[], onChain: ReadonlyMap<Hex, AnchoredAccess>, now: number) {
  const findings: Finding[] = [];
  let [anchored, waiting] = [0, 0];
  const find = (kind: FindingKind, leaf: Hex | null): void => void findings.push({ kind, leaf, size: null });
  await mapSome(kept, async (one) => {
    const receipt = receiptOf(one);
    if (receipt === null) return find('damaged_receipt', null);
    const access = onChain.get(receipt.leaf);
    if (access === undefined && now <= receipt.anchorBy + GRACE_SECONDS) waiting += 1;
    else if (access === undefined) find('unlogged_read', receipt.leaf);
    else if (!sameHex(access.record, receipt.record)) find('evidence', receipt.leaf);
    else if ((await chain.blockTime(BigInt(access.blockNumber))) > receipt.anchorBy) find('late_anchor', receipt.leaf);
    else anchored += 1;
  });
  return { anchored, waiting, findings };
}

async function compareEntries(
  judge: EntryJudge | null,
  told: readonly ActivityItem[],
  onChain: ReadonlyMap<Hex, AnchoredAccess>,
  now: number,
) {
  const findings: Finding[] = [];
  let [found, checked, unchecked] = [0, 0, 0];
  await mapSome(told, async (entry) => {
    const find = (kind: FindingKind): void => void findings.push({ kind, leaf: entry.leaf, size: null });
    const access = onChain.get(entry.leaf);
    if (isSame(entry, access)) found += 1;
    if (access === undefined && entry.index !== null) find('missing_leaf');
    // Only the patient of the record and the reader may see the content behind a leaf.
    if (judge === null || !judge.concerns(entry)) {
      if (access !== undefined && !isSame(entry, access)) find('evidence');
      else if (access === undefined && entry.index === null && entry.time + ANCHOR_SECONDS_MAX < now) find('unanchored_entry');
      return;
    }
    const judgement = await judged(judge, entry, access, now);
    if (judgement === null) unchecked += 1;
    else if (judgement.isEvidenceGood) checked += 1;
    for (const problem of judgement?.problems ?? []) find(problem);
  });
  return { found, checked, unchecked, findings };
}

/**
 * Returns the rows as CSV (RFC 4180). Cells are quoted if necessary. A cell that a spreadsheet would run as a formula is quoted as text.
 */
export function csvOf(headings: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  const cell = (value: string | number | null): string => {
    const text = String(value ?? '');
    const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return [headings, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}
