/**
 * The auditor: finding entries by time, patient, reader and purpose; checkpoints; verifying through a node of their own, which fails and
 * gives false answers; a server that gives false answers; and the export, compared with the chain.
 */
import { readFileSync } from 'node:fs';
import type { Route } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { PURPOSES } from '../../src/protocol/codes.ts';
import { keptBy } from './kept.ts';
import { OwnNode } from './own-node.ts';
import { textFile, type Person } from './person.ts';
import { AUDITOR, DOCTOR, World, type ChainEvent } from './world.ts';

const SLOW_MS = 60_000;
const ACCESSED = 'event Accessed(address indexed operator, bytes32 indexed record, bytes32 indexed tag, uint16 purposes, bytes32 leaf)';
const CHECKPOINT = 'event Checkpoint(address indexed operator, uint64 size, bytes32 root, bytes32 head)';
const DAY_MS = 86_400_000;
let node: OwnNode;
let world: World;
let auditor: Person;
let accessed: readonly ChainEvent[];
let reader: Person;
let patient: Person;

beforeAll(async () => {
  node = await OwnNode.start();
  world = await World.start({ apiSettings: { MEDLOCK_WEB_RPC: node.url } });
  node.behind = world.rpcUrl;
  await world.addAccreditor();
  await world.vouch('doctor', DOCTOR);
  await world.vouch('auditor', AUDITOR);
  [patient, reader, auditor] = await Promise.all([world.person('patient'), world.person('doctor'), world.person('auditor')]);
  await Promise.all([patient.setUp(), reader.setUp(), auditor.setUp()]);
  // Three openings: two records of one patient for two purposes, and one with doctor and patient exchanged.
  await patient.addRecord(textFile('one.txt', 'canary-0ne'), 'Letters');
  await patient.addRecord(textFile('two.txt', 'canary-7wo'), 'Heart');
  await reader.addRecord(textFile('three.txt', 'canary-3'), 'Eyes');
  await patient.letOpen(reader.address, /one\.txt/, 'Treatment');
  await patient.letOpen(reader.address, /two\.txt/, 'Coordinating care');
  await reader.letOpen(patient.address, /three\.txt/, 'For my family');
  await openShared(reader, `/patients/${patient.address}`, ['Letters', 'Heart']);
  await openShared(patient, '/records', ['Eyes']);
  accessed = await vi.waitFor(
    async () => {
      const found = await world.events('access_log', ACCESSED);
      expect(found).toHaveLength(3);
      return found;
    },
    { timeout: SLOW_MS, interval: 200 },
  );
});
afterEach(({ task }) => world.evidence(task));
afterAll(async () => {
  await world?.stop();
  await node?.stop();
});

/** Opens the shared records of these categories on a page. */
async function openShared(who: Person, page: string, categories: readonly string[]): Promise<void> {
  for (const category of categories) {
    await who.goTo(page);
    await who.page.getByRole('link', { name: new RegExp(category) }).click();
    await who.open();
  }
}

const day = (daysFromNow: number): string => new Date(Date.now() + daysFromNow * DAY_MS).toISOString().slice(0, 10);
const text = (value: unknown): string => String(value);
const entries = () => auditor.list('Access log').getByRole('listitem');

/** Waits until this number of entries is shown. */
async function areShown(count: number): Promise<void> {
  if (count === 0) return auditor.sees('Nothing matches these filters');
  await auditor.sees(new RegExp(`^${count} (entry|entries) shown$`));
  expect(await entries().count()).toBe(count);
}

test('entries appear by themselves, and are found by time, patient, record, reader and purpose', async () => {
  // The auditor's start page: it was loaded before the first entry existed.
  await auditor.goTo('/audit');
  await areShown(3);
  const clear = () => auditor.press('Clear the filters');
  const filters: readonly (readonly [field: string, value: string, count: number])[] = [
    ['From', day(0), 3],
    ['From', day(1), 0],
    ['Until', day(0), 3],
    ['Until', day(-1), 0],
    ['Patient or record', world.account('patient').address, 2],
    ['Patient or record', world.address('doctor'), 1],
    ['Patient or record', text(accessed[2]?.args['record']).slice(0, 12), 1],
    ['Reader', text(accessed[0]?.args['tag']).slice(0, 12), 2],
    ['Reader', text(accessed[2]?.args['tag']), 1],
  ];
  for (const [field, value, count] of filters) {
    await auditor.type(field, value);
    await areShown(count);
    await clear();
  }
  await auditor.page.getByLabel('Purpose', { exact: true }).selectOption({ label: 'Coordinating care' });
  await areShown(1);
  await clear();
  await areShown(3);
});

