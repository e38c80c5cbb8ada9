/**
 * Runs every file of `protocol/vectors` and compares the class with the expected one. Rust runs the same files
 * (`protocol/tests/vectors.rs`).
 */

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { runScenario, type Vector } from './scenario.ts';

const folder = new URL('../../../../protocol/vectors/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));

test('the folder of vectors is there', () => {
  expect(files.length).toBeGreaterThanOrEqual(120);
});

describe('every vector has its class', () => {
  test.each(files)('%s', { timeout: 120_000 }, async (name) => {
    const vector = JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Vector;
    expect(await runScenario(vector.scenario)).toBe(vector.expect);
  });
});
