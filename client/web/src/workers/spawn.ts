/**
 * Starts the workers: files of this app's own origin, built by Vite.
 *
 * The page's policy is `script-src 'self'; worker-src 'self'; require-trusted-types-for 'script'`. The Trusted Types policy in `trusted.ts`
 * allows the address of a worker. Vite finds a worker by the expression `new Worker(new URL(…, import.meta.url), …)`, so this file contains
 * it literally, once for each worker.
 */

import '../trusted.ts';

/** Starts a worker for Argon2id. */
export function spawnArgon2(): Worker {
  return new Worker(new URL('./argon2.worker.ts', import.meta.url), { type: 'module', name: 'argon2' });
}

/** Starts a worker that hashes and seals files. */
export function spawnSeal(): Worker {
  return new Worker(new URL('./seal.worker.ts', import.meta.url), { type: 'module', name: 'seal' });
}

/** Starts a worker that opens envelopes. */
export function spawnOpen(): Worker {
  return new Worker(new URL('./open.worker.ts', import.meta.url), { type: 'module', name: 'open' });
}
