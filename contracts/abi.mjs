#!/usr/bin/env node
// Writes contracts/abi/<Contract>.json ({"abi", "bytecode"}) from a new Forge build. The Rust bindings, the web app and
// other users read these files. With --check it writes nothing, and fails when a committed file is stale or does not
// belong there.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { forge, root } from './forge.mjs';

const CONTRACTS = ['Accreditation', 'KeyRegistry', 'GrantRegistry', 'RecordRegistry', 'AccessLog'];

const here = dirname(fileURLToPath(import.meta.url));
const check = process.argv.includes('--check');

execFileSync(forge, ['build', '--root', root, 'contracts/src'], { stdio: ['ignore', 'ignore', 'inherit'] });
const { out } = JSON.parse(execFileSync(forge, ['config', '--root', root, '--json'], { encoding: 'utf8' }));

/** Returns the text of one committed file. The ABI is pretty-printed, so that a review shows the changes. */
function render(contract) {
  const artifact = JSON.parse(readFileSync(resolve(root, out, `${contract}.sol`, `${contract}.json`), 'utf8'));
  if (Object.keys(artifact.bytecode.linkReferences).length !== 0) {
    throw new Error(`${contract} needs linking, which nobody who reads this file does`);
  }
  return `${JSON.stringify({ abi: artifact.abi, bytecode: artifact.bytecode.object }, null, 2)}\n`;
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

const directory = join(here, 'abi');
mkdirSync(directory, { recursive: true });
const stale = [];
for (const contract of CONTRACTS) {
  const path = join(directory, `${contract}.json`);
  const text = render(contract);
  if (check && read(path) !== text) stale.push(`${contract}.json`);
  if (!check) writeFileSync(path, text);
}
const foreign = readdirSync(directory).filter((name) => !CONTRACTS.includes(name.replace(/\.json$/, '')));

if (stale.length !== 0 || foreign.length !== 0) {
  for (const name of stale) console.error(`contracts/abi/${name} is not what the sources compile to`);
  for (const name of foreign) console.error(`contracts/abi/${name} belongs to no contract`);
  console.error('Run `node contracts/abi.mjs` and commit the result.');
  process.exit(1);
}
console.log(check ? 'contracts/abi is fresh' : `wrote ${CONTRACTS.length} files to contracts/abi`);
