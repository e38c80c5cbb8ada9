/** Argon2id: the message between the page and its worker. */

import type { Bytes } from '../protocol/bytes.ts';
import type { Argon2Parameters } from '../protocol/keyring/passphrase.ts';

/** What the worker is asked. */
export interface Argon2Job {
  readonly password: Bytes;
  readonly salt: Bytes;
  readonly parameters: Argon2Parameters;
}
