/**
 * Everything that pages see of the data layer. The hooks of this folder give and take these types and nothing else:
 *
 * ```
 * wallets.ts        useWallets(): Wallets
 * session.ts        useSession(): SessionControl
 * provider.tsx      <DataProvider>: TanStack Query, session, idle lock, event feed, catch-up; mount it once around the app
 * set-up.ts         useSetUp(): SetUp
 * records.ts        useRecords(filter?: RecordFilter): Loaded<readonly RecordItem[]> · useRecord(id: Hex): Loaded<RecordItem>
 *                   useRecordName(record: RecordItem): Loaded<RecordName | null> (own records only, else `data` stays undefined)
 *                   useSetRecordStatus(): Act<{ record: Hex; status: 'superseded' | 'tombstoned' }, void>
 * uploads.ts        useUploads(): Uploads
 * open-record.ts    useOpenRecord(): OpenRecord
 * grants.ts         useGrants(side: 'given' | 'received', record?: Hex): Loaded<readonly GrantItem[]>
 *                   useShare(): Act<NewGrants, Granted> · useRevoke(): Act<Ending, Revoked>
 *                   useRevokeEveryone(): Act<{ confirm?: Confirmation } | undefined, Revoked>
 *                   describeShare(new: NewGrants): Sentence · describeRevoke(ending: Ending): Sentence
 * requests.ts       useRequests(): Loaded<readonly RequestItem[]> · useAskAccess(): Act<NewRequest, Hex>
 *                   useApprove(): Act<Approval, Granted> · useDeny(): Act<{ request: Hex; confirm?: Confirmation }, void>
 * activity.ts       useActivity(filter?: ActivityFilter): Loaded<readonly ActivityItem[]>
 *                   useReadProof(entry: ActivityItem | null): Loaded<ReadProof>
 * directory.ts      useDirectory(filter?: DirectoryFilter): Loaded<readonly Person[]>
 *                   usePerson(address: Address | null): Loaded<Person | null> · useName(address: Address | null): Name
 *                   useHasKey(address: Address | null): Loaded<boolean> (whether one can share with it, from the chain)
 * address-book.ts   useAddressBook(): AddressBook
 * audit-log.ts      useAuditLog(source: ChainSource, filter?: AuditFilter): AuditLog
 * accreditation.ts  usePractitioners(): Loaded<readonly Person[]> (vouched for by me) · useAccreditation(): Accreditation
 * health.ts         useHealth(): Health
 * announcement.ts   useAnnouncement(): AnnouncementControl
 * draft.ts          useDraft<T>(name: string, initial: T): [T, (next: T) => void, () => void (forget)]
 * ```
 *
 * Times are unix seconds, sizes bytes, addresses lower-case hex, ids `0x` and 64 hex digits.
 */
import type { Address, Hex } from 'viem';
import type { Failure } from '../failure.ts';

export type { Address, Hex } from 'viem';
export type { Failure, FailureCode } from '../failure.ts';

// ---- Forms of hooks ----------------------------------------------------------------------------------------------

/** Data that is read. `data` stays while it is read again. */
export interface Loaded<T> {
  readonly data: T | undefined;
  readonly error: Failure | null;
  /** The first reading is under way. */
  readonly isLoading: boolean;
  /** It is read again while `data` is shown. */
  readonly isRefreshing: boolean;
  refetch(): void;
}

/** Where an action stands. Live regions announce it as `action.<phase>`. */
export type ActionPhase =
  /** Nothing was begun, or it was reset. */
  | 'idle'
  /** Preparing: reading the chain, deriving keys. */
  | 'preparing'
  /** The wallet's window is open, or about to be. */
  | 'signing'
  /** Sent to the server. */
  | 'sending'
  /** Accepted; waiting for the chain. */
  | 'waiting'
  | 'done'
  | 'failed';

