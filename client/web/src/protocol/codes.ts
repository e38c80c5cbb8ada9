/**
 * The closed lists: purposes, roles, rights, scope kinds, record status, categories. Words are those of JSON and of the
 * command line; numbers are those on chain.
 */

import { u16 } from './bytes.ts';
import { type Hex, toHex } from './hex.ts';

/** A list in which every word stands for one bit. */
class BitList<Word extends string> {
  /** Every word, in the order of its bit. */
  readonly all: readonly Word[];

  constructor(words: readonly Word[]) {
    this.all = words;
  }

  /** The bit on chain. */
  bit(word: Word): number {
    return 1 << this.all.indexOf(word);
  }

  /** The bit set of several. */
  mask(words: readonly Word[]): number {
    return words.reduce((mask, word) => mask | this.bit(word), 0);
  }

  /** The words of a bit set; bits that mean nothing are dropped. */
  fromMask(mask: number): Word[] {
    return this.all.filter((word) => (mask & this.bit(word)) !== 0);
  }

  /** The single word of a bit set, if it has exactly one bit and that is known. */
  fromBit(bit: number): Word | null {
    return this.all.find((word) => this.bit(word) === bit) ?? null;
  }
}

/** A list in which every word has a code. */
class CodeList<Word extends string> {
  /** Every word, in the order of its code. */
  readonly all: readonly Word[];
  readonly #first: number;

  constructor(first: number, words: readonly Word[]) {
    this.all = words;
    this.#first = first;
  }

  /** The code on chain. */
  code(word: Word): number {
    return this.#first + this.all.indexOf(word);
  }

  /** The word of a code. */
  fromCode(code: number): Word | null {
    return this.all[code - this.#first] ?? null;
  }
}

/** Why somebody reads: HL7 v3 PurposeOfUse. */
export type Purpose = 'TREAT' | 'ETREAT' | 'BTG' | 'HPAYMT' | 'HOPERAT' | 'HRESCH' | 'PATRQT' | 'FAMRQT' | 'PUBHLTH' | 'COC';
export const PURPOSES = new BitList<Purpose>([
  'TREAT',
  'ETREAT',
  'BTG',
  'HPAYMT',
  'HOPERAT',
  'HRESCH',
  'PATRQT',
  'FAMRQT',
  'PUBHLTH',
  'COC',
]);

/** Whether a reader needs an accreditation for this purpose (all but FAMRQT and PATRQT). */
export function needsAccreditation(purpose: Purpose): boolean {
  return purpose !== 'PATRQT' && purpose !== 'FAMRQT';
}

/** What an accreditor vouches for. */
export type Role = 'doctor' | 'nurse' | 'lab' | 'pharmacy' | 'auditor' | 'emergency' | 'researcher';
export const ROLES = new BitList<Role>(['doctor', 'nurse', 'lab', 'pharmacy', 'auditor', 'emergency', 'researcher']);

/** What a grant permits. A grant carries exactly one. */
export type Right = 'read' | 'write';
export const RIGHTS = new BitList<Right>(['read', 'write']);

/** What a grant covers. */
export type ScopeKind = 'record' | 'category' | 'all';
export const SCOPE_KINDS = new CodeList<ScopeKind>(0, ['record', 'category', 'all']);

/** Where a record stands; it only ever moves forward. */
export type RecordStatus = 'active' | 'superseded' | 'tombstoned';
export const RECORD_STATUSES = new CodeList<RecordStatus>(1, ['active', 'superseded', 'tombstoned']);

/** The coarse folder of a record. Public on chain: sensitive kinds use `unspecified`. */
export type Category =
  | 'unspecified'
  | 'laboratory'
  | 'imaging'
  | 'cardiology'
  | 'medication'
  | 'immunization'
  | 'letter'
  | 'procedure'
  | 'allergy'
  | 'diagnosis'
  | 'note'
  | 'dental'
  | 'eye'
  | 'pathology'
  | 'administrative';
export const CATEGORIES = new CodeList<Category>(0, [
  'unspecified',
  'laboratory',
  'imaging',
  'cardiology',
  'medication',
  'immunization',
  'letter',
  'procedure',
  'allergy',
  'diagnosis',
  'note',
  'dental',
  'eye',
  'pathology',
  'administrative',
]);

/** The scope id of a grant over a category: its code in the low bytes. */
export function categoryScopeId(category: Category): Hex {
  const id = new Uint8Array(32);
  id.set(u16(CATEGORIES.code(category)), 30);
  return toHex(id);
}

/** The most scopes one Grant message may name (`GrantRegistry`). */
export const MAX_SCOPES = 64;
/** CID codec of a single raw block. */
export const CODEC_RAW = 0x55;
/** CID codec of a UnixFS tree. */
export const CODEC_DAG_PB = 0x70;
/** HPKE KEM id of DHKEM(secp256k1, HKDF-SHA256), IANA HPKE registry. */
export const KEM_SECP256K1 = 0x0016;
/** Key slot of the identity key (`KeyRegistry`). */
export const SLOT_IDENTITY = 0;
