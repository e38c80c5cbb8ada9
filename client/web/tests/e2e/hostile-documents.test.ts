/** Documents that try to get out: nothing in them runs, nothing is fetched, and what cannot be shown is said. */
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
/** Every address that the browser asked for. */
const asked: string[] = [];

beforeAll(async () => {
  world = await World.start();
  patient = await world.person('patient');
  patient.context.on('request', (request) => asked.push(request.url()));
  await patient.setUp();
});
afterEach(({ task }) => world.evidence(task));
afterAll(() => world?.stop());

async function addAndOpen(name: string, mimeType: string, content: string): Promise<void> {
  const { page } = patient;
  await patient.addRecord({ name, mimeType, buffer: Buffer.from(content) });
  await patient.goTo('/records');
  await page.getByRole('link', { name: new RegExp(name.replaceAll('.', '\\.')) }).first().click();
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
  // The page's own policy refuses the foreign base already while the cleaner reads the document.
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

test.each([['report.pdf', 'application/pdf'], ['scan.png', 'image/png']])('HTML that is called %s is shown as text, and the lie is told', async (name, mimeType) => {
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
