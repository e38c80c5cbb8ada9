/** Two people: sharing one record, opening it, the log entry of the opening, its proof, and ending the permission. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Person } from './person.ts';
import { DOCTOR, World } from './world.ts';

let world: World;
let patient: Person;
let doctor: Person;

beforeAll(async () => {
  world = await World.start();
  await world.addAccreditor();
  await world.vouch('doctor', DOCTOR);
  [patient, doctor] = await Promise.all([world.person('patient'), world.person('doctor')]);
  await patient.setUp();
  await doctor.setUp();
  await patient.addRecord({ name: 'ecg.txt', mimeType: 'text/plain', buffer: Buffer.from('Sinus rhythm, 61/min') }, 'Heart');
});
afterEach(({ task }) => world.evidence(task));
afterAll(() => world?.stop());

test('a doctor opens what a patient shares, until the patient stops it', async () => {
  await doctor.goTo('/patients');
  await doctor.sees('Nobody shares with you yet');

  // The patient shares the record for a week.
  await patient.goTo(`/share?with=${doctor.address}`);
  await patient.page.getByRole('checkbox', { name: /ecg\.txt/ }).check();
  await patient.press('Sign and share');
  await patient.sees('Shared', 60_000);

  // The doctor's page shows it without being reloaded.
  await doctor.press(/^Accept what/);
  await doctor.page.getByRole('link', { name: /1 record/ }).click();
  await doctor.page.getByRole('link', { name: /Heart/ }).click();
  await doctor.sees('this is recorded permanently in the access log');
  await doctor.press('Open');
  await doctor.sees('Checked: the file is exactly the one that was registered.');

  // The opening is in the patient's activity, with a proof from the chain.
  await patient.goTo('/activity');
  await patient.sees('On the chain');
  await patient.page.getByText('Details').first().click();
  await patient.sees('the entry is in the log on the chain, and the reader signed for it.');

  // Two clicks and the wallet's window end the permission.
  await patient.goTo('/access');
  await patient.page.getByRole('button', { name: /Stop sharing with/ }).click();
  await patient.press('Sign and stop');
  await patient.sees('Nobody but you');
  await doctor.goTo('/patients');
  await doctor.sees('Nobody shares with you yet');
  expect(patient.complaints).toEqual([]);
  expect(doctor.complaints).toEqual([]);
});
