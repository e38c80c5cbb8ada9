/** The workers in a real Chromium, under the app's policy: sealing, opening, cancelling, broken files. */

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { argon2id } from '@noble/hashes/argon2.js';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build, type InlineConfig, preview, type PreviewServer } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { toHex } from '../../src/protocol/hex.ts';
import type { Workers } from './workers/page.ts';

declare const workers: Workers;

const folder = mkdtempSync(join(tmpdir(), 'medlock-workers-'));
let server: PreviewServer;
let browser: Browser;
let page: Page;
let problems: string[];

beforeAll(async () => {
  const executablePath = process.env['MEDLOCK_CHROMIUM'] ?? '/usr/bin/chromium';
  if (!existsSync(executablePath)) throw new Error(`${executablePath} is missing\n  do: install chromium, or set MEDLOCK_CHROMIUM`);
  const config: InlineConfig = {
    configFile: join(import.meta.dirname, '../../bench/vite.config.ts'),
    root: join(import.meta.dirname, 'workers'),
    build: { outDir: join(folder, 'page') },
  };
  await build(config);
  server = await preview(config);
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-quic'] });
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  page = await browser.newPage();
  problems = [];
  page.on('console', (message) => void (message.type() === 'error' && problems.push(message.text())));
  page.on('pageerror', (error) => void problems.push(error.message));
  await page.goto(server.resolvedUrls?.local[0] ?? '');
  await page.waitForFunction(() => 'workers' in globalThis);
});

afterEach(async () => {
  // A job's worker ends together with the job, and nothing violated the policy.
  await expect.poll(() => page.workers().length).toBe(0);
  await page.close();
  expect(problems).toEqual([]);
});

async function choose(name: string, length: number): Promise<string> {
  const path = join(folder, name);
  writeFileSync(path, randomBytes(length));
  await page.setInputFiles('input', path);
  return path;
}

test('a file of 30 MB is sealed and opened, as a blob and as a stream', async () => {
  await choose('thirty.bin', 30_000_001);
  const { original, fromBlob, fromStream, cidHolds } = await page.evaluate(() => workers.roundTrip());
  expect([fromBlob, fromStream, cidHolds]).toEqual([original, original, true]);
});

test('an empty file is sealed and opened', async () => {
  await choose('empty.bin', 0);
  const { original, fromBlob, fromStream, cidHolds } = await page.evaluate(() => workers.roundTrip());
  expect([fromBlob, fromStream, cidHolds]).toEqual([original, original, true]);
});

test('sealing is cancelled at once', async () => {
  await choose('large.bin', 150_000_000);
  expect(await page.evaluate(() => workers.cancelSealing(150))).toBe('TimeoutError');
});

test('opening a download that stalls is cancelled, and the download with it', async () => {
  await choose('small.bin', 2_000_000);
  for (const bytes of [100, 300_000]) {
    const { refused, wasCancelled } = await page.evaluate((after) => workers.cancelStalled(after), bytes);
    expect([refused, wasCancelled], `after ${bytes} bytes`).toEqual(['AbortError', true]);
  }
});

test('changed, cut and broken downloads are refused', async () => {
  await choose('broken.bin', 3_000_000);
  expect(await page.evaluate(() => workers.openBroken())).toEqual(['tag', expect.stringMatching(/^(cid_mismatch|final)$/), 'TypeError']);
});

test('a file that changes after it was chosen is not sealed', async () => {
  const path = await choose('changing.bin', 3_000_000);
  writeFileSync(path, randomBytes(2_000_000));
  expect(await page.evaluate(() => workers.trySealing())).toBe('file_unreadable');
});

test('Argon2id in its worker gives what it gives elsewhere, and leaves the passphrase to its owner', async () => {
  const password = new TextEncoder().encode('password');
  const key = argon2id(password, new Uint8Array(16).fill(1), { m: 19_456, t: 2, p: 1, dkLen: 32 });
  expect(await page.evaluate(() => workers.argon2())).toBe(`${toHex(key)} ${password.length}`);
});
