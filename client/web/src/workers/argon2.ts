/**
 * Runs Argon2id in a worker, so that the page stays responsive. It is the JavaScript of `@noble/hashes`: with the parameters of a new
 * keyring entry it takes about a second, so it needs no WebAssembly, and the policy needs no `wasm-unsafe-eval`. `bench/` measures it.
 */

import type { Bytes } from '../protocol/bytes.ts';
import type { Argon2id, Argon2Parameters } from '../protocol/keyring/passphrase.ts';
import type { Argon2Job } from './argon2-job.ts';
import { spawnArgon2 } from './spawn.ts';
import { runJob } from './wire.ts';

/** Runs Argon2id in a new worker, whose memory is freed afterwards. The password is copied to the worker; both copies are wiped. */
export const argon2id: Argon2id = (password, salt, parameters) => run(password, salt, parameters, undefined);

/** Runs Argon2id until `signal` is aborted, which ends the worker: another account may be connected by then. */
export const argon2idUntil =
  (signal: AbortSignal): Argon2id =>
  (password, salt, parameters) =>
    run(password, salt, parameters, signal);

function run(password: Bytes, salt: Bytes, parameters: Argon2Parameters, signal: AbortSignal | undefined): Promise<Bytes> {
  const job: Argon2Job = { password: new Uint8Array(password), salt: new Uint8Array(salt), parameters };
  return runJob<Bytes>(spawnArgon2, { signal }, (line) => line.post(job, [job.password.buffer]));
}
