/**
 * People with data to show: an accredited doctor and laboratory, a patient with records, permissions, requests and openings, an auditor, an
 * accreditor, and a new person. All data is made through the screens. The accessibility test and `scripts/screens` both visit their pages.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { PASSPHRASE, type Person } from './person.ts';
import { AUDITOR, type World } from './world.ts';

const SAMPLES = fileURLToPath(new URL('../../../../scripts/samples/', import.meta.url));
const SLOW_MS = 60_000;

/** One page, and the steps before it is checked. */
export interface Stop {
  readonly name: string;
  /** The address of the page; `null` stays on the page of the previous stop. */
  readonly path: string | null;
  /** Brings the page into the intended state. It must find elements by properties that are the same in every language. */
  readonly prepare?: (page: Page) => Promise<void>;
}

/** A person and the pages to visit. */
export interface Tour {
  readonly person: Person;
  readonly stops: readonly Stop[];
}

const sample = (name: string, mimeType: string) => ({ name, mimeType, buffer: readFileSync(SAMPLES + name) });

/** Makes the data and yields the tours one after the other. Each person is made when their tour begins. */
export async function playGallery(world: World): Promise<readonly Tour[]> {
  await world.addAccreditor();
  await world.vouch('auditor', AUDITOR);
  const accreditor = await world.person('accreditor');
  await accreditor.setUp();
  await accredit(accreditor, world.address('doctor'), 'Doctor', 'Dr. Ada Example', 'General practice');
  await accredit(accreditor, world.address('lab'), 'Laboratory', 'Elm Street Laboratory', 'Clinical chemistry');

  const patient = await world.person('patient');
  await patient.setUp();
  await patient.addRecord(sample('discharge-letter.pdf', 'application/pdf'), 'Letters');
  await patient.addRecord(sample('chest-scan.png', 'image/png'), 'X-rays and scans');
  await patient.goTo('/records');
  const letter = await recordPath(patient, 'discharge-letter.pdf');
  const scan = await recordPath(patient, 'chest-scan.png');

  const doctor = await world.person('doctor');
  await doctor.setUp();
  const lab = await world.person('lab');
  await lab.setUp();

  await patient.goTo(`/share?with=${lab.address}`);
  await patient.page.getByText('Let them add records for me').click();
  await patient.press('Sign and share');
  await patient.sees('Elm Street Laboratory can add records until');
  await patient.goTo(`/share?with=${doctor.address}&records=${idOf(scan)}`);
  await patient.press('Sign and share');
  await patient.sees('Dr. Ada Example can open this until');

  await patient.goTo(`/share?with=${doctor.address}`);
  await patient.page.getByText('Let them add records for me').click();
  await patient.page.getByLabel('Category').selectOption({ label: 'Diagnoses' });
  await patient.press('Sign and share');
  await patient.sees('Dr. Ada Example can add records until');

  await lab.page.reload();
  await lab.unlock();
  await lab.goTo(`/send?patient=${patient.address}`);
  await lab.page.getByTestId('files').setInputFiles(sample('lab-report.json', 'application/fhir+json'));
  await lab.press('Sign and send');
  await lab.page.getByText('Added', { exact: true }).first().waitFor({ timeout: SLOW_MS });

  await doctor.page.reload();
  await doctor.unlock();
  await doctor.goTo(`/patients/${patient.address}`);
  await doctor.type('Your name for this person', 'Pat Example');
  await doctor.press('Save the name');
  await doctor.page.getByRole('heading', { name: 'Pat Example', level: 1 }).waitFor({ timeout: SLOW_MS });
  await doctor.goTo(`/patients/${patient.address}/records/${idOf(scan)}`);
  await doctor.press('Open');
  await doctor.sees('Checked: the file is exactly the one that was registered.');
  await doctor.goTo(`/ask?patient=${patient.address}`);
  await doctor.type(/^Your reason/, 'Follow-up after your fall: I would like to see the laboratory report.');
  await doctor.press('Sign and ask');
  await doctor.sees('Asked. You will see the answer');

  await patient.page.reload();
  await patient.unlock();
  await patient.goTo('/records');
  const report = await recordPath(patient, 'lab-report.json');

  const auditor = await world.person('auditor');
  await auditor.setUp();
  const newcomer = await world.person('second_patient');
  const stranger = await world.person('second_doctor', { noWallet: true });

  return [
    { person: stranger, stops: [{ name: 'welcome-no-wallet', path: null }] },
    { person: newcomer, stops: newcomerStops(newcomer) },
    {
      person: patient,
      stops: [
        { name: 'records', path: '/records' },
        { name: 'records-add', path: null, prepare: (page) => page.locator('main header button').last().click() },
        { name: 'record-pdf', path: letter, prepare: openRecord },
        { name: 'record-image', path: scan, prepare: openRecord },
        { name: 'record-fhir', path: report, prepare: openRecord },
        { name: 'share', path: `/share?with=${doctor.address}&records=${idOf(report)}` },
        { name: 'share-search', path: '/share?', prepare: (page) => page.locator('main form button').first().click() },
        { name: 'requests', path: '/requests' },
        { name: 'access', path: '/access' },
        { name: 'access-stop', path: null, prepare: (page) => page.locator('main li button').first().click() },
        { name: 'activity', path: '/activity', prepare: openDetails },
        { name: 'settings', path: '/settings' },
        { name: 'not-found', path: '/nowhere' },
      ],
    },
    {
      person: doctor,
      stops: [
        { name: 'doctor-patients', path: '/patients' },
        { name: 'doctor-patient', path: `/patients/${patient.address}` },
        { name: 'doctor-record', path: `/patients/${patient.address}/records/${idOf(scan)}` },
        { name: 'doctor-ask', path: `/ask?patient=${patient.address}` },
        { name: 'doctor-note', path: `/patients/${patient.address}/note` },
        { name: 'doctor-requests-empty', path: '/requests' },
        { name: 'doctor-access-empty', path: '/access' },
        { name: 'doctor-activity', path: '/activity' },
        { name: 'doctor-records-empty', path: '/records' },
        { name: 'invitation', path: `/to/${patient.address}` },
      ],
    },
    {
      person: lab,
      stops: [
        { name: 'lab', path: '/send' },
        { name: 'lab-send', path: `/send?patient=${patient.address}` },
      ],
    },
    {
      person: auditor,
      stops: [{ name: 'audit', path: '/audit', prepare: (page) => page.locator('main form button[type=submit]').first().click() }],
    },
    { person: accreditor, stops: [{ name: 'accreditation', path: '/accreditation' }] },
  ];
}

