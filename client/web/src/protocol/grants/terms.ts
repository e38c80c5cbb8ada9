/** The terms of a grant as the contract stores them, and what they permit. The twin of `protocol/src/grants/terms.rs`. */
import { PURPOSES, type Purpose, type Right, RIGHTS } from '../codes.ts';

/** The terms of a grant, unpacked from their storage word (`IGrantRegistry`, type `Terms`). */
export interface Terms {
  /** Unix seconds; the first second of the grant. */
  readonly notBefore: number;
  /** Unix seconds; the first second after the grant. */
  readonly notAfter: number;
  /** Raised by every Grant and Revoke. */
  readonly epoch: number;
  /** The patient's epoch at the time of the grant. */
  readonly patientEpoch: number;
  /** Bit set. */
  readonly purposes: number;
  /** Bit set; zero when revoked or never granted. */
  readonly rights: number;
  /** The kind of the scope: 0 record, 1 category, 2 all. */
  readonly kind: number;
}

/**
 * Unpacks a storage word. From the lowest bit: notBefore 40 · notAfter 40 · epoch 32 · patient epoch 32 · purposes 16 · rights 8 · kind 8.
 */
export function termsOf(word: bigint): Terms {
  const field = (shift: bigint, bits: bigint): number => Number((word >> shift) & ((1n << bits) - 1n));
  return {
    notBefore: field(0n, 40n),
    notAfter: field(40n, 40n),
    epoch: field(80n, 32n),
    patientEpoch: field(112n, 32n),
    purposes: field(144n, 16n),
    rights: field(160n, 8n),
    kind: field(168n, 8n),
  };
}

/** The state of a grant at a given time. */
export type GrantState = 'active' | 'future' | 'expired' | 'revoked';

/** Returns whether a grant counts now or will count later without another signature. */
export const isOpen = (state: GrantState): boolean => state === 'active' || state === 'future';

/** A use of a grant that is checked against its terms. */
interface Asked {
  readonly right: Right;
  /** The purpose of a read; `null` to upload, which has no purpose. */
  readonly purpose: Purpose | null;
  /** The patient's epoch at the block for which the question is asked. */
  readonly patientEpoch: number;
  /** Unix seconds. */
  readonly time: number;
}

/** The answer of one grant to a question, from worst to best. */
export type Verdict = 'never_granted' | 'revoked' | 'other_right' | 'other_purpose' | 'outside_period' | 'permitted';

/** Returns whether the patient has given this grant and not ended it since, whatever its period. */
export const stands = (terms: Terms, patientEpoch: number): boolean => terms.rights !== 0 && terms.patientEpoch === patientEpoch;

/** Returns the state at `time` (Unix seconds). The end is the first second at which the grant no longer counts. */
export function stateAt(terms: Terms, patientEpoch: number, time: number): GrantState {
  if (!stands(terms, patientEpoch)) return 'revoked';
  if (time < terms.notBefore) return 'future';
  return time >= terms.notAfter ? 'expired' : 'active';
}

/** Returns the answer of the grant to a question, as `GrantRegistry.isGranted` does, with the reason if the answer is no. */
export function verdict(terms: Terms, asked: Asked): Verdict {
  if (terms.epoch === 0) return 'never_granted';
  if (!stands(terms, asked.patientEpoch)) return 'revoked';
  if ((terms.rights & RIGHTS.bit(asked.right)) === 0) return 'other_right';
  if (asked.purpose !== null && (terms.purposes & PURPOSES.bit(asked.purpose)) === 0) return 'other_purpose';
  return stateAt(terms, asked.patientEpoch, asked.time) === 'active' ? 'permitted' : 'outside_period';
}

/** Returns whether the grant permits the question's use. */
export const permits = (terms: Terms, asked: Asked): boolean => verdict(terms, asked) === 'permitted';
