/** Types for the sentence that is shown before each signature. `useAnnouncement()` returns {@link AnnouncementControl}. */
import type { Address, Hex } from 'viem';
import type { Category, Purpose, Right, Role } from '../protocol/codes.ts';

/**
 * The sentence that says what a signature allows: a key of the dictionaries and its values. The page replaces addresses by names, and
 * writes times and lists in the reader's language.
 */
export type Sentence =
  | { key: 'sign.login'; values: { domain: string; until: number } }
  | { key: 'sign.enrol_wallet'; values: Record<string, never> }
  | { key: 'sign.unlock'; values: Record<string, never> }
  | { key: 'sign.publish_key'; values: { epoch: number } }
  | { key: 'sign.register_again'; values: Record<string, never> }
  | { key: 'sign.author'; values: Record<string, never> }
  | { key: 'sign.add_record'; values: { category: Category; patient: Address; own: boolean } }
  | { key: 'sign.add_version'; values: { version: number; record: Hex; patient: Address; own: boolean } }
  | { key: 'sign.tombstone'; values: { record: Hex; until: number } }
  | { key: 'sign.lift'; values: { record: Hex } }
  | { key: 'sign.retract'; values: { record: Hex } }
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
  'sign.login',
  'sign.enrol_wallet',
  'sign.unlock',
  'sign.publish_key',
  'sign.register_again',
  'sign.author',
  'sign.add_record',
  'sign.add_version',
  'sign.tombstone',
  'sign.lift',
  'sign.retract',
  'sign.grant_read',
  'sign.grant_write',
  'sign.revoke',
  'sign.revoke_all',
  'sign.request',
  'sign.deny',
  'sign.accredit',
  'sign.suspend',
  'sign.profile',
  'sign.add_accreditor',
  'sign.remove_accreditor',
] as const satisfies readonly Sentence['key'][];

/** A signature that the wallet is about to be asked for. */
export interface Announcement {
  readonly sentence: Sentence;
  /** The number of this signature, and the number of signatures that this step needs. Both count from 1. */
  readonly part: number;
  readonly parts: number;
  /**
   * `confirm`: the page shows the sentence with "continue" and "cancel"; the wallet's window opens after `confirm()`. `wallet`: the
   * wallet's window is open; the page keeps showing the sentence.
   */
  readonly stage: 'confirm' | 'wallet';
}

/** The value that `useAnnouncement()` returns. Mount one dialog for the whole app. */
export interface AnnouncementControl {
  readonly current: Announcement | null;
  /** Opens the wallet's window. */
  confirm(): void;
  /** Cancels. Nothing is signed, or a signature that the wallet gives later is ignored. The action fails with `cancelled`. */
  cancel(): void;
}

/**
 * Where the person confirms before a signature. `dialog` (default): {@link AnnouncementControl} asks. `page`: the page showed the sentence
 * (from `describe…`) beside the button that was pressed, so the wallet's window opens at once.
 */
export type Confirmation = 'dialog' | 'page';
