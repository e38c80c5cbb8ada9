/**
 * The status of a whole record: an uploader can retract while it may upload, and can no longer do so when its permission has ended. The
 * patient withdraws the record, puts it back in time, and after that time it is destroyed.
 */
import type { Locator } from 'playwright-core';
import type { Hex } from 'viem';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { ar } from '../../src/i18n/ar.ts';
import { en } from '../../src/i18n/en.ts';
import { es } from '../../src/i18n/es.ts';
import { hi } from '../../src/i18n/hi.ts';
import { speak } from './gallery.ts';
import { textFile, type Person } from './person.ts';
import { DOCTOR, LAB, World } from './world.ts';

const SLOW_MS = 90_000;
const REGISTERED =
  'event RecordRegistered(bytes32 indexed id, address indexed patient, uint16 indexed category, address uploader, uint16 version, uint8 codec, bytes32 digest)';
const STATUS = 'event RecordStatusChanged(bytes32 indexed id, address indexed patient, uint8 status, uint32 epoch, uint40 liftableUntil)';
const RETRACTED = 'event RecordRetracted(bytes32 indexed id, address indexed patient, address uploader, uint16 version)';
const MARK = 'The uploader says: do not rely on this version.';
let world: World;
let patient: Person;
let doctor: Person;
let lab: Person;
let other: Person;
let ofLab: Hex;
let ofOther: Hex;

beforeAll(async () => {
  world = await World.start({ apiSettings: { MEDLOCK_SWEEP_SECONDS: '1' } });
  await world.addAccreditor();
  await world.vouch('doctor', DOCTOR);
  await world.vouch('lab', LAB);
  await world.vouch('second_doctor', LAB);
  [patient, doctor, lab, other] = await Promise.all([
    world.person('patient'),
    world.person('doctor'),
    world.person('lab'),
    world.person('second_doctor'),
  ]);
  await Promise.all([patient, doctor, lab, other].map((person) => person.setUp()));
  ofLab = await sent(lab, 'potassium.txt', 'Potassium 41 mmol/l');
  ofOther = await sent(other, 'sodium.txt', 'Sodium 140 mmol/l');
  await patient.letOpen(doctor.address, /potassium\.txt/, 'Treatment');
});
afterEach(({ task }) => world.evidence(task));
afterAll(() => world?.stop());

/** Sends a report of a laboratory that may add records for the patient. Returns the record id. */
async function sent(by: Person, name: string, content: string): Promise<Hex> {
  await patient.letAdd(by.address);
  await by.goTo(`/send?patient=${patient.address}`);
  await by.page.getByTestId('files').setInputFiles(textFile(name, content));
  await by.press('Sign and send');
  await by.page.getByText('Added', { exact: true }).first().waitFor({ timeout: SLOW_MS });
  const last = (await world.events('record_registry', REGISTERED)).at(-1);
  expect(String(last?.args['uploader']).toLowerCase()).toBe(by.address);
  return last?.args['id'] as Hex;
}

const pageOf = (who: Person, record: Hex): string =>
  who === doctor ? `/patients/${patient.address}/records/${record}` : `/records/${record}`;
const main = (who: Person): Locator => who.page.getByRole('main');

/** Loads the page of a record again. */
async function lookAt(who: Person, record: Hex): Promise<void> {
  await who.page.reload();
  await who.unlock();
  await who.goTo(pageOf(who, record));
  await who.page.getByRole('heading', { name: 'Versions' }).waitFor({ timeout: SLOW_MS });
}

async function retract(who: Person): Promise<void> {
  await who.press('Retract');
  await who.page.getByRole('dialog', { name: 'Retract this record?' }).getByRole('button', { name: 'Sign and retract' }).click();
}

/** Returns the server's data about version 1 of one of the patient's records. */
async function told(record: Hex): Promise<{ cid: string; has_release_share: boolean }> {
  const answer = await patient.page.evaluate(async (id) => (await (await fetch(`/v1/records?record=${id}`)).json()) as unknown, record);
  return (answer as { items: { versions: { cid: string; has_release_share: boolean }[] }[] }).items[0]?.versions[0] as never;
}

test('a suspended laboratory cannot retract, has nothing to withdraw with, and nothing changes', async () => {
  await world.suspend('second_doctor');
  await lookAt(other, ofOther);
  expect(await other.button('Withdraw').count()).toBe(0);
  await retract(other);
  await other.agree();
  await other.page.getByRole('dialog').getByText('This account is not accredited at the moment.').waitFor({ timeout: SLOW_MS });
  expect(await world.events('record_registry', RETRACTED)).toEqual([]);
  await lookAt(patient, ofOther);
  expect(await main(patient).innerText()).not.toContain(MARK);
  // The browser's own message about the refusal.
  other.forgive(/403/);
});

