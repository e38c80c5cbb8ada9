/**
 * A failure as pages see it: a stable code, which determines the sentences on the screen.
 *
 * A code never changes its meaning. `error.<code>.what` (the problem) and `error.<code>.next` (the next step) are the keys of its two
 * sentences; a test checks that every language has both for every code. Codes of the server are those of `protocol::error_code`. Codes of
 * this device are those of the Rust client, if it has them (`client/src/error.rs`).
 */

/** Codes that the server answers with. */
export const SERVER_CODES = [
  'invalid_request',
  'out_of_range',
  'unknown_category',
  'not_signed_in',
  'invalid_login',
  'wrong_domain',
  'wrong_chain',
  'nonce_used',
  'expired',
  'clock_skew',
  'invalid_signature',
  'forbidden',
  'not_found',
  'unknown_record',
  'record_tombstoned',
  'lift_period_over',
  'no_grant',
  'grant_expired',
  'grant_revoked',
  'not_accredited',
  'key_not_registered',
  'stale_state',
  'already_exists',
  'share_missing',
  'invalid_capsule',
  'cid_mismatch',
  'invalid_envelope',
  'too_large',
  'truncated_upload',
  'quota_exceeded',
  'uri_too_long',
  'head_too_large',
  'request_timeout',
  'unsupported_transfer_coding',
  'invalid_range',
  'precondition_failed',
  'idempotency_mismatch',
  'in_progress',
  'rate_limited',
  'budget_exceeded',
  'not_invited',
  'relayer_poor',
  'log_behind',
  'would_revert',
  'method_not_allowed',
  'unsupported_media_type',
  'unavailable',
  'internal',
] as const;

/** Codes of this device: wallet, chain, checks, files. */
const DEVICE_CODES = [
  // The wallet.
  'no_wallet',
  'wallet_rejected',
  'wallet_busy',
  'wallet_locked',
  'wallet_wrong_chain',
  'wallet_unknown_chain',
  'wallet_unsupported',
  'wallet_disconnected',
  'wallet_failed',
  'wallet_other_account',
  'wallet_not_deterministic',
  // Signing in and unlocking.
  'suspicious_challenge',
  'session_expired',
  'other_account_signed_in',
  'storage_unavailable',
  'no_keyring',
  'not_unlocked',
  'wrong_keys',
  'foreign_key',
  'own_key_unknown',
  'envelope_missing',
  'already_set_up',
  'kit_not_saved',
  'invalid_words',
  'passphrase_too_short',
  'passphrases_differ',
  'locked',
  // The server or the chain does not answer, or gives a wrong answer.
  'unreachable',
  'invalid_answer',
  'wrong_answer',
  'other_deployment',
  'operator_keys',
  'other_chain',
  'other_code',
  'rpc',
  'no_history',
  'still_pending',
  'reverted',
  'changed',
  'contended',
  // A check has failed.
  'wrong_public_key',
  'stored_other_bytes',
  'commitment',
  'wrong_author',
  'wrong_bundle',
  'wrong_receipt',
  'log_broken',
  'invalid_statement',
  'invalid_address_book',
  // Files and forms.
  'empty_file',
  'source_changed',
  'file_unreadable',
  'no_room',
  'not_saved',
  'unknown_version',
  'not_allowed',
  'invalid_address',
  'invalid_form',
  'invalid_rpc_url',
  'cancelled',
  'unknown',
] as const;

/** A stable code. */
export type FailureCode = (typeof SERVER_CODES)[number] | (typeof DEVICE_CODES)[number];

/** Every code once. */
export const FAILURE_CODES: readonly FailureCode[] = [...new Set([...SERVER_CODES, ...DEVICE_CODES])];

/** Values for a sentence: names of fields, counts, seconds. Never a secret, a file name or a note. */
type FailureValues = Readonly<Record<string, string | number>>;

const RETRYABLE: ReadonlySet<FailureCode> = new Set([
  'unreachable',
  'rpc',
  'unavailable',
  'rate_limited',
  'in_progress',
  'request_timeout',
  'contended',
  'wallet_busy',
  'still_pending',
  'internal',
]);

const VERIFICATION: ReadonlySet<FailureCode> = new Set([
  'suspicious_challenge',
  'wrong_keys',
  'wrong_answer',
  'other_deployment',
  'operator_keys',
  'other_chain',
  'other_code',
  'wrong_public_key',
  'cid_mismatch',
  'stored_other_bytes',
  'invalid_envelope',
  'commitment',
  'wrong_author',
  'wrong_bundle',
  'wrong_receipt',
  'log_broken',
  'invalid_statement',
  'invalid_address_book',
]);

/** A failure with a stable code. `cause` is for developers and is never shown. */
export class Failure extends Error {
  /** The stable code. */
  readonly code: FailureCode;
  /** The values for its sentences. */
  readonly values: FailureValues;
  /** The id of the request in the operator's log, if the server gave one. */
  readonly requestId: string | null;

  constructor(code: FailureCode, options: { values?: FailureValues; cause?: unknown; requestId?: string } = {}) {
    super(code, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'Failure';
    this.code = code;
    this.values = options.values ?? {};
    this.requestId = options.requestId ?? null;
  }

  /** True if the same call may succeed after a moment. */
  get isRetryable(): boolean {
    return RETRYABLE.has(this.code);
  }

  /** True if a check has failed: the page says "stop", not "try again". */
  get isVerification(): boolean {
    return VERIFICATION.has(this.code);
  }
}

/** Returns any thrown value as a {@link Failure}. A value without a code gets `unknown`. */
export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof DOMException && error.name === 'AbortError') return new Failure('cancelled', { cause: error });
  return new Failure('unknown', { cause: error });
}

/** Returns true if this version knows `code`. */
export function isFailureCode(code: string): code is FailureCode {
  return (FAILURE_CODES as readonly string[]).includes(code);
}
