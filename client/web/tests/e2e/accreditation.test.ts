/** The owner adds an accreditor. The accreditor accredits, suspends and reinstates a doctor, and invites a new person. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Person } from './person.ts';
import { REJECTED } from './test-wallet.ts';
import { World } from './world.ts';

const NAME = 'Dr. Ada Example';
const SET = 'event AccreditorSet(address indexed accreditor, bool active, uint32 epoch)';
const ACCREDITED =
  'event Accredited(address indexed accreditor, address indexed practitioner, uint8 roles, uint40 validFrom, uint40 validUntil, uint32 epoch, uint32 accreditorEpoch)';
const CHANGED = 'event AccreditationChanged(address indexed accreditor, address indexed practitioner, bool suspended, uint32 epoch)';
let world: World;
let accreditor: Person;

beforeAll(async () => {
  world = await World.start({ apiSettings: { MEDLOCK_NEW_ACCOUNTS: 'invited' } });
});
afterEach(({ task }) => world.evidence(task));
afterAll(() => world?.stop());

/** Returns the number of events of a kind on the chain. */
const count = async (event: string): Promise<number> => (await world.events('accreditation', event)).length;

test('the owner of the contract names an accreditor, once for a double click', async () => {
  const owner = await world.person('owner');
  await owner.setUp();
  await owner.goTo('/accreditation');
  await owner.pressTwice('Let them vouch');
  await owner.sees(/This is not an address/);
  await owner.type('Address of the accreditor', world.address('accreditor'));
  await owner.pressTwice('Let them vouch');
  expect(await owner.agree(2)).toContain('vouch for doctors, laboratories and others');
  await owner.page.getByTestId('live').getByText('It takes effect for everybody they vouch for').waitFor({ state: 'attached' });
  expect(await count(SET)).toBe(1);
  expect(owner.complaints).toEqual([]);
  await owner.leave();
});

test('a form that is not complete says what is missing, and keeps what was typed when the wallet says no', async () => {
  accreditor = await world.person('accreditor');
  await accreditor.setUp();
  await accreditor.goTo('/accreditation');
  await accreditor.sees('Accredit the first doctor, laboratory, pharmacy or auditor above.');
  await accreditor.press('Sign and accredit');
  for (const missing of [/This is not an address/, 'Choose at least one.', 'Give the name that patients will see.'])
    await accreditor.sees(missing);
  await accreditor.type('Address', world.address('doctor'));
  await accreditor.page.getByRole('checkbox', { name: 'Doctor' }).check();
  await accreditor.type('Name', NAME);
  await accreditor.type(/^Practice or organisation/, 'Elm Street Clinic');
  accreditor.wallet.failNext('eth_signTypedData_v4', REJECTED);
  await accreditor.press('Sign and accredit');
  await accreditor.agree();
  await accreditor.sees('You rejected the request in your wallet.');
  expect(await accreditor.page.getByLabel('Name', { exact: true }).inputValue()).toBe(NAME);
  expect(await count(ACCREDITED)).toBe(0);
});

test('an accredited doctor is listed with name and period, and stands on the chain once', async () => {
  await accreditor.pressTwice('Sign and accredit');
  await accreditor.agree(2);
  expect(await accreditor.agree(2)).toContain(NAME);
  const entry = accreditor.list('People you vouch for').getByRole('listitem');
  await entry
    .filter({ hasText: NAME })
    .filter({ hasText: 'Elm Street Clinic' })
    .filter({ hasText: /Valid until/ })
    .waitFor();
  expect(await entry.count()).toBe(1);
  const [accredited, ...more] = await world.events('accreditation', ACCREDITED);
  expect(more).toEqual([]);
  expect(String(accredited?.args['practitioner']).toLowerCase()).toBe(world.address('doctor'));
});

test('a suspension counts once, is shown, and ends by vouching again', async () => {
  await accreditor.pressTwice(`Suspend ${NAME}`);
  expect(await accreditor.agree(2)).toContain('no longer vouch for');
  const entry = accreditor.list('People you vouch for').getByRole('listitem').filter({ hasText: NAME });
  await entry.getByText('Suspended', { exact: true }).waitFor();
  const changes = await world.events('accreditation', CHANGED);
  expect(changes.map(({ args }) => args['suspended'])).toEqual([true]);
  await accreditor.pressTwice('Accredit again');
  await accreditor.agree(2);
  await entry.getByText(/Valid until/).waitFor();
  expect(await count(ACCREDITED)).toBe(2);
  expect(accreditor.complaints).toEqual([]);
});

test('where only invited people are served, the accreditor invites somebody new', async () => {
  const newcomer = await world.person('patient');
  await newcomer.signIn();
  await newcomer.makeKeys();
  await newcomer.press('Sign and finish');
  await newcomer.agree();
  await newcomer.sees('This server acts only for people who were invited.');
  await accreditor.press('Invite');
  await accreditor.sees(/This is not an address/);
  await accreditor.type('Address of the person you invite', newcomer.address);
  await accreditor.pressTwice('Invite');
  await accreditor.page.getByRole('main').getByText('Invited. They can use this server now.').waitFor();
  await newcomer.press('Sign and finish');
  await newcomer.agree();
  await newcomer.page.getByRole('navigation', { name: 'Main navigation' }).waitFor();
  // A person who accredits nobody has no such page.
  expect(await newcomer.page.getByRole('link', { name: 'Accreditation' }).count()).toBe(0);
  expect(newcomer.forgive(/403/)).toBeGreaterThan(0);
  expect(newcomer.complaints).toEqual([]);
  expect(accreditor.complaints).toEqual([]);
});
