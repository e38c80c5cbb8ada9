// Finds the Forge program for the scripts of this folder.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Setting MEDLOCK_FORGE, or else the program in npm's package for this machine. Not `node_modules/.bin/forge`: that is a
 * script which starts the same program and ends with 0 also where Forge failed.
 */
export const forge = process.env.MEDLOCK_FORGE ?? packaged();

function packaged() {
  const machine = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const path = join(root, 'node_modules', '@foundry-rs', `forge-${machine}`, 'bin', 'forge');
  if (existsSync(path)) return path;
  console.error('error: npm has no Forge for this machine\n  do: install Foundry and set MEDLOCK_FORGE=/path/to/forge');
  process.exit(1);
}
