/** Hostile documents: no code in them runs, nothing is fetched, and the page says which document cannot be shown. */
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Person } from './person.ts';
import { World } from './world.ts';

const SLOW_MS = 60_000;
const ELSEWHERE = 'https://elsewhere.example';
const HTML = `<!doctype html><title>x</title><meta http-equiv="refresh" content="0;url=${ELSEWHERE}/refresh">
<link rel="stylesheet" href="${ELSEWHERE}/style.css"><base href="${ELSEWHERE}/">
<h1>Findings</h1><p>Nothing unusual.</p><a href="${ELSEWHERE}/link">More</a>
<img src="${ELSEWHERE}/pixel.png"><iframe src="${ELSEWHERE}/frame"></iframe>
<script>parent.hacked = true; top.location = "${ELSEWHERE}/script"</script>
<form action="${ELSEWHERE}/form"><input name="a"><button>Send</button></form>`;
const SVG = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20"><script>top.hacked = true</script>
<image href="${ELSEWHERE}/pixel.png" width="9" height="9"/><rect width="40" height="20" fill="teal"/></svg>`;

let world: World;
let patient: Person;
/** Every address that the browser requested. */
const asked: string[] = [];

beforeAll(async () => {
  world = await World.start();
  patient = await world.person('patient');
  patient.context.on('request', (request) => asked.push(request.url()));
  await patient.setUp();
});
afterEach(({ task }) => world.evidence(task));
afterAll(() => world?.stop());

async function addAndOpen(name: string, mimeType: string, content: string | Buffer): Promise<void> {
  const { page } = patient;
  await patient.addRecord({ name, mimeType, buffer: Buffer.from(content as string) });
  await patient.goTo('/records');
  await page
    .getByRole('link', { name: new RegExp(name.replaceAll('.', '\\.')) })
    .first()
    .click();
  await page.getByRole('heading', { name, level: 1 }).waitFor({ timeout: SLOW_MS });
  await patient.press('Open');
  await patient.sees('Checked: the file is exactly the one that was registered.');
}

async function isUntouched(): Promise<void> {
  expect(await patient.page.evaluate(() => 'hacked' in window)).toBe(false);
  expect(patient.page.url().startsWith(world.url)).toBe(true);
  expect(asked.filter((url) => !url.startsWith(world.url) && !url.startsWith('blob:') && !url.startsWith('data:'))).toEqual([]);
  expect(patient.complaints).toEqual([]);
}

test('HTML is shown cleaned, in a frame that may do nothing', async () => {
  await addAndOpen('findings.html', 'text/html', HTML);
  const frame = patient.page.locator('iframe');
  await frame.waitFor({ timeout: SLOW_MS });
  expect(await frame.getAttribute('sandbox')).toBe('');
  expect(await frame.getAttribute('src')).toMatch(/^blob:/);
  const body = patient.page.frameLocator('iframe').locator('body');
  expect(await body.innerText()).toContain('Nothing unusual.');
  expect(await body.locator('script, form, iframe, input, [href], [src]').count()).toBe(0);
  // The page's own policy already blocks the foreign base address while the sanitizer parses the document.
  for (const complaint of patient.complaints.splice(0)) expect(complaint).toMatch(/base.ur/i);
  await isUntouched();
});

test('SVG is a picture', async () => {
  await addAndOpen('drawing.svg', 'image/svg+xml', SVG);
  const picture = patient.page.getByRole('img', { name: /drawing\.svg/ });
  await picture.waitFor({ timeout: SLOW_MS });
  expect(await picture.evaluate((image) => (image as HTMLImageElement).naturalWidth)).toBeGreaterThan(0);
  await isUntouched();
});

test('text that claims to be a PDF is shown as text, and the lie is told', async () => {
  await addAndOpen('letter.pdf', 'application/pdf', 'Only words.');
  await patient.sees('The file says it is application/pdf, but looks like text/plain.');
  await patient.sees('Only words.');
  await isUntouched();
});

test.each([
  ['report.pdf', 'application/pdf'],
  ['scan.png', 'image/png'],
])('HTML that is called %s is shown as text, and the lie is told', async (name, mimeType) => {
  await addAndOpen(name, mimeType, HTML);
  await patient.sees(`The file says it is ${mimeType}, but looks like text/plain.`);
  await patient.sees('Nothing unusual.');
  expect(await patient.page.locator('iframe').count()).toBe(0);
  await isUntouched();
});

test('a program is not shown, and can be downloaded after a warning', async () => {
  await addAndOpen('setup.bin', 'application/octet-stream', '\u0000\u0001\u0002program');
  await patient.sees('This kind of file is not shown here');
  await patient.sees('The downloaded file is no longer protected');
  const download = patient.page.waitForEvent('download');
  await patient.press('Download');
  expect((await download).suggestedFilename()).toBe('setup.bin');
  await isUntouched();
});

// ---- Parsers run in workers without any permission, and are ended after a time limit ------------------------------

/**
 * Makes a PDF from these objects, with a page 1 of this size, drawn by these instructions. The library finds the objects without an index.
 */
function pdf(instructions: string, size: string, forms: Readonly<Record<string, string>> = {}): string {
  const stream = (head: string, text: string): string => `<< ${head} /Length ${text.length} >>\nstream\n${text}\nendstream`;
  const names = Object.keys(forms);
  const resources = `<< /XObject << ${names.map((name, index) => `/${name} ${10 + index} 0 R`).join(' ')} >> >>`;
  const objects: Record<number, string> = {
    1: '<< /Type /Catalog /Pages 2 0 R >>',
    2: '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    3: `<< /Type /Page /Parent 2 0 R /MediaBox [${size}] /Contents 4 0 R /Resources ${resources} >>`,
    4: stream('', instructions),
    ...Object.fromEntries(
      names.map((name, index) => [
        10 + index,
        stream(`/Type /XObject /Subtype /Form /BBox [0 0 100 100] /Resources ${resources}`, forms[name] ?? ''),
      ]),
    ),
  };
  const body = Object.entries(objects)
    .map(([number, text]) => `${number} 0 obj\n${text}\nendobj\n`)
    .join('');
  return `%PDF-1.7\n${body}trailer\n<< /Root 1 0 R /Size 40 >>\n%%EOF`;
}

const parser = (kind: string) => patient.page.workers().find((worker) => worker.url().includes(`parse-${kind}`));
const isParsing = (kind: string): boolean => parser(kind) !== undefined;
/** Returns the number 1 if the page still responds. If the page's thread hangs, this hangs too. */
const isAlive = (): Promise<number> =>
  patient.page.evaluate(() => new Promise<number>((resolve) => requestAnimationFrame(() => resolve(1))));

test('a PDF is drawn by a worker that can reach neither the server nor what the browser keeps', async () => {
  const sample = readFileSync(new URL('../../../../scripts/samples/discharge-letter.pdf', import.meta.url));
  await addAndOpen('letter-of-a-clinic.pdf', 'application/pdf', sample);
  const canvas = patient.page.locator('main canvas');
  await canvas.waitFor({ timeout: SLOW_MS });
  await expect.poll(() => canvas.evaluate((shown) => (shown as HTMLCanvasElement).width)).toBeGreaterThan(100);
  // The picture of the page, and its text for screen readers.
  expect((await patient.page.locator('main [role=region] .sr-only').innerText()).length).toBeGreaterThan(20);
  const worker = parser('pdf');
  expect(isParsing('pdf')).toBe(true);
  const left = await worker?.evaluate(() => {
    const known = globalThis as unknown as Record<string, unknown>;
    const names = [
      'fetch',
      'XMLHttpRequest',
      'WebSocket',
      'EventSource',
      'indexedDB',
      'caches',
      'BroadcastChannel',
      'importScripts',
      'Worker',
      'cookieStore',
    ];
    const own = ['storage', 'locks', 'serviceWorker', 'sendBeacon'];
    return [
      ...names.filter((name) => known[name] !== undefined),
      ...own.filter((name) => (navigator as unknown as Record<string, unknown>)[name] !== undefined),
    ];
  });
  expect(left).toEqual([]);
  // The worker ends when the page that showed the document is left.
  await patient.goTo('/records');
  await expect.poll(() => isParsing('pdf'), { timeout: SLOW_MS }).toBe(false);
  await isUntouched();
});

test('a PDF whose drawing never ends is ended, and the page goes on', async () => {
  const doubles = Object.fromEntries(
    Array.from({ length: 28 }, (_, n) => [`F${n}`, n === 27 ? '0 0 1 1 re f' : `/F${n + 1} Do /F${n + 1} Do`]),
  );
  await addAndOpen('endless.pdf', 'application/pdf', pdf('/F0 Do', '0 0 100 100', doubles));
  expect(await isAlive()).toBe(1);
  await patient.sees(/This file takes too long to show|This file cannot be shown/, 90_000);
  // The browser ends the worker's thread as soon as possible.
  await expect.poll(() => isParsing('pdf'), { timeout: SLOW_MS }).toBe(false);
  await isUntouched();
});

test.each<[string, string]>([
  ['a page as large as a country', pdf('0 0 1 1 re f', '0 0 100000000 100000000')],
  ['a page without a size', pdf('0 0 1 1 re f', '0 0 0 0')],
  ['nothing but its name', '%PDF-1.7\nno more than that'],
])('a PDF of %s hurts nobody', async (name, content) => {
  await addAndOpen(`${name.replaceAll(' ', '-')}.pdf`, 'application/pdf', content);
  const shown = patient.page.locator('main canvas').or(patient.page.getByText('This file cannot be shown'));
  await shown.first().waitFor({ timeout: SLOW_MS });
  expect(
    await patient.page
      .locator('main canvas')
      .evaluateAll((all) => all.every((one) => (one as HTMLCanvasElement).width * (one as HTMLCanvasElement).height <= 16_000_000)),
  ).toBe(true);
  expect(await isAlive()).toBe(1);
  await isUntouched();
});

test('a picture becomes pixels in a worker', async () => {
  const sample = readFileSync(new URL('../../../../scripts/samples/chest-scan.png', import.meta.url));
  await addAndOpen('chest.png', 'image/png', sample);
  const picture = patient.page.getByRole('img', { name: 'Image: chest.png' });
  await picture.waitFor({ timeout: SLOW_MS });
  expect(await picture.evaluate((shown) => shown.tagName)).toBe('CANVAS');
  await isUntouched();
});

test('a picture that would fill the memory is not decoded', async () => {
  const head = Buffer.from([
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, 0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60, 8, 6, 0, 0, 0,
  ]);
  await addAndOpen('bomb.png', 'image/png', Buffer.concat([head, Buffer.alloc(200, 1)]));
  await patient.sees('This file is too large to show here. You can download it.');
  await isUntouched();
});

test('a picture that is cut off, and a document that nests too deep, are said or shown as they are', async () => {
  const sample = readFileSync(new URL('../../../../scripts/samples/chest-scan.png', import.meta.url));
  await addAndOpen('cut.png', 'image/png', Buffer.concat([sample.subarray(0, 40), Buffer.alloc(40, 0xff)]));
  await patient.sees('This file cannot be shown');
  const deep = `{"resourceType":"Bundle","entry":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
  await addAndOpen('deep.json', 'application/fhir+json', deep);
  await patient.sees(/resourceType/);
  expect(await isAlive()).toBe(1);
  await isUntouched();
});