/** Something that is done. A second `run` while one is under way gives the first one's promise: double clicks do nothing. */
export interface Act<In, Out> {
  /** Rejects with a {@link Failure}. Pages that show `error` may ignore the promise: use `start`. */
  run(input: In): Promise<Out>;
  /** As `run`, but never rejects. */
  start(input: In): void;
  readonly phase: ActionPhase;
  readonly isBusy: boolean;
  readonly data: Out | undefined;
  readonly error: Failure | null;
  reset(): void;
}

// ---- The sentence before each signature -----------------------------------------------------------------------

/**
 * What a signature allows: a key of the dictionaries and its values. Addresses are for the page to replace by names,
 * times and lists for the page to write in the reader's language.
 */
export type Sentence =
  | { key: 'sign.login'; values: { domain: string; until: number } }
  | { key: 'sign.enrol_wallet'; values: Record<string, never> }
  | { key: 'sign.unlock'; values: Record<string, never> }
  | { key: 'sign.publish_key'; values: { epoch: number } }
  | { key: 'sign.author'; values: Record<string, never> }
  | { key: 'sign.add_record'; values: { category: Category; patient: Address; own: boolean } }
  | { key: 'sign.add_version'; values: { version: number; record: Hex; patient: Address; own: boolean } }
  | { key: 'sign.set_status'; values: { record: Hex; status: RecordStatus } }
  | { key: 'sign.grant_read'; values: { grantee: Address; records: number; purposes: Purpose[]; until: number } }
  | { key: 'sign.grant_write'; values: { grantee: Address; categories: Category[] | 'all'; purposes: Purpose[]; until: number } }
  | { key: 'sign.revoke'; values: { grants: number; grantee: Address | null } }
  | { key: 'sign.revoke_all'; values: Record<string, never> }
  | { key: 'sign.request'; values: { patient: Address; right: Right; until: number } }
  | { key: 'sign.deny'; values: { requester: Address } }
  | { key: 'sign.accredit'; values: { practitioner: Address; roles: Role[]; until: number } }
  | { key: 'sign.suspend'; values: { practitioner: Address } }
  | { key: 'sign.profile'; values: { practitioner: Address; name: string } }
  | { key: 'sign.add_accreditor'; values: { accreditor: Address } }
  | { key: 'sign.remove_accreditor'; values: { accreditor: Address } };

/** Every key of {@link Sentence}, for the test of the dictionaries. */
export const SENTENCE_KEYS = [
  'sign.login', 'sign.enrol_wallet', 'sign.unlock', 'sign.publish_key', 'sign.author', 'sign.add_record',
  'sign.add_version', 'sign.set_status', 'sign.grant_read', 'sign.grant_write', 'sign.revoke', 'sign.revoke_all',
  'sign.request', 'sign.deny', 'sign.accredit', 'sign.suspend', 'sign.profile', 'sign.add_accreditor',
  'sign.remove_accreditor',
] as const satisfies readonly Sentence['key'][];

/** A signature that is about to be asked of the wallet. */
export interface Announcement {
  readonly sentence: Sentence;
  /** Which of how many signatures this step needs, both from 1. */
  readonly part: number;
  readonly parts: number;
  /**
   * `confirm`: the page shows the sentence with "continue" and "cancel"; the wallet's window opens after `confirm()`.
   * `wallet`: the wallet's window is open; the page keeps the sentence in sight.
   */
  readonly stage: 'confirm' | 'wallet';
}

/** `useAnnouncement()`: mount one dialog for the whole app. */
export interface AnnouncementControl {
  readonly current: Announcement | null;
  /** Opens the wallet's window. */
  confirm(): void;
  /** Nothing is signed; the action fails with `cancelled`. */
  cancel(): void;
}

/**
 * How an action asks before its signatures. `dialog` (default): {@link AnnouncementControl} asks. `page`: the page has
 * shown the sentence beside the button that was pressed (`describe…` gives it), so the wallet's window opens at once.
 */
export type Confirmation = 'dialog' | 'page';

// ---- Wallets and session ----------------------------------------------------------------------------------------

/** A wallet that announced itself (EIP-6963). */
export interface WalletInfo {
  /** Unique for this page. */
  readonly uuid: string;
  /** Reverse domain name; remembered as the last choice. */
  readonly rdns: string;
  readonly name: string;
  /** `data:` URI of its picture. */
  readonly icon: string;
}