test('a laboratory in good standing retracts: everybody is warned, in every language, and it can still be opened', async () => {
  await lookAt(lab, ofLab);
  expect(await lab.button('Withdraw').count()).toBe(0);
  await retract(lab);
  expect(await lab.agree()).toContain('Nothing is deleted');
  await main(lab).getByText(MARK).first().waitFor({ timeout: SLOW_MS });
  expect(await lab.button('Retract').count()).toBe(0);
  expect((await world.events('record_registry', RETRACTED)).map(({ args }) => args['id'])).toEqual([ofLab]);
  for (const person of [patient, doctor]) {
    await lookAt(person, ofLab);
    await main(person).getByText(MARK).first().waitFor({ timeout: SLOW_MS });
    await person.open();
    await person.sees('Potassium 41');
  }
  await patient.goTo('/records');
  await patient.sees('Retracted by its uploader');
  for (const [language, words] of Object.entries({ hi, ar, es, en })) {
    await speak(patient, language);
    await patient.goTo(pageOf(patient, ofLab));
    await patient.sees(words['record.retracted']);
  }
});

test('a laboratory whose permission was ended cannot retract, and nothing changes', async () => {
  // A corrected version has no warning, and could be retracted again.
  await lookAt(lab, ofLab);
  await lab.press('Add a new version');
  await lab.page.getByRole('dialog').getByTestId('files').setInputFiles(textFile('potassium.txt', 'Potassium 4.1 mmol/l'));
  await main(lab).getByRole('button', { name: 'Retract' }).waitFor({ timeout: SLOW_MS });
  await patient.goTo('/access');
  await patient.press('Stop everyone');
  await patient.page.getByRole('dialog').getByRole('button', { name: 'Sign and stop everyone' }).click();
  await patient.sees('Nobody but you');
  await retract(lab);
  await lab.page.getByRole('dialog').getByText('The patient has not shared this with you.').waitFor({ timeout: SLOW_MS });
  expect(await world.events('record_registry', RETRACTED)).toHaveLength(1);
  expect(await world.events('record_registry', STATUS)).toEqual([]);
  await lab.page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
});

test('a withdrawn record is closed at once, and open again when its patient puts it back', async () => {
  await patient.letOpen(doctor.address, /potassium\.txt/, 'Treatment');
  await lookAt(doctor, ofLab);
  await doctor.open();
  const { cid } = await told(ofLab);
  await patient.goTo(pageOf(patient, ofLab));
  await patient.press('Withdraw');
  const dialog = patient.page.getByRole('dialog', { name: 'Withdraw this record?' });
  await dialog.getByRole('button', { name: 'Sign and withdraw' }).click();
  expect(await patient.agree()).toContain('nobody can open it from now on');
  await patient.sees(/You can put it back until/);
  expect(await patient.button('Open').count()).toBe(0);
  // The doctor's page changes without a reload, and the server refuses to deliver its copy.
  await main(doctor).getByText('Withdrawn', { exact: true }).waitFor({ timeout: SLOW_MS });
  expect(await doctor.button('Open').count()).toBe(0);
  expect(await doctor.button('Put it back').count()).toBe(0);
  expect(await doctor.page.evaluate(async (path) => (await fetch(path)).status, `/v1/blobs/${cid}`)).toBe(404);
  for (const [language, words] of Object.entries({ hi, ar, es, en })) {
    await speak(patient, language);
    await patient.goTo(pageOf(patient, ofLab));
    await patient.page.getByRole('button', { name: words['record.putBack'] }).waitFor({ timeout: SLOW_MS });
  }
  await patient.press('Put it back');
  expect(await patient.agree()).toContain('the people you share it with can open it again');
  await patient.button('Withdraw').waitFor({ timeout: SLOW_MS });
  await lookAt(doctor, ofLab);
  await doctor.open();
  await doctor.sees('Potassium 4.1');
  doctor.forgive(/404/);
});

test('once the time is over, share and file are destroyed, and putting back is refused', async () => {
  const { cid } = await told(ofOther);
  expect(await world.isPinned(cid)).toBe(true);
  await patient.goTo(pageOf(patient, ofOther));
  await patient.press('Withdraw');
  await patient.page.getByRole('dialog').getByRole('button', { name: 'Sign and withdraw' }).click();
  await patient.agree();
  await patient.sees(/You can put it back until/);
  await world.rpc('evm_increaseTime', [86_401]);
  await world.rpc('anvil_mine', ['0x4']);
  // The button is shown as long as this device's clock allows it. The chain's clock decides.
  await patient.press('Put it back');
  await patient.sees('This record can no longer be put back.');
  await vi.waitFor(async () => expect([(await told(ofOther)).has_release_share, await world.isPinned(cid)]).toEqual([false, false]), {
    timeout: SLOW_MS,
    interval: 500,
  });
  expect((await told(ofLab)).has_release_share).toBe(true);
  expect((await world.events('record_registry', STATUS)).map(({ args }) => args['status'])).toEqual([3, 1, 3]);
  for (const person of [patient, doctor, lab, other]) expect(person.complaints, person.role).toEqual([]);
});
