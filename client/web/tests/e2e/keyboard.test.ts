/** The main tasks without a mouse: every control is reached with Tab and used with the usual keys. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { PASSPHRASE, type Person } from './person.ts';
import { DOCTOR, World } from './world.ts';

const SAMPLES = fileURLToPath(new URL('../../../../scripts/samples/', import.meta.url));
const TABS_MAX = 80;
const SLOW_MS = 60_000;
let world: World;

beforeAll(async () => {
  world = await World.start();
});
afterEach(({ task }) => world.evidence(task));
afterAll(() => world?.stop());

/**
 * Returns the element that has the focus, by its name for screen readers, and whether its focus is visible. The heading that gets the focus
 * after a change of page is no control and shows none.
 */
function focused(page: Page): Promise<{ name: string; isVisible: boolean }> {
  return page.evaluate(() => {
    const element = document.activeElement;
    if (!(element instanceof HTMLElement) || element === document.body) return { name: '', isVisible: true };
    const labels =
      element instanceof HTMLInputElement || element instanceof HTMLSelectElement || element instanceof HTMLTextAreaElement
        ? [...(element.labels ?? [])]
        : [];
    const name = element.getAttribute('aria-label') ?? (labels.map((label) => label.innerText).join(' ') || element.innerText);
    return { name: name.trim(), isVisible: element.tagName === 'H1' || getComputedStyle(element).outlineStyle !== 'none' };
  });
}

/** Presses Tab until an element with that name has the focus. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  const passed: string[] = [];
  for (let presses = 0; presses < TABS_MAX; presses += 1) {
    await page.keyboard.press('Tab');
    const here = await focused(page);
    expect(here.isVisible, `the focus on "${here.name}" can be seen`).toBe(true);
    if (name.test(here.name)) return;
    passed.push(here.name);
  }
  throw new Error(`no Tab led to ${name}; it passed ${passed.join(' | ')}`);
}

async function press(page: Page, name: RegExp): Promise<void> {
  await tabTo(page, name);
  await page.keyboard.press('Enter');
}

/** In the dialog before a signature, "continue" has the focus, so one key is enough. */
async function agree(page: Page): Promise<void> {
  await page.getByRole('dialog', { name: 'Before you sign' }).waitFor({ timeout: SLOW_MS });
  expect((await focused(page)).name).toBe('Continue to the wallet');
  await page.keyboard.press('Enter');
}

async function setUp(person: Person): Promise<void> {
  const { page } = person;
  await page.getByRole('button', { name: 'Continue with Test Wallet' }).waitFor({ timeout: SLOW_MS });
  await press(page, /^Continue with Test Wallet/);
  await page.getByRole('button', { name: 'Sign in with this account' }).waitFor({ timeout: SLOW_MS });
  await press(page, /^Sign in with this account/);
  await agree(page);
  await page.getByLabel('The same passphrase again').waitFor({ timeout: SLOW_MS });
  await tabTo(page, /^Passphrase/);
  await page.keyboard.type(PASSPHRASE);
  await tabTo(page, /^The same passphrase again/);
  await page.keyboard.type(PASSPHRASE);
  await page.keyboard.press('Enter');
  await agree(page);
  const words = await person.words();
  await press(page, /^I have kept it/);
  await page.getByText('Check that you have kept it').waitFor();
  for (let count = 0; count < 3; count += 1) {
    await tabTo(page, /^Word \d+/);
    const place = Number(/\d+/.exec((await focused(page)).name)?.[0]);
    await page.keyboard.type(words[place - 1] ?? '');
  }
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Sign and finish' }).waitFor({ timeout: SLOW_MS });
  await press(page, /^Sign and finish/);
  await agree(page);
  await page.getByRole('navigation', { name: 'Main navigation' }).waitFor({ timeout: SLOW_MS });
}

test('a patient sets up, adds a record, shares it and stops, with the keyboard alone', { timeout: 300_000 }, async () => {
  await world.addAccreditor();
  await world.vouch('doctor', DOCTOR);
  const doctor = await world.person('doctor');
  await setUp(doctor);
  const patient = await world.person('patient');
  const { page } = patient;
  await setUp(patient);

  // The first Tab stop of every page skips the navigation.
  await press(page, /^My records/);
  await page.getByRole('heading', { name: 'My records', level: 1 }).waitFor();
  expect((await focused(page)).name).toBe('My records');
  await press(page, /^Add records/);
  const dialog = page.getByRole('dialog', { name: 'Add records' });
  await dialog.waitFor();
  const chosen = page.waitForEvent('filechooser');
  await press(page, /^Choose files/);
  await (await chosen).setFiles({
    name: 'letter.pdf',
    mimeType: 'application/pdf',
    buffer: readFileSync(`${SAMPLES}discharge-letter.pdf`),
  });
  await tabTo(page, /^Category/);
  await page.keyboard.type('Letters');
  await press(page, /^Encrypt and add/);
  await page.getByText('Added', { exact: true }).first().waitFor({ timeout: SLOW_MS });

  await press(page, /^Share$/);
  await page.getByRole('heading', { name: 'Share', level: 1 }).waitFor();
  await tabTo(page, /^Name of the doctor/);
  await page.keyboard.type(doctor.address);
  await press(page, /^Account 0x/);
  await tabTo(page, /letter\.pdf/);
  await page.keyboard.press('Space');
  await press(page, /^Sign and share/);
  await patient.sees(/can open this until/);

  await press(page, /^Who can see my data/);
  await page.getByRole('heading', { name: 'Who can see my data', level: 1 }).waitFor();
  await page.getByRole('button', { name: /^Stop sharing with/ }).waitFor({ timeout: SLOW_MS });
  await tabTo(page, /^Stop sharing with/);
  const opener = (await focused(page)).name;
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  // Escape changes nothing and returns the focus to where it was.
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  expect((await focused(page)).name).toBe(opener);
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  expect((await focused(page)).name).toBe('Sign and stop');
  await page.keyboard.press('Enter');
  await page.getByText('Nobody but you').waitFor({ timeout: SLOW_MS });
  expect(patient.complaints).toEqual([]);
});
