/**
 * A laboratory sends reports to a patient who allowed it, found by address, by invitation link and by the code on the patient's screen.
 * Also tests a report with a forged author, and the data that both browsers store.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { failuresAr } from '../../src/i18n/failures/ar.ts';
import { failuresEn } from '../../src/i18n/failures/en.ts';
import { failuresEs } from '../../src/i18n/failures/es.ts';
import { failuresHi } from '../../src/i18n/failures/hi.ts';
import { speak } from './gallery.ts';
import { holdsWords, keptBy } from './kept.ts';
import { PASSPHRASE, textFile, type Person, type TestFile } from './person.ts';
import { REJECTED } from './test-wallet.ts';
import { LAB, World } from './world.ts';

const SAMPLES = fileURLToPath(new URL('../../../../scripts/samples/', import.meta.url));
const REGISTERED =
  'event RecordRegistered(bytes32 indexed id, address indexed patient, uint16 indexed category, address uploader, uint16 version, uint8 codec, bytes32 digest)';
const CANARY = 'canary-7a60b1';
const SLOW_MS = 60_000;
let world: World;
let patient: Person;
let lab: Person;
let words: readonly string[];

beforeAll(async () => {
  world = await World.start({ hasCamera: true });
  await world.addAccreditor();
  await world.vouch('lab', LAB);
  [patient, lab] = await Promise.all([world.person('patient'), world.person('lab')]);
  [words] = await Promise.all([patient.setUp(), lab.setUp()]);
});
afterEach(({ task }) => world.evidence(task));
afterAll(() => world?.stop());

/** Chooses a file for the patient and sends it. The calling test checks whether it arrives. */
async function send(file: TestFile): Promise<void> {
  await lab.page.getByTestId('files').setInputFiles(file);
  await lab.pressTwice('Sign and send');
}

/** Waits until this number of reports was added in this visit and is on the chain. */
async function areAdded(count: number): Promise<void> {
  await lab.page
    .getByText('Added', { exact: true })
    .nth(count - 1)
    .waitFor({ timeout: SLOW_MS });
  const registered = await world.events('record_registry', REGISTERED);
  expect(registered.map(({ args }) => [String(args['uploader']).toLowerCase(), String(args['patient']).toLowerCase()])).toEqual(
    Array.from({ length: count }, () => [lab.address, patient.address]),
  );
}

/** Returns a picture of an element on a page, with even numbers of lines and columns, as cameras have them. */
async function photographed(thing: Locator): Promise<Buffer> {
  await thing.scrollIntoViewIfNeeded();
  const { x, y, width, height } = (await thing.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
  const even = (size: number): number => 2 * Math.ceil(size / 2);
  const clip = { x: Math.floor(x), y: Math.floor(y), width: even(width), height: even(height) };
  return thing.page().screenshot({ type: 'jpeg', quality: 100, clip });
}

test('whom nobody allowed anything is told to ask first', async () => {
  await lab.goTo('/send');
  await lab.type('Patient', patient.address);
  await lab.sees('This patient has not allowed you to add reports. Ask them first.');
  // After the patient has allowed it, the page continues by itself.
  await patient.letAdd(lab.address);
  await lab.page.getByTestId('files').waitFor({ state: 'attached', timeout: SLOW_MS });
});

test('by address: the queue shows how far it is, and a double click sends once', async () => {
  const goOn = lab.wallet.holdSignatures();
  await send({ name: `${CANARY}-report.json`, mimeType: 'application/fhir+json', buffer: readFileSync(`${SAMPLES}lab-report.json`) });
  await lab.page.getByRole('progressbar', { name: 'Waiting for you to sign in your wallet' }).waitFor({ timeout: SLOW_MS });
  goOn();
  await areAdded(1);
});

test('by invitation link: what was turned down in the wallet is tried again from the queue', async () => {
  await patient.context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: world.url });
  await patient.goTo('/settings');
  await patient.press('Copy the invitation link');
  await patient.page.getByTestId('live').getByText('Copied').waitFor();
  const link = await patient.page.evaluate(() => navigator.clipboard.readText());
  await lab.page.goto(link);
  await lab.page.getByRole('main').getByRole('link', { name: 'Send reports' }).click();
  lab.wallet.failNext('eth_signTypedData_v4', REJECTED);
  await send(textFile('second.txt', `Ferritin 48 µg/l, ${CANARY}`));
  await lab.sees('You rejected the request in your wallet.');
  await lab.pressTwice('Try second.txt again');
  await areAdded(2);
});

test('by the code on the patient’s screen, held before the camera', async () => {
  const code = patient.page.getByRole('img', { name: 'Code with your address' });
  world.showCamera(await photographed(code));
  await lab.goTo('/send');
  await lab.press('Scan a code');
  await send(textFile('third.txt', 'TSH 1.9 mU/l'));
  await areAdded(3);
});

test('what was sent is listed, and the patient opens it under the laboratory’s signature', async () => {
  const sent = lab.list('Sent').getByRole('listitem');
  await sent.nth(2).waitFor({ timeout: SLOW_MS });
  expect(await sent.count()).toBe(3);
  await patient.goTo('/records');
  await patient.page.getByRole('link', { name: /second\.txt/ }).click();
  await patient.open();
  await patient.sees(/^Signed by/);
  expect(await patient.shown()).toContain('Ferritin 48');
  await patient.goTo('/records');
  await patient.page.getByRole('link', { name: new RegExp(`${CANARY}-report`) }).click();
  await patient.open();
  // The report is shown in readable form, not as JSON.
  await patient.page.getByRole('article').first().waitFor({ timeout: SLOW_MS });
  expect(patient.complaints).toEqual([]);
  expect(lab.complaints).toEqual([]);
});

test('a document under a forged signature opens, names nobody and warns, in every language', async () => {
  lab.wallet.forgers.set('Authorship', world.account('auditor'));
  await send(textFile('forged.txt', 'Everything is fine.'));
  await areAdded(4);
  lab.wallet.forgers.clear();
  await patient.goTo('/records');
  await patient.page.getByRole('link', { name: /forged\.txt/ }).click();
  await patient.open();
  await patient.sees('The author’s signature is forged');
  expect(await patient.shown()).toContain('Everything is fine.');
  expect(await patient.shown()).not.toContain('Signed by');
  const place = new URL(patient.page.url()).hash.slice(1);
  for (const [language, sentences] of Object.entries({ en: failuresEn, hi: failuresHi, ar: failuresAr, es: failuresEs })) {
    await speak(patient, language);
    await patient.goTo(place);
    await patient.page.locator('main button:has(.lucide-file-search), main button:has(.lucide-file-search-corner)').click();
    const alert = patient.page.getByRole('alert');
    await alert.waitFor({ timeout: SLOW_MS });
    for (const sentence of sentences.wrong_author) expect(await alert.innerText(), language).toContain(sentence);
  }
  await speak(patient, 'en');
  expect(patient.complaints).toEqual([]);
});

test('neither browser keeps contents, names or keys', async () => {
  for (const person of [patient, lab]) {
    const kept = await keptBy(person.page);
    expect(kept).toContain('medlock.wallet');
    for (const secret of [CANARY, 'Ferritin', 'forged.txt', 'Everything is fine', PASSPHRASE]) {
      expect(kept, person.role).not.toContain(secret);
    }
    expect(holdsWords(kept, words), person.role).toBe(false);
  }
});
