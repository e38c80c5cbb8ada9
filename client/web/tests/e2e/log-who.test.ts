/**
 * The patient's own client checks who opened a record: a wrong reader, withheld evidence, an opening without permission, a late entry,
 * events of another operator; and a version whose envelope was never uploaded, which does not prevent that other records are shared.
 */
import type { Route } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { foreignCheckpoint, registerNothing } from './chain-acts.ts';
import { textFile, type Person } from './person.ts';
import { DOCTOR, World } from './world.ts';

const SLOW_MS = 60_000;
const REGISTERED =
  'event RecordRegistered(bytes32 indexed id, address indexed patient, uint16 indexed category, address uploader, uint16 version, uint8 codec, bytes32 digest)';
const ACCESSED = 'event Accessed(address indexed operator, bytes32 indexed record, bytes32 indexed tag, uint16 purposes, bytes32 leaf)';
let world: World;
let patient: Person;
let doctor: Person;
let record: `0x${string}`;

beforeAll(async () => {
  world = await World.start();
  await world.addAccreditor();
  await world.vouch('doctor', DOCTOR);
  [patient, doctor] = await Promise.all([world.person('patient'), world.person('doctor')]);
  await Promise.all([patient.setUp(), doctor.setUp()]);
  await patient.addRecord(textFile('opened.txt', 'what the doctor reads'), 'Letters');
  record = (await world.events('record_registry', REGISTERED))[0]?.args['id'] as `0x${string}`;
  await patient.letOpen(doctor.address, /opened\.txt/, 'Treatment');
  await doctor.page.reload();
  await doctor.unlock();
  await doctor.goTo(`/patients/${patient.address}/records/${record}`);
  await doctor.open();
  await vi.waitFor(async () => expect(await world.events('access_log', ACCESSED)).toHaveLength(1), { timeout: SLOW_MS, interval: 200 });
});
afterEach(async ({ task }) => {
  await patient.page.unrouteAll({ behavior: 'ignoreErrors' });
  await world.evidence(task);
});
afterAll(() => world?.stop());

const list = () => patient.page.getByRole('list', { name: 'Activity' });

/** Loads the page of openings again. */
async function lookAgain(): Promise<void> {
  await patient.page.reload();
  await patient.unlock();
  await patient.goTo('/activity');
  await list().getByRole('listitem').first().waitFor({ timeout: SLOW_MS });
}

/** Makes the server change its log before it delivers it. */
const told =
  (change: (entry: Record<string, unknown>) => void) =>
  async (route: Route): Promise<void> => {
    const answer = await route.fetch();
    const body = (await answer.json()) as { items: Record<string, unknown>[] };
    body.items.forEach(change);
    await route.fulfill({ response: answer, json: body });
  };

/** Waits until the page shows a red notice about the openings with this text. */
async function saysInRed(sentence: string | RegExp): Promise<void> {
  await list().getByText(sentence).first().waitFor({ timeout: SLOW_MS });
  await patient.page
    .getByRole('alert')
    .getByText(/problem with 1 entry about your records|problems with \d+ entries about your records/)
    .waitFor({ timeout: SLOW_MS });
}

test('an honest opening is named, and nothing is red', async () => {
  await lookAgain();
  await list().getByText('On the chain').waitFor({ timeout: SLOW_MS });
  expect(await list().innerText()).not.toMatch(/problem|somebody else/i);
  await list().locator('summary').first().click();
  await patient.sees('Checked on this device: the entry is in the log on the chain, and the reader signed for it.');
  expect(patient.complaints).toEqual([]);
});

test('a reader named wrongly is found by the seed, and the name does not stand where the reader’s stands', async () => {
  // The entry differs from the one that was checked before. The earlier check counts only for the earlier data.
  await patient.page.route(
    '**/v1/log?*',
    told((entry) => {
      entry['reader'] = world.address('lab');
    }),
  );
  await lookAgain();
  await saysInRed(/The server names .* but it was somebody else/);
  expect(await list().innerText()).toContain('Somebody whose name this device does not know opened');
});