test('the export is what is shown, and what the chain says', async () => {
  const saved = async (): Promise<readonly (readonly string[])[]> => {
    const [file] = await Promise.all([auditor.page.waitForEvent('download'), auditor.press('Save as CSV')]);
    expect(file.suggestedFilename()).toBe('medlock-access-log.csv');
    const lines = readFileSync(await file.path(), 'utf8').split('\r\n');
    expect(lines.pop()).toBe('');
    return lines.map((line) => line.split(','));
  };
  const [names, ...rows] = await saved();
  expect(names).toEqual(['index', 'time', 'record', 'patient', 'tag', 'purpose', 'reader', 'leaf', 'block', 'transaction']);
  const owners = [world.address('patient'), world.address('patient'), world.address('doctor')];
  const onChain = await Promise.all(
    accessed.map(async ({ args, blockNumber, txHash }, index) => {
      const block = (await world.rpc('eth_getBlockByNumber', [`0x${blockNumber.toString(16)}`, false])) as { timestamp: string };
      const time = new Date(Number(block.timestamp) * 1_000).toISOString();
      const purpose = PURPOSES.fromBit(Number(args['purposes']));
      return [index, time, args['record'], owners[index], args['tag'], purpose, '', args['leaf'], blockNumber, txHash].map(text);
    }),
  );
  expect(rows).toEqual(onChain.toReversed());
  // The exported file contains only the entries that the filter shows.
  await auditor.type('Patient or record', world.address('doctor'));
  await areShown(1);
  expect((await saved()).slice(1)).toEqual([onChain[2]]);
  await auditor.press('Clear the filters');
});

test('every checkpoint of the chain is listed', async () => {
  const checkpoints = await world.events('access_log', CHECKPOINT);
  const listed = await auditor.list('Checkpoints').getByRole('listitem').allInnerTexts();
  expect(listed.map((one) => Number(/^\d+/.exec(one)?.[0]))).toEqual(checkpoints.map(({ args }) => Number(args['size'])).toReversed());
  for (const [index, { args, blockNumber }] of checkpoints.toReversed().entries()) {
    expect(listed[index]).toContain(`Block ${blockNumber}`);
    await auditor.list('Checkpoints').locator('summary').nth(index).click();
    await auditor.page.getByText(text(args['root'])).first().waitFor();
  }
});

test('the log is recomputed through a node of the auditor’s own', async () => {
  await auditor.type(/^Your own network connection/, node.url);
  await auditor.press('Verify now');
  await auditor.sees('The log is consistent: 3 entries were recomputed.');
  await auditor.sees(`The chain was read through ${new URL(node.url).host}.`);
  expect(node.asked).toContain('eth_getLogs');
  expect(auditor.complaints).toEqual([]);
});

test('a node that is gone is said, and verifying again works once it is back', async () => {
  node.isDead = true;
  await auditor.press('Verify now');
  const alert = auditor.page.getByText('The chain does not answer.').first();
  await alert.waitFor({ timeout: SLOW_MS });
  node.isDead = false;
  await auditor.page.getByRole('button', { name: 'Try again' }).first().click();
  await auditor.sees('The log is consistent: 3 entries were recomputed.');
  // The browser's own messages about the node that closed the connection.
  expect(auditor.forgive(/ERR_EMPTY_RESPONSE|ERR_CONNECTION/)).toBeGreaterThan(0);
  expect(auditor.complaints).toEqual([]);
});

test('a node that leaves out an entry is found out', async () => {
  const leaf = text(accessed[2]?.args['leaf']).slice(2);
  node.lie = ({ method }, result) =>
    method === 'eth_getLogs' ? (result as { data: string }[]).filter((log) => !log.data.includes(leaf)) : result;
  await auditor.press('Verify now');
  await auditor.sees(/problems? (was|were) found/);
  await auditor.sees('A checkpoint states a wrong number of entries.');
  await auditor.sees('The root of a checkpoint does not match the entries.');
  node.lie = (_, result) => result;
  await auditor.press('Verify now');
  await auditor.sees('The log is consistent: 3 entries were recomputed.');
});

test.each<[string, (entry: Record<string, unknown>) => void, string]>([
  [
    'an entry that is not on the chain',
    (entry) => {
      entry['leaf'] = `0x${'ab'.repeat(32)}`;
    },
    'An entry that the server shows is not on the chain.',
  ],
  [
    'another purpose than the chain has',
    (entry) => {
      entry['purpose'] = 'HPAYMT';
    },
    'The evidence for an entry does not match it.',
  ],
])('a server that shows %s is found out, and why', async (_, change, sentence) => {
  const tamper = async (route: Route): Promise<void> => {
    const answer = await route.fetch();
    const body = (await answer.json()) as { items: Record<string, unknown>[] };
    const [first] = body.items;
    if (first !== undefined) change(first);
    await route.fulfill({ response: answer, json: body });
  };
  await auditor.page.route('**/v1/log?*', tamper);
  await auditor.press('Verify now');
  await auditor.sees('1 problem was found.');
  await auditor.sees(sentence);
  await auditor.page.unroute('**/v1/log?*', tamper);
  await auditor.press('Verify now');
  await auditor.sees('The log is consistent: 3 entries were recomputed.');
  expect(auditor.complaints).toEqual([]);
});

test('nobody’s browser keeps what was read', async () => {
  for (const person of [patient, reader, auditor]) {
    const kept = await keptBy(person.page);
    expect(kept).toContain('medlock.wallet');
    for (const secret of ['canary', 'one.txt', 'two.txt', 'three.txt']) expect(kept, person.role).not.toContain(secret);
    expect(person.complaints, person.role).toEqual([]);
  }
});
