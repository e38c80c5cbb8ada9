/**
 * How far ahead the ends of what people sign may lie. Nothing is without an end that somebody lives to see: servers refuse what
 * breaks a rule of this page, and clients do not sign it. Mirrors `protocol/src/ends.rs`.
 */
import type { Action } from './messages.ts';

/** A client signs what takes away with a deadline so many seconds ahead (30 days), so that it counts although it waits. */
export const REVOCATION_SECONDS = 30 * 86_400;
/** A client signs everything else with a deadline so many seconds ahead (an hour). */
export const DEADLINE_SECONDS = 3_600;
/** No grant, no accreditation, and no wish for a grant ends later than this many seconds from now (20 years). */
export const AUTHORITY_SECONDS_MAX = 20 * 366 * 86_400;
/** A request for access waits for an answer at most this many seconds (90 days). */
export const REQUEST_SECONDS_MAX = 90 * 86_400;

const TAKING_AWAY: ReadonlySet<Action['type']> = new Set(['revoke', 'revoke_all', 'suspend', 'remove_accreditor', 'tombstone']);

/** Whether an action only takes authority or a record away: it names no state, always works, and counts for 30 days. */
export const takesAway = (type: Action['type']): boolean => TAKING_AWAY.has(type);

/** Whether a grant or an accreditation may end then (both in Unix seconds). */
export const mayEndAt = (end: number, now: number): boolean => end <= now + AUTHORITY_SECONDS_MAX;
