#!/usr/bin/env node
// Measures the gas of each action and prints it beside its floor. The last line is one JSON object. With --update it
// also rewrites the committed figures, contracts/gas.json.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { forge, root } from './forge.mjs';

const update = process.argv.includes('--update');

const run = spawnSync(forge, ['test', '--root', root, '--match-contract', '^GasTest$'], {
  env: { ...process.env, MEDLOCK_GAS_UPDATE: String(update) },
  encoding: 'utf8',
});
if (run.error) throw run.error;
if (run.status !== 0) process.stderr.write(run.stdout + run.stderr);

// The test has just checked that the file equals the measured figures. When the test failed, do not trust them.
const figures = Object.entries(JSON.parse(readFileSync(join(root, 'contracts', 'gas.json'), 'utf8')));
// Actions that call other contracts are listed separately: the floor does not include encoding such calls and decoding
// their answers.
const worst = (asksOthers) =>
  Math.max(...figures.filter(([, { asked }]) => (asked !== undefined) === asksOthers).map(([, { gas, floor }]) => gas / floor));

const width = Math.max(...figures.map(([name]) => name.length));
console.log(`${'operation'.padEnd(width)}  ${'gas'.padStart(9)}  ${'floor'.padStart(9)}  over floor`);
for (const [name, { gas, floor }] of figures) {
  const over = `${((gas / floor - 1) * 100).toFixed(2)} %`;
  console.log(`${name.padEnd(width)}  ${String(gas).padStart(9)}  ${String(floor).padStart(9)}  ${over.padStart(10)}`);
}
if (run.status !== 0) process.exit(1);
const rounded = (ratio) => Number(ratio.toFixed(4));
console.log(JSON.stringify({ bench: 'gas', worst_over_floor: rounded(worst(false)), worst_asking_others: rounded(worst(true)) }));
