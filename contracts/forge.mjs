// Finds the Forge program for the scripts of this folder.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root folder of the repository. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * The path of Forge: the setting MEDLOCK_FORGE, or else the program in npm's package for this machine. Not
 * `node_modules/.bin/forge`, which is a script that starts the same program but exits with 0 even when Forge failed.
 */
export const forge = process.env.MEDLOCK_FORGE ?? packaged();

function packaged() {
  const machine = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const path = join(root, 'node_modules', '@foundry-rs', `forge-${machine}`, 'bin', 'forge');
  if (existsSync(path)) return path;
  console.error('error: npm has no Forge for this machine\n  do: install Foundry and set MEDLOCK_FORGE=/path/to/forge');
  process.exit(1);
}
