/** A doctor writes a diagnosis and a treatment note for a patient who allowed it; the patient reads them. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { keptBy } from './kept.ts';
import type { Person } from './person.ts';
import { DOCTOR, World } from './world.ts';

const SLOW_MS = 60_000;
const DIAGNOSIS = 'Iron deficiency anaemia canary-d1a6';
const TREATMENT = 'Advice after the fall canary-7ea7';
let world: World;
let patient: Person;
let doctor: Person;

beforeAll(async () => {
  world = await World.start();
  await world.addAccreditor();
  await world.vouch('doctor', DOCTOR);
  [patient, doctor] = await Promise.all([world.person('patient'), world.person('doctor')]);
  await Promise.all([patient.setUp(), doctor.setUp()]);
});
afterEach(({ task }) => world.evidence(task));
afterAll(() => world?.stop());

/** The patient opens the newest record of a category. Returns the text of the report. */
async function read(category: string, name: RegExp): Promise<string> {
  await patient.goTo('/records');
  await patient.page.getByRole('link', { name }).click();
  await patient.open();
  await patient.sees(/^Signed by/);
  const report = patient.page.getByRole('article').first();
  await report.waitFor({ timeout: SLOW_MS });
  expect(await patient.shown()).toContain(category);
  return (await patient.page.getByRole('article').allInnerTexts()).join('\n');
}

test('without permission there is no form, and the way to ask is offered', async () => {
  await doctor.goTo(`/patients/${patient.address}/note`);
  await doctor.sees('This person has not allowed you to add records. Request it first.');
  await patient.letAdd(doctor.address);
  await doctor.page.getByLabel('Diagnosis', { exact: true }).nth(1).waitFor({ timeout: SLOW_MS });
});

test('a diagnosis in its fields is read by the patient as a report', async () => {
  await doctor.press('Sign and add');
  await doctor.sees('Write what was found or done.');
  const { page } = doctor;
  await page.getByRole('textbox', { name: 'Diagnosis' }).fill(DIAGNOSIS);
  await doctor.type(/^Code \(ICD-10\)/, 'D50.9');
  await doctor.type(/^Since/, '2026-03-14');
  await page.getByLabel('How certain').selectOption({ label: 'Provisional' });
  await page.getByLabel('Severity').selectOption({ label: 'Moderate' });
  await doctor.type(/^Medication/, 'Ferrous sulfate 200 mg');
  await doctor.type(/^Dosage/, 'one a day');
  await doctor.press('As the patient will see it');
  await page.getByRole('article').filter({ hasText: DIAGNOSIS }).waitFor();
  await doctor.press('Sign and add');
  await page.getByText('Added', { exact: true }).waitFor({ timeout: SLOW_MS });
  const report = await read('Diagnoses', /Iron-deficiency-anaemia/);
  for (const part of [DIAGNOSIS, 'D50.9', 'Ferrous sulfate 200 mg', 'one a day']) expect(report).toContain(part);
});

test('a note that the end of the session interrupts is still there, and is added after signing in again', async () => {
  await doctor.goTo(`/patients/${patient.address}/note`);
  await doctor.page.getByRole('radio', { name: 'Treatment note' }).check();
  await doctor.type('Title', TREATMENT);
  await doctor.type('Text', 'Rest for a week.\nنصيحة: الراحة.');
  // The session is ended on the server, as when it expires. The page notices it with the next request.
  await doctor.page.evaluate(() => fetch('/v1/auth/logout', { method: 'POST' }));
  await doctor.page.evaluate(() => (location.hash = '#/activity'));
  await doctor.sees('Your sign-in has ended.');
  await doctor.press('Sign in with this account');
  await doctor.agree();
  await doctor.page.getByRole('navigation', { name: 'Main navigation' }).waitFor({ timeout: SLOW_MS });
  await doctor.goTo(`/patients/${patient.address}/note`);
  expect(await doctor.page.getByLabel('Title').inputValue()).toBe(TREATMENT);
  // Once more, now between writing and sending: the note waits in the queue, and is sent automatically afterwards.
  await doctor.page.evaluate(() => fetch('/v1/auth/logout', { method: 'POST' }));
  await doctor.press('Sign and add');
  await doctor.sees('Your sign-in has ended.');
  await doctor.press('Sign in with this account');
  await doctor.agree();
  await doctor.page.getByText('Added', { exact: true }).nth(1).waitFor({ timeout: SLOW_MS });
  const report = await read('Treatment notes', /Advice-after-the-fall/);
  for (const part of [TREATMENT, 'Rest for a week.', 'نصيحة: الراحة.']) expect(report).toContain(part);
  // The browser's own messages about the requests that were refused after the session had ended.
  expect(doctor.forgive(/status of 401/)).toBeGreaterThan(0);
  expect(doctor.complaints).toEqual([]);
  expect(patient.complaints).toEqual([]);
});

test('neither browser keeps what was written', async () => {
  for (const person of [patient, doctor]) {
    const kept = await keptBy(person.page);
    expect(kept).toContain('medlock.wallet');
    for (const secret of ['canary', 'anaemia', 'Ferrous', 'Rest for a week', 'D50.9']) expect(kept, person.role).not.toContain(secret);
  }
});
