/**
 * A RegisterKey that was signed by deceit: somebody else's key in a person's name does not lock the person out. Tests two epochs, three
 * epochs, the wallet alone, the recovery words, and an account whose very first key is somebody else's.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { keyEpochOf, phishKey } from './chain-acts.ts';
import { PASSPHRASE, textFile, type Person } from './person.ts';
import { DOCTOR, World } from './world.ts';

const SLOW_MS = 60_000;
const NOTICE = 'The key that the chain has for you is not yours';
const REVOKED = 'event Revoked(address indexed patient, bytes32 indexed tag, bytes32 indexed scopeId, uint8 kind, uint32 epoch)';
let world: World;
let patient: Person;
let doctor: Person;
let words: readonly string[];

beforeAll(async () => {
  world = await World.start();
  await world.addAccreditor();
  await world.vouch('doctor', DOCTOR);
  [patient, doctor] = await Promise.all([world.person('patient'), world.person('doctor')]);
  [words] = await Promise.all([patient.setUp(), doctor.setUp()]);
  await patient.addRecord(textFile('before.txt', 'from before'), 'Letters');
  await patient.letOpen(doctor.address, /before\.txt/, 'Treatment');
  await patient.letAdd(doctor.address);
});
afterEach(({ task }) => world.evidence(task));
afterAll(() => world?.stop());

async function openRecord(who: Person, name: string, content: string): Promise<void> {
  await who.goTo('/records');
  await who.page
    .getByRole('link', { name: new RegExp(name.replaceAll('.', '\\.')) })
    .first()
    .click();
  await who.page.getByRole('heading', { name, level: 1 }).waitFor({ timeout: SLOW_MS });
  await who.open();
  await who.sees(content);
}

/** The doctor adds a note for the patient, sealed to the key on the chain. */
async function addNote(text: string): Promise<void> {
  await doctor.page.reload();
  await doctor.unlock();
  await doctor.goTo(`/send?patient=${patient.address}`);
  await doctor.page.getByTestId('files').setInputFiles(textFile(`${text}.txt`, text));
  await doctor.press('Sign and send');
  await doctor.page.getByText('Added', { exact: true }).first().waitFor({ timeout: SLOW_MS });
}

const notice = (who: Person) => who.page.getByText(NOTICE).first();

test('two epochs: the open app says at once that the key is somebody else’s, and goes on', async () => {
  await phishKey(world, 'patient');
  await notice(patient).waitFor({ timeout: SLOW_MS });
  await openRecord(patient, 'before.txt', 'from before');
  // The patient's new record is sealed to their own earlier key, never to the foreign one.
  await patient.addRecord(textFile('meanwhile.txt', 'added meanwhile'), 'Letters');
  await openRecord(patient, 'meanwhile.txt', 'added meanwhile');
});

test('what others seal to the foreign key is told for each item, and the rest is there', async () => {
  await addNote('sealed to a stranger');
  await patient.goTo('/records');
  await patient.sees('This needs a key that somebody else has published in your name.');
  await patient.sees(/Something is wrong with 1 of your records/);
  await openRecord(patient, 'before.txt', 'from before');
});

test('unlocking works, and the notice stands there before and after', async () => {
  await patient.page.reload();
  await patient.sees('Unlock your records');
  await notice(patient).waitFor({ timeout: SLOW_MS });
  await patient.unlock();
  await notice(patient).waitFor({ timeout: SLOW_MS });
  await openRecord(patient, 'meanwhile.txt', 'added meanwhile');
});

test('with the wallet alone: permissions end, and one’s own key is registered again, while everything is locked', async () => {
  await patient.page.reload();
  await patient.page.getByRole('link', { name: 'Stop sharing with the wallet alone' }).click();
  await patient.sees('With the wallet alone');
  const stops = patient.page.getByRole('list', { name: 'Allowed now' }).getByRole('button', { name: /Stop sharing with/ });
  await stops.first().click();
  await patient.page.getByRole('dialog').getByRole('button', { name: 'Sign and stop' }).click();
  await patient.sees('Nobody but you');
  expect((await world.events('grant_registry', REVOKED)).length).toBe(2);
  const asked = patient.wallet.signed.length;
  // The button is in the notice and again below; either can be used.
  await patient.page.getByRole('button', { name: 'Register my key again' }).last().click();
  await patient.agree();
  await patient.sees('The key that the chain has for you (number 3) is your own.');
  expect(await notice(patient).count()).toBe(0);
  // One signature, and none that unlocks.
  expect(patient.wallet.signed.slice(asked)).toEqual([expect.stringContaining('RegisterKey')]);
  await patient.press('Stop everyone');
  await patient.page.getByRole('dialog').getByRole('button', { name: 'Sign and stop everyone' }).click();
  await patient.page.getByRole('dialog').first().waitFor({ state: 'detached', timeout: SLOW_MS });
});

test('three epochs: everything of one’s own opens, and what comes now is sealed to the own key', async () => {
  await patient.page.getByRole('link', { name: 'Back to unlocking' }).click();
  await patient.unlock();
  expect(await notice(patient).count()).toBe(0);
  await patient.letAdd(doctor.address);
  await addNote('sealed to the patient');
  await openRecord(patient, 'before.txt', 'from before');
  await openRecord(patient, 'sealed to the patient.txt', 'sealed to the patient');
  await patient.goTo('/records');
  await patient.sees('This needs a key that somebody else has published in your name.');
  expect(patient.complaints).toEqual([]);
});

test('the recovery words open a new browser while a foreign key is the newest, and register again with open keys', async () => {
  await phishKey(world, 'patient');
  await patient.leave();
  patient = await world.person('patient');
  await patient.signIn();
  await patient.press('I have neither: use my recovery words');
  await patient.type('Recovery words', words.join(' '));
  await patient.type('Passphrase', PASSPHRASE);
  await patient.type('The same passphrase again', PASSPHRASE);
  await patient.press('Restore');
  await patient.agree();
  await notice(patient).waitFor({ timeout: SLOW_MS });
  await openRecord(patient, 'before.txt', 'from before');
  await patient.press('Register my key again');
  await patient.agree();
  await notice(patient).waitFor({ state: 'detached', timeout: SLOW_MS });
  expect(await keyEpochOf(world, 'patient')).toBe(5);
  expect(patient.complaints).toEqual([]);
});

test('an account whose first key is somebody else’s can still be set up', async () => {
  await phishKey(world, 'second_patient');
  const newcomer = await world.person('second_patient');
  await newcomer.signIn();
  await newcomer.press('I never set up medlock with this account');
  await newcomer.page.getByRole('checkbox', { name: /I have never made a key for this account/ }).check();
  await newcomer.type('Passphrase', PASSPHRASE);
  await newcomer.type('The same passphrase again', PASSPHRASE);
  await newcomer.press('Make my key');
  await newcomer.agree();
  const kit = await newcomer.words();
  await newcomer.press('I have kept it');
  for (const [place, word] of kit.entries()) {
    const field = newcomer.page.getByLabel(`Word ${place + 1}`, { exact: true });
    if ((await field.count()) > 0) await field.fill(word);
  }
  await newcomer.press('Check the words');
  await notice(newcomer).waitFor({ timeout: SLOW_MS });
  await newcomer.press('Register my key again');
  await newcomer.agree();
  await notice(newcomer).waitFor({ state: 'detached', timeout: SLOW_MS });
  await newcomer.addRecord(textFile('first.txt', 'the first'), 'Letters');
  await openRecord(newcomer, 'first.txt', 'the first');
  expect(newcomer.complaints).toEqual([]);
});
