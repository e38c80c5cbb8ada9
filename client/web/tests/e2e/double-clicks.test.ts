/** Presses every button that starts an action twice. The action must happen only once; the chain shows how often it happened. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { PASSPHRASE, textFile, type Person } from './person.ts';
import { DOCTOR, World } from './world.ts';

const SLOW_MS = 60_000;
const EVENTS = {
  keys: [
    'key_registry',
    'event KeyRegistered(address indexed owner, bytes32 indexed keyHash, uint8 slot, uint32 epoch, uint16 kem, bytes key)',
  ],
  records: [
    'record_registry',
    'event RecordRegistered(bytes32 indexed id, address indexed patient, uint16 indexed category, address uploader, uint16 version, uint8 codec, bytes32 digest)',
  ],
  withdrawals: [
    'record_registry',
    'event RecordStatusChanged(bytes32 indexed id, address indexed patient, uint8 status, uint32 epoch, uint40 liftableUntil)',
  ],
  grants: [
    'grant_registry',
    'event Granted(address indexed patient, bytes32 indexed tag, bytes32 indexed scopeId, uint256 terms, bytes32 bundleHash)',
  ],
  revocations: [
    'grant_registry',
    'event Revoked(address indexed patient, bytes32 indexed tag, bytes32 indexed scopeId, uint8 kind, uint32 epoch)',
  ],
  ends: ['grant_registry', 'event AllRevoked(address indexed patient, uint32 patientEpoch)'],
  reads: [
    'access_log',
    'event Accessed(address indexed operator, bytes32 indexed record, bytes32 indexed tag, uint16 purposes, bytes32 leaf)',
  ],
} as const;
let world: World;
let patient: Person;
let doctor: Person;

beforeAll(async () => {
  world = await World.start();
  await world.addAccreditor();
  await world.vouch('doctor', DOCTOR);
  [patient, doctor] = await Promise.all([world.person('patient'), world.person('doctor')]);
  await doctor.setUp();
});
afterEach(async ({ task }) => {
  await world.evidence(task);
  for (const person of [patient, doctor]) expect(person.complaints, person.role).toEqual([]);
});
afterAll(() => world?.stop());

/** Returns the number of events of a kind on the chain. */
async function count(kind: keyof typeof EVENTS): Promise<number> {
  const [contract, event] = EVENTS[kind];
  return (await world.events(contract, event)).length;
}

test('setting up: one sign-in, one keyring, one key', async () => {
  await patient.pressTwice('Continue with Test Wallet');
  await patient.pressTwice('Sign in with this account');
  await patient.agree(2);
  await patient.type('Passphrase', PASSPHRASE);
  await patient.type('The same passphrase again', PASSPHRASE);
  await patient.pressTwice('Make my key');
  await patient.agree(2);
  await patient.sees('Keep your recovery kit');
  const words = await patient.words();
  await patient.pressTwice('I have kept it');
  for (const [place, word] of words.entries()) {
    const field = patient.page.getByLabel(`Word ${place + 1}`, { exact: true });
    if ((await field.count()) > 0) await field.fill(word);
  }
  await patient.pressTwice('Check the words');
  await patient.pressTwice('Sign and finish');
  await patient.agree(2);
  await patient.page.getByRole('navigation', { name: 'Main navigation' }).waitFor({ timeout: SLOW_MS });
  // One signature for the sign-in, and two to make the wallet an unlocker.
  expect(patient.wallet.asked.filter((method) => method === 'personal_sign')).toHaveLength(3);
  expect(await count('keys')).toBe(2);
});

test('adding one record', async () => {
  await patient.goTo('/records');
  await patient.pressTwice('Add records');
  const dialog = patient.page.getByRole('dialog', { name: 'Add records' });
  await dialog.getByTestId('files').setInputFiles(textFile('once.txt', 'only once'));
  await dialog.getByRole('button', { name: 'Encrypt and add' }).dblclick();
  await patient.page.getByText('Added', { exact: true }).waitFor({ timeout: SLOW_MS });
  expect(await patient.page.getByText('Added', { exact: true }).count()).toBe(1);
  expect(await count('records')).toBe(1);
});

test('asking, and approving, and denying once', async () => {
  const ask = async (reason: string): Promise<void> => {
    await doctor.goTo('/patients');
    await doctor.goTo(`/ask?patient=${patient.address}`);
    await doctor.type(/^Your reason/, reason);
    await doctor.pressTwice('Sign and ask');
    await doctor.sees('Asked. You will see the answer');
  };
  await ask('The first reason');
  await patient.goTo('/requests');
  await patient.sees('The first reason');
  expect(await patient.page.getByRole('button', { name: /^Approve the request/ }).count()).toBe(1);
  await patient.pressTwice(/^Approve the request/);
  await patient.page
    .getByTestId('live')
    .getByText(/Approved\./)
    .waitFor({ state: 'attached', timeout: SLOW_MS });
  expect(await count('grants')).toBe(1);
  const signed = patient.wallet.signed.length;
  await ask('The second reason');
  await patient.sees('The second reason');
  await patient.pressTwice(/^Deny the request/);
  await patient.page.getByTestId('live').getByText('Denied.').waitFor({ state: 'attached', timeout: SLOW_MS });
  expect(patient.wallet.signed).toHaveLength(signed + 1);
  expect(await count('grants')).toBe(1);
});

test('opening what was approved makes one entry in the log', async () => {
  await doctor.goTo(`/patients/${patient.address}`);
  await doctor.page.getByRole('link', { name: /Unspecified/ }).click();
  await doctor.pressTwice('Open');
  await doctor.sees('Checked: the file is exactly the one that was registered.');
  await expect.poll(() => count('reads'), { timeout: SLOW_MS }).toBe(1);
});

test('stopping one, sharing once, stopping everyone', async () => {
  await patient.goTo('/access');
  await patient.pressTwice(/^Stop sharing with/);
  await patient.pressTwice('Sign and stop');
  await patient.page.getByText('Nobody but you', { exact: true }).waitFor({ timeout: SLOW_MS });
  expect(await count('revocations')).toBe(1);
  await patient.goTo(`/share?with=${doctor.address}`);
  await patient.page.getByRole('radio', { name: 'Let them add records for me' }).check();
  await patient.pressTwice('Sign and share');
  await patient.sees(/can add records until/);
  expect(await count('grants')).toBe(2);
  await patient.goTo('/access');
  await patient.pressTwice('Stop everyone');
  await patient.pressTwice('Sign and stop everyone');
  await patient.page.getByText('Nobody but you', { exact: true }).waitFor({ timeout: SLOW_MS });
  expect(await count('ends')).toBe(1);
  expect(await count('revocations')).toBe(1);
});

test('withdrawing once', async () => {
  await patient.goTo('/records');
  await patient.page.getByRole('link', { name: /once\.txt/ }).click();
  await patient.pressTwice('Withdraw');
  await patient.pressTwice('Sign and withdraw');
  await patient.agree(2);
  await patient.sees('Withdrawn');
  expect(await count('withdrawals')).toBe(1);
});
