/** Starts the parsers; see `workers/spawn.ts` for why each address is written out. */

import '../trusted.ts';

/** PDF documents of strangers. The names of these files begin with `parse-`: they are served under a policy of their own. */
export function spawnPdfParser(): Worker {
  return new Worker(new URL('./parse-pdf.worker.ts', import.meta.url), { type: 'module', name: 'parse-pdf' });
}

/** Pictures of strangers. */
export function spawnPictureParser(): Worker {
  return new Worker(new URL('./parse-picture.worker.ts', import.meta.url), { type: 'module', name: 'parse-picture' });
}

/** FHIR documents of strangers. */
export function spawnFhirParser(): Worker {
  return new Worker(new URL('./parse-fhir.worker.ts', import.meta.url), { type: 'module', name: 'parse-fhir' });
}
