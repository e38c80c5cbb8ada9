#!/usr/bin/env node
/**
 * Measures encryption in a real Chromium. Prints a table, then one JSON object:
 *
 * - `encrypt_vs_subtle`: the envelope's encryption (FLOE) against `subtle.encrypt` at 64 KiB with as
 *   many segments in flight. Runs alternate; each round gives a ratio, and the median of the rounds counts.
 * - `seal_vs_subtle`, `upload_vs_subtle`: the same with the content hash, and with the content identifier, too.
 * - `peak_mib_200mb`: how much more memory the page's process, with its workers, needs while a file of 200 MB is uploaded and
 *   downloaded by the code of the app; `peak_mib_200mb_browser` counts all processes of the browser. `peak_mib_50mb` and
 *   `peak_mib_50mb_browser`: the same with 50 MB, so that it can be seen that memory does not grow with the file.
 * - `first_load_gzip_kb`: the scripts that the built app's page loads by itself (`npm run build`); null when it was not built.
 *
 *   node bench/run.mjs [--runs 25] [--megabytes 16]
 *   MEDLOCK_CHROMIUM   the browser; default /usr/bin/chromium
 */

import { createReadStream, createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { build, preview } from 'vite';
import { Peak } from './memory.mjs';
import { PlainBrowser } from './plain-page.mjs';

const here = import.meta.dirname;
const option = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
};
const runs = option('runs', 25);
const megabytes = option('megabytes', 16);
/** Megabytes (10^6) of the large files. */
const LARGE_FILES = [50, 200];
const MIB = 1024 * 1024;

const folder = mkdtempSync(join(tmpdir(), 'medlock-bench-'));
const envelopePath = join(folder, 'envelope');
const closing = [() => rmSync(folder, { recursive: true, force: true })];
try {
  console.log(JSON.stringify(await measure()));
} finally {
  for (const close of closing.reverse()) await close();
}

async function measure() {
  const config = { configFile: join(here, 'vite.config.ts'), build: { outDir: join(folder, 'page') } };
  await build(config);
  const store = { name: 'store', configurePreviewServer: ({ middlewares }) => void middlewares.use('/v1/blobs', storeOneEnvelope) };
  const server = await preview({ ...config, plugins: [store] });
  closing.push(() => server.close());
  const [address] = server.resolvedUrls.local;
  const executablePath = process.env.MEDLOCK_CHROMIUM ?? '/usr/bin/chromium';
  if (!existsSync(executablePath)) throw new Error(`no browser at ${executablePath}: install chromium or set MEDLOCK_CHROMIUM`);
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'];
  args.push('--disable-background-networking', '--disable-component-update', '--js-flags=--expose-gc');
  const browser = await chromium.launch({ executablePath, args });
  closing.push(() => browser.close());
  const page = await browser.newPage();
  const problems = [];
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(address);
  await page.waitForFunction(() => globalThis.bench !== undefined);

  const { rates, ratios } = await measureSpeeds(page);
  const argon2 = await measureArgon2(page);
  await browser.close();
  const [small, large] = await measureLargeFiles(executablePath, args, address);
  if (problems.length > 0) throw new Error(`the page reported: ${problems.join('; ')}`);
  return {
    bench: 'web',
    encrypt_vs_subtle: round(ratios.encrypted, 2),
    seal_vs_subtle: round(ratios.sealed, 2),
    upload_vs_subtle: round(ratios.sealed_with_cid, 2),
    subtle_mb_s: round(rates.subtle, 0),
    encrypt_mb_s: round(rates.encrypted, 0),
    argon2_ms: round(argon2, 0),
    peak_mib_50mb: small.peakMib,
    peak_mib_50mb_browser: small.peakMibBrowser,
    peak_mib_200mb: large.peakMib,
    peak_mib_200mb_browser: large.peakMibBrowser,
    upload_200mb_ms: round(large.uploadMs, 0),
    download_200mb_ms: round(large.downloadMs, 0),
    first_load_gzip_kb: firstLoad(),
  };
}

