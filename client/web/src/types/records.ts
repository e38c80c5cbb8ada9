/**
 * Records and what is inside. Hooks: `useRecords(filter?)`, `useRecord(id)`, `useRecordName(record)` (own records only, else
 * `data` stays undefined), `useWithdraw()`, `usePutBack()`, `useRetract()`, `useOpenRecord()`, `useSaveRecord()`.
 */
import type { Address, Hex } from 'viem';
import type { Act } from './actions.ts';
import type { Category, Purpose, RecordStatus, Role } from '../protocol/codes.ts';

export interface RecordVersion {
  readonly version: number;
  readonly uploader: Address;
  /** Whether its uploader says not to rely on it. It can be opened as before. */
  readonly retracted: boolean;
  readonly cid: string;
  /** Bytes of the envelope; `null` if the server does not hold it. */
  readonly size: number | null;
  /** Whether grantees can open it. */
  readonly hasReleaseShare: boolean;
  readonly registeredAt: number;
  readonly blockNumber: number;
  readonly txHash: Hex;
}

/** A record, compared with the chain. */
export interface RecordItem {
  readonly id: Hex;
  readonly patient: Address;
  readonly uploader: Address;
  readonly category: Category;
  readonly status: RecordStatus;
  /** Of a withdrawn record: the time from which on it can no longer be put back. */
  readonly liftableUntil: number | null;
  readonly created: number;
  /** Oldest first; at least one. */
  readonly versions: readonly RecordVersion[];
  /** Versions of which the server says something else than the chain; they are not among `versions`. */
  readonly contradicted: readonly number[];
  /** Whether the signed-in person is its patient. */
  readonly isMine: boolean;
  /** Whether the signed-in person uploaded version 1. */
  readonly isUploader: boolean;
}

export interface RecordFilter {
  readonly patient?: Address;
  readonly category?: Category;
}

/** What an envelope says about its content; for own records it can be read without a log entry. */
export interface RecordName {
  readonly fileName: string;
  readonly mediaType: string;
  readonly created: number;
  readonly contentBytes: number;
  readonly fhirType: string | null;
}

export interface OpenInput {
  readonly record: Hex;
  /** The newest if absent. */
  readonly version?: number;
  /** Needed unless the record is one's own, or the grant has only one purpose. */
  readonly purpose?: Purpose;
}

export interface Author {
  /** Whether the author signed the content; if not, `address` is whoever registered the version. */
  readonly signed: boolean;
  /** Whether there is a signature and it is not that of the author whom the document names: the page warns, and names none. */
  readonly forged: boolean;
  readonly address: Address;
  /** From a profile that an active accreditor signed. */
  readonly name: string | null;
  /** Roles that count now. */
  readonly roles: readonly Role[];
}

/** What was checked about a document, beside its content. */
export interface DocumentFacts {
  readonly record: Hex;
  readonly version: number;
  readonly patient: Address;
  readonly uploader: Address;
  readonly fileName: string;
  readonly mediaType: string;
  readonly created: number;
  readonly author: Author;
  readonly fhirType: string | null;
  /** The log entry that this opening made; `null` for the owner, whose openings are not logged. */
  readonly leaf: Hex | null;
  /** Until when the operator promised to anchor it. */
  readonly anchorBy: number | null;
  readonly cid: string;
}

/** An opened document. The blob lives in memory; it is hostile input whoever wrote it. */
export interface OpenedRecord extends DocumentFacts {
  readonly blob: Blob;
}

export interface OpenProgress {
  readonly step: 'asking' | 'fetching';
  /** 0 to 1. */
  readonly done: number;
}

/** `useOpenRecord()`. The document is dropped when the component unmounts and when the session locks. */
export interface OpenRecord extends Act<OpenInput, OpenedRecord> {
  readonly progress: OpenProgress | null;
  cancel(): void;
}

/** What is saved, and the name that is proposed for the file. */
export interface SaveInput extends OpenInput {
  readonly suggestedName: string;
}

/** `useSaveRecord()`: into a file that the person chooses, without showing it. Ends when the component unmounts or the session locks. */
export interface SaveRecord extends Act<SaveInput, DocumentFacts> {
  readonly progress: OpenProgress | null;
  cancel(): void;
}