test('a reader that is not named is withheld evidence', async () => {
  await patient.page.route(
    '**/v1/log?*',
    told((entry) => {
      entry['reader'] = null;
    }),
  );
  await lookAgain();
  await saysInRed('The server does not show what the reader signed, or who it was.');
});

test('evidence that is not shown is red', async () => {
  await patient.page.route('**/v1/log/leaves/*', (route) =>
    route.fulfill({ status: 404, json: { code: 'not_found', title: 'x', status: 404 } }),
  );
  // Another time in the entry makes it an entry that this browser has never checked.
  await patient.page.route(
    '**/v1/log?*',
    told((entry) => {
      entry['time'] = Number(entry['time']) - 1;
    }),
  );
  await lookAgain();
  await saysInRed('The server does not show what the reader signed, or who it was.');
  await patient.forgive(/404/);
});

test('evidence that says something else than the entry is red', async () => {
  await patient.page.route(
    '**/v1/log?*',
    told((entry) => {
      entry['time'] = Number(entry['time']) - 2;
    }),
  );
  await lookAgain();
  await saysInRed('What the server shows as proof of this entry does not match it, or is not signed by the person who opened the record.');
});

test('events of a foreign operator count for nothing', async () => {
  await foreignCheckpoint(world, 'second_doctor', record);
  await lookAgain();
  expect(await list().getByRole('listitem').filter({ hasText: 'opened' }).count()).toBe(1);
  expect(await list().innerText()).not.toContain('Left out by the server');
  expect(patient.complaints).toEqual([]);
});

test('an entry that came to the chain later than was promised is red', async () => {
  const before = (await world.events('access_log', ACCESSED)).length;
  await doctor.page.reload();
  await doctor.unlock();
  await doctor.goTo(`/patients/${patient.address}/records/${record}`);
  await world.rpc('evm_setAutomine', [false]);
  await doctor.button('Open').first().click();
  const pending = async (): Promise<unknown> => ((await world.rpc('txpool_status')) as { pending: string }).pending;
  await vi.waitFor(async () => expect(await pending()).not.toBe('0x0'), { timeout: SLOW_MS, interval: 200 });
  // Longer than any receipt promises.
  await world.rpc('evm_increaseTime', [1_000]);
  await world.rpc('evm_mine');
  await world.rpc('evm_setAutomine', [true]);
  await vi.waitFor(async () => expect((await world.events('access_log', ACCESSED)).length).toBe(before + 1), {
    timeout: SLOW_MS,
    interval: 200,
  });
  await lookAgain();
  await saysInRed('The entry was written to the chain later than the server had promised.');
});

test('an envelope that never was is told, and version 1 is shared all the same', async () => {
  await registerNothing(world, 'patient', record, 1);
  await patient.goTo('/records');
  await patient.addRecord(textFile('other.txt', 'another one'), 'Letters');
  await patient.goTo(`/share?with=${world.address('second_patient')}&records=${record}`);
  const friend = await world.person('second_patient');
  await friend.setUp();
  await patient.goTo(`/share?with=${friend.address}&records=${record}`);
  await patient.page.getByLabel('Purpose', { exact: true }).selectOption({ label: 'For my family' });
  await patient.press('Sign and share');
  await patient.sees(/can open this until/, 120_000);
  await patient.sees('Not everything was shared. This could not be shared:');
  await patient.sees(/Version 2: The file behind this entry is not on the server/);
  await patient.goTo('/records');
  await patient.sees('The file behind this entry is not on the server; it may never have been stored.');
  // The server's message about the missing file.
  patient.forgive(/404/);
  expect(patient.complaints).toEqual([]);
  await friend.page.reload();
  await friend.unlock();
  await friend.goTo('/records');
  await friend.press(/^Accept what/);
  await friend.page
    .getByRole('link', { name: /Letters/ })
    .first()
    .waitFor({ timeout: SLOW_MS });
});
