/** Where tests find the public vectors: the folder named by `MEDLOCK_VECTORS`, else one beside the checkout. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.env['MEDLOCK_VECTORS'] ?? join(import.meta.dirname, '../../../../../shared/vectors');

/** The text of a vector file. A missing one fails on CI and is reported aloud elsewhere, with `null`. */
export function findPublicFile(file: string): string | null {
  const path = join(folder, file);
  if (existsSync(path)) return readFileSync(path, 'utf8');
  if (process.env['CI'] !== undefined) {
    throw new Error(`${path} is missing: set MEDLOCK_VECTORS to the folder of public vectors`);
  }
  process.stderr.write(`skipped: ${path} is missing; set MEDLOCK_VECTORS\n`);
  return null;
}
