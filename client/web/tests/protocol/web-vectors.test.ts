/**
 * Checks that the vectors made by TypeScript are up to date. `MEDLOCK_WRITE_VECTORS=1 npx vitest run tests/protocol/web-vectors.test.ts`
 * writes them.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { makeWebVectors } from './web-vectors.ts';

// Argon2id and thousands of cases are slow on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const folder = new URL('../../../../protocol/vectors/', import.meta.url);

test('the vectors made by TypeScript are those in the folder', async () => {
  const files = await makeWebVectors();
  if (process.env['MEDLOCK_WRITE_VECTORS'] !== undefined) {
    for (const [name, text] of files) writeFileSync(new URL(name, folder), text);
  }
  const present = readdirSync(folder).filter((name) => name.startsWith('web-'));
  expect(present.sort()).toEqual([...files.keys()].sort());
  for (const [name, text] of files) expect(readFileSync(new URL(name, folder), 'utf8'), name).toBe(text);
});