/** The connected wallet. */
export interface Connection {
  readonly wallet: WalletInfo;
  readonly address: Address;
  readonly chainId: number;
  /** Whether the wallet is on the deployment's chain. */
  readonly isRightChain: boolean;
}

/** `useWallets()`. */
export interface Wallets {
  /** Announced wallets; empty also while none has answered yet (`isSearching`). */
  readonly wallets: readonly WalletInfo[];
  readonly isSearching: boolean;
  readonly connection: Connection | null;
  /** The deployment's chain, once the server has told it. */
  readonly chainId: number | null;
  /** By `uuid`. */
  readonly connect: Act<string, Address>;
  /** Fingerprint of a deployment that this browser meets for the first time: the page shows it beside the sign-in. */
  readonly newNetwork: string | null;
  /** Fingerprint of the deployment, accepted or not. */
  readonly network: string | null;
  /** Nodes that a wallet is given when it does not know the chain. */
  readonly rpcUrls: readonly string[];
  /** Forgets the accepted deployment and loads the page anew. */
  readonly forgetNetwork: Act<void, void>;
  /** Asks the wallet to switch to the deployment's chain, and to add it when it does not know it. */
  readonly switchChain: Act<void, void>;
  /** Forgets the choice; the wallet's own permission is the wallet's business. */
  disconnect(): void;
}

/** Why somebody is signed out or locked. `session.why.<why>` */
export type LockReason = 'first_visit' | 'signed_out' | 'expired' | 'idle' | 'locked_here' | 'account_changed' | 'chain_changed' | 'reloaded' | 'other_tab';

/** What the server says about the signed-in account (`GET /v1/me`), roles compared with nothing: they only choose pages. */
export interface Me {
  readonly address: Address;
  readonly roles: readonly Role[];
  readonly accreditor: boolean;
  /** Whether this account is the owner of the accreditation contract (read from the chain). */
  readonly owner: boolean;
  /** Epoch of the published identity key; 0 if none. */
  readonly keyEpoch: number;
  readonly storedBytes: number;
  readonly quotaBytes: number;
  readonly sessionExpiresAt: number;
}

/** Where the session stands. Only `ready` holds keys. */
export type Session =
  | { readonly state: 'starting' }
  /** Nobody is signed in; pages stay mounted behind the sign-in when `why` is `expired`, `idle` or the like. */
  | { readonly state: 'signed_out'; readonly why: LockReason }
  /** Signed in; no keyring anywhere and no key on chain: `useSetUp`. */
  | { readonly state: 'needs_set_up'; readonly me: Me }
  /** Signed in; a key is on chain, but neither device nor server has a keyring: `recover` with the words. */
  | { readonly state: 'needs_recovery'; readonly me: Me }
  /** Signed in; the keyring is there and closed. */
  | { readonly state: 'locked'; readonly why: LockReason; readonly me: Me; readonly unlockers: readonly Unlocker[] }
  | { readonly state: 'ready'; readonly me: Me };

export type Unlocker = 'wallet' | 'passphrase';

/** `useSession()`. */
export interface SessionControl {
  readonly session: Session;
  /** `null` unless signed in. */
  readonly me: Me | null;
  /** Takes the fingerprint of the deployment that the page showed ({@link Wallets.newNetwork}); `null` if it showed none. */
  readonly signIn: Act<string | null, void>;
  readonly unlockWithWallet: Act<void, void>;
  readonly unlockWithPassphrase: Act<string, void>;
  /** Makes the keyring again from the recovery words (24 words, or the text of a kit) under a new passphrase. */
  readonly recover: Act<{ words: string; passphrase: string }, NewKeyring>;
  /** Wipes the keys; the session goes on. */
  lock(): void;
  readonly signOut: Act<void, void>;
  /** Seconds until the idle lock; counted only in the last two minutes, else `null`. */
  readonly secondsToLock: number | null;
  /** The person is here: restarts the idle time. Pointer and keyboard do so by themselves. */
  stay(): void;
}

