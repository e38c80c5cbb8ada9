/**
 * The command line opens what the browser sealed, and the browser opens what the command line sealed. Nothing secret stays in the browser.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { holdsWords, keptBy } from './kept.ts';
import { PASSPHRASE, type Person } from './person.ts';
import { World } from './world.ts';

const FROM_BROWSER = 'from the browser, canary-b1e55ed';
const FROM_COMMAND = 'from the command line, canary-c0ffee5';
let world: World;
let patient: Person;
let words: readonly string[];

beforeAll(async () => {
  world = await World.start();
  patient = await world.person('patient');
  words = await patient.setUp();
  await patient.addRecord({ name: 'canary-name-b1e55ed.txt', mimeType: 'text/plain', buffer: Buffer.from(FROM_BROWSER) });
  await world.cliFromWords('patient', words);
});
afterEach(({ task }) => world.evidence(task));
afterAll(() => world?.stop());

test('the command line opens what the browser sealed', async () => {
  const list = JSON.parse(await world.medlock('patient', ['list', '--json'])) as { records?: { id: string }[] } | { id: string }[];
  const records = Array.isArray(list) ? list : (list.records ?? []);
  expect(records).toHaveLength(1);
  const output = join(world.stateDir, 'opened.txt');
  await world.medlock('patient', ['get', records[0]?.id ?? '', '-o', output]);
  expect(readFileSync(output, 'utf8')).toBe(FROM_BROWSER);
});

test('the browser opens what the command line sealed, and shows it without being reloaded', async () => {
  const file = join(world.stateDir, 'from-command.txt');
  writeFileSync(file, FROM_COMMAND);
  await patient.goTo('/records');
  await world.medlock('patient', ['upload', file, '--category', 'letter']);
  await patient.page.getByRole('link', { name: /from-command\.txt/ }).click();
  await patient.press('Open');
  await patient.sees('Checked: the file is exactly the one that was registered.');
  const texts = await Promise.all(
    patient.page.frames().map((frame) =>
      frame
        .locator('body')
        .innerText()
        .catch(() => ''),
    ),
  );
  expect(texts.join('\n')).toContain('from the command line');
  expect(patient.complaints).toEqual([]);
});

test('neither plaintext nor names nor keys lie in any storage of the browser', async () => {
  const kept = await keptBy(patient.page);
  // Checks the search itself: text that must be there is found.
  expect(kept).toContain('medlock.wallet');
  expect(kept).toContain('wants you to sign in with your Ethereum account');
  for (const secret of [FROM_BROWSER, FROM_COMMAND, 'canary', 'from-command', PASSPHRASE]) {
    expect(kept).not.toContain(secret);
  }
  expect(holdsWords(kept, words)).toBe(false);
  expect(holdsWords(words.join('\n2='), words)).toBe(true);
  expect(await patient.page.evaluate(() => document.cookie)).toBe('');
});
