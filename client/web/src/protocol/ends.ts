/**
 * The latest allowed ends and deadlines of signed messages. Every permission has an end within a human lifetime. Servers refuse a message
 * that breaks a rule of this file, and clients do not sign it. Mirrors `protocol/src/ends.rs`.
 */
import type { Action } from './messages.ts';

/**
 * Seconds until the deadline of a message that takes something away (30 days). It is long so that the message still counts if it has to
 * wait.
 */
export const REVOCATION_SECONDS = 30 * 86_400;
/** Seconds until the deadline of every other message (one hour). */
export const DEADLINE_SECONDS = 3_600;
/** The latest end of a grant, an accreditation or a requested grant, in seconds from now (20 years). */
export const AUTHORITY_SECONDS_MAX = 20 * 366 * 86_400;
/** The longest time, in seconds, that a request for access waits for an answer (90 days). */
export const REQUEST_SECONDS_MAX = 90 * 86_400;

const TAKING_AWAY: ReadonlySet<Action['type']> = new Set(['revoke', 'revoke_all', 'suspend', 'remove_accreditor', 'tombstone']);

/**
 * Returns whether an action only takes a permission or a record away. Such an action names no state, always works, and is valid for 30
 * days.
 */
export const takesAway = (type: Action['type']): boolean => TAKING_AWAY.has(type);

/** Returns whether a grant or an accreditation may end at `end` (both times in Unix seconds). */
export const mayEndAt = (end: number, now: number): boolean => end <= now + AUTHORITY_SECONDS_MAX;
