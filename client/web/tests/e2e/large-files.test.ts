/**
 * Large files in a real Chromium: envelopes wait on the disk, encrypted, and are removed after their upload. A document that fails a check
 * is not saved.
 */

import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { build, type InlineConfig, preview, type PreviewServer } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { keptBy } from './kept.ts';
import type { LargeFiles } from './large-files/page.ts';

declare const largeFiles: LargeFiles;

const LENGTH = 12_000_000;
const CANARY = 'canary: a finding that nobody else may read; ';
const folder = mkdtempSync(join(tmpdir(), 'medlock-large-'));
let server: PreviewServer;
let context: BrowserContext;
let page: Page;
/** The bytes that the server received. */
let stored = Buffer.alloc(0);
/** The server's answer to uploads. */
let answers: 'stored' | 'refused' | 'nothing' = 'stored';

/** Accepts and delivers one envelope, like the API. */
async function store(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === 'POST') {
    if (answers === 'nothing') return;
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    stored = Buffer.concat(parts);
    const body = answers === 'stored' ? { size: stored.length } : { code: 'quota_exceeded' };
    response.writeHead(answers === 'stored' ? 201 : 200, { 'content-type': 'application/json' });
    if (answers === 'refused') response.destroy();
    else response.end(JSON.stringify(body));
    return;
  }
  const [, first = '0', last = '0'] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  const part = stored.subarray(Number(first), Number(last) + 1);
  response.writeHead(206, { 'content-range': `bytes ${first}-${Number(first) + part.length - 1}/${stored.length}` }).end(part);
}

beforeAll(async () => {
  const executablePath = process.env['MEDLOCK_CHROMIUM'] ?? '/usr/bin/chromium';
  if (!existsSync(executablePath)) throw new Error(`${executablePath} is missing\n  do: install chromium, or set MEDLOCK_CHROMIUM`);
  const config: InlineConfig = {
    configFile: join(import.meta.dirname, '../../bench/vite.config.ts'),
    root: join(import.meta.dirname, 'large-files'),
    build: { outDir: join(folder, 'page') },
    plugins: [
      {
        name: 'store',
        configurePreviewServer: ({ middlewares }) => {
          middlewares.use('/v1/blobs', (request, response, next) => void store(request, response).catch(next));
        },
      },
    ],
  };
  await build(config);
  server = await preview(config);
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic'];
  context = await chromium.launchPersistentContext(join(folder, 'profile'), { executablePath, args });
});

afterAll(async () => {
  await context?.close();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  answers = 'stored';
  page = await openPage();
});

afterEach(async () => {
  expect(await page.evaluate(() => largeFiles.waiting())).toEqual([]);
  await page.close();
});

async function openPage(): Promise<Page> {
  const opened = await context.newPage();
  await opened.goto(server.resolvedUrls?.local[0] ?? '');
  await opened.waitForFunction(() => 'largeFiles' in globalThis);
  return opened;
}

async function choose(content: Buffer): Promise<Buffer> {
  const path = join(folder, 'large.dcm');
  writeFileSync(path, content);
  await page.setInputFiles('input', path);
  return content;
}

const chooseLarge = (): Promise<Buffer> => choose(Buffer.concat([Buffer.from(CANARY.repeat(1000)), randomBytes(LENGTH)]));

test('an envelope waits on the disk, encrypted, arrives as it is, and is gone; saving it gives the document again', async () => {
  const content = await chooseLarge();
  const { isFile, size } = await page.evaluate(() => largeFiles.seal());
  expect(isFile).toBe(true);
  expect(await page.evaluate(() => largeFiles.waiting())).toEqual([size]);
  const kept = await keptBy(page);
  expect(kept.length).toBeGreaterThan(size);
  for (const secret of ['canary', 'finding that nobody']) expect(kept).not.toContain(secret);
  expect(await page.evaluate(() => largeFiles.send())).toMatchObject({ refused: null });
  expect(stored.length).toBe(size);
  expect(await page.evaluate(() => largeFiles.waiting())).toEqual([]);
  const sha256 = createHash('sha256').update(content).digest('hex');
  // The bytes are compared with the CID while they are downloaded.
  expect(await page.evaluate(() => largeFiles.save())).toEqual({ refused: null, length: content.length, sha256 });
});

test('an upload that is cancelled, refused or never answered leaves no file', async () => {
  await chooseLarge();
  expect(await page.evaluate(() => largeFiles.trySealing(150))).not.toBeNull();
  for (const how of ['refused', 'nothing'] as const) {
    answers = how;
    await page.evaluate(() => largeFiles.seal());
    const { refused } = await page.evaluate(() => largeFiles.send(3_000));
    expect(refused, how).toBe(how === 'refused' ? 'unreachable' : 'cancelled');
    expect(await page.evaluate(() => largeFiles.waiting()), how).toEqual([]);
  }
});

test('a download that was changed or cut is not saved: nothing of it is left', async () => {
  await chooseLarge();
  await page.evaluate(() => largeFiles.seal());
  await page.evaluate(() => largeFiles.send());
  const whole = stored;
  stored = Buffer.from(whole);
  stored[whole.length - 100] = (whole[whole.length - 100] ?? 0) ^ 1;
  const changed = await page.evaluate(() => largeFiles.save());
  expect(changed).toEqual({ refused: expect.stringMatching(/^(invalid_envelope|cid_mismatch)$/) as string, length: null, sha256: null });
  stored = whole.subarray(0, whole.length - 65_536);
  const cut = await page.evaluate(() => largeFiles.save());
  expect(cut).toEqual({ refused: expect.stringMatching(/^(invalid_envelope|cid_mismatch)$/) as string, length: null, sha256: null });
});

test('what a tab left is removed by the next one, and what waits in a tab that lives is not', async () => {
  await chooseLarge();
  const { size } = await page.evaluate(() => largeFiles.seal());
  const other = await openPage();
  await other.evaluate(() => largeFiles.begin());
  expect(await other.evaluate(() => largeFiles.waiting())).toEqual([size]);
  await page.close();
  page = other;
  await expect.poll(() => page.evaluate(() => largeFiles.begin().then(() => largeFiles.waiting()))).toEqual([]);
});

test('where the disk has no room the envelope is made in memory, and a document that is too large for it is refused', async () => {
  const session = await context.newCDPSession(page);
  const origin = new URL(page.url()).origin;
  await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 4_000_000 });
  await chooseLarge();
  expect(await page.evaluate(() => largeFiles.seal())).toMatchObject({ isFile: false });
  expect(await page.evaluate(() => largeFiles.send())).toMatchObject({ refused: null });
  await choose(Buffer.alloc(257 << 20));
  expect(await page.evaluate(() => largeFiles.trySealing())).toBe('no_room');
  await session.send('Storage.overrideQuotaForOrigin', { origin });
});
