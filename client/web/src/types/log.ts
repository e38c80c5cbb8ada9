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

/** What does not hold about one entry: `activity.problem.<problem>`, and a finding of the same word (SPEC, section 11). */
export type EntryProblem = 'withheld_evidence' | 'evidence' | 'wrong_reader' | 'no_grant' | 'late_anchor' | 'unanchored_entry';

export interface ActivityItem {
  readonly leaf: Hex;
  /** Its place in the log, as the server tells it; `null` until anchored. */
  readonly index: number | null;
  /** Whether this device saw the same entry on chain. */
  readonly isAnchored: boolean;
  /** Whether it stands on chain and the server did not tell it. */
  readonly isHidden: boolean;
  /** What was found wrong; `null` where it could not be judged now, or is not this person's to judge. */
  readonly problems: readonly EntryProblem[] | null;
  readonly record: Hex;
  readonly version: number | null;
  readonly tag: Hex;
  readonly purpose: Purpose | null;
  /** For the patient of the record and the reader, else `null`. */
  readonly reader: Address | null;
  readonly time: number;
  readonly blockNumber: number | null;
  readonly txHash: Hex | null;
}

/** What proves one read: recomputed here from the chain and the operator's evidence. */
export interface ReadProof {
  readonly leaf: Hex;
  /**
   * `holds`: the evidence says what the entry says, hashes to the leaf, and wallet and session key of the reader signed it.
   * `null` when the server did not show it.
   */
  readonly evidence: { readonly holds: boolean; readonly loginMessage: string; readonly blockHash: Hex; readonly time: number } | null;
  /** Whether the server names a reader and shows nothing for it. */
  readonly isWithheld: boolean;
  /** Its place in the log and the audit path to the anchored root, where it says what the entry says; `null` until anchored. */
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
  /** Whose record it is, from its registration; `null` if the chain has none. */
  readonly patient: Address | null;
  readonly tag: Hex;
  readonly purpose: Purpose | null;
  readonly leaf: Hex;
  readonly blockNumber: number;
  readonly txHash: Hex;
  /** Block time. */
  readonly time: number;
  /** From the server's log where the caller may see it. */
  readonly reader: Address | null;
}

/** What is shown of the log, and exported. Beginnings are matched on this device: `0x12` finds all that begin so. */
export interface AuditFilter {
  /** The first second that counts. */
  readonly from?: number;
  /** The last second that counts. */
  readonly until?: number;
  /** The beginning of a record number, or of the address of its patient. */
  readonly record?: string;
  /** The beginning of a reader's pseudonym, or of their address where the server tells it. */
  readonly reader?: string;
  readonly purpose?: Purpose;
}

/** Where the chain is read: through the wallet, or through a node of the auditor's own. */
export type ChainSource = { readonly kind: 'wallet' } | { readonly kind: 'rpc'; readonly url: string };

export type FindingKind = EntryProblem | 'root' | 'head' | 'size' | 'missing_leaf' | 'unlogged_read' | 'hidden_read' | 'damaged_receipt';

export interface AuditReport {
  readonly leaves: number;
  readonly checkpoints: number;
  readonly root: Hex;
  readonly entriesFound: number;
  readonly evidenceChecked: number;
  /** Entries that could not be judged now: no node or server answered. */
  readonly unchecked: number;
  readonly receiptsAnchored: number;
  readonly receiptsWaiting: number;
  /** What does not hold: `audit.finding.<kind>`. Empty is good. */
  readonly findings: readonly { readonly kind: FindingKind; readonly leaf: Hex | null; readonly size: number | null }[];
}

/** A report with the node that was asked. */
export interface VerifiedLog extends AuditReport {
  /** Host of the auditor's own node; `null` for the wallet's. */
  readonly node: string | null;
}

/** `useAuditLog(source, filter)`. */
export interface AuditLog {
  readonly entries: Loaded<readonly AuditEntry[]>;
  readonly checkpoints: Loaded<readonly Checkpoint[]>;
  /** Recomputes the log from the named source, whatever the lists are read from. */
  readonly verify: Act<ChainSource, VerifiedLog>;
  /** What is shown, as CSV (RFC 4180) with a line of names. */
  toCsv(): string;
}
