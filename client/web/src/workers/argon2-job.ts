/** Argon2id: the message between the page and its worker. */

import type { Bytes } from '../protocol/bytes.ts';
import type { Argon2Parameters } from '../protocol/keyring/passphrase.ts';

/** The message from the page to the worker. */
export interface Argon2Job {
  readonly password: Bytes;
  readonly salt: Bytes;
  readonly parameters: Argon2Parameters;
}
