/** The reasons why a keyring cannot be read, opened or extended. */

import { ProtocolError } from '../error.ts';

const MESSAGES = {
  malformed: 'malformed keyring',
  other_owner: 'the keyring belongs to another account or chain',
  no_match: 'the passphrase or signature is wrong',
  tag: 'the keyring was changed',
  full: 'the keyring is full',
  passphrase_length: 'the passphrase is too short or too long',
  invalid_signature: 'the unlock message was not signed by this account',
  unstable_signature: 'this wallet signs the same message differently each time, so it cannot unlock',
} as const;

/**
 * Thrown if a keyring cannot be read, opened or extended.
 *
 * - `malformed`: not the JSON of a keyring of this version, or a part is out of range.
 * - `other_owner`: it belongs to another owner or chain.
 * - `no_match`: no entry opens with this passphrase or signature.
 * - `tag`: an entry has the right commitment but cannot be decrypted.
 * - `full`: no further entry is allowed, or none with a passphrase.
 * - `passphrase_length`: too short or too long.
 * - `invalid_signature`: not a signature of the owner's key over the unlock message.
 * - `unstable_signature`: the wallet signs the same message differently each time, so it can never unlock.
 */
export class KeyringError extends ProtocolError<keyof typeof MESSAGES> {
  constructor(code: keyof typeof MESSAGES) {
    super(code, MESSAGES[code]);
  }
}
