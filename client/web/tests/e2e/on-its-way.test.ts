/** A permission that was signed and is not on the chain yet: it is listed, and can be ended before it begins. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { submitGrant, type HeldGrant } from './chain-acts.ts';
import { textFile, type Person } from './person.ts';
import { DOCTOR, World } from './world.ts';

const SLOW_MS = 120_000;
const GRANTED = 'event Granted(address indexed patient, bytes32 indexed tag, bytes32 indexed scopeId, uint256 terms, bytes32 bundleHash)';
let world: World;
let patient: Person;
let doctor: Person;

beforeAll(async () => {
  world = await World.start();
  await world.addAccreditor();
  await world.vouch('doctor', DOCTOR);
  [patient, doctor] = await Promise.all([world.person('patient'), world.person('doctor')]);
  await Promise.all([patient.setUp(), doctor.setUp()]);
  await patient.addRecord(textFile('secret.txt', 'not for the doctor after all'), 'Letters');
});
afterEach(({ task }) => world.evidence(task));
afterAll(() => world?.stop());

/** Signs a permission for the doctor. The calling test decides whether it reaches the chain. */
async function signShare(): Promise<void> {
  await patient.goTo(`/share?with=${doctor.address}`);
  await patient.page.getByRole('radio', { name: 'Let them open records' }).check();
  await patient.page.getByRole('checkbox', { name: /secret\.txt/ }).check();
  await patient.press('Sign and share');
}

const waiting = () =>
  patient.page.getByRole('list', { name: 'Not on the chain yet' }).getByRole('listitem').filter({ hasText: 'Can take effect until' });

async function stopIt(): Promise<void> {
  await waiting()
    .getByRole('button', { name: /Stop sharing with/ })
    .click();
  await patient.page.getByRole('dialog').getByRole('button', { name: 'Sign and stop' }).click();
}

test('one that the server holds back can be ended, and can no longer land', async () => {
  let held: HeldGrant | null = null;
  await patient.page.route('**/v1/grants', async (route) => {
    if (route.request().method() !== 'POST') return route.fallback();
    held = (route.request().postDataJSON() as { action: HeldGrant }).action;
    return route.abort();
  });
  await signShare();
  await patient.sees('The server does not answer.');
  await patient.page.unroute('**/v1/grants');
  // A reload does not lose the signed permission.
  await patient.page.reload();
  await patient.unlock();
  await patient.goTo('/access');
  await waiting().waitFor({ timeout: SLOW_MS });
  await stopIt();
  await waiting().waitFor({ state: 'detached', timeout: SLOW_MS });
  expect(held).not.toBeNull();
  await expect(submitGrant(world, held as unknown as HeldGrant)).rejects.toThrow(/StaleGrantEpoch|reverted/);
  expect(await world.events('grant_registry', GRANTED)).toEqual([]);
  expect(patient.forgive(/ERR_FAILED|Failed to load/)).toBeGreaterThan(0);
});

test('one that waits for a block can be ended meanwhile', async () => {
  await world.rpc('evm_setAutomine', [false]);
  await signShare();
  await patient.sees('Accepted. Waiting for the network to confirm…', SLOW_MS);
  await patient.goTo('/access');
  await waiting().waitFor({ timeout: SLOW_MS });
  await stopIt();
  await patient.page.getByRole('dialog').getByText('Accepted. Waiting for the network to confirm…').waitFor({ timeout: SLOW_MS });
  await world.rpc('evm_setAutomine', [true]);
  await world.rpc('anvil_mine', ['0x1']);
  await waiting().waitFor({ state: 'detached', timeout: SLOW_MS });
  await patient.page.getByRole('dialog').waitFor({ state: 'detached', timeout: SLOW_MS });
  await doctor.goTo('/patients');
  await doctor.sees('Nobody shares with you yet');
});

test('one that another device signed ends by naming the person and the record', async () => {
  await patient.goTo('/access');
  await patient.press('Stop somebody who is not listed');
  const dialog = patient.page.getByRole('dialog', { name: 'Stop somebody who is not listed' });
  await dialog.getByLabel(/Name of the doctor/).fill(doctor.address);
  await dialog
    .getByRole('button', { name: new RegExp(doctor.address.slice(0, 6)) })
    .first()
    .click();
  await dialog.getByRole('radio', { name: /secret\.txt/ }).check();
  await dialog.getByRole('button', { name: 'Sign and stop' }).click();
  await dialog.waitFor({ state: 'detached', timeout: SLOW_MS });
  const last = patient.wallet.signed.at(-1) ?? '';
  expect(last).toContain('"primaryType":"Revoke"');
  expect(patient.complaints).toEqual([]);
});
