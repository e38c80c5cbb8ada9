#!/usr/bin/env node
// Makes the pinned Solidity compiler from npm usable by Forge. Answers `--version`; otherwise compiles standard JSON
// from stdin to stdout. The command line of the npm package has other options than Forge expects.
import { readFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';

const solc = createRequire(import.meta.url)('solc');

/** Writes all the text, even into a pipe that accepts only a part at a time. */
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
