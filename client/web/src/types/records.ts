/**
 * Types for records and their content. Hooks: `useRecords(filter?)`, `useRecord(id)`, `useRecordName(record)` (own records only, else
 * `data` stays undefined), `useWithdraw()`, `usePutBack()`, `useRetract()`, `useOpenRecord()`, `useSaveRecord()`.
 */
import type { Address, Hex } from 'viem';
import type { Act } from './actions.ts';
import type { Category, Purpose, RecordStatus, Role } from '../protocol/codes.ts';

export interface RecordVersion {
  readonly version: number;
  readonly uploader: Address;
  /** True if the uploader asked people not to rely on it. It can still be opened. */
  readonly retracted: boolean;
  readonly cid: string;
  /** Length of the envelope in bytes; `null` if the server does not have it. */
  readonly size: number | null;
  /** True if the server has the release share, which grantees need to open the version. */
  readonly hasReleaseShare: boolean;
  readonly registeredAt: number;
  readonly blockNumber: number;
  readonly txHash: Hex;
}

/** A record whose data was compared with the chain. */
export interface RecordItem {
  readonly id: Hex;
  readonly patient: Address;
  readonly uploader: Address;
  readonly category: Category;
  readonly status: RecordStatus;
  /** For a withdrawn record: the time from which it can no longer be put back. */
  readonly liftableUntil: number | null;
  readonly created: number;
  /** The versions, oldest first; at least one. */
  readonly versions: readonly RecordVersion[];
  /** Numbers of the versions that the server describes differently from the chain; `versions` does not contain them. */
  readonly contradicted: readonly number[];
  /** True if the signed-in person is the patient of the record. */
  readonly isMine: boolean;
  /** True if the signed-in person uploaded version 1. */
  readonly isUploader: boolean;
}

export interface RecordFilter {
  readonly patient?: Address;
  readonly category?: Category;
}

/** Name and type of the content, from the envelope. For own records it can be read without a log entry. */
export interface RecordName {
  readonly fileName: string;
  readonly mediaType: string;
  readonly created: number;
  readonly contentBytes: number;
  readonly fhirType: string | null;
}

export interface OpenInput {
  readonly record: Hex;
  /** The newest version, if absent. */
  readonly version?: number;
  /** Required, unless the record is the person's own or the grant has only one purpose. */
  readonly purpose?: Purpose;
}

export interface Author {
  /** True if the author signed the content. If false, `address` is the account that registered the version. */
  readonly signed: boolean;
  /** True if there is a signature, but not by the author whom the document names. The page then shows a warning and no name. */
  readonly forged: boolean;
  readonly address: Address;
  /** The name from a profile that an active accreditor signed. */
  readonly name: string | null;
  /** The roles that count now. */
  readonly roles: readonly Role[];
}

/** The checked facts about a document, without its content. */
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
  /** The log entry of this opening; `null` for the owner, whose openings are not logged. */
  readonly leaf: Hex | null;
  /** The time by which the operator promised to anchor the entry. */
  readonly anchorBy: number | null;
  readonly cid: string;
}

/** An opened document. The blob is in memory. Treat it as hostile input, whoever wrote it. */
export interface OpenedRecord extends DocumentFacts {
  readonly blob: Blob;
}

export interface OpenProgress {
  readonly step: 'asking' | 'fetching';
  /** Progress from 0 to 1. */
  readonly done: number;
}

/** The value that `useOpenRecord()` returns. The document is removed from memory when the component unmounts and when the session locks. */
export interface OpenRecord extends Act<OpenInput, OpenedRecord> {
  readonly progress: OpenProgress | null;
  cancel(): void;
}

/** The version to save, and the file name to suggest. */
export interface SaveInput extends OpenInput {
  readonly suggestedName: string;
}

/**
 * The value that `useSaveRecord()` returns. Saves into a file that the person chooses, without showing the document. The action ends when
 * the component unmounts or the session locks.
 */
export interface SaveRecord extends Act<SaveInput, DocumentFacts> {
  readonly progress: OpenProgress | null;
  cancel(): void;
}