/** Each kind a few times before it counts, then all in turn; medians of the speeds, and of the ratios within each round. */
async function measureSpeeds(page) {
  const kinds = ['subtle_one_by_one', 'subtle', 'encrypted', 'sealed', 'sealed_with_cid'];
  const warmUp = 3;
  await page.evaluate((size) => globalThis.bench.prepare(size), megabytes);
  const found = Object.fromEntries(kinds.map((kind) => [kind, []]));
  for (let turn = 0; turn < warmUp + runs; turn++) {
    for (const kind of kinds) {
      const rate = await page.evaluate((name) => globalThis.bench.run(name), kind);
      if (turn >= warmUp) found[kind].push(rate);
    }
  }
  const rates = {};
  const ratios = {};
  for (const kind of kinds) {
    rates[kind] = median(found[kind]);
    ratios[kind] = median(found[kind].map((rate, turn) => rate / found.subtle[turn]));
    const range = `${Math.min(...found[kind]).toFixed(0)} to ${Math.max(...found[kind]).toFixed(0)}`;
    const line = [kind.padEnd(18), rates[kind].toFixed(0).padStart(6), 'MB/s  ', ratios[kind].toFixed(2), 'of subtle'];
    console.log(...line, `  (${range}, ${runs} runs of ${megabytes} MiB)`);
  }
  return { rates, ratios };
}

async function measureArgon2(page) {
  const times = [];
  for (let run = 0; run < 3; run++) times.push(await page.evaluate(() => globalThis.bench.argon2()));
  console.log('argon2id 64 MiB   ', median(times).toFixed(0).padStart(6), 'ms');
  return median(times);
}

/** The server of the app, as far as one envelope needs it: it keeps the last one that was sent, and gives ranges of it. */
function storeOneEnvelope(request, response, next) {
  answerStore(request, response).catch(next);
}

async function answerStore(request, response) {
  if (request.method === 'POST') {
    await pipeline(request, createWriteStream(envelopePath));
    response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify({ size: statSync(envelopePath).size }));
    return;
  }
  const { size } = statSync(envelopePath);
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  const start = Number(first);
  const end = Math.min(Number(last), size - 1);
  response.writeHead(206, { 'content-range': `bytes ${start}-${end}/${size}`, 'content-length': end - start + 1 });
  await pipeline(createReadStream(envelopePath, { start, end }), response);
}

/** Uploads and downloads each in a fresh page, the smallest first, and watches the memory of the browser's processes. */
async function measureLargeFiles(executablePath, args, address) {
  // With a profile on the disk, as people have: a private window keeps its files in memory.
  const browser = new PlainBrowser(executablePath, [...args, `--user-data-dir=${join(folder, 'profile')}`]);
  closing.push(() => browser.close());
  const results = [];
  for (const size of LARGE_FILES) results.push(await measureLargeFile(browser, address, size));
  return results;
}

async function measureLargeFile(browser, address, size) {
  const path = join(folder, 'large.bin');
  const file = await open(path, 'w');
  for (let left = size * 1_000_000; left > 0; left -= MIB) await file.write(randomBytes(Math.min(MIB, left)));
  await file.close();

  const page = await browser.open(address, 'bench');
  await page.evaluate(`void document.body.append(Object.assign(document.createElement('input'), { type: 'file' }))`);
  await page.choose(path);
  const upload = await watched(page, `bench.upload(document.querySelector('input'))`);
  const download = await watched(page, 'bench.download()');
  await page.close();
  for (const [name, { ms, peakMib, peakMibBrowser }] of Object.entries({ upload, download })) {
    const line = [`${size} MB ${name}`.padEnd(18), ms.toFixed(0).padStart(6), `ms  memory of the page +${peakMib} MiB`];
    console.log(...line, `all of the browser +${peakMibBrowser} MiB`);
  }
  return {
    uploadMs: upload.ms,
    downloadMs: download.ms,
    peakMib: Math.max(upload.peakMib, download.peakMib),
    peakMibBrowser: Math.max(upload.peakMibBrowser, download.peakMibBrowser),
  };
}

/** Runs what gives its milliseconds, and sees how much memory it needs above what was in use before. */
async function watched(page, expression) {
  await page.evaluate('gc()');
  const peak = await Peak.watch();
  const ms = await page.evaluate(expression);
  return { ms, ...(await peak.end()) };
}

/** Kilobytes (gzip) of the scripts that `index.html` of the built app loads by itself; null when it was not built. */
function firstLoad() {
  const dist = join(here, '..', 'dist');
  if (!existsSync(join(dist, 'index.html'))) return null;
  const html = readFileSync(join(dist, 'index.html'), 'utf8');
  const scripts = [...html.matchAll(/(?:src|href)="\/([^"]+\.js)"/g)].map(([, path]) => join(dist, path));
  const bytes = scripts.reduce((sum, path) => sum + gzipSync(readFileSync(path), { level: 9 }).length, 0);
  return round(bytes / 1000, 1);
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function round(value, digits) {
  return Number(value.toFixed(digits));
}
