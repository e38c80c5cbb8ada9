/**
 * Starting the workers: files of our own origin, built by Vite.
 *
 * The page's policy is `script-src 'self'; worker-src 'self'; require-trusted-types-for 'script'`. The policy that lets a
 * worker's address through is that of `trusted.ts`. Vite finds a worker by the words `new Worker(new URL(…,
 * import.meta.url), …)`, so they stand here literally, once for each worker.
 */

import '../trusted.ts';

/** Argon2id. */
export function spawnArgon2(): Worker {
  return new Worker(new URL('./argon2.worker.ts', import.meta.url), { type: 'module', name: 'argon2' });
}

/** Hashing and sealing of files. */
export function spawnSeal(): Worker {
  return new Worker(new URL('./seal.worker.ts', import.meta.url), { type: 'module', name: 'seal' });
}

/** Opening of envelopes. */
export function spawnOpen(): Worker {
  return new Worker(new URL('./open.worker.ts', import.meta.url), { type: 'module', name: 'open' });
}