function newcomerStops(newcomer: Person): readonly Stop[] {
  return [
    { name: 'welcome', path: null },
    { name: 'sign-in', path: null, prepare: (page) => clickOnce(page, /Test Wallet/) },
    {
      name: 'set-up',
      path: null,
      async prepare(page) {
        if ((await page.locator('input[type=password]').count()) > 0) return;
        await page.locator('main button').first().click();
        await confirmInDialog(page);
        await page.locator('input[type=password]').first().waitFor({ timeout: SLOW_MS });
      },
    },
    {
      name: 'kit',
      path: null,
      async prepare(page) {
        if ((await page.locator('.print-alone').count()) > 0) return;
        for (const field of await page.locator('input[type=password]').all()) await field.fill(PASSPHRASE);
        await page.locator('main form button[type=submit]').click();
        await confirmInDialog(page);
        await page.locator('.print-alone').waitFor({ timeout: SLOW_MS });
      },
    },
    {
      name: 'kit-check',
      path: null,
      async prepare(page) {
        if ((await page.locator('.print-alone').count()) === 0) return;
        words.set(newcomer, await page.locator('.print-alone li').allInnerTexts());
        await page.locator('main button').last().click();
        await page.locator('main form input').first().waitFor();
      },
    },
    {
      name: 'publish',
      path: null,
      async prepare(page) {
        if ((await page.locator('main form input').count()) === 0) return;
        const known = (words.get(newcomer) ?? []).map((text) => text.replaceAll(/[\d\s]/g, ''));
        for (const field of await page.locator('main form input').all()) {
          const label = await field.evaluate((input) => (input as HTMLInputElement).labels?.[0]?.innerText ?? '');
          await field.fill(known[Number(/\d+/.exec(label)?.[0]) - 1] ?? '');
        }
        await page.locator('main form button[type=submit]').click();
        await page.locator('main form').waitFor({ state: 'detached', timeout: SLOW_MS });
      },
    },
    {
      name: 'unlock',
      path: null,
      async prepare(page) {
        if ((await page.locator('main input[type=password]').count()) > 0) return;
        await page.locator('main button').first().click();
        await confirmInDialog(page);
        await page.locator('nav').first().waitFor({ timeout: SLOW_MS });
        await page.locator('button:has(.lucide-lock)').filter({ visible: true }).click();
        await page.locator('main input[type=password]').waitFor({ timeout: SLOW_MS });
      },
    },
    {
      name: 'restore',
      path: null,
      async prepare(page) {
        if ((await page.locator('main textarea').count()) > 0) return;
        await page.locator('main button').last().click();
        await page.locator('main textarea').waitFor();
      },
    },
    { name: 'wallet-alone', path: '/stop' },
  ];
}

