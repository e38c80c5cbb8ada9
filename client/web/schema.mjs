// Writes src/api/schema.d.ts from api/openapi.json; with --check it only says whether the file is stale.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import openapiTS, { astToString } from 'openapi-typescript';

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, 'src/api/schema.d.ts');
const source = pathToFileURL(join(here, '../../api/openapi.json'));
const text = `// Generated from api/openapi.json by \`npm run schema\`. Not for editing.\n${astToString(await openapiTS(source, { emptyObjectsUnknown: true }))}`;

if (!process.argv.includes('--check')) {
  writeFileSync(target, text);
} else if (readFileSync(target, 'utf8') !== text) {
  console.error('error: src/api/schema.d.ts is stale\n  do: npm run schema --workspace client/web');
  process.exit(1);
}
