/** A session that ends, a server that is slow, stops or restarts, a second tab: nothing is lost, and the page shows the next step. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { textFile, type Person } from './person.ts';
import { keptBy } from './kept.ts';
import { World } from './world.ts';

const SLOW_MS = 60_000;
const REGISTERED =
  'event RecordRegistered(bytes32 indexed id, address indexed patient, uint16 indexed category, address uploader, uint16 version, uint8 codec, bytes32 digest)';
/** Messages by Chromium itself about requests without an answer, or refused because nobody is signed in. */
const UNANSWERED = /Failed to load resource: (net::ERR_|the server responded with a status of 401)/;
let world: World;
let patient: Person;

beforeAll(async () => {
  world = await World.start({ apiSettings: { MEDLOCK_LEASE_SECONDS: '2' } });
  patient = await world.person('patient');
  await patient.setUp();
});
afterEach(async ({ task }) => {
  await world.evidence(task);
  patient.forgive(UNANSWERED);
  expect(patient.complaints).toEqual([]);
});
afterAll(() => world?.stop());

test('a session that ended in the middle of a form leaves the form as it was', async () => {
  await patient.goTo('/share');
  await patient.page.getByRole('radio', { name: 'Let them add records for me' }).check();
  // Ends the session on the server, as when it expires.
  await patient.page.evaluate(() => fetch('/v1/auth/logout', { method: 'POST' }));
  await patient.page.evaluate(() => (location.hash = '#/activity'));
  await patient.sees('Your sign-in has ended.');
  await patient.press('Sign in with this account');
  await patient.agree();
  await patient.page.getByRole('navigation', { name: 'Main navigation' }).waitFor();
  await patient.goTo('/share');
  expect(await patient.page.getByRole('radio', { name: 'Let them add records for me' }).isChecked()).toBe(true);
});

test('without a connection the page says so and goes on by itself when it is back', async () => {
  await patient.goTo('/records');
  await patient.context.setOffline(true);
  await patient.sees(/server does not answer|No live connection/);
  await patient.context.setOffline(false);
  await patient.page
    .getByText(/server does not answer|No live connection/)
    .first()
    .waitFor({ state: 'hidden', timeout: 60_000 });
});

test('a server that is slow is said to be, and what was asked of it is done once it goes on', async () => {
  world.api.pause();
  await patient.goTo('/access');
  await patient.sees('The server is slow at the moment. Nothing is lost; please wait.');
  world.api.resume();
  await patient.page.getByText('Nobody but you', { exact: true }).waitFor({ timeout: SLOW_MS });
  await patient.page.getByText('The server is slow at the moment.').waitFor({ state: 'hidden', timeout: SLOW_MS });
});

test('a server that starts anew between a signature and its sending: the upload fails, and trying again adds one record', async () => {
  const { page } = patient;
  await patient.goTo('/records');
  await patient.press('Add records');
  const dialog = page.getByRole('dialog', { name: 'Add records' });
  await dialog.getByTestId('files').setInputFiles(textFile('canary-2e57a27.txt', 'written down once'));
  const asked = (): number => patient.wallet.asked.filter((method) => method === 'eth_signTypedData_v4').length;
  const before = asked();
  const signAuthor = patient.wallet.holdSignatures();
  await dialog.getByRole('button', { name: 'Encrypt and add' }).click();
  await expect.poll(asked, { timeout: SLOW_MS }).toBe(before + 1);
  signAuthor();
  // The envelope is stored, and the registration waits in the wallet while the server is killed.
  const signRegistration = patient.wallet.holdSignatures();
  await expect.poll(asked, { timeout: SLOW_MS }).toBe(before + 2);
  await world.api.kill();
  signRegistration();
  await patient.sees('Not added');
  await patient.sees('Check your connection and try again. Nothing is lost.');
  expect(patient.forgive(UNANSWERED)).toBeGreaterThan(0);
  await world.api.start();
  // The session survives the restart of the server: nobody has to sign in or unlock again, and the page notices the restart by itself.
  await page.getByText('You can go on reading what is on screen').waitFor({ state: 'hidden', timeout: SLOW_MS });
  const signed = patient.wallet.signed.length;
  await patient.press('Try canary-2e57a27.txt again');
  await page.getByText('Added', { exact: true }).waitFor({ timeout: SLOW_MS });
  // The signed message is sent unchanged.
  expect(patient.wallet.signed).toHaveLength(signed);
  expect(await world.events('record_registry', REGISTERED)).toHaveLength(1);
  await page
    .getByRole('link', { name: /canary-2e57a27\.txt/ })
    .first()
    .click();
  await patient.open();
  const kept = await keptBy(page);
  for (const secret of ['canary', 'written down once']) expect(kept).not.toContain(secret);
});

test('after fifteen minutes without use everything is locked, and the last minutes can be stopped', async () => {
  const { page } = patient;
  await page.clock.install();
  await page.reload();
  await patient.unlock();
  await page.clock.fastForward('13:30');
  // Pressing the mouse button anywhere has the same effect, even before it is released. Therefore the test sends only the click.
  await patient.button('Stay here').dispatchEvent('click');
  await page.getByText(/Your records will be locked in/).waitFor({ state: 'hidden' });
  await page.clock.fastForward('15:01');
  await patient.sees('Locked after 15 minutes without use.');
  await patient.unlock();
});

test('signing out in one tab locks the other', async () => {
  const other = await patient.context.newPage();
  await other.goto(world.url);
  await other.getByRole('button', { name: 'Unlock', exact: true }).waitFor();
  await other.getByRole('button', { name: 'Sign out' }).click();
  await patient.sees(/Locked from another window|You are signed out/);
  await other.close();
});