const words = new Map<Person, readonly string[]>();

async function clickOnce(page: Page, name: RegExp): Promise<void> {
  const button = page.getByRole('button', { name });
  if ((await button.count()) === 0) return;
  await button.first().click();
  await button.first().waitFor({ state: 'detached', timeout: SLOW_MS });
}

async function confirmInDialog(page: Page): Promise<void> {
  await page.locator('dialog button').last().click();
  // The wallet's own dialog may also be open.
  await page.locator('dialog').first().waitFor({ state: 'detached', timeout: SLOW_MS });
}

async function openRecord(page: Page): Promise<void> {
  await page
    .locator('main button')
    .filter({ has: page.locator('.lucide-file-search, .lucide-file-search-corner') })
    .click();
  await page.locator('main .lucide-download').waitFor({ timeout: SLOW_MS });
  await page.locator('main canvas, main img, main article').first().waitFor({ timeout: SLOW_MS });
}

async function openDetails(page: Page): Promise<void> {
  await page.locator('main summary').first().click();
  await page.locator('main details [role=status], main details [role=alert]').first().waitFor({ timeout: SLOW_MS });
}

async function accredit(accreditor: Person, address: string, role: string, name: string, specialty: string): Promise<void> {
  await accreditor.goTo('/accreditation');
  await accreditor.type('Address', address);
  await accreditor.page.getByLabel(role, { exact: true }).check();
  await accreditor.type('Name', name);
  await accreditor.type(/^Practice or organisation/, 'Elm Street Clinic');
  await accreditor.type(/^Specialty/, specialty);
  await accreditor.press('Sign and accredit');
  await accreditor.agree();
  await accreditor.agree();
  await accreditor.page.getByRole('heading', { name, level: 3 }).waitFor({ timeout: SLOW_MS });
}

/** Returns the path of the record with that name, from its link. */
async function recordPath(person: Person, name: string): Promise<string> {
  const link = person.page.getByRole('link', { name: new RegExp(name.replaceAll('.', '\\.')) }).first();
  const href = (await link.getAttribute('href', { timeout: SLOW_MS })) ?? '';
  return href.slice(href.indexOf('#') + 1);
}

const idOf = (path: string): string => path.split('/').at(-1) ?? '';

/** Brings a person to a stop, in the current language. */
export async function arrive(person: Person, stop: Stop): Promise<void> {
  const { page } = person;
  if (stop.path !== null) {
    // Goes through another page, so that nothing is left open or filled in from an earlier visit.
    await person.goTo('/nowhere');
    await person.goTo(stop.path);
  }
  await settle(page);
  await stop.prepare?.(page);
  await settle(page);
}

/** Waits until nothing is loading and nothing moves. */
export async function settle(page: Page): Promise<void> {
  await page.locator('h1').first().waitFor({ timeout: SLOW_MS });
  await page.waitForFunction(() => document.querySelector('.animate-pulse, .animate-spin') === null, undefined, { timeout: SLOW_MS });
  await page.evaluate(() => document.fonts.ready.then(() => undefined));
  await page.waitForTimeout(80);
}

/** Chooses a language, on the settings page or below the page for signing in. */
export async function speak(person: Person, language: string): Promise<void> {
  const { page } = person;
  const chooser = page.locator(`select:has(option[value="${language}"])`);
  if ((await chooser.count()) === 0) await person.goTo('/settings');
  await chooser.first().selectOption(language);
  await page.waitForFunction((wanted) => document.documentElement.lang === wanted, language);
}
