/** The access log. Hooks: `useActivity(filter?)`, `useReadProof(entry)`, `useAuditLog(source, filter?)`. */
import type { Address, Hex } from 'viem';
import type { Act, Loaded } from './actions.ts';
import type { Purpose } from '../protocol/codes.ts';

export interface ActivityFilter {
  readonly record?: Hex;
  readonly purpose?: Purpose;
  readonly from?: number;
  readonly until?: number;
}

/** A problem with one entry: `activity.problem.<problem>`. A finding uses the same word (SPEC, section 11). */
export type EntryProblem = 'withheld_evidence' | 'evidence' | 'wrong_reader' | 'no_grant' | 'late_anchor' | 'unanchored_entry';

export interface ActivityItem {
  readonly leaf: Hex;
  /** The position of the entry in the log, as the server states it; `null` until it is anchored. */
  readonly index: number | null;
  /** True if this device found the same entry on the chain. */
  readonly isAnchored: boolean;
  /** True if the entry is on the chain and the server left it out. */
  readonly isHidden: boolean;
  /** The problems that were found; `null` if the entry could not be checked now, or if this person is not the one to check it. */
  readonly problems: readonly EntryProblem[] | null;
  readonly record: Hex;
  readonly version: number | null;
  readonly tag: Hex;
  readonly purpose: Purpose | null;
  /** Given to the patient of the record and to the reader, else `null`. */
  readonly reader: Address | null;
  readonly time: number;
  readonly blockNumber: number | null;
  readonly txHash: Hex | null;
}

/** The proof of one read, recomputed on this device from the chain and the operator's evidence. */
export interface ReadProof {
  readonly leaf: Hex;
  /**
   * `holds` is true if the evidence states the same as the entry, its hash is the leaf, and the reader's wallet and session key signed it.
   * `null` if the server did not show the evidence.
   */
  readonly evidence: { readonly holds: boolean; readonly loginMessage: string; readonly blockHash: Hex; readonly time: number } | null;
  /** True if the server names a reader and shows no evidence for it. */
  readonly isWithheld: boolean;
  /**
   * The position in the log and the audit path to the anchored root, if the path leads from this entry to that root; `null` until the entry
   * is anchored.
   */
  readonly inclusion: { readonly index: number; readonly size: number; readonly path: readonly Hex[]; readonly holds: boolean } | null;
  readonly checkpoint: Checkpoint | null;
}

export interface Checkpoint {
  readonly size: number;
  readonly root: Hex;
  readonly head: Hex;
  readonly blockNumber: number;
  readonly txHash: Hex;
}

/** One `Accessed` event. */
export interface AuditEntry {
  readonly index: number;
  readonly record: Hex;
  /** The patient of the record, from its registration; `null` if the record is not on the chain. */
  readonly patient: Address | null;
  readonly tag: Hex;
  readonly purpose: Purpose | null;
  readonly leaf: Hex;
  readonly blockNumber: number;
  readonly txHash: Hex;
  /** The time of the block. */
  readonly time: number;
  /** The reader from the server's log, if the caller may see it. */
  readonly reader: Address | null;
}

/**
 * The filter for the log that is shown and exported. Text filters match the beginning, on this device: `0x12` finds every value that begins
 * with it.
 */
export interface AuditFilter {
  /** The first second that is included. */
  readonly from?: number;
  /** The last second that is included. */
  readonly until?: number;
  /** The beginning of a record id, or of the address of its patient. */
  readonly record?: string;
  /** The beginning of a reader's pseudonym, or of the reader's address if the server gives it. */
  readonly reader?: string;
  readonly purpose?: Purpose;
}

/** The node from which the chain is read: the wallet's, or one that the auditor chose. */
export type ChainSource = { readonly kind: 'wallet' } | { readonly kind: 'rpc'; readonly url: string };

export type FindingKind = EntryProblem | 'root' | 'head' | 'size' | 'missing_leaf' | 'unlogged_read' | 'hidden_read' | 'damaged_receipt';

export interface AuditReport {
  readonly leaves: number;
  readonly checkpoints: number;
  readonly root: Hex;
  readonly entriesFound: number;
  readonly evidenceChecked: number;
  /** The number of entries that could not be checked now, because no node or server answered. */
  readonly unchecked: number;
  readonly receiptsAnchored: number;
  readonly receiptsWaiting: number;
  /** Problems that were found: `audit.finding.<kind>`. An empty list means that everything is right. */
  readonly findings: readonly { readonly kind: FindingKind; readonly leaf: Hex | null; readonly size: number | null }[];
}

/** A report, and the node from which the chain was read. */
export interface VerifiedLog extends AuditReport {
  /** Host name of the auditor's own node; `null` for the wallet's node. */
  readonly node: string | null;
}

/** The value that `useAuditLog(source, filter)` returns. */
export interface AuditLog {
  readonly entries: Loaded<readonly AuditEntry[]>;
  readonly checkpoints: Loaded<readonly Checkpoint[]>;
  /** Recomputes the log from the given source, whatever source the lists use. */
  readonly verify: Act<ChainSource, VerifiedLog>;
  /** Returns the entries that are shown as CSV (RFC 4180), with a header line. */
  toCsv(): string;
}
