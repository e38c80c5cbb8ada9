/** The first steps of a patient: from a new account to a record that only its patient can open. */
import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { keptBy } from './kept.ts';
import { textFile, type Person } from './person.ts';
import { World } from './world.ts';

const SLOW_MS = 60_000;
const CONTENT = 'Haemoglobin 14.1 g/dl, canary-5f0c2b';
let world: World;
let patient: Person;

beforeAll(async () => {
  world = await World.start();
});
afterEach(({ task }) => world.evidence(task));
afterAll(() => world?.stop());

test('a patient sets up, adds a record, reloads, unlocks and opens it', async () => {
  patient = await world.person('patient');
  const words = await patient.setUp();
  expect(words).toHaveLength(24);

  await patient.addRecord(textFile('blood.txt', CONTENT));
  await patient.page
    .getByRole('link', { name: /blood\.txt/ })
    .first()
    .click();
  await patient.page.getByRole('heading', { name: 'blood.txt', level: 1 }).waitFor({ timeout: SLOW_MS });

  // A link into the app opens its page after unlocking.
  await patient.page.reload();
  await patient.unlock();
  await patient.open();
  expect(await patient.shown()).toContain('Haemoglobin 14.1');
  expect(patient.complaints).toEqual([]);
});

test('two files are dropped; one is cancelled in the queue, one while the wallet asks, and both are taken up again', async () => {
  const { page } = patient;
  await patient.goTo('/records');
  await patient.press('Add records');
  const dropped = await page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    for (const name of ['first.txt', 'second.txt']) transfer.items.add(new File([`content of ${name}`], name, { type: 'text/plain' }));
    return transfer;
  });
  const dialog = page.getByRole('dialog', { name: 'Add records' });
  await dialog.getByText('Drop files here, or choose them').dispatchEvent('drop', { dataTransfer: dropped });
  let send = (): void => undefined;
  const mayBeSent = new Promise<void>((resolve) => (send = resolve));
  await page.route('**/v1/blobs?*', async (route) => {
    await mayBeSent;
    await route.continue();
  });
  await patient.press('Encrypt and add 2 files');
  await page.getByRole('progressbar', { name: 'Encrypting and sending' }).waitFor({ timeout: SLOW_MS });
  await page.getByRole('progressbar', { name: 'Waiting for its turn' }).waitFor();
  await patient.press('Cancel second.txt');
  await patient.sees('Cancelled');
  const goOn = patient.wallet.holdSignatures();
  send();
  const asking = page.getByRole('dialog', { name: 'Your wallet is asking you now' });
  await asking.getByRole('button', { name: 'Cancel' }).click({ timeout: SLOW_MS });
  await patient.sees('Not added');
  goOn();
  await patient.press('Try first.txt again');
  await page.getByText('Added', { exact: true }).first().waitFor({ timeout: SLOW_MS });
  await patient.press('Try second.txt again');
  await page.getByText('Added', { exact: true }).nth(1).waitFor({ timeout: SLOW_MS });
  for (const name of ['first.txt', 'second.txt'])
    await page
      .getByRole('link', { name: new RegExp(name) })
      .first()
      .waitFor({ timeout: SLOW_MS });
  expect(patient.complaints).toEqual([]);
});

test('a new version stands beside the old one, and both open', async () => {
  const { page } = patient;
  await page
    .getByRole('link', { name: /blood\.txt/ })
    .first()
    .click();
  await patient.press('Add a new version');
  await page
    .getByRole('dialog', { name: 'Add a new version' })
    .getByTestId('files')
    .setInputFiles(textFile('blood.txt', 'Haemoglobin 13.2 g/dl'));
  await page.getByRole('listitem').filter({ hasText: 'Version 2' }).waitFor({ timeout: SLOW_MS });
  await patient.open();
  expect(await patient.shown()).toContain('Haemoglobin 13.2');
  await page.getByRole('listitem').filter({ hasText: 'Version 1' }).getByRole('button', { name: 'Open', exact: true }).click();
  await patient.sees(/Haemoglobin 14\.1/);
  expect(patient.complaints).toEqual([]);
});

test('a large record is sealed on the disk, added, and saved without being opened', async () => {
  const { page } = patient;
  const buffer = Buffer.alloc(9_000_000, 'large-canary-41d7 ');
  await patient.goTo('/records');
  await patient.addRecord({ name: 'large.txt', mimeType: 'text/plain', buffer });
  expect(await keptBy(page)).not.toContain('large-canary');
  await page
    .getByRole('link', { name: /large\.txt/ })
    .first()
    .click();
  // The browser's own dialog cannot be controlled by the test: a private file replaces the file that the person would choose.
  await page.evaluate(() => {
    const choose = async () => (await navigator.storage.getDirectory()).getFileHandle('chosen', { create: true });
    Object.assign(globalThis, { showSaveFilePicker: choose });
  });
  await patient.press('Save without opening');
  await patient.sees(/ was saved\./);
  const saved = await page.evaluate(async () => {
    const folder = await navigator.storage.getDirectory();
    const file = await (await folder.getFileHandle('chosen')).getFile();
    const hash = await crypto.subtle.digest('SHA-256', await file.arrayBuffer());
    await folder.removeEntry('chosen');
    return { size: file.size, hash: Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('') };
  });
  expect(saved).toEqual({ size: buffer.length, hash: createHash('sha256').update(buffer).digest('hex') });
  expect(await keptBy(page)).not.toContain('large-canary');
  expect(patient.complaints).toEqual([]);
});
