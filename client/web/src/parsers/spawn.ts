/** Starts the parsers. `workers/spawn.ts` explains why each address is written out. */

import '../trusted.ts';

/**
 * Starts the parser for PDF documents. The names of these files begin with `parse-`: the server delivers them with a policy of their own.
 */
export function spawnPdfParser(): Worker {
  return new Worker(new URL('./parse-pdf.worker.ts', import.meta.url), { type: 'module', name: 'parse-pdf' });
}

/** Starts the parser for pictures. */
export function spawnPictureParser(): Worker {
  return new Worker(new URL('./parse-picture.worker.ts', import.meta.url), { type: 'module', name: 'parse-picture' });
}

/** Starts the parser for FHIR documents. */
export function spawnFhirParser(): Worker {
  return new Worker(new URL('./parse-fhir.worker.ts', import.meta.url), { type: 'module', name: 'parse-fhir' });
}
