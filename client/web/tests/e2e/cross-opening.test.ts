/** What the browser sealed the command line opens, and the other way round. And nothing secret stays in the browser. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { PASSPHRASE, type Person } from './person.ts';
import { World } from './world.ts';

const FROM_BROWSER = 'from the browser, canary-b1e55ed';
const FROM_COMMAND = 'from the command line, canary-c0ffee5';
let world: World;
let patient: Person;
let words: readonly string[];

beforeAll(async () => {
  world = await World.start();
  patient = await world.person('patient');
  words = await patient.setUp();
  await patient.addRecord({ name: 'canary-name-b1e55ed.txt', mimeType: 'text/plain', buffer: Buffer.from(FROM_BROWSER) });
  await world.cliFromWords('patient', words);
});
afterEach(({ task }) => world.evidence(task));
afterAll(() => world?.stop());

test('the command line opens what the browser sealed', async () => {
  const list = JSON.parse(await world.medlock('patient', ['list', '--json'])) as { records?: { id: string }[] } | { id: string }[];
  const records = Array.isArray(list) ? list : (list.records ?? []);
  expect(records).toHaveLength(1);
  const output = join(world.stateDir, 'opened.txt');
  await world.medlock('patient', ['get', records[0]?.id ?? '', '-o', output]);
  expect(readFileSync(output, 'utf8')).toBe(FROM_BROWSER);
});

test('the browser opens what the command line sealed, and shows it without being reloaded', async () => {
  const file = join(world.stateDir, 'from-command.txt');
  writeFileSync(file, FROM_COMMAND);
  await patient.goTo('/records');
  await world.medlock('patient', ['upload', file, '--category', 'letter']);
  await patient.page.getByRole('link', { name: /from-command\.txt/ }).click();
  await patient.press('Open');
  await patient.sees('Checked: the file is exactly the one that was registered.');
  const texts = await Promise.all(patient.page.frames().map((frame) => frame.locator('body').innerText().catch(() => '')));
  expect(texts.join('\n')).toContain('from the command line');
  expect(patient.complaints).toEqual([]);
});

test('neither plaintext nor names nor keys lie in any storage of the browser', async () => {
  const kept = await patient.page.evaluate(everythingKept);
  // The search itself works: what must be there is found.
  expect(kept).toContain('medlock.wallet');
  expect(kept).toContain('wants you to sign in with your Ethereum account');
  for (const secret of [FROM_BROWSER, FROM_COMMAND, 'canary', 'from-command', PASSPHRASE, ...words.slice(0, 3).map((word) => ` ${word} `)]) {
    expect(kept).not.toContain(secret);
  }
  expect(await patient.page.evaluate(() => document.cookie)).toBe('');
});

/** Runs in the page: all of localStorage, sessionStorage, IndexedDB, caches and cookies that scripts see, as text. */
async function everythingKept(): Promise<string> {
  const texts: string[] = [JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie];
  const asText = (value: unknown): string => {
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return new TextDecoder('latin1').decode(value as ArrayBuffer);
    if (value instanceof CryptoKey) return value.type === 'public' || !value.extractable ? 'handle' : 'an extractable key: canary';
    if (typeof value === 'object' && value !== null) return Object.entries(value).map(([name, part]) => `${name}=${asText(part)}`).join(' ');
    return String(value);
  };
  for (const { name } of await indexedDB.databases()) {
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open(name ?? '');
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    for (const store of database.objectStoreNames) {
      const objects = database.transaction(store).objectStore(store);
      const read = <T>(request: IDBRequest<T>): Promise<T> =>
        new Promise((resolve, reject) => {
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error);
        });
      texts.push(asText(await read(objects.getAllKeys())), asText(await read(objects.getAll())));
    }
    database.close();
  }
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) texts.push(request.url, (await (await cache.match(request))?.text()) ?? '');
  }
  return texts.join('\n');
}
