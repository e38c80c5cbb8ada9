/**
 * The fixed lists: purposes, roles, rights, scope kinds, record status, categories. The words are those of the JSON and of the command
 * line. The numbers are those on the chain.
 */

import { u16 } from './bytes.ts';
import { type Hex, toHex } from './hex.ts';

/** A list in which every word has one bit. */
class BitList<Word extends string> {
  /** Every word, in the order of the bits. */
  readonly all: readonly Word[];

  constructor(words: readonly Word[]) {
    this.all = words;
  }

  /** Returns the bit of a word, as on the chain. */
  bit(word: Word): number {
    return 1 << this.all.indexOf(word);
  }

  /** Returns the bit set of several words. */
  mask(words: readonly Word[]): number {
    return words.reduce((mask, word) => mask | this.bit(word), 0);
  }

  /** Returns the words of a bit set. Unknown bits are ignored. */
  fromMask(mask: number): Word[] {
    return this.all.filter((word) => (mask & this.bit(word)) !== 0);
  }

  /** Returns the word of a bit set that has exactly one known bit; `null` for any other. */
  fromBit(bit: number): Word | null {
    return this.all.find((word) => this.bit(word) === bit) ?? null;
  }
}

/** A list in which every word has a code. */
class CodeList<Word extends string> {
  /** Every word, in the order of the codes. */
  readonly all: readonly Word[];
  readonly #first: number;

  constructor(first: number, words: readonly Word[]) {
    this.all = words;
    this.#first = first;
  }

  /** Returns the code of a word, as on the chain. */
  code(word: Word): number {
    return this.#first + this.all.indexOf(word);
  }

  /** Returns the word of a code; `null` if it is unknown. */
  fromCode(code: number): Word | null {
    return this.all[code - this.#first] ?? null;
  }
}

/** The purpose of a read: HL7 v3 PurposeOfUse. */
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

/** Returns whether a reader needs an accreditation for this purpose (all but FAMRQT and PATRQT). */
export function needsAccreditation(purpose: Purpose): boolean {
  return purpose !== 'PATRQT' && purpose !== 'FAMRQT';
}

/** A role that an accreditor confirms. */
export type Role = 'doctor' | 'nurse' | 'lab' | 'pharmacy' | 'auditor' | 'emergency' | 'researcher';
export const ROLES = new BitList<Role>(['doctor', 'nurse', 'lab', 'pharmacy', 'auditor', 'emergency', 'researcher']);

/** A right that a grant permits. A grant has exactly one. */
export type Right = 'read' | 'write';
export const RIGHTS = new BitList<Right>(['read', 'write']);

/** The kind of scope that a grant covers. */
export type ScopeKind = 'record' | 'category' | 'all';
export const SCOPE_KINDS = new CodeList<ScopeKind>(0, ['record', 'category', 'all']);

/** The status of a record. */
export type RecordStatus = 'active' | 'superseded' | 'tombstoned';
export const RECORD_STATUSES = new CodeList<RecordStatus>(1, ['active', 'superseded', 'tombstoned']);

/** The coarse folder of a record. It is public on the chain: sensitive kinds use `unspecified`. */
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

/** Returns the scope id of a grant over a category: its code in the low bytes. */
export function categoryScopeId(category: Category): Hex {
  const id = new Uint8Array(32);
  id.set(u16(CATEGORIES.code(category)), 30);
  return toHex(id);
}

/** The maximum number of scopes in one Grant message (`GrantRegistry`). */
export const MAX_SCOPES = 64;
/** CID codec of a single raw block. */
export const CODEC_RAW = 0x55;
/** CID codec of a UnixFS tree. */
export const CODEC_DAG_PB = 0x70;
/** HPKE KEM id of DHKEM(secp256k1, HKDF-SHA256), IANA HPKE registry. */
export const KEM_SECP256K1 = 0x0016;
/** HPKE KEM id of MLKEM768-X25519, X-Wing, IANA HPKE registry. */
export const KEM_X_WING = 0x647a;
/** Key slot of the identity key (`KeyRegistry`). */
export const SLOT_IDENTITY = 0;
