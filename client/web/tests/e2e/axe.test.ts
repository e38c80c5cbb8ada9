/**
 * Checks every page of every role, in both themes, at three widths, also in Arabic: no violation of WCAG 2.2 A and AA, no horizontal
 * scrolling. With `MEDLOCK_SCREENS=DIR` the same test saves a picture of each page (`scripts/screens`).
 */
import { AxeBuilder } from '@axe-core/playwright';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { arrive, playGallery, settle, speak, type Stop, type Tour } from './gallery.ts';
import type { Person } from './person.ts';
import { World } from './world.ts';

const WIDTHS = [320, 768, 1280] as const;
const THEMES = ['light', 'dark'] as const;
const LANGUAGES = ['en', 'ar'] as const;
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa'];
const MINUTES = 60_000;

const screens = process.env['MEDLOCK_SCREENS'];
let world: World;
let tours: readonly Tour[];

beforeAll(async () => {
  if (screens !== undefined) mkdirSync(screens, { recursive: true });
  world = await World.start();
  try {
    tours = await playGallery(world);
  } catch (error) {
    await world.evidence({ name: 'story', result: { state: 'fail' } });
    throw error;
  }
}, 10 * MINUTES);
afterEach(({ task }) => world.evidence(task));
afterAll(() => world?.stop());

/** Returns the violations on the current page, at every width and in both themes. */
async function look(person: Person, stop: Stop, language: string): Promise<readonly string[]> {
  const { page } = person;
  const wrong: string[] = [];
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    for (const theme of THEMES) {
      // Without animation: a colour between two themes has no meaningful contrast.
      await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
      await settle(page);
      const where = `${stop.name} ${language} ${width} ${theme}`;
      const sideways = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      if (sideways > 0) wrong.push(`${where}: scrolls sideways by ${sideways} px`);
      // Runs in the page itself: the only frames with content are those in which no script runs.
      const look = async () => (await new AxeBuilder({ page }).setLegacyMode(true).withTags(TAGS).analyze()).violations;
      let violations = await look();
      if (violations.length > 0) {
        // A violation that exists only while the page changes disappears after a moment; a real one stays.
        await page.waitForTimeout(1_000);
        violations = await look();
      }
      for (const { id, nodes } of violations) wrong.push(`${where}: ${id} ${nodes[0]?.html.slice(0, 200)}`);
      if (screens !== undefined) {
        await page.screenshot({ path: join(screens, `${stop.name}-${language}-${width}-${theme}.png`), fullPage: true });
      }
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 1280, height: 900 });
  return wrong;
}

/** Visits the pages of one tour in every language. Returns the violations, and the number of pages. */
async function walk({ person, stops }: Tour): Promise<{ readonly wrong: readonly string[]; readonly pages: number }> {
  const wrong: string[] = [];
  let pages = 0;
  // The steps of a set-up cannot be repeated: each page is checked in every language before the next step.
  const isOneWay = stops[0]?.path === null;
  const parts = isOneWay ? stops.map((stop) => [stop]) : [stops];
  for (const part of parts) {
    for (const language of LANGUAGES) {
      if (!isOneWay || language !== 'en') await speak(person, language);
      for (const stop of part) {
        await arrive(person, stop);
        wrong.push(...(await look(person, stop, language)));
        pages += 1;
        if (stop.prepare && stop.path === null) await person.page.keyboard.press('Escape');
      }
    }
    await speak(person, 'en');
  }
  expect(person.complaints, person.role).toEqual([]);
  return { wrong, pages };
}

test('no page keeps anybody out', { timeout: 40 * MINUTES }, async () => {
  // Two people at a time, each in a browser context of their own: with only one, a processor core would be idle.
  const waiting = [...tours];
  const lane = async () => {
    const seen: Awaited<ReturnType<typeof walk>>[] = [];
    for (let tour = waiting.shift(); tour !== undefined; tour = waiting.shift()) seen.push(await walk(tour));
    return seen;
  };
  const seen = (await Promise.all([lane(), lane()])).flat();
  expect(seen.flatMap(({ wrong }) => wrong)).toEqual([]);
  expect(seen.reduce((sum, { pages }) => sum + pages, 0)).toBeGreaterThan(60);
});
