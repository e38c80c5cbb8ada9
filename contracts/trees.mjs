#!/usr/bin/env node
// Compares each contracts/test/<Name>.tree with <Name>.t.sol: every leaf ("it should … · test_Name") must have its
// test, and every test its leaf. Fails and lists the missing leaves and tests.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const directory = join(dirname(fileURLToPath(import.meta.url)), 'test');
const trees = readdirSync(directory).filter((name) => name.endsWith('.tree'));
let leaves = 0;
let wrong = 0;

function complain(text) {
  console.error(text);
  wrong += 1;
}

for (const tree of trees) {
  const named = [];
  for (const line of readFileSync(join(directory, tree), 'utf8').split('\n')) {
    if (!line.includes('it should')) continue;
    const test = line.split(' · ')[1]?.trim();
    if (test) named.push(test);
    else complain(`${tree}: a leaf without a test: ${line.trim()}`);
  }
  const source = readFileSync(join(directory, tree.replace(/\.tree$/, '.t.sol')), 'utf8');
  const written = [...source.matchAll(/function (test\w+)\(/g)].map((match) => match[1]);
  for (const test of named) if (!written.includes(test)) complain(`${tree}: no test ${test}`);
  for (const test of written) if (!named.includes(test)) complain(`${tree}: no leaf for ${test}`);
  if (new Set(named).size !== named.length) complain(`${tree}: one test stands for two leaves`);
  leaves += named.length;
}

if (wrong !== 0) process.exit(1);
console.log(`${leaves} leaves in ${trees.length} trees, each with its test`);
