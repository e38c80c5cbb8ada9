/** Finds the public vectors: in the folder named by `MEDLOCK_VECTORS`, else in one beside the checkout. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.env['MEDLOCK_VECTORS'] ?? join(import.meta.dirname, '../../../../../shared/vectors');

/** Returns the text of a vector file. If it is missing, throws on CI; elsewhere prints a message and returns `null`. */
export function findPublicFile(file: string): string | null {
  const path = join(folder, file);
  if (existsSync(path)) return readFileSync(path, 'utf8');
  if (process.env['CI'] !== undefined) {
    throw new Error(`${path} is missing: set MEDLOCK_VECTORS to the folder of public vectors`);
  }
  process.stderr.write(`skipped: ${path} is missing; set MEDLOCK_VECTORS\n`);
  return null;
}
