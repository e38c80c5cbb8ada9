#!/usr/bin/env node
/**
 * Measures encryption in a real Chromium. Prints a table, then one JSON object:
 *
 * - `encrypt_vs_subtle`: the envelope's encryption (FLOE) against `subtle.encrypt` at 64 KiB with as
 *   many segments in flight. Runs alternate; each round gives a ratio, and the median of the rounds counts.
 * - `seal_vs_subtle`, `upload_vs_subtle`: the same with the content hash, and with the content identifier, too.
 * - `peak_mib_200mb`: how much more memory the page's process, with its workers, needs while a file of 200 MB is sealed and
 *   opened; `peak_mib_200mb_browser` counts all processes of the browser, which hold the envelope and the content as blobs.
 * - `first_load_gzip_kb`: the scripts that the built app's page loads by itself (`npm run build`); null when it was not built.
 *
 *   node bench/run.mjs [--runs 25] [--megabytes 16]
 *   MEDLOCK_CHROMIUM   the browser; default /usr/bin/chromium
 */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { build, preview } from 'vite';

const here = import.meta.dirname;
const option = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
};
const runs = option('runs', 25);
const megabytes = option('megabytes', 16);
const LARGE_FILE = 200_000_000;
const MIB = 1024 * 1024;

const folder = mkdtempSync(join(tmpdir(), 'medlock-bench-'));
const closing = [() => rmSync(folder, { recursive: true, force: true })];
try {
  console.log(JSON.stringify(await measure()));
} finally {
  for (const close of closing.reverse()) await close();
}

async function measure() {
  const config = { configFile: join(here, 'vite.config.ts'), build: { outDir: join(folder, 'page') } };
  await build(config);
  const server = await preview(config);
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
  const large = await measureLargeFile(browser, page);
  if (problems.length > 0) throw new Error(`the page reported: ${problems.join('; ')}`);
  return {
    bench: 'web',
    encrypt_vs_subtle: round(ratios.encrypted, 2),
    seal_vs_subtle: round(ratios.sealed, 2),
    upload_vs_subtle: round(ratios.sealed_with_cid, 2),
    subtle_mb_s: round(rates.subtle, 0),
    encrypt_mb_s: round(rates.encrypted, 0),
    argon2_ms: round(argon2, 0),
    peak_mib_200mb: large.peakMib,
    peak_mib_200mb_browser: large.peakMibBrowser,
    seal_200mb_ms: round(large.seal_ms, 0),
    open_200mb_ms: round(large.open_ms, 0),
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

/** Seals and opens a file of 200 MB in a fresh page, and watches the memory of the browser's processes. */
async function measureLargeFile(browser, warm) {
  const path = join(folder, 'large.bin');
  const file = await open(path, 'w');
  for (let left = LARGE_FILE; left > 0; left -= MIB) await file.write(randomBytes(Math.min(MIB, left)));
  await file.close();

  const address = warm.url();
  await warm.close();
  const page = await browser.newPage();
  await page.goto(address);
  await page.waitForFunction(() => globalThis.bench !== undefined);
  await page.evaluate(() => document.body.append(Object.assign(document.createElement('input'), { type: 'file' })));
  await page.setInputFiles('input', path);

  const before = memory();
  let peak = before;
  const timer = setInterval(() => {
    const now = memory();
    peak = { renderer: Math.max(peak.renderer, now.renderer), all: Math.max(peak.all, now.all) };
  }, 50);
  const times = await page.evaluate(() => globalThis.bench.file(document.querySelector('input')));
  clearInterval(timer);
  const result = { ...times, peakMib: peak.renderer - before.renderer, peakMibBrowser: peak.all - before.all };
  console.log(`200 MB             sealed in ${times.seal_ms.toFixed(0)} ms, opened in ${times.open_ms.toFixed(0)} ms`);
  console.log(`memory             page +${result.peakMib} MiB, all of the browser +${result.peakMibBrowser} MiB`);
  return result;
}

/** MiB that are in use by the pages' processes, and by all processes of the browser that this one started. */
function memory() {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).trim().split('\n');
  const processes = lines.map((line) => {
    const [pid, parent, ...args] = line.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), args: args.join(' ') };
  });
  const ours = new Set([process.pid]);
  for (let grew = true; grew; ) {
    const more = processes.filter(({ pid, parent }) => ours.has(parent) && !ours.has(pid));
    grew = more.length > 0;
    for (const { pid } of more) ours.add(pid);
  }
  const ofBrowser = processes.filter(({ pid, args }) => ours.has(pid) && pid !== process.pid && args.includes('chrom'));
  const sum = (list) => Math.round(list.reduce((total, { pid }) => total + proportionalKib(pid), 0) / 1024);
  return { renderer: sum(ofBrowser.filter(({ args }) => args.includes('--type=renderer'))), all: sum(ofBrowser) };
}

/** Memory of a process, shared pages counted by their share. 0 for one that has ended. */
function proportionalKib(pid) {
  try {
    return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
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
