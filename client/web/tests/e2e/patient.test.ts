/** The first journey: from nothing to a record that only its patient can open. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { World } from './world.ts';

const CONTENT = 'Haemoglobin 14.1 g/dl, canary-5f0c2b';
let world: World;

beforeAll(async () => {
  world = await World.start();
});
afterEach(({ task }) => world.evidence(task));
afterAll(() => world?.stop());

test('a patient sets up, adds a record, reloads, unlocks and opens it', async () => {
  const patient = await world.person('patient');
  const words = await patient.setUp();
  expect(words).toHaveLength(24);

  await patient.addRecord({ name: 'blood.txt', mimeType: 'text/plain', buffer: Buffer.from(CONTENT) });
  await patient.sees('blood.txt');

  await patient.page.reload();
  await patient.unlock();
  await patient.goTo('/records');
  await patient.page.getByRole('link', { name: /blood\.txt/ }).first().click();
  await patient.press('Open');
  await patient.sees('Checked: the file is exactly the one that was registered.');
  expect(await shown(patient.page)).toContain('Haemoglobin 14.1');
  expect(patient.complaints).toEqual([]);
});

/** What all frames of the page show. */
async function shown(page: import('playwright-core').Page): Promise<string> {
  const texts = await Promise.all(page.frames().map((frame) => frame.locator('body').innerText().catch(() => '')));
  return texts.join('\n');
}