// ---- Set-up --------------------------------------------------------------------------------------------------------

/** The fewest characters of a passphrase. */
export { MIN_PASSPHRASE_CHARS as PASSPHRASE_CHARS_MIN } from '../protocol/keyring/passphrase.ts';

export interface NewKeyring {
  /** `false`: this wallet does not sign the same message twice the same way, so it cannot unlock; say so. */
  readonly walletUnlocks: boolean;
  /** Why not. `set_up.wallet.<reason>` */
  readonly walletRefused: 'not_deterministic' | 'contract_account' | 'rejected' | null;
  readonly onServer: boolean;
}

/** The recovery kit, to be printed or written down. In memory only. */
export interface Kit {
  /** 24 words, in order. */
  readonly words: readonly string[];
  /** The whole sheet as text; `recover` reads it back. */
  readonly text: string;
  readonly chainId: number;
  readonly owner: Address;
}

export type SetUpStep = 'keys' | 'kit' | 'publish' | 'done';

/** `useSetUp()`. */
export interface SetUp {
  readonly step: SetUpStep;
  /** Makes the seed and its keyring. The wallet signs twice (`sign.enrol_wallet`); `skipWallet` leaves it out. */
  readonly makeKeys: Act<{ passphrase: string; skipWallet?: boolean }, NewKeyring>;
  /** `null` while locked. */
  kit(): Kit | null;
  /** Which words to ask for, counted from 1; the same until they were proved. */
  readonly places: readonly [number, number, number];
  /** Records that the kit was kept; fails with `invalid_words` and `values.place`. Answers stand in the order of `places`. */
  readonly proveKit: Act<readonly [string, string, string], void>;
  readonly publishKey: Act<void, void>;
  /** Whether the kit was proved on this device. */
  readonly isKitSaved: boolean;
}

// ---- Records ------------------------------------------------------------------------------------------------------

export const CATEGORIES = [
  'unspecified', 'laboratory', 'imaging', 'cardiology', 'medication', 'immunization', 'letter', 'procedure', 'allergy',
  'diagnosis', 'note', 'dental', 'eye', 'pathology', 'administrative',
] as const;
export type Category = (typeof CATEGORIES)[number];
export const PURPOSES = [
  'TREAT', 'ETREAT', 'BTG', 'HPAYMT', 'HOPERAT', 'HRESCH', 'PATRQT', 'FAMRQT', 'PUBHLTH', 'COC',
] as const;
export type Purpose = (typeof PURPOSES)[number];
export const ROLES = ['doctor', 'nurse', 'lab', 'pharmacy', 'auditor', 'emergency', 'researcher'] as const;
export type Role = (typeof ROLES)[number];
export type Right = 'read' | 'write';
export type RecordStatus = 'active' | 'superseded' | 'tombstoned';

