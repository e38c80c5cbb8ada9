#!/usr/bin/env node
// Lets Forge use the pinned Solidity compiler from npm: answers `--version`, and otherwise compiles standard JSON
// from stdin to stdout. The package's own command line speaks another dialect than Forge does.
import { readFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';

const solc = createRequire(import.meta.url)('solc');

/** Writes everything, also into a pipe that takes only a part at a time. */
function print(text) {
  const bytes = Buffer.from(text);
  let done = 0;
  while (done < bytes.length) {
    try {
      done += writeSync(1, bytes, done);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

if (process.argv.includes('--version')) {
  print(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}\n`);
} else {
  print(solc.compile(readFileSync(0, 'utf8')));
}
