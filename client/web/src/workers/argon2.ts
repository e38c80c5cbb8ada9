/**
 * Argon2id in a worker, so that the page stays alive while it runs. It is the JavaScript of `@noble/hashes`: with the
 * parameters of a new keyring entry it takes about a second, so no WebAssembly, and no `wasm-unsafe-eval` in the policy, is
 * needed. `bench/` measures it.
 */

import type { Bytes } from '../protocol/bytes.ts';
import type { Argon2id, Argon2Parameters } from '../protocol/keyring/passphrase.ts';
import type { Argon2Job } from './argon2-job.ts';
import { spawnArgon2 } from './spawn.ts';
import { runJob } from './wire.ts';

/** Runs in a worker of its own, whose memory is freed when it is done. The password is copied there; both copies are wiped. */
export const argon2id: Argon2id = (password, salt, parameters) => run(password, salt, parameters, undefined);

/** The same, ended with its worker when `signal` is aborted: whoever waited for the key may be somebody else by then. */
export const argon2idUntil =
  (signal: AbortSignal): Argon2id =>
  (password, salt, parameters) =>
    run(password, salt, parameters, signal);

function run(password: Bytes, salt: Bytes, parameters: Argon2Parameters, signal: AbortSignal | undefined): Promise<Bytes> {
  const job: Argon2Job = { password: new Uint8Array(password), salt: new Uint8Array(salt), parameters };
  return runJob<Bytes>(spawnArgon2, { signal }, (line) => line.post(job, [job.password.buffer]));
}