export interface RecordVersion {
  readonly version: number;
  readonly uploader: Address;
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
  readonly created: number;
  /** Oldest first; at least one. */
  readonly versions: readonly RecordVersion[];
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

// ---- Uploads -------------------------------------------------------------------------------------------------------

export type UploadTarget =
  /** To oneself, or (as lab or doctor) to a patient who allowed it. */
  | { readonly kind: 'record'; readonly patient: Address; readonly category: Category }
  | { readonly kind: 'version'; readonly record: Hex };

export interface NewUpload {
  readonly content: Blob;
  readonly fileName: string;
  /** Guessed from name and content when absent. */
  readonly mediaType?: string;
  readonly target: UploadTarget;
}

export type UploadState = 'waiting' | 'hashing' | 'signing' | 'sending' | 'registering' | 'done' | 'failed' | 'cancelled';

export interface UploadItem {
  readonly id: string;
  readonly fileName: string;
  readonly size: number;
  readonly target: UploadTarget;
  /** The patient it goes to, once known (for a version from the chain). */
  readonly patient: Address | null;
  readonly state: UploadState;
  /** 0 to 1 within `hashing` and `sending`, else 0. */
  readonly progress: number;
  readonly error: Failure | null;
  /** Once known; present when done. */
  readonly record: Hex | null;
  readonly version: number | null;
  /** When it was added. */
  readonly addedAt: number;
}

/** An upload of an earlier visit whose envelope is stored and only the registration is open. */
export interface UnfinishedUpload {
  readonly record: Hex;
  readonly version: number;
  readonly patient: Address;
  readonly begunAt: number;
}

/** `useUploads()`: one queue for the whole app, one upload at a time, kept while pages change. */
export interface Uploads {
  readonly items: readonly UploadItem[];
  readonly isBusy: boolean;
  /** Adds to the queue and gives their ids. Files are not read before their turn. */
  add(uploads: readonly NewUpload[]): readonly string[];
  cancel(id: string): void;
  retry(id: string): void;
  /** Takes a finished, failed or cancelled one off the list. */
  remove(id: string): void;
  clearFinished(): void;
  readonly unfinished: Loaded<readonly UnfinishedUpload[]>;
  readonly finish: Act<UnfinishedUpload, void>;
}

// ---- Opening -------------------------------------------------------------------------------------------------------

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

/** An opened document. The blob lives in memory; it is hostile input whoever wrote it. */
export interface OpenedRecord {
  readonly record: Hex;
  readonly version: number;
  readonly patient: Address;
  readonly uploader: Address;
  readonly blob: Blob;
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

// ---- Sharing -------------------------------------------------------------------------------------------------------

export type Scope =
  | { readonly kind: 'record'; readonly record: Hex }
  | { readonly kind: 'category'; readonly category: Category }
  | { readonly kind: 'all' };

export type GrantState = 'active' | 'future' | 'expired' | 'revoked';

/** A grant whose terms and state were read from the chain. */
export interface GrantItem {
  readonly id: Hex;
  readonly patient: Address;
  /** `null` when the server does not know whose tag it is and the seed does not tell either. */
  readonly grantee: Address | null;
  readonly tag: Hex;
  /** `null` once revoked. */
  readonly right: Right | null;
  readonly scope: Scope;
  readonly purposes: readonly Purpose[];
  readonly notBefore: number;
  readonly notAfter: number;
  readonly state: GrantState;
  readonly txHash: Hex;
  /** Versions that the bundle opens; empty for WRITE. */
  readonly versions: readonly number[];
}

export interface NewGrants {
  readonly grantee: Address;
  readonly right: Right;
  /** READ: records. WRITE: categories, or all. At most 64. */
  readonly scopes: readonly Scope[];
  readonly purposes: readonly Purpose[];
  /** Now if absent. */
  readonly notBefore?: number;
  readonly notAfter: number;
  readonly confirm?: Confirmation;
}

export interface Granted {
  readonly grants: readonly Hex[];
  readonly txHash: Hex | null;
}

export type Ending =
  | { readonly kind: 'person'; readonly grantee: Address; readonly scope?: Scope; readonly confirm?: Confirmation }
  | { readonly kind: 'grants'; readonly grants: readonly Hex[]; readonly confirm?: Confirmation };

export interface Revoked {
  readonly ended: number;
  /** Records that were opened with these grants before: what could have been kept. */
  readonly openedBefore: readonly Hex[];
  readonly txHash: Hex | null;
}

// ---- Requests ------------------------------------------------------------------------------------------------------

export type RequestState = 'open' | 'approved' | 'denied' | 'lapsed';

/** A request whose signature was checked. */
export interface RequestItem {
  readonly id: Hex;
  readonly requester: Address;
  readonly patient: Address;
  readonly right: Right;
  readonly scope: Scope;
  readonly purposes: readonly Purpose[];
  readonly until: number;
  /** For the patient; `null` for others, or when it does not open. Plain text of a stranger. */
  readonly reason: string | null;
  /** Whether the requester is accredited now, from the chain. */
  readonly accredited: boolean;
  readonly state: RequestState;
  readonly createdAt: number;
  /** Whether it is addressed to the signed-in person. */
  readonly isToMe: boolean;
}

export interface NewRequest {
  readonly patient: Address;
  readonly right: Right;
  readonly scope: Scope;
  readonly purposes: readonly Purpose[];
  readonly until: number;
  readonly reason: string;
  /** How long it stays open, seconds. */
  readonly openSeconds: number;
  readonly confirm?: Confirmation;
}

export interface Approval {
  readonly request: Hex;
  /** Instead of what was asked; needed to narrow a category or everything. */
  readonly records?: readonly Hex[];
  readonly until?: number;
  readonly purposes?: readonly Purpose[];
  readonly confirm?: Confirmation;
}

// ---- Activity and audit -------------------------------------------------------------------------------------------

export interface ActivityFilter {
  readonly record?: Hex;
  readonly purpose?: Purpose;
  readonly from?: number;
  readonly until?: number;
}

export interface ActivityItem {
  readonly leaf: Hex;
  /** Its place in the log, as the server tells it; `null` until anchored. */
  readonly index: number | null;
  /** Whether this device saw the same entry on chain. */
  readonly isAnchored: boolean;
  /** Whether it stands on chain and the server did not tell it. */
  readonly isHidden: boolean;
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

export type FindingKind = 'root' | 'head' | 'size' | 'missing_leaf' | 'evidence' | 'unlogged_read' | 'unanchored_entry' | 'hidden_read';

export interface AuditReport {
  readonly leaves: number;
  readonly checkpoints: number;
  readonly root: Hex;
  readonly entriesFound: number;
  readonly evidenceChecked: number;
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

// ---- People --------------------------------------------------------------------------------------------------------

/** An accredited person, as the chain knows them; texts only from a profile whose signature holds. */
export interface Person {
  readonly address: Address;
  readonly accreditor: Address;
  readonly roles: readonly Role[];
  readonly validFrom: number;
  readonly validUntil: number;
  /** Whether the accreditation counts now. */
  readonly counts: boolean;
  readonly suspended: boolean;
  readonly hasKey: boolean;
  readonly name: string | null;
  readonly organisation: string | null;
  readonly specialty: string | null;
}

export interface DirectoryFilter {
  readonly role?: Role;
  /** Only names that begin so. */
  readonly name?: string;
}

export interface Contact {
  readonly address: Address;
  readonly name: string;
}

/** `useAddressBook()`: private names, encrypted under the seed. */
export interface AddressBook {
  readonly contacts: Loaded<readonly Contact[]>;
  readonly put: Act<Contact, void>;
  readonly remove: Act<Address, void>;
}

/** How somebody is called: the private name first, then the signed profile. */
export interface Name {
  readonly text: string | null;
  readonly from: 'address_book' | 'profile' | 'self' | null;
}

// ---- Accreditation ---------------------------------------------------------------------------------------------------

export interface NewAccreditation {
  readonly practitioner: Address;
  readonly roles: readonly Role[];
  readonly validFrom: number;
  readonly validUntil: number;
  readonly confirm?: Confirmation;
}

export interface NewProfile {
  readonly practitioner: Address;
  readonly name: string;
  readonly organisation: string;
  readonly specialty: string;
  readonly confirm?: Confirmation;
}

/** `useAccreditation()`. */
export interface Accreditation {
  readonly accredit: Act<NewAccreditation, void>;
  readonly suspend: Act<Address, void>;
  /** Vouches once more, for the roles and the period on chain. */
  readonly reinstate: Act<Address, void>;
  readonly publishProfile: Act<NewProfile, void>;
  /** Only for the owner of the contract. */
  readonly addAccreditor: Act<Address, void>;
  readonly removeAccreditor: Act<Address, void>;
}

// ---- What answers ------------------------------------------------------------------------------------------------------

export interface Health {
  /** The event feed: `live`, being made again, or off (signed out). */
  readonly feed: 'live' | 'connecting' | 'off';
  /** `slow`: it has not answered for five seconds. */
  readonly server: 'up' | 'slow' | 'down';
  readonly chain: 'up' | 'down' | 'unknown';
  /** Versions whose envelope does not follow the protocol, found by the catch-up after signing in. */
  readonly broken: readonly { readonly record: Hex; readonly version: number }[];
}
