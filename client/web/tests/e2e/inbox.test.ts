/**
 * Strangers: what they share waits in a separate list until it is accepted. It can be hidden, and strangers can be blocked and unblocked.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { textFile, type Person } from './person.ts';
import { DOCTOR, World } from './world.ts';

const SLOW_MS = 60_000;
let world: World;
let patient: Person;
let other: Person;
let doctor: Person;

beforeAll(async () => {
  world = await World.start();
  await world.addAccreditor();
  await world.vouch('doctor', DOCTOR);
  [patient, other, doctor] = await Promise.all([world.person('patient'), world.person('second_patient'), world.person('doctor')]);
  await Promise.all([patient.setUp(), other.setUp(), doctor.setUp()]);
  for (const who of [patient, other]) {
    await who.addRecord(textFile(`of-${who.role}.txt`, 'for the doctor'), 'Letters');
    await who.letOpen(doctor.address, /\.txt/, 'Treatment');
  }
  // The page was loaded before the strangers shared anything.
  await doctor.goTo('/settings');
});
afterEach(({ task }) => world.evidence(task));
afterAll(() => world?.stop());

const short = (who: Person): string => `${who.address.slice(0, 6)}…${who.address.slice(-4)}`;
const strangers = () => doctor.list('People you do not know yet');
const known = () => doctor.list('Patients');

test('what strangers share waits apart, and is in the lists once it is accepted', async () => {
  await doctor.goTo('/patients');
  await strangers().getByRole('listitem').nth(1).waitFor({ timeout: SLOW_MS });
  await doctor.sees('Nobody shares with you yet');
  await doctor.press(`Accept what Account ${short(patient)} shares`);
  await known()
    .getByRole('link', { name: new RegExp(short(patient)) })
    .waitFor({ timeout: SLOW_MS });
  expect(await strangers().getByRole('listitem').count()).toBe(1);
  await known().getByRole('link').first().click();
  await doctor.page.getByRole('link', { name: /Letters/ }).click();
  await doctor.open();
  await doctor.sees('for the doctor');
});

test('what is hidden is gone from the list, and comes back from the settings', async () => {
  await doctor.goTo('/patients');
  await doctor.press(`Hide what Account ${short(other)} shares`);
  await strangers().waitFor({ state: 'detached', timeout: SLOW_MS });
  await doctor.goTo('/settings');
  await doctor.press(`Show what Account ${short(other)} shares again`);
  await doctor.list('Hidden permissions').waitFor({ state: 'detached', timeout: SLOW_MS });
  await doctor.goTo('/patients');
  await strangers().getByRole('listitem').first().waitFor({ timeout: SLOW_MS });
});

test('whoever is blocked is gone, and is unblocked in the settings', async () => {
  await doctor.press(`Block Account ${short(other)}`);
  const dialog = doctor.page.getByRole('dialog');
  await dialog.getByText('Existing permissions stay valid.', { exact: false }).waitFor();
  await dialog.getByRole('button', { name: 'Block', exact: true }).click();
  await strangers().waitFor({ state: 'detached', timeout: SLOW_MS });
  await doctor.goTo('/settings');
  await doctor.list('Blocked people').getByRole('listitem').first().waitFor({ timeout: SLOW_MS });
  await doctor.press(`Unblock Account ${short(other)}`);
  await doctor.sees('You have not blocked anybody.');
  await doctor.goTo('/patients');
  await strangers().getByRole('listitem').first().waitFor({ timeout: SLOW_MS });
  expect(doctor.complaints).toEqual([]);
});
